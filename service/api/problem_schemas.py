"""How an error looks; which there are stands in `service.api.problems`."""

from pydantic import Field

from service.api.schema import Schema


class FieldProblem(Schema):
    """An option that does not fit: its name and what is wrong with it, never its value."""

    field: str
    detail: str


class Problem(Schema):
    """RFC 9457 problem details."""

    type: str = Field(examples=["/problems/no_face"])
    title: str
    status: int
    detail: str
    code: str = Field(description="Last part of `type`.")
    request_id: str
    errors: list[FieldProblem] | None = None
