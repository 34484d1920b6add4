"""Puts the released models and the bundled clip into the wheel; everything else is in pyproject.toml."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

MODEL_STORE = Path("model_store")
CLIP = Path("demo", "astronaut.mp4")


class BuildWithModels(build_py):
    """Copies data from the top level beside the code; an editable install reads it where it lies."""

    def run(self) -> None:
        """Build the Python files, then copy the models and the clip."""
        super().run()
        if not self.editable_mode:
            shutil.copytree(MODEL_STORE, Path(self.build_lib, MODEL_STORE), dirs_exist_ok=True)
            if CLIP.is_file():  # whoever builds an image may leave it out
                shutil.copy(CLIP, Path(self.build_lib, "service", CLIP.name))

    def get_source_files(self) -> list[str]:
        """Name them as sources, so that a source distribution carries them."""
        data = [path for path in (*MODEL_STORE.rglob("*"), CLIP) if path.is_file()]
        return [*super().get_source_files(), *map(str, data)]


setup(cmdclass={"build_py": BuildWithModels})
