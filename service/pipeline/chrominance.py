"""What chrominance has of a wave, beside what it would have of blood; light changes all colours alike."""

import math
from dataclasses import dataclass, replace

import numpy as np

from service.pipeline.controls import Controls
from service.pipeline.line_bins import at_times, bins_around, energy_of, fourier
from service.pipeline.spectrum import Array, Spectra

_COLOUR_OF_PULSE = 2.5  # the pulse in CHROM's wave over that in the logarithm of the brightness; clear ones have 2 to 4
_THINNED = 5  # of as many windows one, the last among them: those between share most of their samples with it


@dataclass(frozen=True, slots=True)
class InColour:
    """How far a wave stands out of chance in the chrominance: amplitudes, 1 is chance.

    due: from 0 to infinity, what there would be at most, were the wave blood. shown: what there is in phase with the
    wave, negative where chrominance swings against it; 0 where nothing but the face is seen, since the light of a lamp
    that is not white looks the same.
    """

    due: float
    shown: float


_UNKNOWN = InColour(math.inf, 0.0)


def in_colour(controls: Controls, wave: Array, start_s: float, spectra: Spectra, rate_hz: Array) -> InColour:
    """Return how far a wave is due in the chrominance, and how far it is there; arguments as `echo`.

    Due is how far the brightness of the face swings with the wave, be it by chance, times 2.5. Not in the mean of the
    face but in the median of its places: an edge that passes through some of them counts for nothing, and flicker in
    bands, which cancels in a mean, for all that it is. Places that are dark or burnt out know nothing of light, and
    count as if they swung without end. Infinite where most do, where chrominance is silent, as that of a picture
    without colours, and where its noise is unknown, as in 4 s of the slowest pulse.

    Both are of all windows together: chance shrinks with the root of the recording's length, so that a long one shows
    what no window of it does. A network sees the noise that chrominance sees, so that its wave is a little in phase
    with it even where there is no pulse.
    """
    last = (len(spectra.starts) - 1) % _THINNED
    thin = replace(spectra, power=spectra.power[last::_THINNED], starts=spectra.starts[last::_THINNED])
    bins = bins_around(thin, rate_hz[last::_THINNED])
    times_s = start_s + np.arange(len(wave)) / spectra.fps
    own = fourier(wave, thin, bins.near)[bins.line]
    energy = energy_of(own) * len(thin.starts)
    colour = fourier(at_times(controls.chrominance, times_s), thin, bins.near)
    beside = bins.beside_power(colour)
    by_chance = bins.per_value * float(beside.mean()) if len(beside) else 0.0
    if not controls.places or energy <= 0 or by_chance <= 0:
        return _UNKNOWN
    places = np.empty((len(controls.places), len(wave)))  # of sixteen in two hours: 28 MB
    for row, place in zip(places, controls.places, strict=True):
        row[:] = at_times(place, times_s)
    line = bins.near.copy()
    line[line] = bins.line
    common = np.abs(fourier(places, thin, line) @ own.conj()) ** 2  # power that each has in common with the wave
    swings = float(np.median(np.where(common > 0, common / energy, math.inf)))
    in_phase = float(np.vdot(own, colour[bins.line]).real) if controls.around else 0.0
    return InColour(
        due=_COLOUR_OF_PULSE * math.sqrt(swings / by_chance), shown=in_phase / math.sqrt(energy * by_chance)
    )
