import subprocess
import sys

import facepulse
from tests.service.server import ROOT

HEAVY = {"service", "training", "onnxruntime", "scipy", "av", "fastapi", "numpy", "pydantic", "cv2", "tqdm"}


def test_the_client_pulls_nothing_of_the_service() -> None:
    code = "import sys, facepulse; print(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert not HEAVY & set(done.stdout.split())


def test_everything_public_is_exported() -> None:
    public = {name for name, value in vars(facepulse).items() if getattr(value, "__module__", "").startswith("facep")}
    assert public == {name for name in facepulse.__all__ if name in public}
    assert all(hasattr(facepulse, name) for name in facepulse.__all__)
    assert sorted(facepulse.__all__) == facepulse.__all__


def test_it_tells_type_checkers_of_its_types() -> None:
    assert (ROOT / "facepulse" / "py.typed").exists()
