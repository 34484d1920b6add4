"""Changes made to a clip each time it is read, so that a network never sees the same one twice.

A cache holds thousands of clips and a run reads each many times: without these a network of windows learns the clips
by heart. Every change leaves true what the wave says; none plays backwards, because the pulse rises faster than it
falls.
"""

import numpy as np
from scipy.signal import butter, lfilter, sosfiltfilt
from scipy.sparse import csr_array

from service.pipeline.types import Floats
from training.clips import TrainingClip
from training.config import AugmentConfig

_RATES_BPM = (38.0, 200.0)  # no stretch takes the pulse out of what the service looks for


def augment(clip: TrainingClip, config: AugmentConfig, rng: np.random.Generator) -> TrainingClip:
    """Return a changed clip of the same length.

    Mirrors; moves, turns and scales the crop as an inexact box would; bends each colour channel by a power, which
    scales the channels' pulses against each other (a gain does not: it cancels in the normalised difference); mixes
    channels as another camera's colours would; stains; dims and brightens all of a frame, as a lamp or an automatic
    exposure does; adds noise; stretches time, and the heart rate with it.
    """
    rgb, ppg, comparable, meta = clip.rgb, clip.ppg, clip.comparable, clip.meta
    if rng.random() < config.flip:
        rgb = rgb[..., ::-1]
    if rng.random() < config.shift:
        rgb = warped(rgb, *_random_warp(config, rng))
    if rng.random() < config.gamma:
        rgb = rgb ** rng.uniform(*config.gamma_range, (1, 3, 1, 1)).astype(np.float32)
    if rng.random() < config.mix:
        rgb = mixed(rgb, config.mix_range, rng)
    if rng.random() < config.stain:
        rgb = stained(rgb, float(clip.meta["fps"]), config.stain_max, rng)
    if rng.random() < config.flicker:
        gain = flicker(len(rgb), float(clip.meta["fps"]), config.flicker_max, rng)
        rgb = np.clip(rgb * gain[:, :, None, None], 0, 1)
    if rng.random() < config.noise:
        strength = np.float32(rng.uniform(0, config.noise_max))
        rgb = np.clip(rgb + strength * rng.standard_normal(rgb.shape, dtype=np.float32), 0, 1)
    clip = TrainingClip(np.ascontiguousarray(rgb), ppg, comparable, meta)
    if rng.random() < config.stretch:
        return stretch(clip, _speed(clip, config, rng))
    return clip


def _speed(clip: TrainingClip, config: AugmentConfig, rng: np.random.Generator) -> float:
    speed = float(np.exp(rng.uniform(*np.log(config.stretch_range))))
    slowest, fastest = (rate / max(float(clip.meta["bpm"]), 1.0) for rate in _RATES_BPM)
    return float(np.clip(speed, min(slowest, 1.0), max(fastest, 1.0)))


def _random_warp(config: AugmentConfig, rng: np.random.Generator) -> tuple[float, float, float, float]:
    down, right = rng.uniform(-config.shift_max, config.shift_max, 2)
    scale = float(np.exp(rng.uniform(*np.log(config.zoom_range))))
    return float(down), float(right), scale, float(rng.uniform(-config.turn_max, config.turn_max))


def warped(rgb: Floats, down: float, right: float, scale: float, turn: float) -> Floats:
    """Return crops (T, 3, H, W) moved by cells, scaled about their middle, turned (radians); edges repeated."""
    height, width = rgb.shape[2:]
    y, x = np.mgrid[:height, :width].reshape(2, -1).astype(np.float64)
    y, x = y - (height - 1) / 2 - down, x - (width - 1) / 2 - right
    sine, cosine = np.sin(turn) / scale, np.cos(turn) / scale
    from_y = np.clip(cosine * y - sine * x + (height - 1) / 2, 0, height - 1)
    from_x = np.clip(sine * y + cosine * x + (width - 1) / 2, 0, width - 1)
    top, left = (np.minimum(at.astype(int), size - 2) for at, size in ((from_y, height), (from_x, width)))
    part_y, part_x = from_y - top, from_x - left
    corner = top * width + left
    columns = np.concatenate([corner, corner + 1, corner + width, corner + width + 1])
    upper, lower = 1 - part_y, part_y
    shares = np.concatenate([upper * (1 - part_x), upper * part_x, lower * (1 - part_x), lower * part_x])
    cells = np.tile(np.arange(height * width), 4)
    weights = csr_array((shares.astype(np.float32), (cells, columns)), shape=(height * width, height * width))
    flat = np.ascontiguousarray(rgb.reshape(-1, height * width).T)
    return np.asarray((weights @ flat).T, np.float32).reshape(rgb.shape)


