"""The client's live results beside the messages of the service: the same fields, so that neither forgets one."""

from dataclasses import fields
from typing import Any

import pytest
from pydantic import BaseModel

import facepulse
from service.api import stream_messages

PAIRS: list[tuple[type[Any], type[BaseModel], set[str]]] = [
    (facepulse.LiveUpdate, stream_messages.Update, {"type"}),
    (facepulse.Samples, stream_messages.Samples, set()),
    (facepulse.Spectrum, stream_messages.Spectrum, set()),
    (facepulse.Square, stream_messages.Square, set()),
    (facepulse.SeenFace, stream_messages.SeenFace, set()),
]


@pytest.mark.parametrize(("ours", "theirs", "left_out"), PAIRS, ids=lambda value: getattr(value, "__name__", ""))
def test_updates_have_the_fields_of_the_service(ours: type[Any], theirs: type[BaseModel], left_out: set[str]) -> None:
    assert {field.name for field in fields(ours)} == set(theirs.model_fields) - left_out
