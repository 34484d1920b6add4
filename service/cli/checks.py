"""What `facepulse doctor` looks at: each check returns findings in words, with what to do about them."""

import contextlib
import os
import resource
import shutil
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from service.pipeline.errors import FacePulseError, UnknownModel
from service.settings import MEGABYTE, Settings, unknown_variables, usable_cores

State = Literal["ok", "note", "bad"]
_MIB = 1024 * 1024
_SERVICE_MB = 150  # of the API process itself
_SPARE_FILES = 64
_OPTIONAL = {
    "httpx": ("the Python client and `live --url`", "client"),
    "cv2": ("a camera in `live`", "camera"),
    "matplotlib": ("`estimate --plot`", "plot"),
    "opentelemetry": ("traces", "telemetry"),
    "ray": ("`batch --ray` and the service on a cluster", "cluster"),
}
_DECODERS = {"h264": "H.264", "hevc": "HEVC", "vp8": "VP8", "vp9": "VP9", "mpeg4": "MPEG-4", "mjpeg": "Motion JPEG"}


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found: `bad` keeps the service from working, a `note` is worth knowing; `remedy` says what to do."""

    state: State
    topic: str
    said: str
    remedy: str = ""


def check_variables(_: Settings) -> Iterator[Finding]:
    """Find environment variables that look like settings and are none."""
    for name in unknown_variables():
        yield Finding("note", "settings", f"{name} is no setting", "check its spelling; docs/settings.md has them all")
    yield Finding("ok", "settings", "all values fit")


def check_models(settings: Settings) -> Iterator[Finding]:
    """Compare every model file with its hash, and open each."""
    from service.cli.local_estimator import local_estimator  # noqa: PLC0415

    try:
        estimator = local_estimator(settings)
        estimator.warm()
    except UnknownModel as error:
        yield Finding(
            "bad",
            "models",
            f"{error.code}: {error.detail}",
            "name in FACEPULSE_DEFAULT_MODEL what `facepulse models` lists",
        )
        return
    except FacePulseError as error:
        remedy = "name the folder of released models in FACEPULSE_MODEL_STORE, or put the released files back"
        yield Finding("bad", "models", f"{error.code}: {error.detail}", remedy)
        return
    released = [manifest.folder for manifest in estimator.store.pulse_models()]
    yield Finding("ok", "models", f"{', '.join(released) or 'no network'}: the hashes fit and they open")
    yield Finding("ok", "models", f"the default is {estimator.default}")


def check_decoders(_: Settings) -> Iterator[Finding]:
    """Ask FFmpeg for the decoders that videos of phones and browsers need."""
    import av  # noqa: PLC0415

    missing = [said for name, said in _DECODERS.items() if name not in av.codecs_available]
    if missing:
        yield Finding("bad", "decoders", f"missing: {', '.join(missing)}", "install the PyAV wheel: pip install av")
    else:
        yield Finding("ok", "decoders", ", ".join(_DECODERS.values()))


def check_cores(settings: Settings) -> Iterator[Finding]:
    """Compare the workers with the cores that this process may use and with the container's share of them."""
    cores = min(float(usable_cores()), _cpu_quota() or float("inf"))
    said = f"{settings.workers} workers, {cores:g} usable cores"
    if settings.workers > cores:
        yield Finding("note", "cores", said, "more workers than cores only wait for each other: FACEPULSE_WORKERS")
    else:
        yield Finding("ok", "cores", said)


def check_memory(settings: Settings) -> Iterator[Finding]:
    """Compare what workers may take with what there is."""
    most_mb, there_mb = settings.workers * settings.worker_memory_mb + _SERVICE_MB, _memory_mb()
    said = f"workers may take {most_mb} MB in all, {there_mb:.0f} MB are there"
    if there_mb < _SERVICE_MB + settings.worker_memory_mb:
        remedy = "give it more, or lower FACEPULSE_WORKER_MEMORY_MB"
        yield Finding("bad", "memory", said, remedy)
    elif there_mb < most_mb:
        yield Finding("note", "memory", said, "lower FACEPULSE_WORKERS or FACEPULSE_WORKER_MEMORY_MB")
    else:
        yield Finding("ok", "memory", said)


