"""Every setting of the service, in one table: environment variables FACEPULSE_<NAME>, units in the names.

This is the only place that reads the environment. `settings_markdown` prints the table (docs/settings.md).
"""

import os
import re
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from service.pipeline.types import DecodeLimits

PREFIX = "FACEPULSE_"
MEGABYTE = 1_000_000


def usable_cores() -> int:
    """Return how many cores this process may use (its affinity, not the machine's size)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


_YEAR_S = 31_536_000
Seconds = Annotated[float, Field(gt=0, le=_YEAR_S, allow_inf_nan=False)]  # no time beyond all calendars
_MOST = 1_000_000  # of what the system counts in bytes: there they must fit in 63 bits
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?|https?://\[[0-9a-f:]+\](:\d{1,5})?")


def _split_origins(value: object) -> object:
    return tuple(filter(None, (part.strip() for part in value.split(",")))) if isinstance(value, str) else value


def _check_origin(origin: str) -> str:
    if not _ORIGIN.fullmatch(origin):  # a `*` among them would silently mean every page there is
        raise ValueError("must be `https://host` or `https://host:port` in small letters, with nothing behind it")
    return origin


Origins = Annotated[
    tuple[Annotated[str, AfterValidator(_check_origin)], ...], NoDecode, BeforeValidator(_split_origins)
]


class Settings(BaseSettings):
    """What an operator may change. Made once in `create_app`'s caller and passed down as a value."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="ignore")

    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 opens the service to the network.")
    port: int = Field(8000, ge=0, le=65535, description="TCP port; 0 takes a free one.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least severe line logged.")
    model_store: Path = Field(
        Path(__file__).resolve().parents[1] / "model_store", description="Folder of released models."
    )
    default_model: str = Field("", description="Model that `auto` means, such as `student` where a core is slow.")
    data_dir: Path = Field(
        Path(tempfile.gettempdir()) / f"facepulse-{os.getuid()}",
        description="Private folder for the jobs' database and, if they have none of their own, for uploads.",
    )
    uploads_dir: Path | None = Field(
        None, description="Private folder for uploads while they are worked on; leftovers are removed at start."
    )

    keys_file: Path | None = Field(None, description="File of API keys (`facepulse keys new NAME`); none: no keys.")
    allow_open: bool = Field(False, description="Serve the network without keys: whoever reaches the port may use it.")
    requests_per_minute: int = Field(
        0, ge=0, description="Requests per key, or client address without keys; more get 429; 0 sets no limit."
    )
    request_burst: int = Field(30, ge=1, description="Requests that may come at once within requests_per_minute.")
    cors_origins: Origins = Field(
        (), description="Origins (`https://host:port`, separated by commas) whose web pages may call the service."
    )
    metrics: bool = Field(True, description="Answer /metrics.")
    metrics_port: int = Field(0, ge=0, le=65535, description="Port for /metrics alone, needing no key; 0: the same.")
    otlp_endpoint: str | None = Field(
        None,
        pattern=r"^https?://[^\s?#]+$",
        description="OTLP/HTTP collector of traces, `http://host:4318`; none: off.",
    )

    workers: int = Field(default_factory=usable_cores, ge=1, le=256, description="Worker processes; one per core.")
    queue_length: int = Field(16, ge=0, description="Requests that may wait for a worker; more get 503.")
    queue_wait_s: Seconds = Field(30.0, description="Longest wait for a worker; then 503.")
    task_timeout_s: Seconds = Field(120.0, description="Longest wall-clock time in a worker; then 504.")
    session_message_s: Seconds = Field(10.0, description="Longest time a worker may take for one live frame.")
    worker_start_timeout_s: Seconds = Field(60.0, description="Longest time for a worker to load and warm its models.")
    worker_max_tasks: int = Field(100, ge=1, description="Requests after which a worker is replaced.")
    worker_memory_mb: int = Field(800, ge=100, le=_MOST, description="Memory of a worker (RLIMIT_DATA).")
    worker_cpu_s: int = Field(
        240, ge=1, le=_YEAR_S, description="CPU time of one request in a worker, all threads (RLIMIT_CPU)."
    )
    worker_file_mb: int = Field(
        1, ge=0, le=_MOST, description="Largest file a worker may write (RLIMIT_FSIZE); it needs none."
    )
    worker_open_files: int = Field(64, ge=16, le=_MOST, description="Files a worker may hold open (RLIMIT_NOFILE).")

    max_upload_mb: float = Field(
        200.0, gt=0, allow_inf_nan=False, description="Largest video file or batch of frames; more gets 413."
    )
    max_frames: int = Field(3600, ge=2, description="Most pictures of a batch of frames; more get 422.")
    max_image_mb: float = Field(10.0, gt=0, allow_inf_nan=False, description="Largest image of a batch; more gets 413.")
    max_uploads: int = Field(32, ge=1, description="Uploads received at the same time; more get 503.")
    upload_timeout_s: Seconds = Field(600.0, description="Longest time one upload may take; then 408.")
    header_timeout_s: Seconds = Field(10.0, description="Longest time for a request's header; then it is closed.")
    stall_timeout_s: Seconds = Field(30.0, description="Time after which a stalled body gets 408, a reader is cut off.")
    min_bytes_per_s: int = Field(1024, ge=1, description="Slower than this over stall_timeout_s counts as stalled.")
    max_header_kb: int = Field(64, ge=8, le=1024, description="Largest request header (KiB); more gets 431.")
    max_connections: int = Field(
        1000, ge=16, le=100_000, description="Connections at a time; for one more the one that idles longest is closed."
    )
    keep_alive_s: int = Field(5, ge=1, description="Time an idle connection is kept.")
    shutdown_s: int = Field(10, ge=1, description="Time that running requests get to end after SIGTERM and drain_s.")
    drain_s: float = Field(
        0.0,
        ge=0,
        le=3600,
        description="Time after SIGTERM for which requests are still taken while /readyz says 503: a load balancer's.",
    )
    replica: str = Field(
        "",
        pattern=r"^([a-z0-9]{1,32})?$",
        description="Name of this replica; the ids of its jobs begin with it and `-`, so that a proxy finds it.",
    )

    job_workers: int | None = Field(None, ge=1, description="Workers that jobs may hold at a time; the rest is free.")
    job_queue_length: int = Field(16, ge=1, description="Jobs that may wait; more get 503.")
    job_max_per_key: int = Field(
        8, ge=1, description="Unfinished jobs per key (of all callers without keys); then 429."
    )
    job_max_upload_mb: float = Field(2000.0, gt=0, allow_inf_nan=False, description="Largest video of a job; then 413.")
    job_upload_timeout_s: Seconds = Field(3600.0, description="Longest time a job's upload may take; then 408.")
    job_max_duration_s: Seconds = Field(7200.0, description="Longest video of a job; a longer one fails.")
    job_timeout_s: Seconds = Field(
        7200.0, description="Longest time of a job in a worker, and of its wait for one; then it fails."
    )
    job_ttl_s: Seconds = Field(3600.0, description="Time after its end for which a job's result is kept.")

    live_sessions: int | None = Field(
        None, ge=0, description="Live sessions at a time, each holds a worker; then 1013."
    )
    live_wait_s: Seconds = Field(5.0, description="Longest wait of a live session for a worker; then 1013.")
    live_idle_s: Seconds = Field(15.0, description="Time without a frame after which a live session ends.")
    live_max_s: Seconds = Field(3600.0, description="Longest live session.")
    live_max_width: int = Field(1280, ge=64, description="Largest live frame (px across).")
    live_max_height: int = Field(1280, ge=64, description="Largest live frame (px down); phones are held upright.")
    live_max_image_mb: float = Field(2.0, gt=0, allow_inf_nan=False, description="Largest live message; then 1009.")

    max_width: int = Field(3840, ge=64, description="Largest picture width (px).")
    max_height: int = Field(2160, ge=64, description="Largest picture height (px).")
    min_fps: float = Field(10.0, gt=0, allow_inf_nan=False, description="Lowest frame rate (Hz).")
    max_fps: float = Field(240.0, gt=0, allow_inf_nan=False, description="Highest frame rate (Hz).")
    min_duration_s: Seconds = Field(5.0, description="Shortest video.")
    max_duration_s: Seconds = Field(600.0, description="Longest video of a synchronous request; more gets 413.")

    @property
    def uploads_folder(self) -> Path:
        """Where uploads lie."""
        return self.uploads_dir or self.data_dir

    @property
    def max_upload_bytes(self) -> int:
        """Largest video file in bytes."""
        return int(self.max_upload_mb * MEGABYTE)

    @property
    def job_max_upload_bytes(self) -> int:
        """Largest video of a job in bytes."""
        return int(self.job_max_upload_mb * MEGABYTE)

    @property
    def usable_job_workers(self) -> int:
        """How many workers jobs may hold at a time: unless told otherwise all but one, and one at least."""
        return min(self.job_workers or max(1, self.workers - 1), self.workers)

    @property
    def usable_live_sessions(self) -> int:
        """How many live sessions there may be: unless told otherwise all workers but one, and one at least."""
        return max(1, self.workers - 1) if self.live_sessions is None else self.live_sessions

    @property
    def live_limits(self) -> DecodeLimits:
        """What the frames of a live session may be; its clock may run a little ahead of ours."""
        return replace(
            self.decode_limits,
            max_width=self.live_max_width,
            max_height=self.live_max_height,
            max_duration_s=self.live_max_s + 60,
        )

    @property
    def live_max_message_bytes(self) -> int:
        """Largest live message in bytes."""
        return int(self.live_max_image_mb * MEGABYTE)

    @property
    def max_image_bytes(self) -> int:
        """Largest image of a batch in bytes."""
        return int(self.max_image_mb * MEGABYTE)

    @property
    def decode_limits(self) -> DecodeLimits:
        """What a video may cost."""
        return DecodeLimits(
            max_width=self.max_width,
            max_height=self.max_height,
            min_fps=self.min_fps,
            max_fps=self.max_fps,
            min_duration_s=self.min_duration_s,
            max_duration_s=self.max_duration_s,
        )


_TOLD_IN_WORDS = {
    "keys_file": "none",
    "cors_origins": "none",
    "otlp_endpoint": "none",
    "model_store": "`model_store` beside the code",
    "default_model": "the store's",
    "replica": "none",
    "uploads_dir": "data_dir",
    "data_dir": "`facepulse-<uid>` in the temporary folder",
    "workers": "usable cores",
    "live_sessions": "all workers but one, one at least",
    "job_workers": "all but one, one at least",
}


def unknown_variables() -> list[str]:
    """Return the environment variables that look like settings and are none: misspelt ones, most likely."""
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    return sorted(name for name in os.environ if name.upper().startswith(PREFIX) and name.upper() not in known)


def settings_markdown() -> str:
    """Return the table of all settings as Markdown, the same on every machine."""
    lines = [
        "# Settings",
        "",
        "Read from the environment when the service starts. Written by `python -m service.settings`.",
        "",
        "| variable | default | meaning |",
        "|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        default = _TOLD_IN_WORDS.get(name, f"`{field.default}`")
        lines.append(f"| `{PREFIX}{name.upper()}` | {default} | {field.description} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    import sys

    sys.stdout.write(settings_markdown())
