import pytest

from service.api.model_schemas import ModelFacts, ModelList
from service.cli import main
from service.cli.models import _line


def listed(capsys: pytest.CaptureFixture[str]) -> ModelList:
    assert main(["models", "--json"]) == 0
    return ModelList.model_validate_json(capsys.readouterr().out)


def test_models_have_at_most_one_default(capsys: pytest.CaptureFixture[str]) -> None:
    assert sum(model.default for model in listed(capsys).models) <= 1


@pytest.mark.parametrize("name", ["teacher", "pos"])
def test_the_default_can_be_set(name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEPULSE_DEFAULT_MODEL", name)
    assert [model.name for model in listed(capsys).models if model.default] == [name]


def test_models_include_the_classical_methods(capsys: pytest.CaptureFixture[str]) -> None:
    assert "pos" in [model.name for model in listed(capsys).models if model.kind == "classical"]


def test_models_in_words_have_a_line_each_with_the_speed(capsys: pytest.CaptureFixture[str]) -> None:
    names = [model.name for model in listed(capsys).models]
    main(["models"])
    lines = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    assert [line[0] for line in lines] == names
    assert all(float(line[3]) > 0 for line in lines)


@pytest.mark.parametrize(
    ("metrics", "said"),
    [
        ({"test_ok_bpm_mae": 0.59, "test_ok_share": 0.43}, ["0.6", "43"]),
        ({"validation_bpm_mae": 38.1}, ["-", "-"]),  # of all clips, unusable ones too: no measure of the answers
    ],
)
def test_the_accuracy_is_that_of_usable_answers(metrics: dict[str, float], said: list[str]) -> None:
    assert _line(ModelFacts(name="student", kind="network", version="1.0.0", metrics=metrics), 0.1).split()[-2:] == said