def check_limits(settings: Settings) -> Iterator[Finding]:
    """Compare this process's resource limits with what the service needs."""
    files_needed = 2 * settings.max_uploads + 4 * settings.workers + _SPARE_FILES
    needs = (
        ("open files (ulimit -n)", resource.RLIMIT_NOFILE, files_needed, 1),
        ("file size (ulimit -f)", resource.RLIMIT_FSIZE, settings.max_upload_bytes, _MIB),
        ("data size (ulimit -d)", resource.RLIMIT_DATA, settings.worker_memory_mb * _MIB, _MIB),
        ("address space (ulimit -v)", resource.RLIMIT_AS, 4 * settings.worker_memory_mb * _MIB, _MIB),
    )
    low = False
    for said, limit, needed, unit in needs:
        soft = resource.getrlimit(limit)[0]
        if soft != resource.RLIM_INFINITY and soft < needed:
            low = True
            unit_name = " MiB" if unit == _MIB else ""
            short = f"{said} is {soft // unit}{unit_name}, {needed // unit}{unit_name} are needed"
            yield Finding("bad", "limits", short, "raise it where the service is started")
    if not low:
        yield Finding("ok", "limits", "open files, file size, data size and address space suffice")


def check_data_dir(settings: Settings) -> Iterator[Finding]:
    """Find out whether uploads can be received into the data directory, and by nobody else read."""
    from service.api.uploads import UploadFolder  # noqa: PLC0415

    folder = settings.uploads_folder
    if folder.exists():
        try:
            UploadFolder(folder).close()
        except OSError as error:
            said = f"{folder} cannot be used: {error.strerror or error}"
            yield Finding("bad", "data folder", said, "let it belong to the service's user alone (chmod 700, chown)")
            return
    parent = _first_there(folder)
    if not os.access(parent, os.W_OK | os.X_OK):
        remedy = "name a folder of the service's user in FACEPULSE_DATA_DIR"
        yield Finding("bad", "data folder", f"{folder} cannot be made: {parent} is not writable", remedy)
        return
    free_mb = shutil.disk_usage(parent).free / MEGABYTE
    said = f"{folder}, {free_mb:.0f} MB free"
    if free_mb < settings.max_upload_mb:
        remedy = f"one upload may take {settings.max_upload_mb:.0f} MB: make room, or lower FACEPULSE_MAX_UPLOAD_MB"
        yield Finding("note", "data folder", said, remedy)
    else:
        yield Finding("ok", "data folder", said)


def check_keys(settings: Settings) -> Iterator[Finding]:
    """Read the key file, and find a service that would be open to strangers."""
    from service.api.auth import open_ring  # noqa: PLC0415
    from service.keys import KeysUnusable, read_keys  # noqa: PLC0415

    try:
        open_ring(settings)
    except KeysUnusable as error:
        yield Finding("bad", "keys", str(error), "`facepulse keys --help` says how to make keys")
        return
    if settings.keys_file is None:
        yield Finding("ok", "keys", f"none; {settings.host} {'is open' if settings.allow_open else 'is this machine'}")
    else:
        names = {known.name for known in read_keys(settings.keys_file)}
        yield Finding("ok", "keys", f"{len(names)} names")


def check_port(settings: Settings) -> Iterator[Finding]:
    """Try to listen where the service would."""
    where = f"{settings.host} port {settings.port}"
    try:
        family = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0][0]
        with socket.create_server((settings.host, settings.port), family=family):
            yield Finding("ok", "port", f"{where} is free")
    except OSError as error:
        remedy = "end what listens there (another FacePulse?), or choose another FACEPULSE_PORT or FACEPULSE_HOST"
        yield Finding("bad", "port", f"{where}: {(error.strerror or 'cannot be used').lower()}", remedy)


def check_optional(_: Settings) -> Iterator[Finding]:
    """Say which optional packages are missing and what for."""
    missing = [(name, what, extra) for name, (what, extra) in _OPTIONAL.items() if find_spec(name) is None]
    for name, what, extra in missing:
        yield Finding("note", "optional", f"{name} is not there: no {what}", f"pip install 'facepulse[{extra}]'")
    if not missing:
        yield Finding("ok", "optional", ", ".join(_OPTIONAL))


CHECKS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
    check_variables,
    check_models,
    check_decoders,
    check_cores,
    check_memory,
    check_limits,
    check_data_dir,
    check_keys,
    check_port,
    check_optional,
)


def _first_there(folder: Path) -> Path:
    return next(path for path in (folder, *folder.absolute().parents) if path.exists())


def _cpu_quota() -> float | None:
    """Return the cores that the container may use, None without such a limit."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return int(quota) / int(period)
    except (OSError, ValueError):
        return None


def _memory_mb() -> float:
    """Return the memory (MB) of the machine, or of the container where that has less."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with contextlib.suppress(OSError, ValueError):  # it says "max" where there is no limit
        machine = min(machine, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return machine / MEGABYTE
