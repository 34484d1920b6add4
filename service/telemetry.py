"""Traces for an OpenTelemetry collector: how long each part of a request took, and nothing of what was in it.

Needs the extra `telemetry`, imported only when an endpoint is set. Spans are written when a request is over. Stages of
a measurement run interleaved; their spans show each one's total, laid one after the other. Headers for the collector,
sampling and resource attributes come from OpenTelemetry's own variables (OTEL_EXPORTER_OTLP_HEADERS and so on).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opentelemetry.context import Context

# FastAPI's own telemetry, where it has one, would hold query strings, addresses and messages of exceptions.
FRAMEWORK_SILENT: dict[str, Any] = {
    "telemetry": dict.fromkeys(("tracing", "metrics", "logs", "operation_spans", "auto_configure"), False)
}
_TRACES_PATH = "/v1/traces"
_EXPORT_S = 3.0
_BEFORE_WORKER = ("upload", "queue")


class TelemetryUnavailable(Exception):
    """Traces are asked for, but the packages of the extra are not installed."""


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that took time: a request, a job.

    timing_ms: its parts in order; traceparent: the W3C header that came with it, "" for none.
    """

    name: str
    started_ns: int
    seconds: float
    attributes: Mapping[str, str | int]
    failed: bool = False
    timing_ms: Mapping[str, float] = field(default_factory=dict)
    traceparent: str = ""


class Traces:
    """Sends spans in the background, in batches."""

    def __init__(self, endpoint: str) -> None:
        """Prepare to send to a collector's OTLP/HTTP endpoint. Raises TelemetryUnavailable."""
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
            from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
            from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
            from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
        except ImportError as error:
            raise TelemetryUnavailable(
                "FACEPULSE_OTLP_ENDPOINT is set, but traces need `pip install 'facepulse[telemetry]'`"
            ) from error
        url = endpoint.rstrip("/").removesuffix(_TRACES_PATH) + _TRACES_PATH
        facts = {"service.name": "facepulse", "service.version": version("facepulse")}
        self._provider = TracerProvider(resource=Resource.create(facts), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(url, timeout=_EXPORT_S)))
        self._tracer = self._provider.get_tracer("facepulse")

    def record(self, deed: Deed) -> None:
        """Write a deed and its parts as spans; returns at once."""
        from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context  # noqa: PLC0415

        span = self._tracer.start_span(
            deed.name,
            _context(deed.traceparent),
            SpanKind.SERVER,
            attributes=dict(deed.attributes),
            start_time=deed.started_ns,
        )
        if deed.failed:
            span.set_status(Status(StatusCode.ERROR))
        if span.is_recording():
            self._record_parts(deed, set_span_in_context(span))
        span.end(deed.started_ns + round(deed.seconds * 1e9))

    def _record_parts(self, deed: Deed, context: "Context") -> None:
        from opentelemetry.trace import set_span_in_context  # noqa: PLC0415

        before = {name: ms for name, ms in deed.timing_ms.items() if name in _BEFORE_WORKER}
        stages = {name: ms for name, ms in deed.timing_ms.items() if name not in _BEFORE_WORKER}
        at_ns = self._lay(before, deed.started_ns, context)
        if stages:
            worker = self._tracer.start_span("worker", context, start_time=at_ns)
            worker.end(self._lay(stages, at_ns, set_span_in_context(worker)))

    def _lay(self, parts_ms: Mapping[str, float], at_ns: int, context: "Context") -> int:
        for name, ms in parts_ms.items():
            span = self._tracer.start_span(name, context, start_time=at_ns)
            at_ns += round(ms * 1e6)
            span.end(at_ns)
        return at_ns

    def close(self) -> None:
        """Send what is left and stop; takes a few seconds when nobody listens."""
        self._provider.shutdown()


def _context(traceparent: str) -> "Context":
    """Return the caller's context; an empty one without a header, or with one that is none.

    `tracestate` is left behind: it would carry whatever a caller puts into it.
    """
    from opentelemetry.context import Context  # noqa: PLC0415
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

    return TraceContextTextMapPropagator().extract({"traceparent": traceparent}, Context())
