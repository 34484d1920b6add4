"""Small folders in exactly the forms in which the data sets are handed out."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import av
import cv2
import h5py
import numpy as np
from numpy.typing import NDArray

from tests.training.synthesis.clips import STEADY, frames_of, plain_recipe
from training.synthesis.camera import CameraSettings
from training.synthesis.pulse_wave import Series, Truth, make_truth

DURATION_S = 6.0
ORIGIN_NS = 1392643993642815000  # of a PURE recording


@dataclass(frozen=True, slots=True)
class Take:
    """What a camera and a sensor saw of one heart; the sensor samples when it likes."""

    times_s: Series
    pictures: NDArray[np.uint8]
    truth: Truth

    def sampled(self, rate_hz: float, *, jitter_s: float = 0.0) -> tuple[Series, Series]:
        """Return the times and values of a sensor that began 30 ms before the camera."""
        count = int((DURATION_S + 0.03) * rate_hz)
        times_s = -0.03 + np.arange(count) / rate_hz + jitter_s * np.sin(np.arange(count))
        return times_s, np.interp(times_s, self.truth.times_s, self.truth.ppg)


def make_take(fps: float = 30.0, *, jitter: float = 0.0) -> Take:
    """Film the astronaut, who holds still at 84 bpm, for six seconds."""
    camera = CameraSettings(width=320, height=240, fps=fps, noise=1.0, jitter=jitter)
    recipe = plain_recipe(duration_s=DURATION_S, camera=camera)
    truth = make_truth(recipe.pulse, DURATION_S, recipe.rng("pulse"))
    return Take(*frames_of(recipe, truth), truth)


def heart(duration_s: float = DURATION_S, bpm: float = 84.0) -> Take:
    """Return a pulse without pictures."""
    truth = make_truth(replace(STEADY, hr_bpm=bpm), duration_s, np.random.default_rng(0))
    return Take(np.empty(0), np.empty((0, 1, 1, 3), np.uint8), truth)


def write_avi(path: Path, take: Take, *, fps: int, codec: str = "rawvideo", pix_fmt: str = "bgr24") -> Path:
    """Write evenly spaced frames; nothing at all for a take without pictures."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not len(take.pictures):
        path.touch()
        return path
    with av.open(str(path), "w", format="avi") as out:
        stream = cast(Any, out.add_stream(codec, rate=fps))
        stream.height, stream.width = take.pictures.shape[1:3]
        stream.pix_fmt, stream.bit_rate = pix_fmt, 2_000_000
        for picture in take.pictures:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24").reformat(format=pix_fmt)))
        out.mux(stream.encode(None))
    return path


def write_first_ubfc(folder: Path, take: Take, video: str = "vid.avi") -> Path:
    """Write a subject of DATASET_1."""
    write_avi(folder / video, take, fps=30)
    times_s, ppg = take.sampled(62.0, jitter_s=0.002)
    rows = [f"{1000 * t:.0f},84,97,{50 + 40 * v:.3f}\n" for t, v in zip(times_s, ppg, strict=True)]
    (folder / "gtdump.xmp").write_text("".join(rows))
    return folder


def write_second_ubfc(folder: Path, take: Take) -> Path:
    """Write a subject of DATASET_2."""
    write_avi(folder / "vid.avi", take, fps=30)
    times_s, ppg = take.sampled(30.0)
    rows = (ppg, np.full(len(ppg), 84.0), times_s)
    (folder / "ground_truth.txt").write_text("\n".join("  ".join(f"{v:.7e}" for v in row) for row in rows) + "\n")
    return folder


def write_pure(root: Path, name: str, take: Take, *, archive: bool = False) -> Path:
    """Write one take of PURE; `archive`: as the archives unpack. Returns the folder of the pictures."""
    pictures = root / name if archive else root / name / name
    pictures.mkdir(parents=True)
    stamps = [ORIGIN_NS + round(1e9 * time_s) for time_s in take.times_s]
    for stamp, picture in zip(stamps, take.pictures, strict=True):
        cv2.imwrite(str(pictures / f"Image{stamp}.png"), picture[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 1])
    write_pure_json(pictures.parent / f"{name}.json", take, stamps)
    return pictures


def write_pure_json(path: Path, take: Take, stamps: Sequence[int], *, without: slice | None = None) -> None:
    """Write a take's JSON; the oximeter finds no finger in the samples `without`."""
    samples = [
        {
            "Timestamp": ORIGIN_NS + round(1e9 * t),
            "Value": {"waveform": round(50 + 40 * v), "pulseRate": 84, "probeError": False},
        }
        for t, v in zip(*take.sampled(60.0), strict=True)
    ]
    for sample in samples[without] if without else []:
        cast(dict[str, Any], sample["Value"])["probeError"] = True
    facts = {"/FullPackage": samples, "/Image": [{"Timestamp": stamp, "Value": {}} for stamp in stamps]}
    path.write_text(json.dumps(facts))


def write_cohface(root: Path, person: str, session: str, take: Take) -> Path:
    """Write one session."""
    folder = root / person / session
    write_avi(folder / "data.avi", take, fps=20, codec="mpeg4", pix_fmt="yuv420p")
    times_s, ppg = take.sampled(256.0)
    with h5py.File(folder / "data.hdf5", "w") as file:
        file["time"], file["pulse"], file["respiration"] = times_s, 60 + 5 * ppg, np.zeros(len(ppg))
        file.attrs["sample-rate-hz"] = 256
    return folder


def write_own(stem: Path, take: Take) -> Path:
    """Write a take as stem.avi and stem.csv: a sensor of 25 Hz with a column too many."""
    write_avi(stem.with_suffix(".avi"), take, fps=30, codec="mjpeg", pix_fmt="yuvj420p")
    rows = [f"{i},{t:.4f},{512 + 100 * v:.2f}\n" for i, (t, v) in enumerate(zip(*take.sampled(25.0), strict=True))]
    stem.with_suffix(".csv").write_text("sample,time_s, ppg\n" + "".join(rows))
    return stem
