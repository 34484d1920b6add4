from pathlib import Path

import pytest

from service.api.catalogue import list_models
from service.pipeline.errors import ManifestInvalid
from service.pipeline.manifest import InputPart, Manifest, OutputPart, TrainingPart
from service.wire import Ready


def store_with(root: Path, *names: str, default: str) -> Path:
    for name in names:
        folder = root / f"{name}-1.2.3"
        folder.mkdir()
        training = TrainingPart(data="rendered clips", licence="Apache-2.0", recipe="x", git_revision="0")
        Manifest(
            name=name, version="1.2.3", kind="pulse", files={"model.onnx": "ab" * 32}, opset=12, ir_version=7,
            parameters=24_769, input=InputPart(fps=30, lag=1), output=OutputPart(kind="derivative"), training=training,
            metrics={"mae_bpm": 1.5},
        ).write(folder)  # fmt: skip
    models = ", ".join(f'"{name}": "1.2.3"' for name in names)
    (root / "active.json").write_text(f'{{"default": "{default}", "models": {{{models}}}}}')
    return root


def test_released_models_come_first_and_carry_their_manifests_facts(tmp_path: Path) -> None:
    store = store_with(tmp_path, "teacher", "student", default="student")
    models = list_models(store, Ready(("student", "teacher", "pos"), "student"))
    assert [(m.name, m.kind) for m in models] == [
        ("student", "network"), ("teacher", "network"), ("pos", "classical"),
    ]  # fmt: skip
    facts = models[0]
    assert (facts.version, facts.parameters, facts.input_size, facts.fps) == ("1.2.3", 24_769, 36, 30.0)
    assert (facts.sha256, facts.licence, facts.metrics) == ("ab" * 32, "Apache-2.0", {"mae_bpm": 1.5})


def test_the_default_may_be_a_classical_method(tmp_path: Path) -> None:
    models = list_models(store_with(tmp_path, "student", default="student"), Ready(("student", "pos"), "pos"))
    assert [m.name for m in models if m.default] == ["pos"]


def test_before_a_worker_is_warm_the_store_alone_speaks(tmp_path: Path) -> None:
    assert [m.name for m in list_models(store_with(tmp_path, "student", default="student"), Ready((), ""))] == [
        "student"
    ]


def test_a_store_that_cannot_be_read_is_a_named_error(tmp_path: Path) -> None:
    with pytest.raises(ManifestInvalid):
        list_models(tmp_path, Ready((), ""))
