"""Python client of a FacePulse service: heart rate from a video of a face.

    from facepulse import Client

    with Client("http://127.0.0.1:8000") as client:
        result = client.measure("me.mp4")
        print(result.bpm, result.confidence, result.status)

The clients need httpx (`pip install 'facepulse[client]'`). Nothing of the service is imported.
"""

from typing import TYPE_CHECKING, Any

from facepulse.errors import (
    AccessDenied,
    FacePulseError,
    JobFailed,
    LiveEnded,
    NotFound,
    RequestRefused,
    ServiceBusy,
    ServiceFailed,
    TookTooLong,
    Unreachable,
)
from facepulse.live_results import LiveUpdate, Samples, SeenFace, Spectrum, Square
from facepulse.results import (
    Bvp,
    Face,
    FaceBox,
    HeartRateResult,
    HeartRateVariability,
    Job,
    Measurement,
    Model,
    Problem,
    ResultWarning,
    UsedModel,
    Video,
    Window,
)
from facepulse.retries import Retries
from facepulse.sources import SourceUnavailable, camera_frames, file_frames

if TYPE_CHECKING:
    from facepulse.async_client import AsyncClient
    from facepulse.client import Client

__all__ = [
    "AccessDenied",
    "AsyncClient",
    "Bvp",
    "Client",
    "Face",
    "FaceBox",
    "FacePulseError",
    "HeartRateResult",
    "HeartRateVariability",
    "Job",
    "JobFailed",
    "LiveEnded",
    "LiveUpdate",
    "Measurement",
    "Model",
    "NotFound",
    "Problem",
    "RequestRefused",
    "ResultWarning",
    "Retries",
    "Samples",
    "SeenFace",
    "ServiceBusy",
    "ServiceFailed",
    "SourceUnavailable",
    "Spectrum",
    "Square",
    "TookTooLong",
    "Unreachable",
    "UsedModel",
    "Video",
    "Window",
    "camera_frames",
    "file_frames",
]


def __getattr__(name: str) -> Any:
    """Import the clients when they are asked for: the rest also works where httpx is not installed."""
    if name not in ("AsyncClient", "Client"):
        raise AttributeError(f"module 'facepulse' has no attribute {name!r}")
    try:
        from facepulse.async_client import AsyncClient  # noqa: PLC0415
        from facepulse.client import Client  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if error.name != "httpx":
            raise
        raise ModuleNotFoundError("the clients need httpx: pip install 'facepulse[client]'", name="httpx") from error
    globals().update(AsyncClient=AsyncClient, Client=Client)
    return globals()[name]
