"""Traces, received by a collector made of http.server that speaks OTLP over HTTP."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from service.settings import Settings
from service.telemetry import Deed, TelemetryUnavailable, Traces
from tests.service.server import VIDEO, running_server, wait_until

trace_service = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Collector:
    """What came in."""

    def __init__(self) -> None:
        self.spans: list = []  # type: ignore[type-arg]
        self.resources: list[dict[str, str]] = []
        self.bodies = b""
        self.paths: list[str] = []
        received = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                received.take(self.path, body)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def take(self, path: str, body: bytes) -> None:
        self.paths.append(path)
        self.bodies += body
        for resource in trace_service.ExportTraceServiceRequest.FromString(body).resource_spans:
            self.resources.append({a.key: a.value.string_value for a in resource.resource.attributes})
            for scope in resource.scope_spans:
                self.spans.extend(scope.spans)

    def named(self, name: str) -> list:  # type: ignore[type-arg]
        return [span for span in self.spans if span.name == name]


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    thread = threading.Thread(target=collector.server.serve_forever)
    thread.start()
    yield collector
    collector.server.shutdown()
    collector.server.server_close()
    thread.join()


def attributes(span) -> dict[str, str | int]:  # type: ignore[no-untyped-def]
    return {a.key: a.value.string_value or a.value.int_value for a in span.attributes}


def deed(**changes: object) -> Deed:
    facts: dict[str, object] = {
        "name": "POST /v1/heart-rate",
        "started_ns": 1_000_000_000,
        "seconds": 1.0,
        "attributes": {"request_id": "test-0001"},
        "timing_ms": {"upload": 100.0, "queue": 50.0, "decode": 300.0, "infer": 200.0},
    }
    return Deed(**(facts | changes))  # type: ignore[arg-type]


def test_a_request_arrives_as_a_span_with_its_parts(collector: Collector, tmp_path: Path) -> None:
    with running_server(tmp_path, otlp_endpoint=collector.url) as server, server.client() as client:
        response = client.post(
            "/v1/heart-rate?start_s=1.25",
            files={"file": ("grandmother.mp4", VIDEO)},
            headers={"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "grandmother=1"},
        )
    (span,) = collector.named("POST /v1/heart-rate")
    assert span.trace_id.hex() == TRACE
    assert span.parent_span_id.hex() == PARENT
    assert attributes(span) == {
        "http.request.method": "POST",
        "http.route": "/v1/heart-rate",
        "http.response.status_code": 200,
        "request_id": response.headers["x-request-id"],
    }
    assert {"upload", "queue", "worker", "decode", "face"} <= {s.name for s in collector.spans}
    assert {s.trace_id.hex() for s in collector.spans if s.name in ("upload", "worker", "decode")} == {TRACE}
    assert collector.resources[0]["service.name"] == "facepulse"
    assert set(collector.paths) == {"/v1/traces"}
    for private in (b"grandmother", b"1.25", b"bpm", b"me.mp4", b"student"):
        assert private not in collector.bodies


def test_a_job_is_traced_when_it_is_done(collector: Collector, tmp_path: Path) -> None:
    with running_server(tmp_path, otlp_endpoint=collector.url) as server, server.client() as client:
        job = client.post("/v1/jobs", files={"file": ("me.mp4", VIDEO)})
        wait_until(lambda: client.get(job.headers["location"]).json()["state"] == "done")
    (span,) = collector.named("job")
    assert attributes(span) == {"request_id": job.headers["x-request-id"]}


def test_parts_lie_within_their_deed_one_after_the_other(collector: Collector) -> None:
    traces = Traces(collector.url + "/v1/traces")
    traces.record(deed())
    traces.close()
    spans = {span.name: (span.start_time_unix_nano, span.end_time_unix_nano) for span in collector.spans}
    assert spans == {
        "POST /v1/heart-rate": (1_000_000_000, 2_000_000_000),
        "upload": (1_000_000_000, 1_100_000_000),
        "queue": (1_100_000_000, 1_150_000_000),
        "worker": (1_150_000_000, 1_650_000_000),
        "decode": (1_150_000_000, 1_450_000_000),
        "infer": (1_450_000_000, 1_650_000_000),
    }
    ids = {span.name: span.span_id for span in collector.spans}
    parents = {span.name: span.parent_span_id for span in collector.spans}
    assert parents["decode"] == ids["worker"]
    assert parents["worker"] == parents["queue"] == ids["POST /v1/heart-rate"]


@pytest.mark.parametrize(("failed", "status"), [(True, 2), (False, 0)])
def test_a_failure_of_ours_is_marked(collector: Collector, failed: bool, status: int) -> None:
    traces = Traces(collector.url)
    traces.record(deed(failed=failed, timing_ms={}))
    traces.close()
    (span,) = collector.spans
    assert span.status.code == status


@pytest.mark.parametrize("header", ["", "nonsense", "00-0-0-00", f"00-{TRACE}-{PARENT}-01" * 50])
def test_a_header_that_is_none_begins_a_trace_of_its_own(collector: Collector, header: str) -> None:
    traces = Traces(collector.url)
    traces.record(deed(traceparent=header, timing_ms={}))
    traces.close()
    (span,) = collector.spans
    assert span.parent_span_id == b""


def test_a_caller_who_does_not_record_is_left_alone(collector: Collector) -> None:
    traces = Traces(collector.url)
    traces.record(deed(traceparent=f"00-{TRACE}-{PARENT}-00"))
    traces.close()
    assert collector.spans == []


def test_without_an_endpoint_nothing_of_it_is_loaded() -> None:
    code = (
        "import sys, service.main; from service.settings import Settings; service.main.create_app(Settings());"
        "sys.exit('opentelemetry.sdk' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_frameworks_own_telemetry_is_off(collector: Collector, tmp_path: Path) -> None:
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "FASTAPI_OTEL_AUTO_CONFIGURE": "true"}
    with pytest.MonkeyPatch.context() as patch:
        for name, content in environment.items():
            patch.setenv(name, content)
        with running_server(tmp_path) as server, server.client() as client:
            assert client.post("/v1/heart-rate?face=secret").status_code == 422
    assert collector.paths == []


def test_a_missing_extra_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(TelemetryUnavailable, match="pip install"):
        Traces("http://127.0.0.1:4318")


def test_a_collector_that_is_not_there_harms_nothing(tmp_path: Path) -> None:
    with running_server(tmp_path, otlp_endpoint="http://127.0.0.1:9") as server:
        assert server.measure().status_code == 200
        server.process.terminate()
        assert server.process.wait(20) == 0
    assert not [line for line in server.log() if line["logger"].startswith("facepulse") and line["level"] == "ERROR"]


def test_the_endpoint_is_a_url() -> None:
    with pytest.raises(ValueError, match="otlp_endpoint"):
        Settings(otlp_endpoint="collector:4318")
    assert httpx.URL(Settings(otlp_endpoint="http://collector:4318").otlp_endpoint or "").port == 4318
