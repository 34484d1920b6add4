"""When to try a call again: the service is full (429, 503), or the connection failed before there was an answer."""

import random
from collections.abc import Mapping
from dataclasses import dataclass

BUSY = (429, 503)
_JITTER = 0.25  # clients that were turned away together should not come back together


@dataclass(frozen=True, slots=True)
class Retries:
    """How often and how long; `Retries(attempts=1)` never tries again.

    attempts: calls in all. longest_wait_s: of one pause; a service that asks for more is not waited for.
    first_pause_s: where the service says nothing; doubled each time.
    """

    attempts: int = 4
    longest_wait_s: float = 30.0
    first_pause_s: float = 0.5

    def pause_s(self, attempt: int, retry_after_s: float | None) -> float | None:
        """Return the seconds to wait after the attempt of this number (from 1), or None to give up."""
        if attempt >= self.attempts:
            return None
        pause_s: float = self.first_pause_s * 2 ** (attempt - 1) if retry_after_s is None else retry_after_s
        if retry_after_s is None:
            pause_s = min(pause_s, self.longest_wait_s)
        elif retry_after_s > self.longest_wait_s:
            return None
        return pause_s * (1 + random.uniform(0, _JITTER))


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of Retry-After, None when it is absent or a date (which the service never sends)."""
    try:
        seconds = float(headers.get("retry-after", ""))
    except ValueError:
        return None
    return seconds if 0 <= seconds < float("inf") else None
