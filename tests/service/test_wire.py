import asyncio
import socket
import struct

import pytest
from pydantic import TypeAdapter

from service import wire


def test_a_frame_survives_the_way() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(wire.Frame.of(wire.TASK, wire.Task("a.mp4", face="all")).pack())
        frame = wire.receive_frame(theirs)
    assert TypeAdapter(wire.Task).validate_json(frame.body) == wire.Task("a.mp4", face="all")


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
    with pytest.raises(ValueError, match="too large"):
        wire.Frame(wire.RESULT, bytes(wire.MAX_BODY_BYTES + 1)).pack()
