import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from service.api.schemas import HeartRateResult
from service.cli import main
from tests.service.cli.test_main import usage_error

CLIP = Path(__file__).parents[3] / "demo" / "astronaut.mp4"
METHOD = "pos"  # needs no released pulse model


@pytest.fixture(scope="module")
def estimated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """The bundled clip's result as JSON, and the picture."""
    picture = tmp_path_factory.mktemp("plot") / "out.png"
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(["estimate", str(CLIP), "--model", METHOD, "--json", "--plot", str(picture)])
    assert (code, err.getvalue()) == (0, ""), "an error, or a bar although stderr is no terminal"
    return json.loads(out.getvalue()), picture


def test_json_is_what_http_answers(estimated: tuple[Any, Path]) -> None:
    fields = set(HeartRateResult.model_fields) - {"request_id", "faces"}
    assert set(estimated[0]) == fields
    HeartRateResult.model_validate(estimated[0])


def test_json_names_the_method(estimated: tuple[Any, Path]) -> None:
    assert estimated[0]["model"]["name"] == METHOD


def test_plot_is_a_png(estimated: tuple[Any, Path]) -> None:
    assert estimated[1].read_bytes().startswith(b"\x89PNG")


def test_a_part_of_the_clip_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", str(CLIP), "--model", METHOD, "--start-s", "2", "--duration-s", "11"]) == 0
    said = capsys.readouterr().out
    assert "bpm" in said
    assert "Video        11.0 s, 640x480" in said


@pytest.mark.parametrize(
    "option",
    [["--face", "both"], ["--start-s", "-1"], ["--start-s", "nan"], ["--duration-s", "inf"], ["--plot", "out.jpg"],
     ["--plot", "no/such/folder/out.png"], ["--out", "out.txt"], ["--jobs", "0"], ["--format", "xml"]],
)  # fmt: skip
def test_wrong_options_are_2(option: list[str]) -> None:
    assert usage_error("estimate", str(CLIP), *option) == 2


@pytest.mark.parametrize("many", [[str(CLIP)], ["--format", "jsonl"]])
def test_a_picture_is_of_one_video(many: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", str(CLIP), *many, "--json"]) == 2
    assert capsys.readouterr().err.startswith("usage: ")


@pytest.mark.parametrize("many", [[], ["--format", "csv"]])
def test_a_default_that_is_no_model_is_2(
    many: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACEPULSE_DEFAULT_MODEL", "studnet")
    assert main(["estimate", str(CLIP), *many]) == 2
    assert capsys.readouterr().err.startswith("unknown_model: the default is to be studnet")


@pytest.mark.parametrize("many", [[], ["--format", "csv"]])
def test_an_unknown_model_is_2(many: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", str(CLIP), "--model", "nonsense", *many]) == 2
    assert capsys.readouterr().err.startswith("unknown_model: ")


def test_a_picture_without_matplotlib_is_2_before_any_work(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert main(["estimate", "none.mp4", "--plot", "out.png"]) == 2
    assert capsys.readouterr().err.startswith("plot_unavailable: ")


def test_a_missing_file_is_1(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["estimate", str(tmp_path / "none.mp4")]) == 1
    assert capsys.readouterr().err == "file_error: No such file or directory\n"


def test_a_file_that_is_no_video_is_1(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("this is no video\n" * 100)
    assert main(["estimate", str(tmp_path / "text.mp4")]) == 1
    printed = capsys.readouterr()
    assert (printed.out, printed.err.split(":")[0]) == ("", "not_a_video")
