import asyncio
import socket
import struct

import pytest
from pydantic import TypeAdapter, ValidationError

from service import wire
from service.pipeline.types import DecodeLimits


def test_a_frame_survives_the_way() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(wire.Frame.of_task(wire.VideoTask("a.mp4", face="all")).pack())
        frame = wire.receive_frame(theirs)
    assert TypeAdapter(wire.VideoTask).validate_json(frame.body) == wire.VideoTask("a.mp4", face="all")


def test_a_hang_up_is_an_eof() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        ours.send(b"R")
        ours.close()
        with pytest.raises(EOFError):
            wire.receive_frame(theirs)


def test_a_length_without_end_is_refused_before_anything_is_read() -> None:
    async def read() -> None:
        reader = asyncio.StreamReader()
        reader.feed_data(struct.pack("!cI", b"R", 2**32 - 1))
        await wire.read_frame(reader)

    with pytest.raises(ConnectionError):
        asyncio.run(read())


def test_a_body_without_end_is_not_sent() -> None:
    with pytest.raises(wire.MessageTooLarge):
        wire.Frame(wire.RESULT, bytes(wire.MAX_BODY_BYTES + 1)).pack()


def test_a_long_video_is_worth_more_time() -> None:
    limits = DecodeLimits(max_duration_s=600)
    assert wire.effort(wire.VideoTask("x", max_duration_s=7200), limits) == 12
    assert wire.effort(wire.VideoTask("x", max_duration_s=60), limits) == 1
    assert wire.effort(wire.VideoTask("x"), limits) == wire.effort(wire.FramesTask("x", "images", ()), limits) == 1


@pytest.mark.parametrize("share", ["2", "-1", "NaN", "null"])
def test_progress_is_a_share(share: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(wire.Progress).validate_json(f'{{"share": {share}}}')
