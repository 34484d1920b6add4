"""A service that answers what it is told, in the order told: for what a real one does only when it is in trouble."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Answer:
    """One answer; status 0 hangs up."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Scripted:
    """Its address, and what it was asked: method, path, headers and body of each request."""

    url: str
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)


def busy(*, retry_after: str = "0", status: int = 503) -> Answer:
    """Return the answer of a full service."""
    problem = {"code": "queue_full", "status": status, "detail": "All workers are busy.", "request_id": "ab12"}
    return Answer(status, problem, {"Retry-After": retry_after} if retry_after else {})


@contextmanager
def scripted(*answers: Answer) -> Iterator[Scripted]:
    """Run it; the last answer is repeated."""
    left = list(answers)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            service.asked.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            answer = left.pop(0) if len(left) > 1 else left[0]
            self.close_connection = True
            if not answer.status:
                return
            text = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            self.send_response(answer.status)
            for name, value in {"Content-Length": str(len(text)), "Connection": "close", **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_DELETE = _answer  # noqa: N815

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        service = Scripted(f"http://127.0.0.1:{http.server_port}")
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield service
        finally:
            http.shutdown()
            thread.join()
