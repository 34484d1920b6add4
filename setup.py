"""Puts the released models into the wheel, beside the code as in a checkout; everything else is in pyproject.toml."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

MODEL_STORE = Path("model_store")


class BuildWithModels(build_py):
    """Copies the top-level data folder beside the code; an editable install reads it where it lies."""

    def run(self) -> None:
        """Build the Python files, then copy the models."""
        super().run()
        if not self.editable_mode:
            shutil.copytree(MODEL_STORE, Path(self.build_lib, MODEL_STORE), dirs_exist_ok=True)

    def get_source_files(self) -> list[str]:
        """Name the models as sources, so that a source distribution carries them."""
        return [*super().get_source_files(), *(str(path) for path in MODEL_STORE.rglob("*") if path.is_file())]


setup(cmdclass={"build_py": BuildWithModels})
