from service.api.catalogue import list_models
from service.pipeline.manifest import InputPart, Manifest, OutputPart, Release, TrainingPart
from service.wire import Ready


def manifest(name: str) -> Manifest:
    training = TrainingPart(data="rendered clips", licence="Apache-2.0", recipe="x", git_revision="0")
    return Manifest(
        name=name, version="1.2.3", kind="pulse", files={"model.onnx": "ab" * 32}, opset=12, ir_version=7,
        parameters=24_769, input=InputPart(fps=30, lag=1), output=OutputPart(kind="derivative"), training=training,
        metrics={"mae_bpm": 1.5},
    )  # fmt: skip


def ready(default: str) -> Ready:
    release = Release(default=default, manifests=(manifest("student"), manifest("teacher")))
    return Ready(("student", "teacher", "pos"), release)


def test_released_models_come_first_and_carry_their_manifests_facts() -> None:
    models = list_models(ready("teacher"))
    assert [(m.name, m.kind) for m in models] == [
        ("teacher", "network"), ("student", "network"), ("pos", "classical"),
    ]  # fmt: skip
    facts = models[0]
    assert (facts.version, facts.parameters, facts.input_size, facts.fps) == ("1.2.3", 24_769, 36, 30.0)
    assert (facts.sha256, facts.licence, facts.metrics) == ("ab" * 32, "Apache-2.0", {"mae_bpm": 1.5})


def test_the_default_may_be_a_classical_method() -> None:
    models = list_models(ready("pos"))
    assert [m.name for m in models if m.default] == [models[0].name] == ["pos"]


def test_before_a_worker_is_warm_there_are_none() -> None:
    assert list_models(Ready(())) == []
