"""The model contract: what is written is read again, and what is wrong is named."""

import json
from pathlib import Path
from typing import Any

import pytest

from service.pipeline.errors import ManifestInvalid, ModelCorrupt, UnknownModel
from service.pipeline.manifest import ModelStore, file_sha256, read_manifest, replace_text
from service.pipeline.types import Calibration, InputSpec
from tests.service.pipeline.tiny_models import write_active, write_green_model


def change(folder: Path, **fields: Any) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def test_what_is_written_is_read(tmp_path: Path) -> None:
    manifest = read_manifest(write_green_model(tmp_path))
    assert manifest.folder == "tiny-1.0.0"
    assert manifest.input_spec == InputSpec(36, 30.0, 1)
    assert manifest.info.sha256 == file_sha256(tmp_path / "tiny-1.0.0" / "model.onnx")


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "text"
    replace_text(path, "old")
    with pytest.raises(UnicodeEncodeError):
        replace_text(path, "new \ud800")
    assert path.read_text() == "old"
    replace_text(path, "new")
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("text", "new")]


def test_a_models_own_calibration_wins(tmp_path: Path) -> None:
    folder = write_green_model(tmp_path)
    default = Calibration(1.0, {})
    assert read_manifest(folder).calibration_or(default) == default
    change(folder, calibration={"bias": -2.0, "weights": {"snr_db": 0.5}})
    assert read_manifest(folder).calibration_or(default) == Calibration(-2.0, {"snr_db": 0.5})


@pytest.mark.parametrize(
    "fields",
    [
        {"opset": 13},
        {"ir_version": 8},
        {"name": "../evil"},
        {"version": "1"},
        {"schema_version": 2},
        {"unheard_of": 1},
        {"input": None},
        {"input": {"fps": 30.0, "lag": 1, "value_range": [0, 255]}},
        {"input": {"fps": 30.0, "lag": 1, "size": 5}},  # smaller than the places that its controls look at
        {"output": {"kind": "wave", "band_hz": [0.5, 4.0]}},
        {"files": {}},
        {"metrics": {"mae": "NaN"}},
    ],
)
def test_a_manifest_out_of_contract_is_refused(tmp_path: Path, fields: dict[str, Any]) -> None:
    folder = write_green_model(tmp_path)
    change(folder, **fields)
    with pytest.raises(ManifestInvalid):
        read_manifest(folder)


def test_a_manifest_of_another_folder_is_refused(tmp_path: Path) -> None:
    folder = write_green_model(tmp_path).rename(tmp_path / "tiny-2.0.0")
    with pytest.raises(ManifestInvalid, match="another model or version"):
        read_manifest(folder)


def test_a_missing_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestInvalid, match="nowhere"):
        read_manifest(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["absent.onnx", "../model.onnx"])
def test_a_file_that_is_not_in_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    folder = write_green_model(tmp_path)
    change(folder, files={name: "0" * 64})
    with pytest.raises(ModelCorrupt):
        read_manifest(folder)


def test_the_store_puts_the_default_first(tmp_path: Path) -> None:
    for name in ("alpha", "beta"):
        write_green_model(tmp_path, name)
    write_active(tmp_path, "beta", ["alpha", "beta"])
    store = ModelStore(tmp_path)
    assert [manifest.name for manifest in store.pulse_models()] == ["beta", "alpha"]
    with pytest.raises(UnknownModel):
        store.folder("gamma")


def test_a_store_opened_as_a_release_does_not_look_at_what_is_active(tmp_path: Path) -> None:
    for name in ("alpha", "beta"):
        write_green_model(tmp_path, name)
    write_active(tmp_path, "beta", ["beta"])
    release = ModelStore(tmp_path).release()
    write_active(tmp_path, "alpha", ["alpha", "beta"])
    store = ModelStore(tmp_path, release)
    assert (store.default, list(store.versions)) == ("beta", ["beta"])
    assert store.release() == release


def test_a_store_that_is_not_the_release_any_more_is_named(tmp_path: Path) -> None:
    folder = write_green_model(tmp_path)
    write_active(tmp_path, "tiny", ["tiny"])
    release = ModelStore(tmp_path).release()
    change(folder, calibration={"bias": -2.0, "weights": {}})
    with pytest.raises(ModelCorrupt):
        ModelStore(tmp_path, release).release()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"default": "a", "models": []}'])
def test_a_broken_store_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "active.json").write_text(text)
    with pytest.raises(ManifestInvalid, match=r"active\.json"):
        ModelStore(tmp_path)
