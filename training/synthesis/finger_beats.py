"""Average beats of real fingertip recordings, made once into beat_shapes.json.

Source: Welltory PPG data set (CC0), https://github.com/Welltory/welltory-ppg-dataset, published with Neshitov et al.
2021, doi 10.3390/s21206798: mean colour of a fingertip over a phone's camera, 21 recordings.
"""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy.signal import butter, find_peaks, sosfiltfilt

from training.synthesis.pulse_wave import Series

_POINTS = 64
_GRID_HZ = 100.0
_MIN_LIKENESS = 0.8


def write_beat_shapes(folder: Path, out: Path) -> int:
    """Write the table of average beats of all recordings in `folder` that are clean enough; return their number."""
    beats = {}
    for recording in sorted(folder.glob("subject_*")):
        beat = average_beat(recording / "PPG.csv")
        if beat is not None:
            beats[recording.name.replace("subject", "finger")] = [round(float(value), 4) for value in beat]
    facts = {
        "source": "Welltory PPG data set, https://github.com/Welltory/welltory-ppg-dataset, doi 10.3390/s21206798",
        "licence": "CC0 1.0",
        "meaning": "average beat over its phase from foot to foot, up = more blood, 0 to 1",
    }
    lines = ",\n".join(f'    "{name}": {json.dumps(beat)}' for name, beat in beats.items())
    head = "".join(f'  "{key}": {json.dumps(value)},\n' for key, value in facts.items())
    out.write_text("{\n" + head + '  "beats": {\n' + lines + "\n  }\n}\n")
    return len(beats)


def average_beat(path: Path) -> Series | None:
    """Return the mean beat of one recording, float64 (64,), 0..1 from foot to foot, None where beats are not alike."""
    table = np.loadtxt(path, delimiter=",", skiprows=1)
    best: tuple[float, Series] | None = None
    for channel in (1, 2, 3):
        found = _channel_beat(table[:, 0] / 1000, table[:, channel])
        if found is not None and (best is None or found[0] > best[0]):
            best = found
    if best is None or best[0] < _MIN_LIKENESS:
        return None
    beat = best[1] - np.linspace(best[1][0], best[1][-1], _POINTS)
    scaled: Series = (beat - beat.min()) / np.ptp(beat)
    return scaled


def _channel_beat(times_s: Series, values: Series) -> tuple[float, Series] | None:
    if np.ptp(values) == 0:
        return None
    grid = np.arange(times_s[0] + 3, times_s[-1] - 1, 1 / _GRID_HZ)
    # Blood absorbs light: the sign turns so that up means more blood.
    wave = sosfiltfilt(butter(2, (0.4, 8.0), "band", fs=_GRID_HZ, output="sos"), -np.interp(grid, times_s, values))
    smooth = sosfiltfilt(butter(2, (0.6, 3.0), "band", fs=_GRID_HZ, output="sos"), wave)
    feet, _ = find_peaks(-smooth, distance=int(0.4 * _GRID_HZ), prominence=0.5 * smooth.std())
    phase = np.arange(_POINTS) / _POINTS
    beats = [
        np.interp(start + phase * (stop - start), np.arange(len(wave)), wave)
        for start, stop in pairwise(feet)
        if stop - start < 1.6 * _GRID_HZ
    ]
    if len(beats) < 20:
        return None
    table = np.asarray(beats)
    table -= table.mean(1, keepdims=True)
    table /= table.std(1, keepdims=True) + 1e-9
    middle = np.median(table, 0)
    likeness = (table @ middle) / _POINTS / (middle.std() + 1e-9)
    if np.mean(likeness > _MIN_LIKENESS) < 0.4:
        return None
    return float(np.median(likeness)), table[likeness > _MIN_LIKENESS].mean(0)