def mixed(rgb: Floats, between: tuple[float, float], rng: np.random.Generator) -> Floats:
    """Return crops whose channels each got a share `between` these of each other one, grey staying as it is.

    Shares below 0 are what a camera's colour matrix does: it takes most of the pulse out of red and blue.
    """
    shares = rng.uniform(*between, (3, 3)) * (1 - np.eye(3))
    matrix = (shares + np.diag(1 - shares.sum(1))).astype(np.float32)
    changed: Floats = np.clip(matrix @ rgb.reshape(*rgb.shape[:2], -1), 0, 1).reshape(rgb.shape)
    return changed


def stained(rgb: Floats, fps: float, most: float, rng: np.random.Generator) -> Floats:
    """Return crops with coarse patches of colour that wander, as a camera's denoising leaves them in dim light.

    Their standard deviation in blue is log-uniform from `most` / 30 to `most`, less in red, least in green; they change
    at up to 0.3 to 4 Hz.
    """
    count, _, height, width = rgb.shape
    kept = float(np.exp(-2 * np.pi * np.exp(rng.uniform(*np.log((0.3, 4.0)))) / fps))
    cells = int(rng.integers(3, 7))
    noise = rng.standard_normal((count, 3, cells, cells), dtype=np.float32)
    wandering = lfilter([np.sqrt(1 - kept**2)], [1, -kept], noise, axis=0).astype(np.float32)
    strength = most * np.exp(rng.uniform(np.log(1 / 30), 0)) * np.array([0.6, 0.15, 1.0], np.float32)
    down, across = (_between(size, cells) for size in (height, width))
    patches = down @ (wandering * strength[:, None, None].astype(np.float32)) @ across.T
    stained_rgb: Floats = np.clip(rgb + patches, 0, 1)
    return stained_rgb


def _between(size: int, cells: int) -> Floats:
    """Return the weights (size, cells) of a linear interpolation from cells to pixels."""
    at = np.linspace(0, cells - 1, size)[:, None] - np.arange(cells)
    return np.asarray(np.clip(1 - np.abs(at), 0, 1), np.float32)


def flicker(count: int, fps: float, most: float, rng: np.random.Generator) -> Floats:
    """Return gains (count, 3) near 1: noise of a band somewhere within 0.2 to 6 Hz, nearly alike in all channels.

    Its standard deviation is log-uniform from `most` / 30 to `most`.
    """
    low = float(np.exp(rng.uniform(np.log(0.2), np.log(3.0))))
    high = low * float(rng.uniform(1.15, 2.0))
    band = butter(1, (low, high), "bandpass", fs=fps, output="sos")
    wave = sosfiltfilt(band, rng.standard_normal((count, 1)) + 0.1 * rng.standard_normal((count, 3)), axis=0)
    strength = most * float(np.exp(rng.uniform(np.log(1 / 30), 0)))
    return np.asarray(1 + strength * wave / max(float(wave.std()), 1e-9), np.float32)


def stretch(clip: TrainingClip, speed: float) -> TrainingClip:
    """Return the clip played `speed` times as fast, of the same length.

    When it ends early the last frame is repeated and marked not comparable; frames between frames are interpolated.
    """
    count = len(clip.ppg)
    at = np.minimum(np.arange(count) * speed, count - 1)
    before = np.minimum(at.astype(int), count - 2)
    part = (at - before).astype(np.float32)
    weight = part[:, None, None, None]
    rgb = clip.rgb[before] * (1 - weight) + clip.rgb[before + 1] * weight
    ppg = clip.ppg[before] * (1 - part) + clip.ppg[before + 1] * part
    breaks = np.cumsum(~clip.comparable)
    last = np.ceil(at).astype(int)  # a new frame lies on old ones up to here; a break on the way breaks it too
    first = np.concatenate([[0], np.floor(at[:-1]).astype(int)])
    comparable = (breaks[last] == breaks[first]) & (np.arange(count) * speed <= count - 1)
    meta = {**clip.meta, "bpm": clip.meta["bpm"] * speed}
    return TrainingClip(rgb, ppg.astype(np.float32), comparable, meta)
