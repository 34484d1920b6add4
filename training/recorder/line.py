"""What the sensor's board sends: a line of text per sample.

    P,<number>,<microseconds>,<value>,<checksum>\\n       P,513,5130208,8840,E25C

number: of the sample, modulo 2^16, so that lost ones can be counted. microseconds: the board's own clock at the middle
of the sample, modulo 2^32. value: an integer. checksum: CRC-16/CCITT-FALSE of all before its comma, four hexadecimal
digits. The firmware that sends it: firmware/facepulse_ppg.
"""

from binascii import crc_hqx
from dataclasses import dataclass

BAUD = 115_200
NUMBERS = 1 << 16
TICKS = 1 << 32
LONGEST = 64  # bytes, generously
_KIND = b"P"


@dataclass(frozen=True, slots=True)
class Reading:
    """One line: the sample's number (below 2^16), the board's time in microseconds (below 2^32), the value."""

    number: int
    board_us: int
    value: int


def parse(line: bytes) -> Reading | None:
    """Return what a line says, or None where it was damaged on the way or is something else."""
    body, _, checksum = line.strip().rpartition(b",")
    if checksum != b"%04X" % crc_hqx(body, 0xFFFF):
        return None
    try:
        kind, number, board_us, value = body.split(b",")
        reading = Reading(int(number), int(board_us), int(value))
    except ValueError:
        return None
    return reading if kind == _KIND and reading.number in range(NUMBERS) and reading.board_us in range(TICKS) else None


def written(reading: Reading) -> bytes:
    """Return the line of a reading."""
    body = b"%s,%d,%d,%d" % (_KIND, reading.number, reading.board_us, reading.value)
    return b"%s,%04X\n" % (body, crc_hqx(body, 0xFFFF))
