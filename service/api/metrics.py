"""/metrics for Prometheus: how much, how fast, how full. Never a heart rate, never a label that a caller chose."""

from collections.abc import Callable, Iterator, Mapping

from fastapi import APIRouter, Request
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.responses import Response

from service.api.head import HeadRoute
from service.api.middleware import Finished

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
STAGES = ("upload", "queue", "decode", "face", "clip", "infer", "pulse")
_REQUEST_S = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
_STAGE_S = (0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_CONFIDENCES = tuple(step / 10 for step in range(1, 11))
# What is asked for when somebody looks: name, what it is; a name by state answers a number for each.
NUMBERS = {
    "queue_depth": "Requests that wait for a worker.",
    "uploads_in_progress": "Uploads that are being received.",
    "live_sessions": "Live sessions that are open.",
}
BY_STATE = {
    "workers": "Worker processes: warm (models loaded) and, of these, busy.",
    "jobs": "Jobs that are not over, by state.",
}
COUNTS = {"worker_restarts": "Workers that were replaced, after a fault or after worker_max_tasks."}
COUNTS_BY_STATE = {"jobs_ended": "Jobs that came to an end, by how; not those that were deleted before."}

Reading = Callable[[], float | Mapping[str, float]]


class Metrics:
    """All metrics of one service, in a registry of their own."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each, that nobody asked for
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._watched = _Watched()
        self.registry.register(self._watched)
        self._requests = Counter(
            "facepulse_requests", "Requests answered.", ("method", "route", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "facepulse_request_seconds",
            "Time from a request's header to the end of its answer.",
            ("route",),
            buckets=_REQUEST_S,
            registry=self.registry,
        )
        self._stages = Histogram(
            "facepulse_stage_seconds",
            "Time in each stage of a measurement.",
            ("stage",),
            buckets=_STAGE_S,
            registry=self.registry,
        )
        self._confidence = Histogram(
            "facepulse_confidence", "Confidence of the results.", buckets=_CONFIDENCES, registry=self.registry
        )

    def request_finished(self, finished: Finished) -> None:
        """Count a request; a listener of the RequestGuard."""
        self._requests.labels(finished.method, finished.route, str(finished.status)).inc()
        self._seconds.labels(finished.route).observe(finished.seconds)

    def measured(self, timing_ms: Mapping[str, float], confidence: float) -> None:
        """Count a result: its stages (ms) and its confidence (0..1)."""
        for stage in STAGES:
            if stage in timing_ms:
                self._stages.labels(stage).observe(timing_ms[stage] / 1000)
        self._confidence.observe(confidence)

    def watch(self, **readings: Reading) -> None:
        """Say how to read a number of the tables above: `queue_depth=lambda: pool.waiting`."""
        self._watched.readings |= readings

    def text(self) -> bytes:
        """Return all of it in Prometheus' text format."""
        return generate_latest(self.registry)


class _Watched(Collector):
    """Reads the state of the service at the moment when somebody looks, so that nothing can drift."""

    def __init__(self) -> None:
        self.readings: dict[str, Reading] = {}

    def collect(self) -> Iterator[Metric]:
        """Return what is known; nothing for what nobody said how to read."""
        for name, read in self.readings.items():
            yield _family(name, read())


def _family(name: str, value: float | Mapping[str, float]) -> Metric:
    full_name = f"facepulse_{name}"
    if not isinstance(value, Mapping):
        if name in COUNTS:
            return CounterMetricFamily(full_name, COUNTS[name], value=value)
        return GaugeMetricFamily(full_name, NUMBERS[name], value=value)
    family: CounterMetricFamily | GaugeMetricFamily
    if name in COUNTS_BY_STATE:
        family = CounterMetricFamily(full_name, COUNTS_BY_STATE[name], labels=("state",))
    else:
        family = GaugeMetricFamily(full_name, BY_STATE[name], labels=("state",))
    for state, number in value.items():
        family.add_metric((state,), number)
    return family


router = APIRouter(route_class=HeadRoute)


@router.get(
    "/metrics",
    tags=["operations"],
    summary="Numbers for Prometheus",
    response_class=Response,
    responses={200: {"description": "Metrics as text.", "content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def get_metrics(request: Request) -> Response:
    """Return the metrics; from this machine no key is needed, from elsewhere one is."""
    metrics: Metrics = request.app.state.metrics
    return Response(metrics.text(), media_type=CONTENT_TYPE)
