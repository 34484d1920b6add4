"""Reads a multipart/form-data body as it arrives: its files, in a row, into an UploadFile; its fields into memory.

File names and content types of parts are ignored: the content decides what a file is, and we name it ourselves.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.datastructures import Headers

from service.api.problems import RequestRefused

MAX_FIELDS = 16
MAX_FIELD_BYTES = 256
MAX_PART_HEADERS = 8
MAX_PART_HEADER_BYTES = 4096
MAX_BOUNDARY_BYTES = 70  # RFC 2046
OVERHEAD_BYTES = 128 * 1024  # headers and fields around one file
OVERHEAD_PER_FILE_BYTES = 512  # boundary and headers of each further one


class Sink(Protocol):
    """Where the file goes."""

    size: int

    def append(self, data: bytes) -> None:
        """Take bytes."""
        ...

    async def flush(self, *, everything: bool = False) -> None:
        """Pass them on if they are many, or everything."""
        ...


@dataclass(frozen=True, slots=True)
class FormRules:
    """What a form may hold; sizes in bytes.

    Parts named in `file_names` are files, everything else is a field of at most MAX_FIELD_BYTES or what `long_fields`
    says. too_many, too_large, missing: codes of the problems of too many files, of one that is too large, and of none.
    """

    max_bytes: int
    file_names: frozenset[str] = frozenset(("file",))
    max_files: int = 1
    max_file_bytes: int | None = None
    long_fields: Mapping[str, int] = field(default_factory=dict)
    too_many: str = "too_many_files"
    too_large: str = "upload_too_large"
    missing: str = "file_missing"

    @property
    def max_body_bytes(self) -> int:
        """Largest body that such a form can be."""
        around = OVERHEAD_BYTES + (self.max_files - 1) * OVERHEAD_PER_FILE_BYTES
        return self.max_bytes + around + sum(self.long_fields.values())


@dataclass(frozen=True, slots=True)
class Form:
    """A received form: its fields, and where in the one file that took them all each of its files begins and ends."""

    fields: dict[str, str]
    offsets: tuple[int, ...]


@dataclass(slots=True)
class _Part:
    name: str = ""
    is_file: bool = False
    header_name: bytes = b""
    header_value: bytes = b""
    value: bytearray = field(default_factory=bytearray)


class FormReader:
    """Takes the bytes of one body and finds fields and files in them."""

    def __init__(self, boundary: bytes, sink: Sink, rules: FormRules) -> None:
        self.fields: dict[str, str] = {}
        self.offsets = [0]
        self.complete = False
        self._sink = sink
        self._rules = rules
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

    def form(self) -> Form:
        """Return the whole form. Raises RequestRefused when there is none."""
        if not self.complete:
            raise RequestRefused("multipart_invalid")
        if len(self.offsets) == 1:
            raise RequestRefused(self._rules.missing)
        return Form(self.fields, tuple(self.offsets))

    def _on_part_begin(self) -> None:
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
                part.is_file = b"filename" in options
        part.header_name = part.header_value = b""

    def _on_headers_finished(self) -> None:
        name, rules = self._part.name, self._rules
        if name in rules.file_names:
            if len(self.offsets) > rules.max_files:
                raise RequestRefused(rules.too_many)
        elif not name or name in self.fields or len(self.fields) == MAX_FIELDS:
            raise RequestRefused("multipart_invalid")

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        part, rules = self._part, self._rules
        if part.name in rules.file_names:
            self._sink.append(data[start:end])
            if self._sink.size > rules.max_bytes:
                raise RequestRefused("upload_too_large")
            if rules.max_file_bytes is not None and self._sink.size - self.offsets[-1] > rules.max_file_bytes:
                raise RequestRefused(rules.too_large)
        else:
            part.value += data[start:end]
            if len(part.value) > rules.long_fields.get(part.name, MAX_FIELD_BYTES):
                misnamed = part.is_file and len(self.offsets) == 1
                raise RequestRefused(rules.missing if misnamed else "multipart_invalid")

    def _on_part_end(self) -> None:
        if self._part.name not in self._rules.file_names:
            self.fields[self._part.name] = self._part.value.decode("utf-8", "replace")
        elif self._sink.size == self.offsets[-1]:
            raise RequestRefused("empty_file")
        else:
            self.offsets.append(self._sink.size)

    def _on_end(self) -> None:
        self.complete = True


def media_type_of(headers: Headers) -> str:
    """Return what a body is said to be, in lower case. Raises RequestRefused for one that is compressed."""
    if headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise RequestRefused("unsupported_media_type")
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def length_of(headers: Headers) -> int:
    """Return the length of a body by its header, 0 where it does not say. Raises RequestRefused for what is none."""
    length = headers.get("content-length", "0")
    if not length.isdecimal() or len(length) > 18:
        raise RequestRefused("upload_too_large")
    return int(length)


def check_headers(headers: Headers, rules: FormRules) -> bytes:
    """Refuse from the header alone what can be; return the boundary. Raises RequestRefused."""
    if media_type_of(headers) != "multipart/form-data":
        raise RequestRefused("unsupported_media_type")
    boundary = parse_options_header(headers["content-type"])[1].get(b"boundary", b"")
    if not 1 <= len(boundary) <= MAX_BOUNDARY_BYTES:
        raise RequestRefused("multipart_invalid")
    if length_of(headers) > rules.max_body_bytes:
        raise RequestRefused("upload_too_large")
    return boundary


async def read_form(boundary: bytes, chunks: AsyncIterator[bytes], sink: Sink, rules: FormRules) -> Form:
    """Read a whole body; its files go to `sink`. Raises RequestRefused."""
    reader = FormReader(boundary, sink, rules)
    received = 0
    async for chunk in chunks:
        received += len(chunk)
        if received > rules.max_body_bytes:
            raise RequestRefused("upload_too_large")
        reader.feed(chunk)
        await sink.flush()
    form = reader.form()
    await sink.flush(everything=True)
    return form


async def read_raw(chunks: AsyncIterator[bytes], sink: Sink, size: int) -> Form:
    """Read a body that is one file of `size` bytes and nothing else. Raises RequestRefused (frames_mismatch)."""
    async for chunk in chunks:
        sink.append(chunk)
        if sink.size > size:
            break
        await sink.flush()
    if sink.size != size:
        raise RequestRefused("frames_mismatch")
    await sink.flush(everything=True)
    return Form({}, (0, size))
