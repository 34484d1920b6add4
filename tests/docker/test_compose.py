"""compose.yaml and what it mounts, held against the code without an engine: a wrong name there fails only at night."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from service.cli.command import make_parser
from service.settings import PREFIX, Settings
from tests.service.server import running_server

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICE: dict[str, Any] = COMPOSE["services"]["facepulse"]
NANO: dict[str, Any] = yaml.safe_load((ROOT / "compose.jetson.yaml").read_text())["services"]["facepulse"]
DASHBOARD: dict[str, Any] = json.loads((ROOT / "docker/grafana/dashboards/facepulse.json").read_text())
DOCKERFILE = (ROOT / "docker/service.Dockerfile").read_text()


def environment() -> dict[str, str]:
    """Return what the container is given, defaults in place of variables."""
    values = {name: str(value) for name, value in SERVICE["environment"].items()}
    return {name: re.sub(r"\$\{\w+:-(.*?)\}", r"\1", value) for name, value in values.items()}


def test_every_variable_is_a_setting_and_fits() -> None:
    given = {name.removeprefix(PREFIX).lower(): value for name, value in environment().items()}
    assert set(given) <= set(Settings.model_fields)
    Settings.model_validate(given)


@pytest.mark.parametrize("name", sorted(COMPOSE["services"]))
def test_every_container_is_locked_down(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["mem_limit"]
    assert not {"privileged", "cap_add", "network_mode", "pid", "devices"} & set(service)


def test_faces_touch_no_disk_and_jobs_outlive_the_container() -> None:
    assert SERVICE["read_only"] is True
    uploads, data = (environment()[f"FACEPULSE_{name}_DIR"] for name in ("UPLOADS", "DATA"))
    assert any(uploads.startswith(mount.split(":")[0] + "/") for mount in SERVICE["tmpfs"])
    assert [data.startswith(volume.split(":")[1] + "/") for volume in SERVICE["volumes"]] == [True]
    assert f"--mode=0700 {Path(data).parent}" in DOCKERFILE  # a new volume takes over the folder's owner


def test_the_user_is_nobody_special_and_the_same_everywhere() -> None:
    assert SERVICE["user"] == "10001:10001"
    assert "USER 10001:10001" in DOCKERFILE
    assert all("uid=10001" in mount for mount in SERVICE["tmpfs"] if mount.startswith("/uploads"))


def test_nothing_is_open_to_the_network_without_a_word() -> None:
    published = [port for service in COMPOSE["services"].values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith(("127.0.0.1:", "${FACEPULSE_BIND:-127.0.0.1}:")) for port in published)


def test_keys_come_as_a_secret() -> None:
    assert environment()["FACEPULSE_KEYS_FILE"] == f"/run/secrets/{SERVICE['secrets'][0]}"
    assert not any("KEY" in name and "FILE" not in name for name in environment())
    ignored = (ROOT / "docker/secrets/.gitignore").read_text().splitlines()
    assert "*" in ignored


def test_there_is_time_to_end_and_room_for_the_workers() -> None:
    settings = Settings.model_validate({"workers": int(environment()["FACEPULSE_WORKERS"])})
    assert int(SERVICE["stop_grace_period"].removesuffix("s")) > settings.shutdown_s
    assert int(SERVICE["mem_limit"].removesuffix("g")) * 1000 > settings.workers * settings.worker_memory_mb + 2000


@pytest.mark.parametrize("command", [SERVICE["healthcheck"]["test"][1:], ["facepulse", "serve"]])
def test_its_commands_exist(command: list[str]) -> None:
    assert command[0] == "facepulse"
    make_parser().parse_args(command[1:])


def test_prometheus_asks_where_the_metrics_are() -> None:
    config = yaml.safe_load((ROOT / "docker/prometheus.yml").read_text())
    port = environment()["FACEPULSE_METRICS_PORT"]
    assert config["scrape_configs"][0]["static_configs"][0]["targets"] == [f"facepulse:{port}"]
    assert not any(published.endswith(f":{port}") for published in SERVICE["ports"])


def test_the_dashboard_asks_for_metrics_that_there_are(tmp_path: Path) -> None:
    with running_server(tmp_path) as server, server.client() as client:
        known = set(re.findall(r"^# TYPE (\w+)", client.get("/metrics").text, re.MULTILINE))
    asked = {name for panel in DASHBOARD["panels"] for target in panel["targets"] for name in names(target["expr"])}
    assert asked
    assert not {name for name in asked if not {name, re.sub(r"_(bucket|sum|count)$", "", name)} & known}


def names(expression: str) -> list[str]:
    """Return the metrics of a PromQL expression."""
    return re.findall(r"\b(?:facepulse|process)_\w+", expression)


def test_what_is_mounted_exists() -> None:
    for service in COMPOSE["services"].values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in COMPOSE["volumes"] or (ROOT / source).exists()


def test_the_image_can_trace_and_its_doctor_has_a_clip() -> None:
    assert "[telemetry]" in DOCKERFILE
    assert "COPY demo/astronaut.mp4 demo/" in DOCKERFILE


def test_a_nano_changes_settings_that_there_are_and_leaves_the_lock_alone() -> None:
    assert set(NANO) == {"environment", "mem_limit", "healthcheck"}
    assert "test" not in NANO["healthcheck"]
    given = {name.removeprefix(PREFIX).lower() for name in NANO["environment"] if name.startswith(PREFIX)}
    assert given <= set(Settings.model_fields)
    assert set(NANO["environment"]) - {PREFIX + name.upper() for name in given} == {
        *("OPENBLAS_CORETYPE", "OPENBLAS_NUM_THREADS", "ORT_DISABLE_TELEMETRY")
    }


def test_on_a_nano_there_is_room_for_workers_and_uploads() -> None:
    values = {name: re.sub(r"\$\{\w+:-(.*?)\}", r"\1", value) for name, value in NANO["environment"].items()}
    settings = Settings.model_validate({name.removeprefix(PREFIX).lower(): value for name, value in values.items()})
    uploads_mb = settings.max_uploads * settings.max_upload_mb
    jobs_mb = (settings.job_queue_length + settings.usable_job_workers) * settings.job_max_upload_mb
    needed_mb = settings.workers * settings.worker_memory_mb + uploads_mb + jobs_mb
    assert int(NANO["mem_limit"].removesuffix("m")) > needed_mb + 100  # the service itself


def test_a_nano_without_compose_is_told_the_same() -> None:
    by_hand = (ROOT / "docs/jetson.md").read_text().split("docker run --detach")[1].split("```")[0]
    told = dict(re.findall(r"--env (\w+)=(\S+)", by_hand))
    meant = {name: re.sub(r"\$\{\w+:-(.*?)\}", r"\1", value) for name, value in NANO["environment"].items()}
    assert {name: told.get(name, in_image(name)) for name in meant} == meant
    health = NANO["healthcheck"]
    assert f"--health-interval {health['interval']} --health-timeout {health['timeout']} " in by_hand
    assert f"--memory {NANO['mem_limit']} " in by_hand
    assert f"--stop-timeout {SERVICE['stop_grace_period'].removesuffix('s')} " in by_hand


def in_image(name: str) -> str | None:
    """Return what the image itself sets a variable to."""
    found = re.search(rf"\b{name}=(\S+)", DOCKERFILE)
    return found and found[1]


@pytest.mark.skipif(shutil.which("docker") is None, reason="docker is not installed")
@pytest.mark.parametrize("further", [[], ["--file", "compose.jetson.yaml"]], ids=["server", "nano"])
def test_compose_itself_accepts_it(further: list[str]) -> None:
    if subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("docker has no compose plugin")
    checked = subprocess.run(
        ["docker", "compose", "--file", "compose.yaml", *further, "--profile", "monitoring", "config", "--quiet"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr.decode()
