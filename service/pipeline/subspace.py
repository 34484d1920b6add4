"""PCA (Lewandowska et al. 2011) and LGI (Pilz et al. 2018): the pulse in the plane of colours that motion leaves alone.

Both take the colours' directions from the clip itself, anew in windows of 30 s as ICA does.
"""

import numpy as np

from service.pipeline import spectrum
from service.pipeline.ica import in_windows, peak_share, smoothness_priors
from service.pipeline.spectrum import Array

_TINY = 1e-12  # of the largest: a component or colour that holds nothing but rounding


def pca(traces: Array, fps: float) -> Array:
    """PCA, Lewandowska, Ruminski, Kocejko & Nowak 2011: the principal component of the colours that is the pulse.

    The colours are normalised, detrended as for ICA and band-passed to 0.7-4 Hz. Of their principal components that
    with the highest spectral peak is the pulse, turned so that it rises where green falls. A rhythmic lamp or a nodding
    head may have a higher one.
    """
    mean = np.maximum(traces.mean(axis=0), np.finfo(float).tiny)
    detrended = smoothness_priors(traces / mean - 1, fps)
    filtered = np.stack([spectrum.band_pass(colour, fps) for colour in detrended.T], axis=1)
    return in_windows(filtered, fps, _pca_window)


def lgi(traces: Array, fps: float) -> Array:
    """LGI, Pilz, Zaunseder, Krajewski & Blazek 2018: green, projected onto the plane orthogonal to the skin's colour.

    U is the first left singular vector of the colours (3, T); the wave is the green row of (I - U U^T) x colours. What
    brightens or dims the skin as a whole moves along U and vanishes. The paper's wave follows reflected light; ours is
    upside down.
    """
    mean = max(float(traces[:, 1].mean()), np.finfo(float).tiny)
    return in_windows(traces / mean, fps, _lgi_window)


def _pca_window(colours: Array, fps: float) -> Array:
    """Return the component with the highest spectral peak, of unit variance; zeros where no colour changes."""
    centred = colours - colours.mean(axis=0)
    values, vectors = np.linalg.eigh(centred.T @ centred / len(centred))
    kept = vectors[:, values > max(_TINY * float(values[-1]), _TINY**2)]
    if len(centred) < 4 or not kept.size:
        return np.zeros(len(centred))
    components = centred @ kept
    component = components[:, np.argmax([peak_share(one, fps) for one in components.T])]
    falls = np.sign(component @ centred[:, 1])
    return np.asarray(-component / component.std() * (falls or 1.0))


def _lgi_window(colours: Array, fps: float) -> Array:
    del fps  # no filter
    _, vectors = np.linalg.eigh(colours.T @ colours)
    skin = vectors[:, -1]
    to_green = np.array([0.0, 1.0, 0.0]) - skin[1] * skin
    return np.asarray(-(colours - colours.mean(axis=0)) @ to_green)
