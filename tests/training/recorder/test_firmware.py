"""The sketch, compiled for this computer with a board's functions made up: what it sends is what the recorder reads."""

import shutil
import subprocess
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
  void println(const char *text) { std::printf("%s\r\n", text); now_us += 200; }
} Serial;
#include "facepulse_ppg.ino"
int main() { setup(); for (int turn = 0; turn < 300; turn++) loop(); }
"""


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    compiler = shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        pytest.skip("needs a C++ compiler")
    folder = tmp_path_factory.mktemp("board")
    (folder / "board.cpp").write_text(BOARD)
    build = [compiler, "-Wall", "-Werror", "-I", str(SKETCH.parent), "-o", str(folder / "board"), "board.cpp"]
    subprocess.run(build, cwd=folder, check=True)
    return subprocess.run([folder / "board"], capture_output=True, check=True).stdout.splitlines()


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
