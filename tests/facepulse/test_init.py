import subprocess
import sys

import facepulse
from tests.service.server import ROOT

HEAVY = {"service", "training", "onnxruntime", "scipy", "av", "fastapi", "numpy", "pydantic", "cv2", "tqdm"}


def test_the_client_pulls_nothing_of_the_service() -> None:
    code = "import sys, facepulse; facepulse.Client; print(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert not HEAVY & set(done.stdout.split())


def test_everything_public_is_exported() -> None:
    imported = {name for name, value in vars(facepulse).items() if getattr(value, "__module__", "").startswith("facep")}
    public = {name for name in imported if not name.startswith("_")}
    assert public <= set(facepulse.__all__)
    assert all(hasattr(facepulse, name) for name in facepulse.__all__)
    assert sorted(facepulse.__all__) == facepulse.__all__


def test_nothing_else_is_there() -> None:
    assert not hasattr(facepulse, "Server")


def test_without_httpx_the_rest_works_and_the_clients_say_what_they_need() -> None:
    code = "import sys; sys.modules['httpx'] = None; import facepulse, facepulse.live; facepulse.Client"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.stderr.splitlines()[-1].endswith("the clients need httpx: pip install 'facepulse[client]'")


def test_it_tells_type_checkers_of_its_types() -> None:
    assert (ROOT / "facepulse" / "py.typed").exists()
