"""Text files of numbers."""

import csv
from pathlib import Path

import numpy as np

from training.datasets.errors import FileMalformed
from training.datasets.recording import Series


def read_rows(path: Path) -> list[Series]:
    """Return the numbers of each line that is not empty, separated by blanks. Raises FileMalformed, naming the line."""
    return [_numbers(path, row, line.split()) for row, line in enumerate(_lines(path), 1) if line.strip()]


def read_columns(path: Path, count: int) -> list[Series]:
    """Return the first `count` columns of a CSV file without a header. Raises FileMalformed, naming the line."""
    return _columns(path, list(csv.reader(_lines(path))), list(range(count)), first=1)


def read_named_columns(path: Path, names: tuple[str, ...]) -> dict[str, Series]:
    """Return columns of a CSV file by the names in its first line. Raises FileMalformed, naming the line."""
    header, *rows = list(csv.reader(_lines(path))) or [[]]
    header = [name.strip() for name in header]
    absent = [name for name in names if name not in header]
    if absent:
        raise FileMalformed(path, f"has no column {absent[0]} in its first line")
    return dict(zip(names, _columns(path, rows, [header.index(name) for name in names], first=2), strict=True))


def _columns(path: Path, rows: list[list[str]], wanted: list[int], *, first: int) -> list[Series]:
    """Return columns; `first` is the number of the first row's line."""
    parsed = []
    for line, row in enumerate(rows, first):
        if not row:
            continue
        if len(row) <= max(wanted):
            raise FileMalformed(path, f"line {line} has {len(row)} columns, {max(wanted) + 1} are needed")
        parsed.append(_numbers(path, line, [row[index] for index in wanted]))
    return list(np.reshape(parsed, (-1, len(wanted))).T)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FileMalformed(path, "cannot be read as text") from error


def _numbers(path: Path, line: int, words: list[str]) -> Series:
    try:
        return np.array([float(word) for word in words], np.float64)
    except ValueError as error:
        raise FileMalformed(path, f"line {line} holds something that is not a number") from error
