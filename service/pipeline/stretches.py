"""Parts of a pulse by time: the newest, those since the face was lost, those not told yet."""

from dataclasses import dataclass, replace

import numpy as np

from service.pipeline.types import Floats, Pulse, PulseStream


@dataclass(frozen=True, slots=True)
class Stretch:
    """Values on a regular grid: number i at start_s + i / fps (seconds, Hz); NaN where the frames said nothing."""

    start_s: float
    fps: float
    values: Floats


class Told:
    """Tells each sample once: remembers until when it has told them."""

    def __init__(self) -> None:
        self._until_s = -np.inf

    def take(self, pulse: Pulse) -> Stretch:
        """Return what of these samples is new; it may begin later than the one before ended."""
        new = part(pulse, first_from(pulse, self._until_s + 0.5 / pulse.fps))
        if len(new.samples):
            self._until_s = new.start_s + (len(new.samples) - 1) / new.fps
        return Stretch(new.start_s, new.fps, np.where(new.valid, new.samples, np.float32(np.nan)))


def part(pulse: Pulse, begin: int, end: int | None = None) -> Pulse:
    """Return samples begin to end, all that follow where no end is given."""
    samples, valid = pulse.samples[begin:end], pulse.valid[begin:end]
    return replace(pulse, samples=samples, valid=valid, start_s=pulse.start_s + begin / pulse.fps)


def first_from(pulse: Pulse, time_s: float) -> int:
    """Return the index of the first sample at or after a time, the number of samples where there is none."""
    return int(np.ceil(np.clip((time_s - pulse.start_s) * pulse.fps - 1e-6, 0, len(pulse.samples))))


def newest(stream: PulseStream, since_s: float) -> Pulse:
    """Return a stream's samples from since_s on; it forgets those before."""
    pulse = stream.finish()
    old = first_from(pulse, since_s)
    stream.forget(old)
    return part(pulse, old)


def since_loss(pulse: Pulse, lost_s: float) -> Pulse:
    """Return what came since there was no valid sample for lost_s, from a valid one on."""
    valid = np.flatnonzero(pulse.valid)
    if not len(valid):
        return part(pulse, len(pulse.samples))
    losses = np.flatnonzero(np.diff(valid) > lost_s * pulse.fps)
    return part(pulse, int(valid[losses[-1] + 1] if len(losses) else valid[0]))


def whole_seconds(pulse: Pulse, longest_s: float) -> Pulse:
    """Return the newest whole seconds, longest_s at most: what is cut into windows of a second then ends at the end."""
    seconds = int(min(len(pulse.samples) / pulse.fps, longest_s))
    return part(pulse, len(pulse.samples) - round(seconds * pulse.fps))
