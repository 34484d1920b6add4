"""What a rate is checked against: signals of the same video in which there is light and compression, but no blood.

A lamp that flickers at a heart's rate brightens the wall behind as much as the face. A codec that sends a whole picture
once a second sharpens all of it at once, and every method sees a beat. No look at the skin tells either from a pulse;
what surrounds the face, and the times of the key frames, do.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from service.pipeline import spectrum
from service.pipeline.spectrum import Array, Spectra
from service.pipeline.stretches import first_from, part
from service.pipeline.types import Pulse

_NEAR_HZ = 0.3  # to each side of the rate: wide enough for noise to lower the coherence of a line with it
_LINE_HZ = 0.15
_AS_STRONG = 0.5  # of the skin's amplitude: light that swings the surroundings this much may be all that the skin shows
_MAX_MULTIPLE = 2  # rate over that of the key frames; higher harmonics of theirs are weak, and one is always near
_IN_STEP_HZ = 2 / 60  # off a multiple of theirs: what they make has their rate, but in noise it is found only so well
_NEGLIGIBLE = 0.01
_BLOCK = 256  # windows at a time

Fourier = NDArray[np.complex128]  # (N,): of all windows one after the other


@dataclass(frozen=True, slots=True)
class Controls:
    """Signals of one face's video beside the model's.

    chrominance: CHROM's wave, in which what changes all colours alike is weak. skin, around: waves of the logarithm of
    the brightness of the skin and of areas beside the face, none where a crop shows nothing else. key_times_s: (K,)
    when the codec sent a whole picture; the first time alone where it always does.
    """

    chrominance: Pulse
    skin: Pulse
    around: tuple[Pulse, ...]
    key_times_s: Array

    def since(self, start_s: float) -> "Controls":
        """Return what there is from start_s on."""
        chrominance, skin, *around = (
            part(p, first_from(p, start_s)) for p in (self.chrominance, self.skin, *self.around)
        )
        keys_s = self.key_times_s[self.key_times_s >= start_s]
        return Controls(chrominance, skin, tuple(around), keys_s)


def echo(controls: Controls, wave: Array, start_s: float, spectra: Spectra, rate_hz: Array) -> float:
    """Return how far a wave is one with the light around the face or with the key frames near its rate, 0..1.

    wave: (N,) at start_s + i / fps, that of `spectra`, at rate_hz (W,). It is the magnitude-squared coherence (Carter
    1987) over all windows within 0.3 Hz of the rate. With the surroundings it counts as far as these swing half as much
    as the skin does, since light from blood is too weak to be seen on a wall; with key frames as far as the rate is
    theirs or twice it, within some 2 a minute.
    """
    off_hz = np.abs(spectra.frequency_hz - rate_hz[:, None])
    near = off_hz <= _NEAR_HZ
    line = off_hz[near] <= _LINE_HZ
    times_s = start_s + np.arange(len(wave)) / spectra.fps
    own = _fourier(wave, spectra, near)
    skin, *around = (_fourier(_at_times(p, times_s), spectra, near) for p in (controls.skin, *controls.around))
    light = max((_as_strong(a[line], skin[line]) * _coherence(own, a) for a in around), default=0.0)
    keys = controls.key_times_s[(controls.key_times_s >= times_s[0]) & (controls.key_times_s <= times_s[-1])]
    step = _in_step(keys, float(np.median(rate_hz)))
    if step < _NEGLIGIBLE:
        return light
    comb = _fourier(_comb((keys - times_s[0]) * spectra.fps, len(wave)), spectra, near)
    return max(light, step * _coherence(own, comb))


def _as_strong(there: Fourier, here: Fourier) -> float:
    """Return how far one signal swings half as much as another, 0..1."""
    swing, needed = float(np.linalg.norm(there)), _AS_STRONG * float(np.linalg.norm(here))
    return swing / needed if swing < needed else 1.0


def _coherence(a: Fourier, b: Fourier) -> float:
    cross = (a * b.conj()).sum()
    power = float((np.abs(a) ** 2).sum() * (np.abs(b) ** 2).sum())
    return float(np.abs(cross) ** 2 / power) if power > 0 else 0.0


def _at_times(pulse: Pulse, times_s: Array) -> Array:
    """Return a wave at other times, its ends held; zeros where there is none."""
    if not len(pulse.samples):
        return np.zeros(len(times_s))
    return np.interp(times_s, pulse.start_s + np.arange(len(pulse.samples)) / pulse.fps, pulse.samples)


def _in_step(key_times_s: Array, rate_hz: float) -> float:
    """Return how far a rate is that of these key frames or twice it, 0..1; 0 where they are too few to have one."""
    if len(key_times_s) < 3:
        return 0.0
    key_hz = 1 / float(np.median(np.diff(key_times_s)))
    off_hz = min(abs(rate_hz - multiple * key_hz) for multiple in range(1, _MAX_MULTIPLE + 1))
    return float(np.exp(-((off_hz / _IN_STEP_HZ) ** 2)))


def _comb(at: Array, count: int) -> Array:
    """Return a wave (count,) that is one at these places (K,), in samples from its first."""
    comb = np.zeros(count + 1)
    before = np.floor(at).astype(np.intp)
    np.add.at(comb, before, 1 - (at - before))
    np.add.at(comb, before + 1, at - before)
    return comb[:-1]


def _fourier(wave: Array, spectra: Spectra, near: NDArray[np.bool_]) -> Fourier:
    """Return the values that another wave has where `near` (W, F) says, of its spectra as `spectra` has them.

    Some windows at a time: all bins of two hours would take a worker a hundred megabytes.
    """
    padded = round(spectra.fps / float(spectra.frequency_hz[1]))
    values: list[Fourier] = []
    for begin in range(0, len(near), _BLOCK):
        block = slice(begin, begin + _BLOCK)
        windows = spectrum.tapered(wave, spectra.starts[block], spectra.length)
        values.append(fft.rfft(windows, padded)[:, : len(spectra.frequency_hz)][near[block]])
    return np.concatenate(values)
