"""Where the released models lie when nobody says otherwise."""

from pathlib import Path


def default_model_store() -> Path:
    """Return the copy inside the package, which only an installed wheel has, or else the checkout's model_store/."""
    package = Path(__file__).resolve().parent
    bundled = package / "model_store"
    return bundled if bundled.is_dir() else package.parent / "model_store"
