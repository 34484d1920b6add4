import asyncio
import os
import shutil
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from service.api.problems import RequestRefused
from service.api.uploads import UploadFolder


def test_files_are_private_named_by_us_and_gone_afterwards(tmp_path: Path) -> None:
    folder = UploadFolder(tmp_path / "data")

    async def use() -> Path:
        async with folder.new_file() as file:
            assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
            assert len(file.path.name) == 32
            file.append(b"abc")
            await file.flush(everything=True)
            assert file.path.read_bytes() == b"abc"
            return file.path

    assert not asyncio.run(use()).exists()
    assert stat.S_IMODE(folder.path.stat().st_mode) == stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    folder.close()
    assert list((tmp_path / "data").iterdir()) == []


def test_an_error_does_not_keep_the_file(tmp_path: Path) -> None:
    folder = UploadFolder(tmp_path)

    async def use() -> None:
        async with folder.new_file() as file:
            file.append(bytes(2_000_000))
            await file.flush()
            raise KeyError

    with pytest.raises(KeyError):
        asyncio.run(use())
    assert [path.name for path in folder.path.iterdir()] == ["lock"]
    folder.close()


def test_little_is_gathered_and_much_is_written(tmp_path: Path) -> None:
    folder = UploadFolder(tmp_path)

    async def use() -> None:
        async with folder.new_file() as file:
            file.append(b"abc")
            await file.flush()
            assert file.path.stat().st_size == 0
            file.append(bytes(2**20))
            await file.flush()
            assert file.path.stat().st_size == file.size == 2**20 + 3

    asyncio.run(use())
    folder.close()


def test_leftovers_go_but_not_those_of_a_service_that_runs(tmp_path: Path) -> None:
    running = UploadFolder(tmp_path)
    (running.path / "video").touch()
    (tmp_path / "uploads-old").mkdir()
    (tmp_path / "uploads-old" / "video").touch()
    (tmp_path / "uploads-killed").mkdir()
    (tmp_path / "uploads-killed" / "lock").touch()
    second = UploadFolder(tmp_path)
    assert set(tmp_path.iterdir()) == {running.path, second.path}
    assert (running.path / "video").exists()
    running.close()
    second.close()


def test_a_folder_that_was_tidied_away_is_made_again(tmp_path: Path) -> None:
    folder = UploadFolder(tmp_path / "data")
    shutil.rmtree(tmp_path / "data")

    async def use() -> None:
        async with folder.new_file() as file:
            assert file.path.parent == folder.path

    asyncio.run(use())
    other = UploadFolder(tmp_path / "data")
    assert folder.path.exists(), "it is still ours"
    other.close()
    folder.close()
    assert list((tmp_path / "data").iterdir()) == []


def test_where_no_file_can_be_made_there_is_no_room(tmp_path: Path) -> None:
    folder = UploadFolder(tmp_path / "data")
    shutil.rmtree(tmp_path / "data")
    (tmp_path / "data").write_bytes(b"")

    async def use() -> None:
        async with folder.new_file():
            pass

    with pytest.raises(RequestRefused) as caught:
        asyncio.run(use())
    assert caught.value.code == "storage_full"
    folder.close()


def test_a_folder_that_is_a_link_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "data").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PermissionError):
        UploadFolder(tmp_path / "data")


def test_a_folder_where_everybody_writes_is_left_as_it_is(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    with pytest.raises(PermissionError):
        UploadFolder(shared)
    assert stat.S_IMODE(shared.stat().st_mode) == 0o1777


def test_services_that_start_at_once_keep_off_each_others_new_folders(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as starts:
        for _ in range(20):
            folders = list(starts.map(UploadFolder, [tmp_path] * 8))
            assert all((folder.path / "lock").exists() for folder in folders)
            for folder in folders:
                folder.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_told_so(tmp_path: Path) -> None:
    folder = UploadFolder(tmp_path)

    async def use() -> None:
        async with folder.new_file() as file:
            full = os.open("/dev/full", os.O_WRONLY)
            os.dup2(full, file._fd)
            os.close(full)
            file.append(b"abc")
            await file.flush(everything=True)

    with pytest.raises(RequestRefused, match="storage_full"):
        asyncio.run(use())
    folder.close()
