"""What is told of the models."""

from typing import Literal, Self

from pydantic import Field

from service.api.schema import Schema
from service.pipeline.manifest import Manifest


class ModelFacts(Schema):
    """A model that is served, with its manifest's facts; a classical method has a name and a kind only."""

    name: str
    kind: Literal["network", "classical"]
    default: bool = False
    version: str | None = None
    sha256: str | None = None
    input_size: int | None = Field(None, description="Side of the square crop it sees, in pixels.")
    fps: float | None = Field(None, description="Frame rate it sees.")
    output: Literal["derivative", "wave"] | None = None
    parameters: int | None = None
    macs_per_frame: int | None = None
    training_data: str | None = None
    licence: str | None = None
    metrics: dict[str, float] = Field(default_factory=dict)

    @classmethod
    def from_manifest(cls, manifest: Manifest, *, default: bool) -> Self:
        """Take over a released pulse model's manifest."""
        return cls(
            name=manifest.name,
            kind="network",
            default=default,
            version=manifest.version,
            sha256=manifest.info.sha256,
            input_size=manifest.input.size if manifest.input else None,
            fps=manifest.input.fps if manifest.input else None,
            output=manifest.output.kind if manifest.output else None,
            parameters=manifest.parameters,
            macs_per_frame=manifest.macs_per_frame,
            training_data=manifest.training.data,
            licence=manifest.training.licence,
            metrics=manifest.metrics,
        )


class ModelList(Schema):
    """All models that are served, the default first."""

    models: list[ModelFacts]
