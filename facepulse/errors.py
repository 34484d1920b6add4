"""Everything that a call can raise, as one tree, built from the service's problem documents (RFC 9457).

FacePulseError
├── RequestRefused    4xx: the video, an option or the file does not fit; sending it again does not help
│   ├── AccessDenied  401, 403: the API key is missing or wrong
│   └── NotFound      404, 410: no model or job of this name, or no longer
├── ServiceBusy       429, 503, and still so after all retries; `retry_after_s` says when to come back
├── ServiceFailed     other 5xx, or an answer that is none of FacePulse's
├── Unreachable       no answer at all: wrong address, service down, network
├── TookTooLong       no answer within the client's own timeout
├── JobFailed         a job ended without a result: failed, cancelled or expired
└── LiveEnded         the service ended a live measurement: `idle`, `session_too_long`, `stopping`
"""

from collections.abc import Mapping


class FacePulseError(Exception):
    """Base of all errors of this client.

    code: stable, as in the service's documentation, or `unreachable`, `timeout`, `unexpected_answer` of this client.
    status: of HTTP, 0 where there was no answer. detail: one sentence. request_id: for the operator's log, or "".
    retry_after_s: seconds after which to try again, where the service said. fields: option -> what is wrong with it.
    """

    def __init__(
        self,
        code: str,
        status: int = 0,
        detail: str = "",
        *,
        request_id: str = "",
        retry_after_s: float | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code, status, detail)
        self.code = code
        self.status = status
        self.detail = detail
        self.request_id = request_id
        self.retry_after_s = retry_after_s
        self.fields = dict(fields or {})

    def __str__(self) -> str:
        fields = "; ".join(f"{name}: {detail}" for name, detail in self.fields.items())
        return f"{self.code}: {self.detail}" + (f" ({fields})" if fields else "")


class RequestRefused(FacePulseError):
    """The request cannot be answered as it is."""


class AccessDenied(RequestRefused):
    """The API key is missing or wrong."""


class NotFound(RequestRefused):
    """There is no model or job of this name, or no longer."""


class ServiceBusy(FacePulseError):
    """The service had no room, after all retries."""


class ServiceFailed(FacePulseError):
    """The service failed, or something answered that is no FacePulse service."""


class Unreachable(FacePulseError):
    """There was no answer."""


class TookTooLong(FacePulseError):
    """There was no answer within the client's timeout."""


class JobFailed(FacePulseError):
    """The job ended without a result."""


class LiveEnded(FacePulseError):
    """The service ended a live measurement that had not been stopped."""


_BY_STATUS: dict[int, type[FacePulseError]] = {
    401: AccessDenied,
    403: AccessDenied,
    404: NotFound,
    410: NotFound,
    429: ServiceBusy,
    503: ServiceBusy,
}


def error_of(status: int, problem: object, *, retry_after_s: float | None = None) -> FacePulseError:
    """Return the error for an answer of this status; `problem` is its decoded JSON, or None when it has none."""
    if not isinstance(problem, dict) or not isinstance(problem.get("code"), str):
        detail = f"HTTP status {status} without a problem document: is this a FacePulse service?"
        problem = {"code": "unexpected_answer", "detail": detail}
    kind = _BY_STATUS.get(status, RequestRefused if 400 <= status < 500 else ServiceFailed)
    return kind(
        problem["code"],
        status,
        str(problem.get("detail", "")),
        request_id=str(problem.get("request_id", "")),
        retry_after_s=retry_after_s,
        fields=_fields(problem.get("errors")),
    )


def _fields(errors: object) -> dict[str, str]:
    if not isinstance(errors, list):
        return {}
    return {str(each.get("field", "")): str(each.get("detail", "")) for each in errors if isinstance(each, dict)}
