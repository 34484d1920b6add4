"""The bins of a spectrogram at a rate and beside it, and the values that other signals of the same time have there."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from service.pipeline import spectrum
from service.pipeline.spectrum import Array, Spectra
from service.pipeline.types import Pulse

_LINE_HZ = 0.15  # to each side of the rate
_BESIDE_HZ, _WIDTH_HZ, _LOWEST_HZ = 0.2, 0.4, 0.4  # where noise is measured: off the rate, how wide, not below
_CHANCE = 1.944  # N sum h^4 / (sum h^2)^2 of Hann's window h: bins that count as one, where none is padded

Fourier = NDArray[np.complex128]  # (..., N): of all windows one after the other


@dataclass(frozen=True, slots=True)
class Bins:
    """The bins of W windows near a rate each: near (W, F); of these, one window after the other, what (N,) is where.

    off_hz: from the rate. line: within a line's width of it. beside: where a line has ended, at 0.2 Hz or later in
    short windows, for 0.4 Hz more, but not at its harmonic nor where all is drift. level flattens a random walk.
    per_value: how many bins count as one value that is free of the others, all windows taken together.
    """

    near: NDArray[np.bool_]
    off_hz: Array
    line: NDArray[np.bool_]
    beside: NDArray[np.bool_]
    level: Array
    per_value: float

    def beside_power(self, values: Fourier) -> Array:
        """Return the power of the bins beside, as it would be at the rate were all of it noise."""
        return np.abs(values[self.beside]) ** 2 * self.level[self.beside]


def bins_around(spectra: Spectra, rate_hz: Array) -> Bins:
    """Return the bins near rate_hz (W,), one for each window of the spectra."""
    inner_hz = max(_BESIDE_HZ, 2 / spectra.window_s)  # a Hann window's line reaches as far
    rates_hz = rate_hz[:, None]
    off_hz = np.abs(spectra.frequency_hz - rates_hz)
    near = off_hz <= inner_hz + _WIDTH_HZ
    beside = (off_hz > inner_hz) & (np.abs(spectra.frequency_hz - 2 * rates_hz) > inner_hz)
    beside &= spectra.frequency_hz > _LOWEST_HZ
    apart = 1 + float(spectra.starts[-1] - spectra.starts[0]) / spectra.length  # windows that share no sample
    return Bins(
        near=near,
        off_hz=off_hz[near],
        line=off_hz[near] <= _LINE_HZ,
        beside=beside[near],
        level=((spectra.frequency_hz / rates_hz) ** 2)[near],
        per_value=_CHANCE * spectra.fps / (float(spectra.frequency_hz[1]) * spectra.length * apart),
    )


def fourier(waves: Array, spectra: Spectra, near: NDArray[np.bool_]) -> Fourier:
    """Return what waves (..., T) have, by Hann's windows where those of `spectra` are, at the bins `near` (W, F).

    Some windows at a time: all bins of two hours would take a worker a hundred megabytes.
    """
    padded = round(spectra.fps / float(spectra.frequency_hz[1]))
    values: list[Fourier] = []
    step = max(spectrum.AT_ONCE // waves[..., 0].size, 1)  # windows of all waves together
    for begin in range(0, len(near), step):
        block = slice(begin, begin + step)
        windows = spectrum.tapered(waves, spectra.starts[block], spectra.length)
        values.append(fft.rfft(windows, padded)[..., : len(spectra.frequency_hz)][..., near[block]])
    return np.concatenate(values, axis=-1)


def at_times(pulse: Pulse, times_s: Array) -> Array:
    """Return a wave at other times, its ends held; zeros where there is none."""
    if not len(pulse.samples):
        return np.zeros(len(times_s))
    return np.interp(times_s, pulse.start_s + np.arange(len(pulse.samples)) / pulse.fps, pulse.samples)


def energy_of(values: Fourier) -> float:
    """Return the power of all of them."""
    return float((np.abs(values) ** 2).sum())
