from pathlib import Path

from tests.service.server import Server, running_server, wait_until


def test_health_says_how_many_workers_there_are(server: Server) -> None:
    with server.client() as client:
        for path in ("/livez", "/readyz"):
            health = client.get(path).json()
            assert (health["status"], health["workers_wanted"], health["trouble"]) == ("ok", 2, None)


def test_it_lives_before_it_is_ready(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "broken").touch()
    with running_server(tmp_path, wait_for_workers=False) as server, server.client() as client:
        why = wait_until(lambda: [line["why"] for line in server.log() if "why" in line])
        assert why[0] == "internal_error: cannot be warmed"
        assert client.get("/livez").status_code == 200
        ready = client.get("/readyz")
        assert (ready.status_code, ready.json()["status"]) == (503, "starting")
        assert ready.json()["trouble"] == "internal_error"
        assert "retry-after" in ready.headers


def test_a_broken_model_store_is_not_ready_until_it_is_mended(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "missing").touch()
    with running_server(tmp_path, wait_for_workers=False) as server, server.client() as client:
        ready = wait_until(lambda: _if_in_trouble(client.get("/readyz").json()))
        assert (ready["status"], ready["trouble"]) == ("model_store_broken", "manifest_invalid")
        (tmp_path / "store" / "missing").unlink()
        wait_until(lambda: client.get("/readyz").status_code == 200, 30)


def _if_in_trouble(health: dict[str, object]) -> dict[str, object] | None:
    return health if health["trouble"] else None


def test_version_and_problem_pages(server: Server) -> None:
    with server.client() as client:
        assert client.get("/version").json()["name"] == "facepulse"
        assert client.get("/problems/no_face").json()["status"] == 422


def test_the_docs_page_needs_nothing_from_elsewhere(server: Server) -> None:
    with server.client() as client:
        page = client.get("/docs").text
    assert "curl -F file=@me.mp4" in page
    assert "<script" not in page
    assert "https://" not in page
