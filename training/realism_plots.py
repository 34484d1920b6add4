"""Plots of rendered clips against real ones, as PNG: statistics alone, the rendered grey, each real clip a colour."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from training.benchmark import bits_group
from training.metrics import Array
from training.traits import CHANNELS, Specimen

_MARKERS = {".avi": "s", ".mp4": "o"}  # others a triangle
_STYLES = {"h264": "+-", "mpeg4": "x--", "vp8": "1:", "vp9": "2-.", "mjpeg": "*"}
_EDGED: dict[str, Any] = {"s": 36, "edgecolors": "black", "linewidths": 0.5}


def plot_realism(rendered: Sequence[Specimen], real: Sequence[Specimen], path: Path) -> None:
    """Draw the colour of the face, noise and motion, the colour of the pulse, and the SNR over bits per pixel."""
    figure = Figure(figsize=(11, 7.5), layout="constrained")
    spots = figure.subplots(2, 3)
    _scatter(spots[0, 0], rendered, real, ("red over green", "blue over green"))
    spots[0, 0].set_title("colour of the face")
    _noise(spots[0, 1], rendered, real)
    _scatter(spots[0, 2], rendered, real, ("slow motion, %", "motion in the band, %"))
    spots[0, 2].set(title="change of patches", xscale="log", yscale="log")
    _scatter(spots[1, 0], rendered, real, ("pulse, red over green", "pulse, blue over green"))
    spots[1, 0].set(title="colour of the pulse, by POS", xlim=(-0.8, 1.2), ylim=(-0.8, 1.6))
    for spot, method in zip(spots[1, 1:], ("GREEN", "POS"), strict=True):
        _snr(spot, rendered, real, f"SNR of {method}, dB")
    for one, colour, marker in _looks(real):
        spots[0, 0].scatter([], [], color=colour, marker=marker, label=one.name)
    figure.legend(*spots[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=6, fontsize=8)
    figure.savefig(path, dpi=80)


def plot_spectra(rendered: Sequence[Specimen], real: Sequence[Specimen], path: Path) -> None:
    """Draw the power density of the face's mean R, G and B: 10, 50, 90 % of the rendered, a line for each real clip."""
    figure = Figure(figsize=(11, 4.4), layout="constrained")
    spots = figure.subplots(1, len(CHANNELS), sharey=True)
    for channel, spot in enumerate(spots):
        _spectrum(spot, rendered, real, channel)
    figure.legend(*spots[0].get_legend_handles_labels(), loc="outside lower center", ncols=7, fontsize=8)
    figure.savefig(path, dpi=72)


def _looks(real: Sequence[Specimen]) -> Iterator[tuple[Specimen, str, str]]:
    """Yield each real clip, its colour and its marker: files of one stem share the colour, of one suffix the marker."""
    stems = list(dict.fromkeys(Path(one.name).stem for one in real))
    for one in real:
        name = Path(one.name)
        yield one, f"C{stems.index(name.stem) % 10}", _MARKERS.get(name.suffix, "^")


def _scatter(spot: Axes, rendered: Sequence[Specimen], real: Sequence[Specimen], names: tuple[str, str]) -> None:
    """Draw two figures over one another; a clip that lacks one is not there."""
    x, y = (_values(rendered, name) for name in names)
    spot.scatter(x, y, s=4, color="0.8")
    for one, colour, marker in _looks(real):
        x, y = (_values([one], name) for name in names)
        spot.scatter(x, y, color=colour, marker=marker, **_EDGED)
    spot.set(xlabel=names[0], ylabel=names[1])


def _noise(spot: Axes, rendered: Sequence[Specimen], real: Sequence[Specimen]) -> None:
    """Draw how the noise is distributed, one row of points per channel."""
    for row, channel in enumerate(CHANNELS):
        name = f"noise in {channel}, %"
        usual = _values(rendered, name)
        spot.scatter(usual, row + np.linspace(-0.3, 0.3, len(usual)), s=3, color="0.8")
        for value in np.quantile(usual, (0.05, 0.5, 0.95)):
            spot.plot([value, value], [row - 0.4, row + 0.4], color="0.4", linewidth=1)
        looks = list(_looks(real))
        for (one, colour, marker), shift in zip(looks, np.linspace(-0.3, 0.3, len(looks)), strict=True):
            spot.scatter(_values([one], name), [row + shift], color=colour, marker=marker, **_EDGED)
    spot.set(title="noise per pixel above 6 Hz (5, 50, 95 %)", xscale="log", xlabel="%", yticks=range(3))
    spot.set_yticklabels(CHANNELS)


def _spectrum(spot: Axes, rendered: Sequence[Specimen], real: Sequence[Specimen], channel: int) -> None:
    """Draw the power density of one channel: 10, 50 and 90 % of the rendered, a line for each real clip."""
    frequency_hz = rendered[0].traits.frequency_hz
    low, middle, high = np.quantile([one.traits.power[:, channel] for one in rendered], (0.1, 0.5, 0.9), axis=0)
    spot.fill_between(frequency_hz, low, high, color="0.85", label="rendered, 10-90 %")
    spot.plot(frequency_hz, middle, color="0.4", label="rendered, median")
    for one, colour, marker in _looks(real):
        power = one.traits.power[:, channel]
        style = "--" if marker == "s" else "-"
        spot.plot(one.traits.frequency_hz, power, style, color=colour, linewidth=0.9, label=one.name)
    spot.set(title=f"spectrum of the mean {CHANNELS[channel]}", xscale="log", yscale="log", xlabel="Hz")
    spot.set(ylabel="%$^2$/Hz" if channel == 0 else "", xlim=(0.2, 15), ylim=(1e-5, 1e2))


def _snr(spot: Axes, rendered: Sequence[Specimen], real: Sequence[Specimen], name: str) -> None:
    """Draw a method's SNR over bits per pixel: the rendered at the true rate, the real where GREEN and POS agree.

    Lines join the medians of a codec's clips in each range of bits per pixel.
    """
    known = [one for one in rendered if name in one.traits.true_figures]
    spot.scatter([one.bits_per_pixel for one in known], _true(known, name), s=4, color="0.8")
    for codec in sorted({one.codec for one in known}):
        groups: dict[str, list[Specimen]] = {}
        for one in sorted(known, key=lambda one: one.bits_per_pixel):
            if one.codec == codec:
                groups.setdefault(bits_group(one.bits_per_pixel), []).append(one)
        at = [float(np.median([one.bits_per_pixel for one in own])) for own in groups.values()]
        medians = [np.median(_true(own, name)) for own in groups.values()]
        spot.plot(at, medians, _STYLES.get(codec, "."), color="0.3", label=codec, linewidth=1, markersize=5)
    for one, colour, marker in _looks(real):
        spot.scatter([one.bits_per_pixel], _values([one], name), color=colour, marker=marker, **_EDGED)
    spot.set(title=f"{name}, at the true rate", xscale="log", xlabel="bits per pixel", ylim=(-25, 12))
    spot.legend(fontsize=7)


def _true(some: Sequence[Specimen], name: str) -> Array:
    return np.array([one.traits.true_figures[name] for one in some])


def _values(some: Sequence[Specimen], name: str) -> Array:
    return np.array([one.traits.figures.get(name, np.nan) for one in some])
