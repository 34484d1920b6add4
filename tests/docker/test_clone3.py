"""docker/clone3.c, compiled here and run under a filter that answers EPERM as old container engines do."""

import ctypes
import errno
import platform
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "docker" / "clone3.c"
COMPILER = shutil.which("cc") or shutil.which("gcc")
CLONE3 = 435  # on every architecture

pytestmark = [
    pytest.mark.skipif(COMPILER is None, reason="no C compiler"),
    pytest.mark.skipif(platform.machine() not in ("x86_64", "aarch64"), reason="the images are for amd64 and arm64"),
    pytest.mark.skipif(sys.platform != "linux", reason="seccomp is Linux"),
]

ASK = f"""
import ctypes, threading
library = ctypes.CDLL(None, use_errno=True)
library.syscall({CLONE3}, None, 0)
print(ctypes.get_errno())
try:
    thread = threading.Thread(target=print, args=("a thread ran",))
    thread.start()
    thread.join()
except RuntimeError:
    print("no thread")
"""


def forbid_clone3() -> None:
    """Answer EPERM to clone3 from here on, in this process and its children; called between fork and exec."""
    load, equal, answer = 0x20, 0x15, 0x06
    steps = [
        (load, 0, 0, 0),  # the call's number
        (equal, 0, 1, CLONE3),
        (answer, 0, 0, 0x00050000 | errno.EPERM),
        (answer, 0, 0, 0x7FFF0000),  # allowed
    ]
    program = b"".join(struct.pack("HBBI", *step) for step in steps)
    kept = ctypes.create_string_buffer(program, len(program))
    filter_ = ctypes.create_string_buffer(struct.pack("HP", len(steps), ctypes.addressof(kept)))
    library = ctypes.CDLL(None, use_errno=True)
    no_new_privileges, set_seccomp, mode_filter = 38, 22, 2
    if library.prctl(no_new_privileges, 1, 0, 0, 0) or library.prctl(set_seccomp, mode_filter, filter_, 0, 0):
        raise OSError(ctypes.get_errno(), "the filter was refused")


@pytest.fixture(scope="module")
def clone3(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = tmp_path_factory.mktemp("clone3") / "clone3"
    subprocess.run([str(COMPILER), "-std=c11", "-Wall", "-Wextra", "-Werror", "-o", built, SOURCE], check=True)
    return built


def said(command: list[str | Path], *, forbidden: bool) -> list[str]:
    before = forbid_clone3 if forbidden else None
    done = subprocess.run(command, preexec_fn=before, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_the_filter_of_this_test_forbids_clone3() -> None:
    assert said([sys.executable, "-c", ASK], forbidden=True)[0] == str(errno.EPERM)


def test_where_it_is_forbidden_the_program_hears_that_there_is_no_such_call(clone3: Path) -> None:
    assert said([clone3, sys.executable, "-c", ASK], forbidden=True) == [str(errno.ENOSYS), "a thread ran"]


def test_what_the_program_starts_hears_the_same(clone3: Path) -> None:
    nested = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {ASK!r}], check=True)"
    assert said([clone3, sys.executable, "-c", nested], forbidden=True)[0] == str(errno.ENOSYS)


def test_elsewhere_nothing_is_changed(clone3: Path) -> None:
    state = "print(*(line for line in open('/proc/self/status') if line.startswith(('Seccomp', 'NoNewPrivs'))))"
    plain = said([sys.executable, "-c", state], forbidden=False)
    assert said([clone3, sys.executable, "-c", state], forbidden=False) == plain


def test_the_program_gets_its_arguments_and_its_exit_code_is_kept(clone3: Path) -> None:
    code = "import sys; sys.exit(len(sys.argv))"
    assert subprocess.run([clone3, sys.executable, "-c", code, "a b", ""], check=False).returncode == 3


@pytest.mark.parametrize(("arguments", "code"), [([], 2), (["/no/such/program"], 127)])
def test_wrong_use_is_told(clone3: Path, arguments: list[str], code: int) -> None:
    done = subprocess.run([clone3, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert "clone3" in done.stderr or "/no/such/program" in done.stderr
