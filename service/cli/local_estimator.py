"""The chain in the command's own process, with the models that the settings name."""

from service.pipeline.estimate import Estimator
from service.settings import Settings


def local_estimator(settings: Settings | None = None) -> Estimator:
    """Return it; settings: those of the environment by default. Raises ManifestInvalid or ModelCorrupt."""
    settings = settings or Settings()
    return Estimator(settings.model_store, default=settings.default_model)
