"""One recording: the camera and the sensor run beside each other, what they give is written as it comes."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Full, Queue
from threading import Event
from time import monotonic

from training.recorder.camera import Camera, Shot
from training.recorder.sensor import Sensor
from training.recorder.writer import TakeWriter, check_free

WAVE_S = 10.0
_FRAMES_WAITING = 64
_TURN_S = 0.05
_BEFORE_S = 0.5  # of the sensor before the first frame: the pulse at its time lies between two samples
_PATIENCE_S = 15.0  # a board starts in 2 s, its clock is known 3 s later


class SensorSilent(Exception):
    """The sensor did not begin."""


@dataclass(slots=True)
class Tally:
    """How a recording goes.

    time_s: since the first frame. frame_s: of the latest frame. frames, samples: written. dropped: frames missing, by
    the gaps between those written: the camera left them out, or they came too fast for the encoder. lost, damaged:
    samples. camera_unplugged, sensor_unplugged: how often; camera_here, sensor_here: whether it is there now. fps: of
    the last seconds.
    """

    time_s: float = 0.0
    frame_s: float = 0.0
    frames: int = 0
    dropped: int = 0
    fps: float = 0.0
    samples: int = 0
    lost: int = 0
    damaged: int = 0
    camera_unplugged: int = 0
    sensor_unplugged: int = 0
    camera_here: bool = False
    sensor_here: bool = False


@dataclass(frozen=True, slots=True)
class Moment:
    """What there is to show: the tally, and the latest samples as (time_s, value)."""

    tally: Tally
    wave: deque[tuple[float, int]]


Show = Callable[[Moment], None]


class Recorder:
    """Joins a camera, a sensor and a take; record() once."""

    def __init__(self, camera: Camera, sensor: Sensor, take: Path, *, codec: str = "ffv1") -> None:
        """Raises TakeExists."""
        check_free(take)
        self._camera, self._sensor, self._take, self._codec = camera, sensor, take, codec
        self._shots: Queue[Shot] = Queue(_FRAMES_WAITING)
        self._wave: deque[tuple[float, int]] = deque()
        self._times_s: deque[float] = deque(maxlen=90)
        self._tally = Tally()

    def record(
        self, stop: Event, show: Show, *, seconds: float = float("inf"), patience_s: float = _PATIENCE_S
    ) -> Tally:
        """Write the take until `stop`, the time is over or the camera's file ends.

        show: is called after every frame and at least 20 times a second, from here. The sensor must have settled before
        the camera begins, within patience_s. Raises SensorSilent, SourceUnavailable (no such camera), TakeExists or
        TakeCutOff.
        """
        over = Event()  # for the two threads, also when something fails here
        with ThreadPoolExecutor(2) as threads:
            try:
                sensing = threads.submit(self._sensor.run, over)
                if not self._await_sensor(stop, sensing, patience_s):
                    return self._tally
                filming = threads.submit(self._film, over)
                first = self._first_shot(stop, filming)
                if first is not None:
                    with TakeWriter(self._take, self._codec, first) as writer:
                        self._write(writer, first)
                        for shot in self._until(stop, filming, sensing):
                            self._write(writer, shot)
                            self._note(writer)
                            show(Moment(self._tally, self._wave))
                            if self._tally.time_s >= seconds:
                                break
            finally:
                over.set()
        return self._tally

    def _await_sensor(self, stop: Event, sensing: "Future[None]", patience_s: float) -> bool:
        """Wait for the first sample; return whether it came before `stop`."""
        for _ in range(round(patience_s / _TURN_S)):
            if sensing.done():
                sensing.result()
            if not self._sensor.samples.empty():
                return True
            if stop.wait(_TURN_S):
                return False
        raise SensorSilent(
            "no samples come from the sensor: are the device and the firmware right?"
            if self._sensor.connected
            else "there is no sensor at this device, or another program has it"
        )

    def _film(self, over: Event) -> None:
        for shot in self._camera.shots(over):
            try:
                self._shots.put_nowait(shot)
            except Full:
                continue  # too fast for the encoder; the gap is counted

    def _first_shot(self, stop: Event, filming: "Future[None]") -> Shot | None:
        return next((shot for shot in self._until(stop, filming) if shot is not None), None)

    def _until(self, stop: Event, *running: "Future[None]") -> Iterator[Shot | None]:
        """Yield the shots, None where none comes for a while, until `stop` or the end of one that runs.

        What waits for a slow encoder when `stop` comes was filmed before it and is yielded too.
        """
        while not stop.is_set():
            ended = [future for future in running if future.done()]
            shot = self._next_shot()
            if shot is None and ended:
                ended[0].result()
                break
            yield shot
        for _ in range(self._shots.qsize()):
            yield self._next_shot()
        yield None  # for the last samples

    def _next_shot(self) -> Shot | None:
        try:
            return self._shots.get(timeout=_TURN_S)
        except Empty:
            return None

    def _write(self, writer: TakeWriter, shot: Shot | None) -> None:
        if shot is not None and writer.add_shot(shot):
            self._count(writer.time_s(shot.time_s))
        while not self._sensor.samples.empty():
            sample = self._sensor.samples.get()
            time_s = writer.time_s(sample.time_s)
            if time_s >= -_BEFORE_S:
                writer.add_sample(sample)
                self._wave.append((time_s, sample.value))
        while self._wave and self._wave[0][0] < self._tally.time_s - WAVE_S:
            self._wave.popleft()

    def _count(self, time_s: float) -> None:
        """Take a frame's time into the rate and the count of dropped frames."""
        if self._times_s:
            missing = round((time_s - self._times_s[-1]) * self._camera.fps) - 1
            self._tally.dropped += max(0, missing)
        self._times_s.append(time_s)
        span_s = time_s - self._times_s[0]
        self._tally.frame_s = time_s
        self._tally.fps = (len(self._times_s) - 1) / span_s if span_s else 0.0

    def _note(self, writer: TakeWriter) -> None:
        tally, counts = self._tally, self._sensor.counts
        tally.time_s = writer.time_s(monotonic())
        tally.frames, tally.samples = writer.frames, writer.samples
        tally.lost, tally.damaged = counts.lost, counts.damaged
        tally.camera_unplugged, tally.camera_here = self._camera.unplugged, self._camera.connected
        tally.sensor_unplugged, tally.sensor_here = self._sensor.unplugged, self._sensor.connected
