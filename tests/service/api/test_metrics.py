"""What Prometheus gets to see, and what it never does."""

import re
from types import SimpleNamespace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.api.metrics import BY_STATE, COUNTS, COUNTS_BY_STATE, NUMBERS, STAGES, Metrics
from service.api.middleware import Finished
from service.main import create_app
from service.settings import Settings
from tests.service.server import ROOT, VIDEO, Server, wait_until

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def parse(text: str) -> Samples:
    families = text_string_to_metric_families(text)
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples.get((name, frozenset(labels.items())), 0.0)


def scrape(server: Server) -> Samples:
    with server.client() as client:
        return parse(client.get("/metrics").text)


def finished(path: str = "/v1/models", status: int = 200, method: str = "GET") -> Finished:
    return Finished({"type": "http", "method": method, "route": SimpleNamespace(path=path)}, status, 0, 0.25)


def test_the_format_is_what_prometheus_reads(server: Server) -> None:
    with server.client() as client:
        answer = client.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert list(text_string_to_metric_families(answer.text))


def test_requests_are_counted_by_route_and_status(server: Server) -> None:
    labels = {"method": "GET", "route": "/v1/models/{name}", "status": "404"}
    before = value(scrape(server), "facepulse_requests_total", **labels)
    with server.client() as client:
        for name in ("nobody", "somebody"):
            client.get(f"/v1/models/{name}")
    after = scrape(server)
    assert value(after, "facepulse_requests_total", **labels) == before + 2
    assert not [labels for _, labels in after if "nobody" in str(labels)]
    assert value(after, "facepulse_request_seconds_count", route="/v1/models/{name}") >= 2


def test_made_up_addresses_and_methods_make_no_series(server: Server) -> None:
    with server.client() as client:
        for number in range(3):
            client.request(f"BREW{number}", f"/coffee/{number}")
    samples = scrape(server)
    assert value(samples, "facepulse_requests_total", method="other", route="unmatched", status="404") >= 3
    assert not [labels for _, labels in samples if re.search("coffee|BREW", str(labels))]


def test_a_measurement_counts_its_stages_and_its_confidence(server: Server) -> None:
    before = scrape(server)
    assert server.measure().status_code == 200
    after = scrape(server)
    for stage in ("upload", "queue", "decode"):
        grown = [value(samples, "facepulse_stage_seconds_count", stage=stage) for samples in (before, after)]
        assert grown[1] == grown[0] + 1
    confidences = [value(samples, "facepulse_confidence_count") for samples in (before, after)]
    assert confidences[1] == confidences[0] + 1


def test_no_heart_rate_is_told_anywhere(server: Server) -> None:
    bpm = server.measure().json()["bpm"]
    with server.client() as client:
        text = client.get("/metrics").text
    assert "bpm" not in text
    counts = ("_total", "_count", "_bucket")  # one of them may happen to be as large
    assert bpm not in [value for (name, _), value in parse(text).items() if not name.endswith(counts)]


def test_what_the_service_is_doing(server: Server) -> None:
    samples = scrape(server)
    assert value(samples, "facepulse_workers", state="warm") == 2
    assert value(samples, "facepulse_workers", state="busy") == 0
    assert value(samples, "facepulse_queue_depth") == 0
    assert value(samples, "facepulse_uploads_in_progress") == 0
    assert ("facepulse_jobs", frozenset({("state", "queued")})) in samples
    assert value(samples, "process_resident_memory_bytes") > 1e7


def test_jobs_are_counted_when_they_end(server: Server) -> None:
    before = scrape(server)
    with server.client() as client:
        for model in ("student", "no_face"):
            job = client.post("/v1/jobs", files={"file": ("me.mp4", VIDEO)}, data={"model": model})
            assert job.status_code == 202

    def ended(samples: Samples) -> list[float]:
        return [value(samples, "facepulse_jobs_ended_total", state=state) for state in ("done", "failed")]

    wait_until(lambda: ended(scrape(server)) == [number + 1 for number in ended(before)])
    after = scrape(server)
    assert value(after, "facepulse_confidence_count") == value(before, "facepulse_confidence_count") + 1
    assert value(after, "facepulse_live_sessions") == 0


def test_a_replaced_worker_is_counted(server: Server) -> None:
    before = value(scrape(server), "facepulse_worker_restarts_total")
    assert server.measure(model="die").status_code == 503
    wait_until(lambda: value(scrape(server), "facepulse_worker_restarts_total") == before + 1)
    wait_until(lambda: value(scrape(server), "facepulse_workers", state="warm") == 2)


def test_they_can_be_switched_off() -> None:
    assert "/metrics" not in create_app(Settings(metrics=False)).openapi()["paths"]


def test_two_services_do_not_share_numbers() -> None:
    one, other = Metrics(), Metrics()
    one.request_finished(finished())
    assert b'facepulse_requests_total{method="GET"' in one.text()
    assert b"facepulse_requests_total{" not in other.text()


def all_names() -> set[str]:
    """Return the name of every series that a service may have."""
    metrics = Metrics()
    metrics.request_finished(finished())
    metrics.measured({"decode": 1.0}, 0.9)
    for name in NUMBERS | COUNTS:
        metrics.watch(**{name: lambda: 1})
    for name in BY_STATE | COUNTS_BY_STATE:
        metrics.watch(**{name: lambda: {"x": 1}})
    return {name for name, _ in parse(metrics.text().decode()) if name.startswith("facepulse_")}


def test_every_metric_is_documented() -> None:
    told = set(
        re.findall(r"^\| `(facepulse_\w+)`", (ROOT / "docs" / "operation-security.md").read_text(), re.MULTILINE)
    )
    assert told == {re.sub("_(bucket|sum|count)$", "", name) for name in all_names()}


def test_what_is_plotted_exists() -> None:
    boards = "".join(path.read_text() for path in sorted((ROOT / "docker").rglob("*.json")))
    plotted = set(re.findall(r"facepulse_[a-z_]+", boards))
    assert plotted
    assert plotted <= all_names()


def test_only_known_stages_become_labels() -> None:
    metrics = Metrics()
    metrics.measured(dict.fromkeys(STAGES, 10.0) | {"surprise": 1.0}, 0.95)
    samples = parse(metrics.text().decode())
    assert {dict(labels)["stage"] for name, labels in samples if name == "facepulse_stage_seconds_count"} == set(STAGES)
    assert value(samples, "facepulse_stage_seconds_sum", stage="infer") == pytest.approx(0.01)
    assert value(samples, "facepulse_confidence_bucket", le="0.9") == 0
    assert value(samples, "facepulse_confidence_bucket", le="1.0") == 1
