from pathlib import Path

from service.wire import DEFAULT_ESTIMATOR
from tests.service.server import Server, running_server

STORE = Path(__file__).parents[3] / "model_store"


def test_models_are_listed_and_described(server: Server) -> None:
    with server.client() as client:
        models = client.get("/v1/models").json()["models"]
        assert models[0]["default"]
        assert {"name": "pos", "kind": "classical"}.items() <= client.get("/v1/models/pos").json().items()
        assert client.get("/v1/models/auto").json() == models[0]


def test_auto_is_the_model_that_the_operator_names(tmp_path: Path) -> None:
    with (
        running_server(tmp_path, estimator=DEFAULT_ESTIMATOR, model_store=STORE, default_model="chrom") as server,
        server.client() as client,
    ):
        models = client.get("/v1/models").json()["models"]
        assert [model["name"] for model in models if model["default"]] == ["chrom"] == [models[0]["name"]]
        assert client.get("/v1/models/auto").json() == models[0]


def test_before_a_worker_is_warm_nothing_is_known(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "slow").touch()
    with running_server(tmp_path, wait_for_workers=False) as server, server.client() as client:
        for path in ("/v1/models", "/v1/models/auto"):
            answer = client.get(path)
            assert (answer.status_code, answer.json()["code"]) == (503, "starting")
            assert "retry-after" in answer.headers
