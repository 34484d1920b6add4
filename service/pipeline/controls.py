"""What a rate is checked against: signals of the same video in which there is light and compression, but no blood.

A lamp that flickers at a heart's rate brightens the wall behind as much as the face. A codec that sends a whole picture
once a second sharpens all of it at once, and every method sees a beat. No look at the skin tells either from a pulse;
what surrounds the face, and the times of the key frames, do.
"""

import math
from dataclasses import dataclass, replace

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
_COLOUR_OF_PULSE = 2.5  # the pulse in CHROM's wave over that in the logarithm of the brightness; clear ones have 2 to 4
_BESIDE_HZ, _WIDTH_HZ, _LOWEST_HZ = 0.2, 0.4, 0.4  # where noise is measured: off the rate, how wide, not below
_THINNED = 5  # of as many windows one, the last among them: those between share most of their samples with it
_CHANCE = 1.944  # N sum h^4 / (sum h^2)^2 of Hann's window h: bins that count as one, where none is padded
_MAX_MULTIPLE = 2  # rate over that of the key frames; higher harmonics of theirs are weak, and one is always near
_IN_STEP_HZ = 2 / 60  # off a multiple of theirs: what they make has their rate, but in noise it is found only so well
_NEGLIGIBLE = 0.01
_TOLD_BY = 2.0  # over the window's length: the least width beside a rate, else a line there could be all there is
_BLOCK = 256  # windows at a time

Fourier = NDArray[np.complex128]  # (N,): of all windows one after the other


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
    bins = _bins_around(spectra, rate_hz)
    band = bins.off_hz <= _NEAR_HZ
    times_s = start_s + np.arange(len(wave)) / spectra.fps
    own = _fourier(wave, spectra, bins.near)[band]
    skin, *around = (_fourier(_at_times(p, times_s), spectra, bins.near) for p in (controls.skin, *controls.around))
    beside_hz = float(spectra.frequency_hz[1]) * bins.beside.sum() / len(spectra.starts)
    is_told = beside_hz >= _TOLD_BY / spectra.window_s
    all_noise = bins.per_value * len(spectra.starts) / band.sum()  # what has no line has that coherence on average

    def from_there(there: Fourier) -> float:
        """Return how far the wave is one with the light of an area."""
        energy = _energy(there[band])
        noise = bins.per_value * len(spectra.starts) * _noise_of(bins.beside_power(there)) if is_told else 0.0
        by_chance = min(noise / energy, all_noise) if energy > 0 else 0.0
        return _as_strong(there[bins.line], skin[bins.line]) * _beyond(_coherence(own, there[band]), by_chance)

    light = max(map(from_there, around), default=0.0)
    keys = controls.key_times_s[(controls.key_times_s >= times_s[0]) & (controls.key_times_s <= times_s[-1])]
    step = _in_step(keys, float(np.median(rate_hz)))
    if step < _NEGLIGIBLE:
        return light
    comb = _fourier(_comb((keys - times_s[0]) * spectra.fps, len(wave)), spectra, bins.near)[band]
    return max(light, step * _coherence(own, comb))


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
    bins = _bins_around(thin, rate_hz[last::_THINNED])
    times_s = start_s + np.arange(len(wave)) / spectra.fps
    own = _fourier(wave, thin, bins.near)[bins.line]
    energy = _energy(own) * len(thin.starts)
    colour = _fourier(_at_times(controls.chrominance, times_s), thin, bins.near)
    beside = bins.beside_power(colour)
    by_chance = bins.per_value * float(beside.mean()) if len(beside) else 0.0
    if not controls.places or energy <= 0 or by_chance <= 0:
        return _UNKNOWN

    def swing(place: Pulse) -> float:
        """Power that a place has in common with the wave."""
        common = float(np.abs(np.vdot(own, _fourier(_at_times(place, times_s), thin, bins.near)[bins.line])) ** 2)
        return common / energy if common > 0 else math.inf

    swings = float(np.median([swing(place) for place in controls.places]))
    in_phase = float(np.vdot(own, colour[bins.line]).real) if controls.around else 0.0
    return InColour(
        due=_COLOUR_OF_PULSE * math.sqrt(swings / by_chance), shown=in_phase / math.sqrt(energy * by_chance)
    )


@dataclass(frozen=True, slots=True)
class _Bins:
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


def _bins_around(spectra: Spectra, rate_hz: Array) -> _Bins:
    inner_hz = max(_BESIDE_HZ, 2 / spectra.window_s)  # a Hann window's line reaches as far
    rates_hz = rate_hz[:, None]
    off_hz = np.abs(spectra.frequency_hz - rates_hz)
    near = off_hz <= inner_hz + _WIDTH_HZ
    beside = (off_hz > inner_hz) & (np.abs(spectra.frequency_hz - 2 * rates_hz) > inner_hz)
    beside &= spectra.frequency_hz > _LOWEST_HZ
    apart = 1 + float(spectra.starts[-1] - spectra.starts[0]) / spectra.length  # windows that share no sample
    return _Bins(
        near=near,
        off_hz=off_hz[near],
        line=off_hz[near] <= _LINE_HZ,
        beside=beside[near],
        level=((spectra.frequency_hz / rates_hz) ** 2)[near],
        per_value=_CHANCE * spectra.fps / (float(spectra.frequency_hz[1]) * spectra.length * apart),
    )


def _since(pulse: Pulse, start_s: float) -> Pulse:
    return part(pulse, first_from(pulse, start_s))


def _as_strong(there: Fourier, here: Fourier) -> float:
    """Return how far one signal swings half as much as another, 0..1."""
    swing, needed = float(np.linalg.norm(there)), _AS_STRONG * float(np.linalg.norm(here))
    return swing / needed if swing < needed else 1.0


def _energy(values: Fourier) -> float:
    return float((np.abs(values) ** 2).sum())


def _coherence(a: Fourier, b: Fourier) -> float:
    cross = (a * b.conj()).sum()
    power = _energy(a) * _energy(b)
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
    """Return the values of a wave, by Hann's windows where those of `spectra` are, at the bins `near` (W, F) of these.

    Some windows at a time: all bins of two hours would take a worker a hundred megabytes.
    """
    padded = round(spectra.fps / float(spectra.frequency_hz[1]))
    values: list[Fourier] = []
    for begin in range(0, len(near), _BLOCK):
        block = slice(begin, begin + _BLOCK)
        windows = spectrum.tapered(wave, spectra.starts[block], spectra.length)
        values.append(fft.rfft(windows, padded)[:, : len(spectra.frequency_hz)][near[block]])
    return np.concatenate(values)
