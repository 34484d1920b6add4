"""What a rate is checked against: signals of the video in which there is light, compression or motion, but no blood.

A lamp that flickers at a heart's rate brightens the wall behind as much as the face. A codec that sends a whole picture
once a second sharpens all of it at once, and every method sees a beat. A head that nods in time turns to the light and
away from it. No look at the skin tells these from a pulse; what surrounds the face, the times of the key frames and
where the face is do.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from service.pipeline.line_bins import Bins, Fourier, at_times, bins_around, energy_of, fourier
from service.pipeline.spectrum import Array, Spectra
from service.pipeline.stretches import first_from, part
from service.pipeline.types import Bools, Pulse

_NEAR_HZ = 0.3  # to each side of the rate: wide enough for noise to lower the coherence of a line with it
_MOVES = 0.005  # of the crop's side as swing_of has it, some 2 mm to each side: rendered hearts' recoil is far below
_PLACE_S = 3.0  # a face moves from its mean place over this
_STRANGERS, _COMPARED = 0.2, 4  # how often chance may reach what counts; in how many comparisons
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
    places all over the face. motion: where the face is in its crop, in sides of it, to the right and down from where it
    began. key_times_s: (K,) when the codec sent a whole picture; the first time alone where it always does.
    """

    chrominance: Pulse
    skin: Pulse
    around: tuple[Pulse, ...]
    places: tuple[Pulse, ...]
    motion: tuple[Pulse, ...]
    key_times_s: Array

    def since(self, start_s: float) -> "Controls":
        """Return what there is from start_s on."""
        keys_s = self.key_times_s[self.key_times_s >= start_s]
        return Controls(
            _since(self.chrominance, start_s),
            _since(self.skin, start_s),
            tuple(_since(pulse, start_s) for pulse in self.around),
            tuple(_since(pulse, start_s) for pulse in self.places),
            tuple(_since(pulse, start_s) for pulse in self.motion),
            keys_s,
        )


def echo(controls: Controls, wave: Array, start_s: float, spectra: Spectra, rate_hz: Array) -> float:
    """Return how far a wave is one with the light around the face, the head's motion or the key frames, 0..1.

    wave: (N,) at start_s + i / fps, that of `spectra`, at rate_hz (W,). It is the magnitude-squared coherence (Carter
    1987) over all windows within 0.3 Hz of the rate. With the surroundings it is that less what noise of theirs, as it
    is beside the rate, has by chance: in 10 s there are but three free values. It counts as far as they swing half as
    much as the skin does, since light from blood is too weak to be seen on a wall. With motion it counts beyond what is
    rare by chance, as far as that swings by 0.005 of the crop's side, and with its square, since a face that turns past
    the light and back dims twice; with key frames as far as the rate is theirs or twice it, within some 2 a minute,
    which chance seldom is.
    """
    bins = bins_around(spectra, rate_hz)
    band = bins.off_hz <= _NEAR_HZ
    times_s = start_s + np.arange(len(wave)) / spectra.fps
    own = _Own(times_s, spectra, bins, band, fourier(wave, spectra, bins.near)[band])
    found = max(_of_light(own, controls), _of_motion(own, controls))
    keys = controls.key_times_s[(controls.key_times_s >= times_s[0]) & (controls.key_times_s <= times_s[-1])]
    step = _in_step(keys, float(np.median(rate_hz)))
    if step < _NEGLIGIBLE:
        return found
    comb = fourier(_comb((keys - times_s[0]) * spectra.fps, len(wave)), spectra, bins.near)[band]
    return max(found, step * _coherence(own.values, comb))


@dataclass(frozen=True, slots=True)
class _Own:
    """A wave at times_s (N,), its spectra, the bins near its rate, those compared, and what it has in these."""

    times_s: Array
    spectra: Spectra
    bins: Bins
    band: Bools
    values: Fourier

    @property
    def all_noise(self) -> float:
        """The coherence with noise on average: one over the number of values that are free of one another."""
        return self.bins.per_value * len(self.spectra.starts) / float(self.band.sum())

    def values_of(self, other: Array) -> Fourier:
        """Return what another (N,) has near the rate."""
        return fourier(other, self.spectra, self.bins.near)

    def swing_of(self, there: Fourier) -> float:
        """Return how far another swings at the rate: 0.7 of a tone's amplitude in windows of 10 s, 0.9 in one of 4."""
        line = there[self.bins.line]
        of_a_tone = self.spectra.length / 4  # at its own frequency: half of what Hann's window sums to
        return math.sqrt(energy_of(line) / len(line)) / of_a_tone

    def likeness(self, there: Fourier, by_chance: float) -> float:
        """Return how far, beyond chance, the wave is one with another, 0..1."""
        return _beyond(_coherence(self.values, there[self.band]), by_chance)


def _of_light(own: _Own, controls: Controls) -> float:
    """Return how far the wave is one with the light of an area beside the face, 0..1."""
    skin, *areas = (own.values_of(at_times(pulse, own.times_s)) for pulse in (controls.skin, *controls.around))
    enough = _AS_STRONG * own.swing_of(skin)
    found = (_share(own.swing_of(area), enough) * own.likeness(area, _noise_by_chance(own, area)) for area in areas)
    return max(found, default=0.0)


def _noise_by_chance(own: _Own, there: Fourier) -> float:
    """Return the coherence that the wave has by chance with an area's noise, by what that has beside the rate."""
    windows, energy = len(own.spectra.starts), energy_of(there[own.band])
    beside_hz = float(own.spectra.frequency_hz[1]) * own.bins.beside.sum() / windows
    if energy <= 0 or beside_hz < _TOLD_BY / own.spectra.window_s:
        return 0.0
    noise = own.bins.per_value * windows * _noise_of(own.bins.beside_power(there))
    return min(noise / energy, own.all_noise)


def _of_motion(own: _Own, controls: Controls) -> float:
    """Return how far the wave is one with the motion of the head on an axis, or with its square, 0..1.

    A head moves at all rates, so all that it has may be chance: what the best of four comparisons reaches by chance in
    one of five videos (1 - p^(1 / (n - 1)) of n free values; Carter 1987) does not count. In 5 s that leaves clear nods
    alone, in less none.
    """
    free = 1 / own.all_noise
    by_chance = 1 - (_STRANGERS / _COMPARED) ** (1 / (free - 1)) if free > 1 else 1.0
    found = [0.0]
    for axis in controls.motion:
        place = at_times(axis, own.times_s)
        away = place - ndimage.uniform_filter1d(place, round(_PLACE_S * own.spectra.fps), mode="nearest")
        once, twice = own.values_of(away), own.values_of(away**2)
        found.append(_share(own.swing_of(once), _MOVES) * own.likeness(once, by_chance))
        # The square of a swing swings by half of the swing's square.
        found.append(_share(math.sqrt(2 * own.swing_of(twice)), _MOVES) * own.likeness(twice, by_chance))
    return max(found)


def _since(pulse: Pulse, start_s: float) -> Pulse:
    return part(pulse, first_from(pulse, start_s))


def _share(size: float, full: float) -> float:
    """Return how far one is the other, 1 where it is more."""
    return size / full if size < full else 1.0


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
