"""What all that goes in and out over HTTP has in common: it does not change, and NaN and infinity cannot leave."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]


class Schema(BaseModel):
    """Base of the contract's parts."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)
