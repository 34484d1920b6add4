"""Reads a multipart/form-data body as it arrives: the part `file` into an UploadFile, small fields into memory.

File names and content types of parts are ignored: the content decides what a file is, and we name it ourselves.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.datastructures import Headers

from service.api.problems import RequestRefused

MAX_PARTS = 16
MAX_FIELD_BYTES = 256
MAX_PART_HEADERS = 8
MAX_PART_HEADER_BYTES = 4096
MAX_BOUNDARY_BYTES = 70  # RFC 2046
OVERHEAD_BYTES = 128 * 1024  # headers and fields around the file

_FILE = "file"


class Sink(Protocol):
    """Where the file goes."""

    size: int

    def append(self, data: bytes) -> None:
        """Take bytes."""
        ...

    async def flush(self, *, everything: bool = False) -> None:
        """Pass them on if they are many, or everything."""
        ...


@dataclass(slots=True)
class _Part:
    name: str = ""
    header_name: bytes = b""
    header_value: bytes = b""
    value: bytes = b""


class FormReader:
    """Takes the bytes of one body and finds fields and the file in them."""

    def __init__(self, boundary: bytes, sink: Sink, max_file_bytes: int) -> None:
        self.fields: dict[str, str] = {}
        self.files = 0
        self.complete = False
        self._sink = sink
        self._max_file_bytes = max_file_bytes
        self._parts = 0
        self._part = _Part()
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._on_part_begin,
                "on_header_field": self._on_header_name,
                "on_header_value": self._on_header_value,
                "on_header_end": self._on_header_end,
                "on_headers_finished": self._on_headers_finished,
                "on_part_data": self._on_part_data,
                "on_part_end": self._on_part_end,
                "on_end": self._on_end,
            },
            max_header_count=MAX_PART_HEADERS,
            max_header_size=MAX_PART_HEADER_BYTES,
        )

    def feed(self, data: bytes) -> None:
        """Take the next bytes. Raises RequestRefused."""
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise RequestRefused("multipart_invalid") from error

    def _on_part_begin(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise RequestRefused("multipart_invalid")
        self._part = _Part()

    def _on_header_name(self, data: bytes, start: int, end: int) -> None:
        self._part.header_name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._part.header_value += data[start:end]

    def _on_header_end(self) -> None:
        part = self._part
        if part.header_name.lower() == b"content-disposition":
            kind, options = parse_options_header(part.header_value)
            if kind == b"form-data":
                part.name = options.get(b"name", b"").decode("utf-8", "replace")
        part.header_name = part.header_value = b""

    def _on_headers_finished(self) -> None:
        if not self._part.name:
            raise RequestRefused("multipart_invalid")
        if self._part.name == _FILE:
            self.files += 1
            if self.files > 1:
                raise RequestRefused("too_many_files")

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._part.name == _FILE:
            self._sink.append(data[start:end])
            if self._sink.size > self._max_file_bytes:
                raise RequestRefused("upload_too_large")
        else:
            self._part.value += data[start:end]
            if len(self._part.value) > MAX_FIELD_BYTES:
                raise RequestRefused("multipart_invalid")

    def _on_part_end(self) -> None:
        if self._part.name != _FILE:
            self.fields[self._part.name] = self._part.value.decode("utf-8", "replace")

    def _on_end(self) -> None:
        self.complete = True


def check_headers(headers: Headers, max_file_bytes: int) -> bytes:
    """Refuse from the header alone what can be; return the boundary. Raises RequestRefused."""
    if headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise RequestRefused("unsupported_media_type")
    kind, options = parse_options_header(headers.get("content-type"))
    if kind.strip() != b"multipart/form-data":
        raise RequestRefused("unsupported_media_type")
    boundary = options.get(b"boundary", b"")
    if not 1 <= len(boundary) <= MAX_BOUNDARY_BYTES:
        raise RequestRefused("multipart_invalid")
    length = headers.get("content-length", "0")
    if not length.isdecimal() or len(length) > 18 or int(length) > max_file_bytes + OVERHEAD_BYTES:
        raise RequestRefused("upload_too_large")
    return boundary


async def read_form(boundary: bytes, chunks: AsyncIterator[bytes], sink: Sink, max_file_bytes: int) -> dict[str, str]:
    """Read a whole body; the file goes to `sink`, the fields are returned. Raises RequestRefused."""
    reader = FormReader(boundary, sink, max_file_bytes)
    received = 0
    async for chunk in chunks:
        received += len(chunk)
        if received > max_file_bytes + OVERHEAD_BYTES:
            raise RequestRefused("upload_too_large")
        reader.feed(chunk)
        await sink.flush()
    if not reader.complete:
        raise RequestRefused("multipart_invalid")
    if reader.files == 0:
        raise RequestRefused("file_missing")
    if sink.size == 0:
        raise RequestRefused("empty_file")
    await sink.flush(everything=True)
    return reader.fields
