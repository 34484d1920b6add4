"""A stand-in for the Estimator, at the seam where a worker opens it: the model's name says what it does."""

import ctypes
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from service.pipeline.errors import NoFaceFound, NotAVideo, UnknownModel
from service.pipeline.types import DecodeLimits, Estimate, FaceChoice
from tests.service.estimates import make_estimate, make_face

SPEC = "tests.service.standin:StandIn"
SLEEPS = {"sleep_short": 1.0, "sleep_long": 20.0}
BALLAST: list[bytes] = []


class StandIn:
    names = ("student", "pos", "large", "die", "eat", "raise", "crash", "no_face", "nan", "spin", "write", *SLEEPS)
    default = "student"

    def __init__(self, model_store: Path) -> None:
        self.model_store = model_store

    def warm(self) -> None:
        if (self.model_store / "slow").exists():
            time.sleep(20)
        if (self.model_store / "broken").exists():
            raise RuntimeError("cannot be warmed")

    def estimate(
        self,
        path: Path,
        *,
        model: str,
        face: FaceChoice,
        start_s: float,
        duration_s: float | None,
        limits: DecodeLimits,
        progress: Callable[[float], None],
    ) -> Estimate:
        content = path.read_bytes()
        if model in SLEEPS:
            for _ in range(int(SLEEPS[model] / 0.1)):
                time.sleep(0.1)
                progress(0.5)
        elif model in MISDEEDS:
            MISDEEDS[model](path)
        elif model not in ("auto", *self.names):
            raise UnknownModel("there is no model of this name")
        if not content.startswith(b"VIDEO"):
            raise NotAVideo("this is no video")
        if model == "nan":
            return make_estimate(make_face(float("nan")))
        if model == "large":
            return make_estimate(*(make_face(60.0 + index % 60) for index in range(1500)))
        return make_estimate(make_face(), make_face(80.0, face_id=1))


def _die(_path: Path) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _crash(_path: Path) -> None:
    ctypes.string_at(1)


def _eat(_path: Path) -> None:
    while True:
        BALLAST.append(bytes(10_000_000))


def _raise(path: Path) -> None:
    raise KeyError(f"secret words of {path}")


def _no_face(_path: Path) -> None:
    raise NoFaceFound("no face was found in the video")


def _spin(_path: Path) -> None:
    while True:
        pass


def _write(path: Path) -> None:
    big = path.with_suffix(".big")
    try:
        big.write_bytes(bytes(5_000_000))
    finally:
        big.unlink()


MISDEEDS = {"die": _die, "crash": _crash, "eat": _eat, "raise": _raise, "no_face": _no_face, "spin": _spin,
            "write": _write}  # fmt: skip
