"""Python client of a FacePulse service: heart rate from a video of a face.

    from facepulse import Client

    with Client("http://127.0.0.1:8000") as client:
        result = client.measure("me.mp4")
        print(result.bpm, result.confidence, result.status)

Needs httpx (`pip install facepulse[client]`); imports nothing of the service.
"""

from facepulse.async_client import AsyncClient
from facepulse.client import Client
from facepulse.errors import (
    AccessDenied,
    FacePulseError,
    JobFailed,
    NotFound,
    RequestRefused,
    ServiceBusy,
    ServiceFailed,
    TookTooLong,
    Unreachable,
)
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
    "Measurement",
    "Model",
    "NotFound",
    "Problem",
    "RequestRefused",
    "ResultWarning",
    "Retries",
    "ServiceBusy",
    "ServiceFailed",
    "SourceUnavailable",
    "TookTooLong",
    "Unreachable",
    "UsedModel",
    "Video",
    "Window",
    "camera_frames",
    "file_frames",
]
