from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import pytest

from facepulse.parse import UnexpectedShape, parse


@dataclass(frozen=True)
class Part:
    size: int


@dataclass(frozen=True)
class Whole:
    rate: float
    kind: Literal["a", "b"]
    parts: tuple[Part, ...] = ()
    facts: dict[str, float] = field(default_factory=dict)
    at: datetime | None = None


def test_nested_objects_become_dataclasses() -> None:
    value = {"rate": 72, "kind": "a", "parts": [{"size": 1}, {"size": 2}], "facts": {"x": 1}}
    assert parse(Whole, value) == Whole(72.0, "a", (Part(1), Part(2)), {"x": 1.0})


def test_times_are_read_with_their_zone() -> None:
    value = {"rate": 1.5, "kind": "b", "at": "2026-01-05T10:00:00.250Z"}
    assert parse(Whole, value).at == datetime(2026, 1, 5, 10, 0, 0, 250_000, UTC)


def test_what_a_newer_service_adds_is_passed_over() -> None:
    told = parse(Whole, {"rate": 1, "kind": "new", "colour": "red"})
    assert str(told.kind) == "new"


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {"kind": "a"},
        {"rate": "72", "kind": "a"},
        {"rate": True, "kind": "a"},
        {"rate": None, "kind": "a"},
        {"rate": 1, "kind": "a", "parts": {"size": 1}},
        {"rate": 1, "kind": "a", "parts": [{"size": 1.5}]},
        {"rate": 1, "kind": "a", "facts": []},
        {"rate": 1, "kind": "a", "at": "yesterday"},
        {"rate": 1, "kind": "a", "at": 12},
    ],
)
def test_another_shape_is_refused(value: Any) -> None:
    with pytest.raises(UnexpectedShape, match="Whole"):
        parse(Whole, value)
