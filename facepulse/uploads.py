"""What is sent: a video as a path, an open file or bytes, opened anew at each attempt."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeAlias

Video: TypeAlias = str | os.PathLike[str] | BinaryIO | bytes


@contextmanager
def open_video(video: Video) -> Iterator[tuple[str, BinaryIO | bytes]]:
    """Yield a file name that tells the service nothing, and the content; an open file is sent from its beginning.

    Raises OSError when a path cannot be read. The caller's own file stays open.
    """
    if isinstance(video, bytes):
        yield "video", video
    elif isinstance(video, str | os.PathLike):
        with Path(video).open("rb") as file:
            yield "video", file
    else:
        if video.seekable():
            video.seek(0)
        yield "video", video
