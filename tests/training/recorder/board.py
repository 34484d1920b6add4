"""A board with a pulse sensor on a pseudo-terminal: its clock drifts, its lines come late, get lost, damaged, repeated.

The device is a link, as the system makes one for a board; unplugging removes it and breaks the line.
"""

import os
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Self

import numpy as np

from training.datasets.recording import Series
from training.recorder.line import NUMBERS, TICKS, Reading, written

RATE_HZ = 100.0


@dataclass(frozen=True, slots=True)
class Faults:
    """What is wrong with a board's clock and line.

    drift: seconds per second that its clock is slow. delay_s: the largest delay of a line. lost, damaged, repeated:
    shares of the lines.
    """

    drift: float = 0.0
    delay_s: float = 0.0
    lost: float = 0.0
    damaged: float = 0.0
    repeated: float = 0.0


@dataclass
class Sent:
    """How many lines had which fault."""

    good: int = 0
    lost: int = 0
    damaged: int = 0
    repeated: int = 0


@dataclass
class PtyBoard:
    """Plays `wave`, a function of time.monotonic(), into the device `link` while it is plugged in.

    began_s: for each time that it was plugged in, the moment at which its clock was 0.
    """

    link: Path
    wave: Callable[[float], float]
    faults: Faults = Faults()
    first_us: int = 0
    sent: Sent = field(default_factory=Sent)
    began_s: list[float] = field(default_factory=list)

    def true_s(self, board_us: Series, plugged: int = 0) -> Series:
        """Return the moments, on time.monotonic(), of times on the board's clock."""
        since_s: Series = (board_us - self.first_us) % TICKS * 1e-6
        return self.began_s[plugged] + since_s * (1 + self.faults.drift)

    def plug(self) -> None:
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.began_s.append(time.monotonic())
        self._over = Event()
        self._thread = Thread(target=self._play, args=(self.began_s[-1], self._over))
        self._thread.start()
        self.link.symlink_to(os.ttyname(self._slave))

    def unplug(self) -> None:
        self.link.unlink()
        self._over.set()
        self._thread.join()
        os.close(self._slave)
        os.close(self._master)

    def __enter__(self) -> Self:
        self.plug()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.link.is_symlink():
            self.unplug()

    @contextmanager
    def unplugged(self) -> Iterator[None]:
        self.unplug()
        yield
        self.plug()

    def _play(self, began_s: float, over: Event) -> None:
        rng, faults, send_s = np.random.default_rng(0), self.faults, 0.0
        for number in range(1 << 30):
            board_s = (number + 0.5) / RATE_HZ
            taken_s = began_s + board_s * (1 + faults.drift)
            send_s = max(send_s, taken_s + rng.uniform(0, faults.delay_s))
            if over.wait(max(0.0, send_s - time.monotonic())):
                return
            reading = Reading(
                number % NUMBERS, (self.first_us + round(board_s * 1e6)) % TICKS, round(self.wave(taken_s))
            )
            self._send(written(reading), rng.random())

    def _send(self, line: bytes, chance: float) -> None:
        faults, sent = self.faults, self.sent
        if chance < faults.lost:
            sent.lost += 1
        elif chance < faults.lost + faults.damaged:
            sent.damaged += 1
            self._write(line[:5] + b"\xff" + line[6:])
        elif chance < faults.lost + faults.damaged + faults.repeated:
            sent.repeated += 1
            self._write(line + line)
        else:
            sent.good += 1
            self._write(line)

    def _write(self, line: bytes) -> None:
        try:
            os.write(self._master, line)
        except BlockingIOError:  # nobody reads
            self.sent.lost += 1
