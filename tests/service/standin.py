"""A stand-in for the Estimator, at the seam where a worker opens it: the model's name says what it does."""

import ctypes
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

from service.pipeline.answers import Estimate
from service.pipeline.errors import ManifestInvalid, NoFaceFound, NotAVideo, UnknownModel
from service.pipeline.images import FrameBatch
from service.pipeline.manifest import ModelStore, Release
from service.pipeline.progress import Progress
from service.pipeline.types import Box, DecodeLimits, FaceChoice
from tests.service.estimates import make_estimate, make_face

SPEC = "tests.service.standin:StandIn"
SLEEPS = {"sleep_short": 1.0, "sleep_longer": 2.0, "sleep_long": 20.0}
BALLAST: list[bytes] = []


class StandIn:
    names = ("student", "pos", "large", "die", "eat", "raise", "crash", "no_face", "nan", "spin", "write", *SLEEPS)

    def __init__(self, model_store: Path, release: Release | None = None, default: str = "") -> None:
        self.model_store = model_store
        if (model_store / "missing").exists():
            raise ManifestInvalid("the manifest of missing-1.0.0 cannot be read")
        named = (model_store / "active.json").exists()
        self._store = ModelStore(model_store, release, default) if named else None

    @property
    def release(self) -> Release:
        return Release(default="student", manifests=()) if self._store is None else self._store.release()

    def warm(self) -> None:
        if self._store is not None:
            for name in self._store.versions:
                self._store.manifest(name)
        if (self.model_store / "short_lived").exists():
            threading.Timer(0.2, os._exit, (0,)).start()
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
        progress: Callable[[Progress], None],
    ) -> Estimate:
        content = path.read_bytes()
        if model in SLEEPS:
            for _ in range(int(SLEEPS[model] / 0.1)):
                time.sleep(0.1)
                progress(Progress(0.5, 72.0, 0.9))
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

    def estimate_frames(
        self, batch: FrameBatch, *, cropped: bool, model: str, face: FaceChoice, limits: DecodeLimits
    ) -> Estimate:
        """Answer with a rate that is the number of frames; the file's size must be what the batch says."""
        count, size = len(batch.timestamps_s), batch.path.stat().st_size
        assert size == (3 * (batch.width or 0) * (batch.height or 0) * count or batch.offsets[-1]), "another size"
        return make_estimate(make_face(float(count)))

    def live(self, *, model: str, face_box: Box | None, limits: DecodeLimits) -> "StandInLive":
        if model not in ("auto", *self.names):
            raise UnknownModel("there is no model of this name")
        return StandInLive()


class StandInLive:
    """Answers every `say ...` with the rest of it and the number of messages so far; other words are misdeeds."""

    def __init__(self) -> None:
        self._count = 0

    def push(self, message: bytes) -> bytes | None:
        self._count += 1
        word, _, rest = message.partition(b" ")
        if word.decode() in MISDEEDS:
            MISDEEDS[word.decode()](Path())
        if word == b"sleep":
            time.sleep(float(rest))
        if word == b"work":
            end_s = time.process_time() + float(rest)
            while time.process_time() < end_s:
                pass
        return b"%d %s" % (self._count, rest) if word == b"say" else None


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
