"""Raw HTTP over a socket, for requests that no decent client sends."""

import json
import socket
from dataclasses import dataclass
from typing import Any

from tests.service.server import VIDEO

BOUNDARY = b"xXboundaryXx"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
FORM = "multipart/form-data; boundary=" + BOUNDARY.decode()


@dataclass(frozen=True)
class Answer:
    """A response as it came."""

    status: int
    headers: dict[str, str]
    body: bytes

    def problem(self) -> str:
        """Return the code of a problem, after checking that it is a whole one."""
        assert self.headers["content-type"] == "application/problem+json", self
        fields: dict[str, Any] = json.loads(self.body)
        assert fields["status"] == self.status
        assert fields["request_id"] == self.headers["x-request-id"]
        assert fields["type"] == f"/problems/{fields['code']}"
        return str(fields["code"])


def part(name: str, content: bytes, *, disposition: str = "", extra: bytes = b"") -> bytes:
    head = disposition.encode() or b'form-data; name="%s"' % name.encode()
    return b"--%s\r\nContent-Disposition: %s\r\n%s\r\n%s\r\n" % (BOUNDARY, head, extra, content)


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--%s--\r\n" % BOUNDARY


GOOD_FORM = form(part("file", VIDEO))


def head(*, length: int | None, content_type: str | None = FORM, extra: bytes = b"", target: str = "") -> bytes:
    lines = [b"POST /v1/heart-rate%s HTTP/1.1" % target.encode(), b"Host: x", b"X-Request-Id: test-0123"]
    if content_type is not None:
        lines.append(b"Content-Type: " + content_type.encode())
    if length is not None:
        lines.append(b"Content-Length: %d" % length)
    return b"\r\n".join(lines) + b"\r\n" + extra + b"\r\n"


def exchange(sock: socket.socket, request: bytes) -> Answer:
    """Send everything, read one answer."""
    sock.sendall(request)
    return read_answer(sock)


def read_answer(sock: socket.socket) -> Answer:
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = sock.recv(65536)
        assert chunk, f"no answer, only {data!r}"
        data += chunk
    top, body = data.split(b"\r\n\r\n", 1)
    status, *lines = top.decode().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    while len(body) < int(headers["content-length"]):
        body += sock.recv(65536)
    return Answer(int(status.split()[1]), headers, body)


def closed_by_server(sock: socket.socket) -> bool:
    """Read on until the server hangs up; False when it does not before the socket's own timeout."""
    try:
        while sock.recv(65536):
            pass
    except TimeoutError:
        return False
    except ConnectionError:
        pass
    return True
