"""Times of frames and the layout of raw ones: what is read and what is refused."""

import json

import pytest
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import Headers

from service.api.frame_options import MAX_TIME_BYTES, FrameOptions, frame_times, read_layout
from service.api.problems import RequestRefused


def times_of(text: str, count: int) -> tuple[float, ...]:
    return frame_times(FrameOptions(timestamps_s=text), count)


@pytest.mark.parametrize("text", ["0,0.5,1", "0, 0.5 ,1.0", "[0, 0.5, 1]", " [0,5e-1,1E0]\n", "-0,+0.5,1."])
def test_lists_of_times(text: str) -> None:
    assert times_of(text, 3) == (0.0, 0.5, 1.0)


@pytest.mark.parametrize("time_s", [0.1 + 0.2, 1 / 3, 1763646412.1234567, -0.03333333333333333, 1e-07])
def test_numbers_come_as_they_were_written(time_s: float) -> None:
    assert times_of(json.dumps([time_s]), 1) == (time_s,)
    assert len(json.dumps(time_s)) + 2 <= MAX_TIME_BYTES


def test_an_even_rate() -> None:
    assert frame_times(FrameOptions(fps=25), 3) == (0.0, 0.04, 0.08)


@pytest.mark.parametrize(
    "text",
    ["", " ", "[]", ",", "1,", "1,,2", "NaN", "[NaN, 1]", "Infinity", "-inf", "1e999", "1e11", "0x10", "1_0", "1 2",
     "٣", "[[1, 2]]", "[" * 100_000, "9" * 5000, "[" + "9" * 5000 + "]", '{"a": 1, "a": 2}', "true", "null", '"1"',
     "\ufffd", "1;2", "1.5.2", "--1", "1e", "1e+"],
)  # fmt: skip
def test_what_is_no_list_of_times(text: str) -> None:
    with pytest.raises(RequestRefused) as caught:
        times_of(text, 1)
    assert caught.value.code == "validation_failed"
    assert [(problem.field, len(problem.detail) < 60) for problem in caught.value.errors] == [("timestamps_s", True)]


def test_there_must_be_one_for_each_frame() -> None:
    with pytest.raises(RequestRefused, match="frames_mismatch"):
        times_of("0,1", 3)


@pytest.mark.parametrize("options", [FrameOptions(), FrameOptions(fps=30, timestamps_s="0,1,2")])
def test_times_or_a_rate_and_not_both(options: FrameOptions) -> None:
    with pytest.raises(RequestRefused, match="validation_failed"):
        frame_times(options, 3)


GOOD = {"X-Frame-Count": "10", "X-Frame-Height": "4", "X-Frame-Width": "5"}


def test_the_layout_of_a_raw_body() -> None:
    layout, fields = read_layout(Headers(GOOD))
    assert (layout.frames, layout.height, layout.width, layout.size) == (10, 4, 5, 600)
    assert fields == {}


def test_options_in_headers() -> None:
    assert read_layout(Headers(GOOD | {"X-Frame-Fps": "30"}))[1] == {"fps": "30"}
    assert read_layout(Headers(GOOD | {"X-Frame-Timestamps": "[0, 1]"}))[1] == {"timestamps_s": "[0, 1]"}


def test_a_list_may_be_spread_over_headers() -> None:
    raw = [(name.lower().encode(), value.encode()) for name, value in GOOD.items()]
    headers = Headers(raw=[*raw, (b"x-frame-timestamps", b"0,0.1"), (b"x-frame-timestamps", b"0.2")])
    assert read_layout(headers)[1] == {"timestamps_s": "0,0.1,0.2"}


@pytest.mark.parametrize("name", list(GOOD))
@pytest.mark.parametrize("value", [None, "", "0", "-1", "1.5", "x", "NaN", "1e3", "9" * 5000, "1000001"])
def test_layouts_that_make_no_sense(name: str, value: str | None) -> None:
    headers = {other: number for other, number in GOOD.items() if other != name}
    headers |= {} if value is None else {name: value}
    with pytest.raises(RequestValidationError) as caught:
        read_layout(Headers(headers))
    assert [error["loc"][-1] for error in caught.value.errors()] == [name]
    assert "input" not in caught.value.errors()[0]
