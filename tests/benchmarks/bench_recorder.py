"""Command: how well a recording's samples and frames are aligned over twelve minutes, from end to end, in real time.

python -m tests.benchmarks.bench_recorder [--minutes 12]

A board on a pseudo-terminal, whose clock drifts by 100 ppm and whose lines come up to 40 ms late, get lost and damaged,
plays the pulse that a clip in the camera's place shows as the brightness of its frames. Printed are the errors of all
samples' times (the board's true clock is known) and, from the two files alone, the shift of at most 0.5 s at which
brightness and samples are most alike, in stretches of 20 s.
"""

import argparse
import tempfile
from pathlib import Path
from threading import Event

import av
import numpy as np

from tests.training.recorder.board import Faults, PtyBoard
from training.datasets.own import OwnRecordings
from training.datasets.recording import Recording, Series
from training.recorder.camera import FileCamera
from training.recorder.preview import Preview
from training.recorder.recording import Recorder, Tally
from training.recorder.sensor import Sensor
from training.synthesis.camera import CameraSettings, frame_times
from training.synthesis.codec import CodecSettings, VideoWriter
from training.synthesis.pulse_wave import PulseSettings, Truth, make_truth

SIDE = 64
FAULTS = Faults(drift=100e-6, delay_s=0.04, lost=0.01, damaged=0.005, repeated=0.005)
STRETCH_S = 20.0
SHIFTS_S = np.arange(-0.5, 0.5005, 0.001)


def write_clip(path: Path, truth: Truth) -> None:
    """Write frames whose brightness follows the pulse, with jitter and dropped frames."""
    rng = np.random.default_rng(1)
    times_s = frame_times(CameraSettings(fps=30, jitter=0.08, dropped=0.01), truth.times_s[-1], rng)
    with VideoWriter(path, CodecSettings("mjpeg", "mkv", bits_per_pixel=2.0), SIDE, SIDE, 30.0) as writer:
        for time_s in times_s:
            grey = 120 + 60 * np.interp(time_s, truth.times_s, truth.ppg)
            noise = rng.normal(grey, 3.0, (SIDE, SIDE, 1)) + np.array([12.0, 0.0, -12.0])
            writer.write(noise.clip(0, 255).astype(np.uint8), float(time_s))


def record(folder: Path, truth: Truth) -> tuple[Series, Tally]:
    """Record the clip into folder/own; return the errors of the samples' times in seconds."""
    camera = FileCamera(folder / "clip.mkv")

    def finger(time_s: float) -> float:
        since_s = time_s - (camera.began_s or time_s)
        return 8000 + 4000 * float(np.interp(since_s, truth.times_s, truth.ppg))

    with PtyBoard(folder / "ttyACM0", finger, FAULTS) as board:
        recorder = Recorder(camera, Sensor(str(board.link)), folder / "own" / "p01" / "flashes")
        tally = recorder.record(Event(), Preview().show)
    rows = np.loadtxt(folder / "own" / "p01" / "flashes.csv", delimiter=",", skiprows=1)
    assert camera.began_s is not None, "a recording has frames"
    return rows[:, 0] - (board.true_s(rows[:, 2]) - camera.began_s), tally


def shifts_s(recording: Recording) -> Series:
    """Return by how much the samples come after the frames, for each stretch, in seconds."""
    assert isinstance(recording.source, Path), "own recordings are files"
    with av.open(str(recording.source)) as container:
        seen = np.array([(f.time or 0.0, f.to_ndarray(format="rgb24").mean()) for f in container.decode(video=0)])
    found = []
    for start_s in np.arange(1.0, seen[-1, 0] - STRETCH_S - 1, STRETCH_S):
        times_s, brightness = seen[(seen[:, 0] >= start_s) & (seen[:, 0] < start_s + STRETCH_S)].T
        likeness = [np.corrcoef(brightness, recording.pulse.at_times(times_s + s))[0, 1] for s in SHIFTS_S]
        found.append(SHIFTS_S[int(np.argmax(likeness))])
    return np.array(found)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=12.0)
    minutes = parser.parse_args().minutes
    truth = make_truth(PulseSettings(hr_bpm=72.0), 60 * minutes, np.random.default_rng(0))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_clip(folder / "clip.mkv", truth)
        errors_s, tally = record(folder, truth)
        (recording,) = OwnRecordings(folder / "own")
        shifts = 1000 * shifts_s(recording)
    errors_ms = 1000 * errors_s
    print(f"{tally.frames} frames, {tally.dropped} dropped; {tally.samples} samples, {tally.lost} lost")
    print(
        f"error of the samples' times: median {np.median(errors_ms):.2f} ms, 99 % within "
        f"{np.quantile(abs(errors_ms), 0.99):.1f} ms, worst {abs(errors_ms).max():.1f} ms"
    )
    print(
        f"shift between samples and frames over {len(shifts)} stretches of {STRETCH_S:g} s: median "
        f"{np.median(shifts):.0f} ms, from {shifts.min():.0f} to {shifts.max():.0f} ms"
    )


if __name__ == "__main__":
    main()
