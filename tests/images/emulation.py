"""arm64 programs on an amd64 machine: QEMU, registered with the kernel as long as the proof needs it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.images.tools import TOOLS, run, unpack

# The Nano's core: no atomics of ARMv8.1, no half floats, no dot product. QEMU takes it from each program's environment,
# and the service's workers are not given it: for them it is a newer core.
ENVIRONMENT = ["QEMU_CPU=cortex-a57", "OPENBLAS_CORETYPE=ARMV8"]
# An emulated core takes its time.
PATIENCE = ["FACEPULSE_WORKERS=1", "FACEPULSE_WORKER_START_TIMEOUT_S=600", "FACEPULSE_TASK_TIMEOUT_S=600"]
HEALTH = {"interval": "20s", "timeout": "120s", "start_period": "900s"}
_KERNEL = Path("/proc/sys/fs/binfmt_misc")
_NAME = "facepulse-aarch64"
_MAGIC = r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00"
_MASK = r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff"


@contextmanager
def registered() -> Iterator[None]:
    """Have the kernel start arm64 programs with QEMU; that of Debian 12 itself is too old for onnxruntime."""
    qemu = TOOLS / "bookworm-backports" / "root" / "usr" / "bin" / "qemu-aarch64"
    if not qemu.exists():
        unpack("bookworm-backports", "qemu-user")
    if not (_KERNEL / "register").exists():
        run("mount", "-t", "binfmt_misc", "binfmt_misc", _KERNEL)
    if not (_KERNEL / _NAME).exists():
        (_KERNEL / "register").write_text(f":{_NAME}:M::{_MAGIC}:{_MASK}:{qemu}:F")
    try:
        yield
    finally:
        (_KERNEL / _NAME).write_text("-1")
