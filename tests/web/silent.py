"""A stand-in for the Estimator that takes any live frames and says nothing of them; it starts faster than models do."""

from service.pipeline.types import Box, DecodeLimits
from tests.service.standin import StandIn

SPEC = "tests.web.silent:Silent"


class SilentLive:
    def push(self, message: bytes) -> bytes | None:
        del message
        return None


class Silent(StandIn):
    def live(self, *, model: str, face_box: Box | None, limits: DecodeLimits) -> SilentLive:  # type: ignore[override]
        del model, face_box, limits
        return SilentLive()
