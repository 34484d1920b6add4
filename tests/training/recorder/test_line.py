from pathlib import Path

import pytest

from training.recorder.line import Reading, parse, written

READING = Reading(513, 5_130_208, 8840)
LINE = b"P,513,5130208,8840,E25C\n"


def test_a_line_says_its_reading() -> None:
    assert written(READING) == LINE
    assert parse(LINE) == READING


def test_a_board_ends_lines_as_it_likes() -> None:
    assert parse(LINE.rstrip() + b"\r") == READING


@pytest.mark.parametrize("reading", [Reading(0, 0, 0), Reading(65535, 2**32 - 1, -5)])
def test_the_ends_of_the_ranges_are_read(reading: Reading) -> None:
    assert parse(written(reading)) == reading


def test_no_flipped_bit_passes() -> None:
    damaged = [bytes([*LINE[:at], LINE[at] ^ (1 << bit), *LINE[at + 1 : -1]]) for at in range(23) for bit in range(8)]
    # A hexadecimal letter may become small, which is no other number.
    assert {parse(line) for line in damaged} == {None}


@pytest.mark.parametrize("reading", [Reading(65536, 0, 0), Reading(0, 2**32, 0), Reading(-1, 0, 0)])
def test_numbers_out_of_range_are_refused(reading: Reading) -> None:
    assert parse(written(reading)) is None


@pytest.mark.parametrize("line", [b"", b"\n", b",", b"S123", b"P,1,2,3", b"P,1,2,3,", b"\xff" * 30, LINE[3:]])
def test_other_text_is_no_reading(line: bytes) -> None:
    assert parse(line) is None


def test_lines_of_another_kind_are_refused() -> None:
    assert parse(b"123456789,29B1") is None  # the published check value of CRC-16/CCITT-FALSE


def test_the_sketch_is_beside_the_recorder() -> None:
    folder = Path(__file__).parents[3] / "training" / "recorder" / "firmware"
    assert "115200" in (folder / "facepulse_ppg" / "facepulse_ppg.ino").read_text()
