import io
import json
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from service.api.schemas import HeartRateResult, ModelList
from service.cli import in_words, main
from tests.service.estimates import make_face, make_result

CLIP = Path(__file__).parents[2] / "demo" / "astronaut.mp4"
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


def usage_error(*argv: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(argv)
    assert isinstance(left.value.code, int)
    return left.value.code


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


@pytest.mark.parametrize("argv", [[], ["nonsense"], ["estimate"], ["models", "extra"], ["serve", "--port", "x"]])
def test_wrong_usage_is_2(argv: list[str]) -> None:
    assert usage_error(*argv) == 2


@pytest.mark.parametrize(
    "option",
    [["--face", "both"], ["--start-s", "-1"], ["--start-s", "nan"], ["--duration-s", "inf"], ["--plot", "out.jpg"],
     ["--plot", "no/such/folder/out.png"]],
)  # fmt: skip
def test_wrong_options_are_2(option: list[str]) -> None:
    assert usage_error("estimate", str(CLIP), *option) == 2


def test_an_unknown_model_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", str(CLIP), "--model", "nonsense"]) == 2
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


def test_a_wrong_setting_is_2_and_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEPULSE_PORT", "99999999")
    assert main(["models"]) == 2
    assert capsys.readouterr().err.startswith("settings_invalid: port: ")


def test_serve_takes_the_port_as_a_setting(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--port", "70000"]) == 2
    assert capsys.readouterr().err.startswith("settings_invalid: port: ")


def test_a_broken_model_store_is_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FACEPULSE_MODEL_STORE", str(tmp_path))
    assert main(["models"]) == 1
    assert capsys.readouterr().err.startswith("manifest_invalid: ")


def listed(capsys: pytest.CaptureFixture[str]) -> ModelList:
    assert main(["models", "--json"]) == 0
    return ModelList.model_validate_json(capsys.readouterr().out)


def test_models_have_at_most_one_default(capsys: pytest.CaptureFixture[str]) -> None:
    assert sum(model.default for model in listed(capsys).models) <= 1


def test_models_include_the_classical_methods(capsys: pytest.CaptureFixture[str]) -> None:
    assert METHOD in [model.name for model in listed(capsys).models if model.kind == "classical"]


def test_models_in_words_have_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    names = [model.name for model in listed(capsys).models]
    main(["models"])
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == names


def test_help_is_quick() -> None:
    """Nothing heavy is imported for it."""
    heavy = ["numpy", "scipy", "av", "onnxruntime", "fastapi", "pydantic", "matplotlib"]
    code = f"import sys, service.cli; service.cli._parser(); sys.exit(any(name in sys.modules for name in {heavy}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_words_say_units() -> None:
    said = in_words(make_result()).splitlines()
    assert said[0] == "Heart rate   72.0 bpm"
    assert said[1] == "Confidence   0.91 of 1"
    assert said[2] == "SNR          6.0 dB"
    assert "Face         found in 80 % of the looks" in said
    assert said[-1].startswith("Warning      face_left: ")


def test_words_warn_of_low_quality() -> None:
    assert "not reliable (low quality); the best guess is 72.0 bpm" in in_words(
        make_result(make_face(status="low_quality"))
    )


def test_words_tell_faces_apart() -> None:
    said = in_words(make_result(make_face(72), make_face(60)))
    assert "Face 1 of 2\nHeart rate   72.0 bpm" in said
    assert "Face 2 of 2\nHeart rate   60.0 bpm" in said
