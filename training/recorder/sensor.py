"""The finger's sensor on a serial line, which may be unplugged and plugged in again."""

import time
from dataclasses import replace
from queue import SimpleQueue
from threading import Event

import serial

from training.recorder.line import BAUD
from training.recorder.stream import LineCounts, Sample, SampleStream

try:
    from termios import error as _TerminalError  # of a line that goes while it is being opened; not an OSError
except ImportError:
    _TerminalError = OSError  # type: ignore[misc, assignment]

_RETRY_S = 0.3
_WAIT_S = 0.1  # for bytes, before looking whether to stop


class Sensor:
    """Reads the board at a serial device (`/dev/ttyACM0`) until it is told to stop.

    falls: its value falls with more blood, and is turned round.
    samples: what it has read and nobody has taken. connected: whether the line is open now. unplugged: how often it
    went.
    """

    def __init__(self, device: str, *, falls: bool = False) -> None:
        self.samples: SimpleQueue[Sample] = SimpleQueue()
        self.connected = False
        self.unplugged = 0
        self._device = device
        self._sign = -1 if falls else 1
        self._stream = SampleStream()

    @property
    def counts(self) -> LineCounts:
        """What came over the line so far."""
        return self._stream.counts

    def run(self, stop: Event) -> None:
        """Read until `stop`; while there is no such device, look for it."""
        while not stop.is_set():
            try:
                with serial.Serial(self._device, BAUD, timeout=_WAIT_S, exclusive=True) as port:
                    self.connected = True
                    self._stream.restart()
                    self._read(port, stop)
            except (OSError, _TerminalError):
                self.unplugged += self.connected
                self.connected = False
                stop.wait(_RETRY_S)

    def _read(self, port: serial.Serial, stop: Event) -> None:
        while not stop.is_set():
            data = port.read(max(1, port.in_waiting))
            arrival_s = time.monotonic()
            for sample in self._stream.feed(data, arrival_s) if data else ():
                self.samples.put(replace(sample, value=self._sign * sample.value))
