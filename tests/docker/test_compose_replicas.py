"""compose.replicas.yaml and the proxy's configuration, held against the service's settings without an engine."""

import json
import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from service.api.problems import PROBLEMS
from service.settings import PREFIX, Settings
from tests.docker.test_compose import ROOT, SERVICE

PROXY = (ROOT / "docker" / "haproxy.cfg").read_text()


class Loader(yaml.SafeLoader):
    """Knows compose's word for what is taken away."""


Loader.add_constructor("!reset", lambda loader, node: None)
COMPOSE: dict[str, Any] = yaml.load((ROOT / "compose.replicas.yaml").read_text(), Loader)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
REPLICAS = {SERVICES[name]["environment"]["FACEPULSE_REPLICA"]: name for name in ("facepulse", "facepulse-b")}


def time_s(name: str) -> int:
    """Return a time of the proxy in seconds."""
    found = re.search(rf"^\s*{name} (\d+)s\b", PROXY, re.MULTILINE)
    assert found, name
    return int(found[1])


def test_the_replicas_settings_exist_and_fit() -> None:
    for name in REPLICAS.values():
        given = SERVICES[name]["environment"]
        Settings.model_validate({key.removeprefix(PREFIX).lower(): value for key, value in given.items()})


def test_the_proxy_knows_each_replica_and_its_jobs() -> None:
    assert sorted(REPLICAS) == ["a", "b"]
    for letter, name in REPLICAS.items():
        assert PROXY.count(f'server {letter} "${{FACEPULSE_{letter.upper()}-{name}:8000}}"') == 3
        assert f"use_backend job_{letter} if {{ path_beg /v1/jobs/{letter}- }}" in PROXY
        assert SERVICES["proxy"]["environment"][f"FACEPULSE_{letter.upper()}"].endswith(f":-{name}:8000}}")


def test_nobody_goes_round_the_proxy_and_no_two_share_a_database() -> None:
    assert all(SERVICES[name]["ports"] is None for name in REPLICAS.values())
    assert SERVICES["facepulse-b"]["extends"] == {"file": "compose.yaml", "service": "facepulse"}
    assert SERVICES["facepulse-b"]["volumes"] == ["data-b:/data"]
    assert SERVICE["volumes"] == ["data:/data"]


def test_the_proxy_is_locked_down_and_mounts_what_there_is() -> None:
    proxy = SERVICES["proxy"]
    assert (proxy["cap_drop"], proxy["security_opt"]) == (["ALL"], ["no-new-privileges:true"])
    assert proxy["read_only"]
    assert proxy["mem_limit"]
    assert "tmpfs" not in proxy, "it keeps nothing"
    assert all((ROOT / volume.split(":")[0]).is_file() for volume in proxy["volumes"])
    assert all(port.startswith("${FACEPULSE_BIND:-127.0.0.1}:") for port in proxy["ports"])


def test_a_replica_waits_longer_than_the_proxy_needs_to_notice_its_end() -> None:
    drain_s = float(SERVICES["facepulse"]["environment"]["FACEPULSE_DRAIN_S"])
    checks = re.search(r"inter (\d+)s fall (\d+) ", PROXY)
    assert checks
    assert drain_s > int(checks[1]) * int(checks[2])
    assert int(SERVICE["stop_grace_period"].removesuffix("s")) > drain_s + Settings().shutdown_s


def test_the_proxy_has_more_patience_than_a_replica() -> None:
    settings = Settings()
    assert time_s("timeout client") > settings.stall_timeout_s
    assert time_s("timeout server") > settings.queue_wait_s + settings.task_timeout_s
    assert time_s("timeout tunnel") > settings.live_idle_s
    assert time_s("timeout http-request") == settings.header_timeout_s


def test_what_the_proxy_says_itself_is_a_problem_as_the_service_s() -> None:
    head, body = (ROOT / "docker" / "replica-lost.http").read_bytes().split(b"\r\n\r\n")
    said = json.loads(body)
    assert said["title"] == PROBLEMS[said["code"]].title
    assert said["status"] == PROBLEMS[said["code"]].status
    assert head.startswith(f"HTTP/1.1 {said['status']} ".encode())
    assert f"Content-Length: {len(body)}".encode() in head.split(b"\r\n")


@pytest.mark.skipif(shutil.which("docker") is None, reason="docker is not installed")
def test_compose_itself_accepts_it() -> None:
    if subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("docker has no compose plugin")
    files = ["--file", "compose.yaml", "--file", "compose.replicas.yaml", "--profile", "monitoring"]
    checked = subprocess.run(
        ["docker", "compose", *files, "config", "--quiet"], cwd=ROOT, capture_output=True, check=False
    )
    assert checked.returncode == 0, checked.stderr.decode()
