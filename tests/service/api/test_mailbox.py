import asyncio

from service.api.mailbox import Mailbox


def filled(count: int) -> Mailbox:
    mailbox = Mailbox(3)
    for number in range(count):
        mailbox.put(b"%d" % number)
    return mailbox


def emptied(mailbox: Mailbox) -> list[bytes]:
    async def take() -> list[bytes]:
        mailbox.close()
        taken = [await mailbox.get()]
        while taken[-1]:
            taken.append(await mailbox.get())
        return taken

    return asyncio.run(take())


def test_frames_keep_their_order_and_an_empty_one_ends_them() -> None:
    assert emptied(filled(2)) == [b"0", b"1", b""]


def test_the_newest_win() -> None:
    mailbox = filled(10)
    assert (mailbox.received, mailbox.dropped) == (10, 7)
    assert emptied(mailbox) == [b"7", b"8", b"9", b""]


def test_who_comes_first_waits() -> None:
    async def meet() -> bytes:
        mailbox = Mailbox()
        waiting = asyncio.create_task(mailbox.get())
        await asyncio.sleep(0)
        mailbox.put(b"x")
        return await waiting

    assert asyncio.run(meet()) == b"x"
