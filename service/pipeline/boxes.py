"""Looks at a file before FFmpeg does: what container it is, and whether an MP4's tables can be true.

FFmpeg believes the sample tables of an MP4: five kilobytes that promise 80 million samples cost it gigabytes. So every
table is held against the bytes that the file really has, in about a millisecond, by reading the box headers and the
tables of the movie header alone (ISO/IEC 14496-12; QuickTime File Format).
"""

import mmap
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from service.pipeline.errors import NotAVideo, TimestampsInvalid, VideoMalformed, VideoTruncated

Container = Literal["mp4", "matroska", "avi"]

MAX_SAMPLES = 2_000_000  # over all tracks: two hours at 240 fps, or at 120 fps with sound
MAX_TRACKS = 32
_MAX_BOXES = 500_000
_MAX_DEPTH = 8  # moov/trak/mdia/minf/stbl is 5
_MAX_ENTRIES_IN_DREF = 16

_PARENTS = frozenset(
    b"moov trak mdia minf stbl dinf edts mvex moof traf udta tapt gmhd wave sinf schi ilst".split()
)  # those that FFmpeg descends into, wherever they stand
_FIRST_BOXES = frozenset(b"ftyp moov mdat free skip wide pnot styp".split())
# Where the number of entries stands in the payload and how many bytes an entry takes.
_TABLES = {
    b"stts": (4, 8), b"ctts": (4, 8), b"stsc": (4, 12), b"stco": (4, 4), b"co64": (4, 8),
    b"stss": (4, 4), b"stps": (4, 4), b"stsd": (4, 16), b"dref": (4, 12), b"elst": (4, 12),
}  # fmt: skip
_EBML = b"\x1a\x45\xdf\xa3"


def identify(path: Path) -> Container:
    """Tell the container by the file's first bytes, never by its name. Raises NotAVideo."""
    with path.open("rb") as file:
        head = file.read(64)
    if head[4:8] in _FIRST_BOXES:
        return "mp4"
    if head.startswith(_EBML) and (b"matroska" in head or b"webm" in head):
        return "matroska"
    if head.startswith(b"RIFF") and head[8:12] == b"AVI ":
        return "avi"
    raise NotAVideo("the file is not one of MP4, MOV, Matroska, WebM or AVI")


