"""What a caller may choose."""

from typing import Literal

from pydantic import Field

from service.api.schema import Schema


class MeasureOptions(Schema):
    """Options of every measurement."""

    model: str = Field(
        "auto",
        pattern=r"^[a-z][a-z0-9_]{0,39}$",
        description="`auto`, a name from `/v1/models`, or a classical method "
        "(`green`, `ica`, `pca`, `lgi`, `chrom`, `pos`).",
        examples=["auto"],
    )
    face: Literal["largest", "all"] = Field("largest", description="`all` also answers for every other face.")


class HeartRateOptions(MeasureOptions):
    """Options of a video, as query parameters or form fields; a form field wins."""

    start_s: float = Field(0.0, ge=0, le=86_400, description="Where to begin in the video, in seconds.")
    duration_s: float | None = Field(None, gt=0, le=86_400, description="How much of the video to use, in seconds.")
