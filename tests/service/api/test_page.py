import gzip
import re

import pytest

from service.api.page import WEB, read_assets
from tests.service.server import Server

TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml", "txt": "text/plain"}


def test_the_page_is_at_the_root(server: Server) -> None:
    with server.client() as client:
        response = client.get("/")
    assert response.text == (WEB / "index.html").read_text()


@pytest.mark.parametrize("name", sorted(read_assets()))
def test_every_file_has_its_type(server: Server, name: str) -> None:
    with server.client() as client:
        response = client.get(f"/web/{name}")
    assert response.content == (WEB / name).read_bytes()
    assert response.headers["content-type"].split(";")[0] == TYPES[name.rsplit(".", 1)[1]]


@pytest.mark.parametrize("name", ["", "%2e%2e/main.py", "..%2fmain.py", "/etc/passwd", "vendor", "index.html/", "a%00"])
def test_nothing_else_is_answered(server: Server, name: str) -> None:
    with server.client() as client:
        response = client.get(f"/web/{name}")
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


def test_what_the_browser_has_is_not_sent_again(server: Server) -> None:
    with server.client() as client:
        first = client.get("/web/style.css")
        again = client.get("/web/style.css", headers={"If-None-Match": first.headers["etag"]})
    assert first.headers["cache-control"] == again.headers["cache-control"] == "no-cache"
    assert (again.status_code, again.content) == (304, b"")


def test_it_goes_compressed_to_who_takes_that(server: Server) -> None:
    with server.client() as client:
        packed = client.get("/web/style.css", headers={"Accept-Encoding": "gzip"})
        plain = client.get("/web/style.css", headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.text == plain.text
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"])


def test_the_policy_allows_own_files_only(server: Server) -> None:
    with server.client() as client:
        policy = client.get("/").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"https?:|\*", policy)


def test_no_file_names_another_place_to_load_from() -> None:
    loads = re.compile(rb"""(?:src|href|url|import|from|fetch)\s*[=(]?\s*["'(]?\s*(?:https?:)?//""")
    assert [name for name, asset in read_assets().items() if loads.search(asset.body)] == []


def test_compressed_bytes_are_the_same_each_time() -> None:
    assert all(gzip.decompress(asset.zipped) == asset.body for asset in read_assets().values())
    assert read_assets.__wrapped__(WEB) == read_assets()


def test_vendored_code_has_its_licence_and_version() -> None:
    licence = (WEB / "vendor" / "LICENSE.uplot.txt").read_text()
    version = re.search(r"uPlot ([\d.]+)", licence)
    assert version
    assert f"v{version[1]}".encode() in (WEB / "vendor" / "uPlot.iife.min.js").read_bytes()[:200]
    assert "MIT" in licence
