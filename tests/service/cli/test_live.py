import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from service.cli import main
from service.cli.live import _told
from service.keys import new_key
from service.wire import DEFAULT_ESTIMATOR
from tests.service.cli.test_estimate import CLIP, METHOD
from tests.service.cli.test_main import usage_error
from tests.service.server import ROOT, Server, running_server

FILE = ("live", "--file", str(CLIP), "--model", METHOD)
HERE = (*FILE, "--no-wait")


def test_a_file_is_measured_here(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*HERE, "--seconds", "7"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [round(float(line.split()[0])) for line in lines] == [1, 2, 3, 4, 5, 6, 7]
    assert lines[0].endswith("measuring, hold still ...")
    assert " bpm  confidence " in lines[-1]


def test_updates_can_be_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*HERE, "--seconds", "2.5", "--json"]) == 0
    updates = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [round(update["time_s"], 1) for update in updates] == [1.0, 2.0, 2.5]
    assert [update["final"] for update in updates] == [False, False, True]
    assert updates[0]["model"]["name"] == METHOD


def test_a_camera_is_measured_here(capsys: pytest.CaptureFixture[str]) -> None:
    """A file in the camera's place, which OpenCV reads as fast as it can."""
    pytest.importorskip("cv2")
    assert main(["live", "--camera", str(CLIP), "--model", METHOD, "--seconds", "0.1", "--json"]) == 0
    (last,) = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert last["final"]
    assert last["face"] is not None


class Pictures:
    """A session that keeps what it is given."""

    def __init__(self) -> None:
        self.taken: list[NDArray[np.uint8]] = []

    def push_picture(self, stamp_s: float, rgb: NDArray[np.uint8]) -> bytes | None:
        self.taken.append(rgb)
        return None

    def push(self, message: bytes) -> bytes | None:
        return None


def test_a_cameras_colours_are_in_order() -> None:
    pytest.importorskip("cv2")
    session = Pictures()
    arguments = argparse.Namespace(file=None, camera=str(CLIP), seconds=0.01)
    list(_told(arguments, session))  # type: ignore[arg-type]
    with av.open(str(CLIP)) as container:
        first = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert np.abs(session.taken[0].astype(int) - first).mean() < 3


def test_a_camera_that_is_not_there_is_1(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    pytest.importorskip("cv2")
    assert main(["live", "--camera", str(tmp_path / "video0")]) == 1
    assert "no such camera" in capsys.readouterr().err


def test_a_missing_file_is_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["live", "--file", "none.mp4"]) == 1
    assert capsys.readouterr().err.startswith("no_frames: ")


def test_an_unknown_model_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["live", "--file", str(CLIP), "--model", "nonsense"]) == 2
    assert capsys.readouterr().err.startswith("unknown_model: ")


def test_camera_or_file_but_not_both() -> None:
    assert usage_error("live", "--camera", "1", "--file", "x") == 2


@pytest.mark.parametrize("argv", [(*HERE, "--url", "http://127.0.0.1:1"), ("live", "--no-wait")])
def test_a_server_and_a_camera_have_their_pace(argv: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv) == 2
    assert "--no-wait" in capsys.readouterr().err


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Path]]:
    """The service as it is, and a file that holds a key to it."""
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "key").write_text(new_key(folder / "keys", "anna") + "\n")
    store, keys = ROOT / "model_store", folder / "keys"
    with running_server(folder, estimator=DEFAULT_ESTIMATOR, model_store=store, keys_file=keys) as server:
        yield server, folder / "key"


def test_a_server_measures(guarded: tuple[Server, Path], capsys: pytest.CaptureFixture[str]) -> None:
    server, key = guarded
    assert main([*FILE, "--seconds", "3", "--url", server.url, "--key-file", str(key)]) == 0
    assert "measuring" in capsys.readouterr().out


def test_a_server_that_wants_a_key_is_1(guarded: tuple[Server, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*FILE, "--url", guarded[0].url]) == 1
    assert capsys.readouterr().err.startswith("unauthorized: ")


def test_an_address_that_is_none_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*FILE, "--url", "localhost"]) == 2
    assert capsys.readouterr().err.startswith("usage: ")
