"""Structured logs: one JSON object per line on stderr; never health data, file names or anything a client sent.

An exception is logged by its type and the code lines it passed; its message could quote the input.
"""

import json
import logging
import sys
import traceback
import warnings
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}


def describe_error(error: BaseException) -> str:
    """Name an error's type and the code lines it passed, innermost first."""
    return f"{type(error).__name__} at {_lines(error.__traceback__)}"


def _lines(trace: TracebackType | None) -> str:
    frames = traceback.extract_tb(trace)
    return " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON; what was passed as `extra` becomes fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": _without_trace(record.getMessage().strip()),
        }
        line |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = describe_error(record.exc_info[1])
        return json.dumps(line, default=str, allow_nan=False)


def _without_trace(message: str) -> str:
    """Return a message, but not a traceback: the framework logs one when the start or the end fails."""
    return "the start or the end failed" if message.startswith("Traceback (") else message


def configure(level: str) -> None:
    """Send everything from `level` on to stderr as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)  # it quotes what it could not parse
    logging.getLogger("asyncio").setLevel(logging.WARNING)
    warnings.showwarning = _log_warning


def _log_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: object = None,
    line: str | None = None,
) -> None:
    """Log a warning of Python by its kind and place; its words could quote the input."""
    where = f"{Path(filename).name}:{lineno}"
    logging.getLogger("py.warnings").warning("Python warns", extra={"kind": category.__name__, "where": where})