def check_boxes(path: Path, *, max_duration_s: float) -> None:
    """Check the boxes of an MP4 or MOV file. Raises VideoMalformed, VideoTruncated or TimestampsInvalid."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        _Checker(data, max_duration_s).run()


@dataclass
class _Track:
    """What the tables of one track say."""

    seen: set[bytes] = field(default_factory=set)
    handler: bytes = b""
    timescale: int = 0
    samples: int = 0
    bytes: int = 0
    fixed_size: bool = False
    timed: int = 0
    shifted: int = 0
    runs: int = 0
    longest: int = 0
    ticks: int = 0

    @property
    def is_plain_sound(self) -> bool:
        """Uncompressed sound: a sample is a single value, which FFmpeg reads by the chunk."""
        return self.handler == b"soun" and self.fixed_size and self.runs == 1 and self.longest == 1


class _Checker:
    """Walks the boxes once; the first contradiction raises."""

    def __init__(self, data: mmap.mmap, max_duration_s: float) -> None:
        self._data = data
        self._max_duration_s = max_duration_s
        self._boxes = 0
        self._tracks = 0
        self._samples = 0
        self._media_bytes = len(data)  # a file that is cut off promises more than it has
        self._track = _Track()

    def run(self) -> None:
        """Check the whole file."""
        found = self._walk_top()
        if b"moov" not in found:
            if b"mdat" in found and self._media_bytes > len(self._data):
                raise VideoTruncated("the file breaks off before its index")
            raise VideoMalformed("the file has no index (moov box)")

    def _walk_top(self) -> set[bytes]:
        """Walk the outermost boxes; sizes of the media data first, as the tables are checked against them."""
        size = len(self._data)
        boxes, start = [], 0
        while start + 8 <= size:
            kind, body, end = self._box_at(start, size)
            if end < body or not kind.strip(b"\0"):
                break  # rubbish behind the last box; FFmpeg stops here too
            boxes.append((kind, body, end))
            start = end
        self._media_bytes = max(size, start)
        for kind, body, end in boxes:
            if end > size and kind in (b"moov", b"moof"):
                raise VideoTruncated("the file breaks off within its index")
            self._enter(kind, body, min(end, size), depth=1)
        return {kind for kind, _, _ in boxes}

    def _box_at(self, start: int, parent_end: int) -> tuple[bytes, int, int]:
        """Return type, start of the payload and end of the box at `start`; an end before the payload is invalid."""
        self._boxes += 1
        if self._boxes > _MAX_BOXES:
            raise VideoMalformed("the file has too many boxes")
        size, kind = struct.unpack_from(">I4s", self._data, start)
        if size == 0:
            return kind, start + 8, parent_end
        if size == 1 and start + 16 <= len(self._data):
            (size,) = struct.unpack_from(">Q", self._data, start + 8)
            return kind, start + 16, start + size
        return kind, start + 8, start + size

    def _enter(self, kind: bytes, body: int, end: int, depth: int) -> None:
        if depth > _MAX_DEPTH:
            raise VideoMalformed("the boxes are nested too deeply")
        if kind == b"cmov":
            raise VideoMalformed("compressed movie headers are not taken")
        if kind == b"trak":
            self._tracks += 1
            if self._tracks > MAX_TRACKS:
                raise VideoMalformed(f"the file has more than {MAX_TRACKS} tracks")
            self._track = _Track()
        if kind in _PARENTS:
            self._walk(kind, body, end, depth)
        elif kind == b"meta":
            # A full box in ISO files, a plain one in QuickTime: tell by where the first child's type stands.
            self._walk(kind, body if self._data[body + 4 : body + 8] == b"hdlr" else body + 4, end, depth)
        else:
            self._read(kind, body, end)
        if kind == b"trak":
            self._check_track()

    def _walk(self, parent: bytes, start: int, end: int, depth: int) -> None:
        while start + 8 <= end:
            kind, body, stop = self._box_at(start, end)
            if stop < body or stop > end:
                if parent in (b"udta", b"meta", b"ilst"):
                    return  # free-form: players write terminators and padding here
                raise VideoMalformed("a box reaches beyond the one around it")
            self._enter(kind, body, stop, depth + 1)
            start = stop

    def _read(self, kind: bytes, body: int, end: int) -> None:
        reader = getattr(self, f"_read_{kind.decode('ascii', 'replace')}", None) if kind in _READ else None
        if kind in _TABLES:
            offset, entry = _TABLES[kind]
            if kind == b"elst" and self._data[body] == 1:
                entry = 20
            if self._u32(body + offset, end) * entry > end - body - offset - 4:
                raise VideoMalformed("a table has more entries than bytes")
        if kind in _ONCE:
            if kind in self._track.seen:
                raise VideoMalformed("a track has a table twice")
            self._track.seen.add(kind)
        if reader is not None:
            reader(body, end)

    def _u32(self, offset: int, end: int) -> int:
        if offset + 4 > end:
            raise VideoMalformed("a box is shorter than its fields")
        return int(struct.unpack_from(">I", self._data, offset)[0])

    def _pairs(self, body: int, end: int) -> "np.ndarray[tuple[int, int], np.dtype[np.int64]]":
        """Return a table of pairs, int64 (entries, 2)."""
        entries = self._u32(body + 4, end)
        return np.frombuffer(self._data[body + 8 : body + 8 + 8 * entries], ">u4").astype(np.int64).reshape(-1, 2)

    def _read_hdlr(self, body: int, end: int) -> None:
        self._track.handler = self._track.handler or self._data[body + 8 : min(body + 12, end)]

    def _read_mdhd(self, body: int, end: int) -> None:
        self._track.timescale = self._u32(body + (20 if self._data[body] == 1 else 12), end)

    def _read_stts(self, body: int, end: int) -> None:
        table = self._pairs(body, end)
        if len(table):
            track = self._track
            track.runs, track.timed = len(table), int(table[:, 0].sum())
            track.longest, track.ticks = int(table[:, 1].max()), int((table[:, 0] * table[:, 1]).sum())

    def _read_ctts(self, body: int, end: int) -> None:
        self._track.shifted = int(self._pairs(body, end)[:, 0].sum())

    def _read_stsz(self, body: int, end: int) -> None:
        size, samples = self._u32(body + 4, end), self._u32(body + 8, end)
        self._track.samples, self._track.fixed_size = samples, size > 0
        if size:
            self._track.bytes = size * samples
            return
        if 4 * samples > end - body - 12:
            raise VideoMalformed("a table has more entries than bytes")
        sizes = np.frombuffer(self._data[body + 12 : body + 12 + 4 * samples], ">u4")
        self._track.bytes = int(sizes.sum(dtype=np.int64))

    def _read_stz2(self, body: int, end: int) -> None:
        bits, samples = self._u32(body + 4, end) & 0xFF, self._u32(body + 8, end)
        self._track.samples = samples
        if bits not in (4, 8, 16) or bits * samples > 8 * (end - body - 12):
            raise VideoMalformed("a table has more entries than bytes")

    def _read_dref(self, body: int, end: int) -> None:
        entries, start = self._u32(body + 4, end), body + 8
        for _ in range(min(entries, _MAX_ENTRIES_IN_DREF)):
            flags = self._u32(start + 8, end)
            if not flags & 1:
                raise VideoMalformed("the media data lies in another file")
            start += max(8, self._u32(start, end))
            if start >= end:
                return

    def _read_trun(self, body: int, end: int) -> None:
        flags, samples = self._u32(body, end), self._u32(body + 4, end)
        fields = (flags & 0xF00).bit_count()
        self._samples += samples
        if 4 * fields * samples > end - body - 8 or self._samples > MAX_SAMPLES or samples > len(self._data):
            raise VideoMalformed("a fragment promises more samples than it can hold")

    def _check_track(self) -> None:
        track = self._track
        if track.bytes > self._media_bytes:
            raise VideoMalformed("the sample sizes add up to more than the file")
        if not track.is_plain_sound:
            self._samples += max(track.samples, track.timed, track.shifted)
        if self._samples > MAX_SAMPLES:
            raise VideoMalformed("the file promises too many samples")
        if track.handler != b"vide":
            return
        if track.samples > 1 and track.ticks == 0:
            raise TimestampsInvalid("all frames have the same time")
        if track.longest > self._max_duration_s * max(track.timescale, 1):
            raise VideoMalformed("one frame lasts longer than a whole video may")


_READ = frozenset(b"hdlr mdhd stts ctts stsz stz2 dref trun".split())
_ONCE = frozenset(b"mdhd stts ctts stsz stz2 stsc stco co64 stss".split())
