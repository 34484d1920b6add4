"""The sketch, compiled for this computer with a board's functions made up: what it sends is what the recorder reads."""

import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from training.recorder.line import Reading, parse

SKETCH = Path(__file__).parents[3] / "training" / "recorder" / "firmware" / "facepulse_ppg" / "facepulse_ppg.ino"
# A conversion takes 112 us and reads 512 and 513 in turn; the clock is 25 ms from beginning anew.
BOARD = r"""
#include <cstdint>
#include <cstdio>
const int A0 = 14;
uint32_t now_us = 0xFFFFFFFFu - 25000u;
uint32_t micros() { return now_us; }
int analogRead(int pin) { now_us += 112; return pin == A0 ? 512 + (now_us / 112) % 2 : 0; }
struct Line {
  void begin(long) {}
  int lines = 0;
  void println(const char *text) { std::printf("%s\r\n", text); now_us += ++lines == HELD_UP ? 5000000 : 200; }
} Serial;
#include "facepulse_ppg.ino"
int main() { setup(); for (int turn = 0; turn < 300; turn++) loop(); }
"""


def sent(folder: Path, *, held_up: int = 0) -> list[bytes]:
    """Return the lines of 300 turns; that of the number held_up, counted from 1, takes five seconds to send."""
    compiler = shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        pytest.skip("needs a C++ compiler")
    (folder / "board.cpp").write_text(BOARD)
    options = ["-Wall", "-Werror", f"-DHELD_UP={held_up}", "-I", str(SKETCH.parent)]
    build = [compiler, *options, "-o", str(folder / "board"), "board.cpp"]
    subprocess.run(build, cwd=folder, check=True)
    return subprocess.run([folder / "board"], capture_output=True, check=True).stdout.splitlines()


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    return sent(tmp_path_factory.mktemp("board"))


def test_every_line_is_read(lines: list[bytes]) -> None:
    readings = [parse(line) for line in lines]
    assert [reading.number for reading in readings if reading] == list(range(300))


def test_samples_are_ten_milliseconds_apart_also_when_the_clock_begins_anew(lines: list[bytes]) -> None:
    readings = [reading for reading in map(parse, lines) if reading]
    first_us = 2**32 - 1 - 25_000 + 5_000
    assert [r.board_us for r in readings] == [(first_us + 10_000 * index) % 2**32 for index in range(300)]


def test_a_value_is_the_mean_in_sixteenths(lines: list[bytes]) -> None:
    first = parse(lines[0])
    assert isinstance(first, Reading)
    assert first.value == pytest.approx(512.5 * 16, abs=1)


def test_while_a_line_is_held_up_samples_are_lost_and_none_gets_an_old_time(tmp_path: Path) -> None:
    readings = [reading for reading in map(parse, sent(tmp_path, held_up=100)) if reading]
    steps = [
        (after.number - before.number, (after.board_us - before.board_us) % 2**32)
        for before, after in pairwise(readings)
    ]
    assert steps[99] == (501, 5_010_000)
    assert {*steps[:99], *steps[100:]} == {(1, 10_000)}
