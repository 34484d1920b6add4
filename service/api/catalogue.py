"""What `/v1/models` lists: what the workers have opened, with the manifests' facts."""

from service.api.model_schemas import ModelFacts
from service.wire import Ready


def list_models(ready: Ready) -> list[ModelFacts]:
    """Return all models and classical methods that workers serve, the default first."""
    networks = [ModelFacts.from_manifest(m, default=m.name == ready.default) for m in ready.release.pulse_models]
    known = {model.name for model in networks}
    classical = [
        ModelFacts(name=name, kind="classical", default=name == ready.default)
        for name in ready.models
        if name not in known
    ]
    return sorted([*networks, *classical], key=lambda model: not model.default)
