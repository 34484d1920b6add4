"""Where the released models lie when nobody says otherwise."""

from pathlib import Path


def default_model_store() -> Path:
    """Return the checkout's model_store/ folder, or in an installed wheel the copy inside the package."""
    package = Path(__file__).resolve().parent
    checkout = package.parent / "model_store"
    return checkout if (package.parent / "pyproject.toml").is_file() else package / "model_store"
