"""What is told of the service itself."""

from typing import Literal

from pydantic import Field

from service.api.schema import Schema


class Health(Schema):
    """Whether the service lives or is ready."""

    status: Literal["ok", "starting", "stopping", "model_store_broken"]
    workers: int = Field(0, description="Workers whose models are warm.")
    workers_wanted: int = Field(0, description="Workers that there should be.")
    trouble: str | None = Field(None, description="Code of why a worker does not start; others may serve.")


class Version(Schema):
    """What runs here."""

    name: str = "facepulse"
    version: str
