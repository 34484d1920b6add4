"""A stand-in for live measuring: tells after every frame how many there were; a frame's bytes say what else to do."""

import json
import os
import signal
import time

from service.pipeline.errors import TimestampsInvalid
from service.pipeline.types import Box, DecodeLimits
from tests.service.standin import StandIn

SPEC = "tests.service.api.live_standin:LiveStandIn"
SLOW, QUIET, BIG, DIE, REFUSE, RAISE = b"slow", b"quiet", b"big", b"die", b"refuse", b"raise"
SLOW_S = 0.03


class LiveStandIn(StandIn):
    def live(self, *, model: str, face_box: Box | None, limits: DecodeLimits) -> "CountingLive":  # type: ignore[override]
        super().live(model=model, face_box=face_box, limits=limits)
        return CountingLive(face_box, limits)


class CountingLive:
    """Tells the given box as face, and the longest side allowed as frame rate."""

    def __init__(self, box: Box | None, limits: DecodeLimits) -> None:
        self._box = box
        self._fps = float(limits.max_width)
        self._frames = 0

    def push(self, message: bytes) -> bytes | None:
        if not message:
            return self._told(final=True)
        self._frames += 1
        word = message[8:].split(b" ")[0]
        if word == DIE:
            os.kill(os.getpid(), signal.SIGKILL)
        if word == REFUSE:
            raise TimestampsInvalid("the frame times run backwards")
        if word == RAISE:
            raise KeyError("secret words")
        if word == SLOW:
            time.sleep(SLOW_S)
        if word in (QUIET, SLOW):
            return None
        return self._told(values=[0.5] * 2_000_000 if word == BIG else [])

    def _told(self, *, final: bool = False, values: list[float] | None = None) -> bytes:
        stretch = {"fps": 30.0, "start_s": 0.0, "values": values or []}
        box = self._box and {side: getattr(self._box, side) for side in Box.__slots__}
        update = {
            "time_s": self._frames / 30, "status": "measuring", "bpm": None, "confidence": 0.0, "snr_db": None,
            "window_s": 0.0, "samples": stretch, "bvp": stretch, "spectrum": None, "fps": self._fps,
            "face": {"box": box} if box else None, "frames": self._frames, "warnings": [], "timing_ms": {},
            "model": {"name": "student", "version": "1.0.0", "sha256": ""}, "final": final,
        }  # fmt: skip
        return json.dumps(update).encode()
