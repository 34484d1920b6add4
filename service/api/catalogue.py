"""What `/v1/models` lists: the model store's manifests and the classical methods that the workers offer."""

from pathlib import Path

from service.api.schemas import ModelFacts
from service.pipeline.manifest import ModelStore
from service.wire import Ready


def list_models(store_path: Path, ready: Ready) -> list[ModelFacts]:
    """Return all models, the default first. Raises ManifestInvalid when the store cannot be read."""
    store = ModelStore(store_path)
    default = ready.default or store.default
    networks = [ModelFacts.from_manifest(m, default=m.name == default) for m in store.pulse_models()]
    known = {model.name for model in networks}
    classical = [
        ModelFacts(name=name, kind="classical", default=name == default) for name in ready.models if name not in known
    ]
    return sorted([*networks, *classical], key=lambda model: not model.default)
