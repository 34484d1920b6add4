"""What a rate is checked against: signals of the same video in which there is light and compression, but no blood.

A lamp that flickers at a heart's rate brightens the wall behind as much as the face. A codec that sends a whole picture
once a second sharpens all of it at once, and every method sees a beat. No look at the skin tells either from a pulse;
what surrounds the face, and the times of the key frames, do.
"""

import math
from dataclasses import dataclass

import numpy as np

from service.pipeline.line_bins import Fourier, at_times, bins_around, energy_of, fourier
from service.pipeline.spectrum import Array, Spectra
from service.pipeline.stretches import first_from, part
from service.pipeline.types import Pulse

_NEAR_HZ = 0.3  # to each side of the rate: wide enough for noise to lower the coherence of a line with it
_AS_STRONG = 0.5  # of the skin's amplitude: light that swings the surroundings this much may be all that the skin shows
_MAX_MULTIPLE = 2  # rate over that of the key frames; higher harmonics of theirs are weak, and one is always near
_IN_STEP_HZ = 2 / 60  # off a multiple of theirs: what they make has their rate, but in noise it is found only so well
_NEGLIGIBLE = 0.01
_TOLD_BY = 2.0  # over the window's length: the least width beside a rate, else a line there could be all there is


@dataclass(frozen=True, slots=True)
class Controls:
    """Signals of one face's video beside the model's.

    chrominance: CHROM's wave, in which what changes all colours alike is weak. skin, around, places: waves of the
    logarithm of the brightness of the skin, of areas beside the face, none where a crop shows nothing else, and of
    places all over the face. key_times_s: (K,) when the codec sent a whole picture; the first time alone where it
    always does.
    """

    chrominance: Pulse
    skin: Pulse
    around: tuple[Pulse, ...]
    places: tuple[Pulse, ...]
    key_times_s: Array

    def since(self, start_s: float) -> "Controls":
        """Return what there is from start_s on."""
        keys_s = self.key_times_s[self.key_times_s >= start_s]
        return Controls(
            _since(self.chrominance, start_s),
            _since(self.skin, start_s),
            tuple(_since(pulse, start_s) for pulse in self.around),
            tuple(_since(pulse, start_s) for pulse in self.places),
            keys_s,
        )


def echo(controls: Controls, wave: Array, start_s: float, spectra: Spectra, rate_hz: Array) -> float:
    """Return how far a wave is one with the light around the face or with the key frames near its rate, 0..1.

    wave: (N,) at start_s + i / fps, that of `spectra`, at rate_hz (W,). It is the magnitude-squared coherence (Carter
    1987) over all windows within 0.3 Hz of the rate. With the surroundings it is that less what noise of theirs, as it
    is beside the rate, has by chance: in 10 s there are but three free values. It counts as far as they swing half as
    much as the skin does, since light from blood is too weak to be seen on a wall; with key frames as far as the rate
    is theirs or twice it, within some 2 a minute, which chance seldom is.
    """
    bins = bins_around(spectra, rate_hz)
    band = bins.off_hz <= _NEAR_HZ
    times_s = start_s + np.arange(len(wave)) / spectra.fps
    own = fourier(wave, spectra, bins.near)[band]
    skin, *around = (fourier(at_times(p, times_s), spectra, bins.near) for p in (controls.skin, *controls.around))
    beside_hz = float(spectra.frequency_hz[1]) * bins.beside.sum() / len(spectra.starts)
    is_told = beside_hz >= _TOLD_BY / spectra.window_s
    all_noise = bins.per_value * len(spectra.starts) / band.sum()  # what has no line has that coherence on average

    def from_there(there: Fourier) -> float:
        """Return how far the wave is one with the light of an area."""
        energy = energy_of(there[band])
        noise = bins.per_value * len(spectra.starts) * _noise_of(bins.beside_power(there)) if is_told else 0.0
        by_chance = min(noise / energy, all_noise) if energy > 0 else 0.0
        return _as_strong(there[bins.line], skin[bins.line]) * _beyond(_coherence(own, there[band]), by_chance)

    light = max(map(from_there, around), default=0.0)
    keys = controls.key_times_s[(controls.key_times_s >= times_s[0]) & (controls.key_times_s <= times_s[-1])]
    step = _in_step(keys, float(np.median(rate_hz)))
    if step < _NEGLIGIBLE:
        return light
    comb = fourier(_comb((keys - times_s[0]) * spectra.fps, len(wave)), spectra, bins.near)[band]
    return max(light, step * _coherence(own, comb))


def _since(pulse: Pulse, start_s: float) -> Pulse:
    return part(pulse, first_from(pulse, start_s))


def _as_strong(there: Fourier, here: Fourier) -> float:
    """Return how far one signal swings half as much as another, 0..1."""
    swing, needed = float(np.linalg.norm(there)), _AS_STRONG * float(np.linalg.norm(here))
    return swing / needed if swing < needed else 1.0


def _coherence(a: Fourier, b: Fourier) -> float:
    cross = (a * b.conj()).sum()
    power = energy_of(a) * energy_of(b)
    return float(np.abs(cross) ** 2 / power) if power > 0 else 0.0


def _noise_of(power: Array) -> float:
    """Return the mean power of noise; 0 if unknown.

    By the lower quartile of its bins, which another line among many does not move: power of noise is distributed
    exponentially, and its lower quartile is ln(4/3) of its mean.
    """
    return float(np.quantile(power, 0.25)) / math.log(4 / 3) if len(power) else 0.0


def _beyond(coherence: float, by_chance: float) -> float:
    """Return a coherence beyond what is by chance, 0..1, as an adjusted R^2 does."""
    return min(max((coherence - by_chance) / (1 - by_chance), 0.0), 1.0) if by_chance < 1 else 0.0


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
