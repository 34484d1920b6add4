import sqlite3
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from service.jobs.job import Failure, IdempotencyKeyReused, Job, JobsNotStored, JobsUnavailable, Retry
from service.jobs.store import JobStore

TTL_S = 100.0
RESULT = b'{"bpm": 72.125, "bvp": [' + b"0.123456789, " * 5000 + b"0]}"
RETRY = Retry(b"key", b"fingerprint")


class Clock:
    """A clock that is set by hand."""

    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "jobs.sqlite3"


@pytest.fixture
def store(path: Path, clock: Clock) -> Iterator[JobStore]:
    store = JobStore(path, "uploads-a", TTL_S, clock)
    yield store
    store.close()


def make_job(job_id: str = "1", owner: str = "ann") -> Job:
    return Job(job_id, owner, request_id="request", state="queued", created_s=1000.0)


def add(store: JobStore, job_id: str = "1", owner: str = "ann", retry: Retry | None = None) -> Job:
    return store.add(make_job(job_id, owner), retry)


def get(store: JobStore, job_id: str = "1", owner: str = "ann") -> Job:
    job = store.get(job_id, owner)
    assert job is not None
    return job


def bytes_on_disk(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in path.parent.iterdir())


def test_the_files_are_private(store: JobStore, path: Path) -> None:
    add(store)
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert len(modes) == 3
    assert set(modes.values()) == {0o600}


def test_a_jobs_way_to_its_result(store: JobStore, clock: Clock) -> None:
    assert add(store) == get(store) == make_job()
    clock.now_s = 1001.0
    assert store.begin("1") == 1001.0
    assert (get(store).state, get(store).started_s) == ("running", 1001.0)
    clock.now_s = 1002.0
    store.finish("1", RESULT)
    assert (get(store).state, get(store).finished_s, get(store).result) == ("done", 1002.0, RESULT)
    assert get(store).failure is None


def test_a_jobs_way_to_its_failure(store: JobStore) -> None:
    add(store)
    store.finish("1", Failure("no_face", "words"))
    assert (get(store).state, get(store).failure, get(store).result) == ("failed", Failure("no_face", "words"), None)


def test_the_first_end_counts(store: JobStore) -> None:
    add(store)
    store.finish("1", Failure("interrupted"))
    store.finish("1", RESULT)
    assert get(store).state == "failed"


def test_a_job_is_its_owners(store: JobStore) -> None:
    add(store)
    assert store.get("1", "bob") is None
    assert not store.remove("1", "bob")
    assert get(store).id == "1"


def test_what_is_removed_is_gone_from_the_disk_too(store: JobStore, path: Path) -> None:
    add(store)
    store.finish("1", RESULT)
    assert RESULT[:20] in bytes_on_disk(path)
    assert store.remove("1", "ann")
    assert not store.remove("1", "ann")
    assert store.get("1", "ann") is None
    assert RESULT[:20] not in bytes_on_disk(path)
    assert b"0.123456789" not in bytes_on_disk(path)


def test_a_job_that_was_removed_does_not_come_back_with_its_result(store: JobStore, path: Path) -> None:
    add(store)
    store.remove("1", "ann")
    store.finish("1", RESULT)
    assert store.get("1", "ann") is None
    assert RESULT[:20] not in bytes_on_disk(path)


def test_a_result_expires_before_it_is_swept(store: JobStore, clock: Clock) -> None:
    add(store)
    store.finish("1", RESULT)
    clock.now_s += TTL_S
    assert get(store).state == "done"
    clock.now_s += 0.1
    assert (get(store).state, get(store).result) == ("expired", None)


def test_sweeping_wipes_results_and_later_jobs(store: JobStore, path: Path, clock: Clock) -> None:
    add(store)
    store.finish("1", RESULT)
    clock.now_s += TTL_S + 1
    store.sweep()
    assert get(store).state == "expired"
    assert b"0.123456789" not in bytes_on_disk(path)
    clock.now_s += TTL_S
    store.sweep()
    assert store.get("1", "ann") is None


def test_sweeping_leaves_what_is_young_or_unfinished(store: JobStore, clock: Clock) -> None:
    add(store, "old")
    clock.now_s += 10 * TTL_S
    add(store, "young")
    store.finish("young", RESULT)
    store.sweep()
    assert get(store, "old").state == "queued"
    assert get(store, "young").result == RESULT


def test_the_same_request_is_the_same_job(store: JobStore) -> None:
    assert not store.knows(RETRY.key)
    add(store, "1", retry=RETRY)
    assert add(store, "2", retry=RETRY).id == "1"
    assert store.get("2", "ann") is None
    assert store.knows(RETRY.key)
    repeated = store.repeated(RETRY)
    assert repeated is not None
    assert repeated.id == "1"


def test_another_request_with_the_same_key_is_refused(store: JobStore) -> None:
    add(store, "1", retry=RETRY)
    other = Retry(RETRY.key, b"another")
    with pytest.raises(IdempotencyKeyReused):
        add(store, "2", retry=other)
    with pytest.raises(IdempotencyKeyReused):
        store.repeated(other)


def test_a_key_is_free_again_once_its_job_is_removed(store: JobStore) -> None:
    add(store, "1", retry=RETRY)
    store.remove("1", "ann")
    assert store.repeated(RETRY) is None
    assert add(store, "2", retry=RETRY).id == "2"


def test_a_key_is_free_again_once_its_job_failed(store: JobStore, path: Path) -> None:
    add(store, "1", retry=RETRY)
    store.finish("1", Failure("worker_died"))
    assert add(store, "2", retry=RETRY).id == "2"
    assert store.interrupt(set()) == 1
    assert add(store, "3", retry=RETRY).id == "3"
    assert get(store, "1").failure == Failure("worker_died")


def test_what_another_service_left_is_interrupted(store: JobStore, path: Path, clock: Clock) -> None:
    for job_id in ("waits", "runs", "ended"):
        add(store, job_id)
    store.begin("runs")
    store.finish("ended", RESULT)
    store.close()
    store = JobStore(path, "uploads-b", TTL_S, clock)
    add(store, "mine")
    assert store.interrupt({"uploads-a", "uploads-b"}) == 0
    assert store.interrupt({"uploads-b"}) == 2
    assert get(store, "waits").failure == get(store, "runs").failure == Failure("interrupted")
    assert get(store, "ended").state == "done"
    assert get(store, "mine").state == "queued"
    store.close()


def test_a_file_that_is_none_is_replaced(path: Path) -> None:
    path.write_bytes(b"no database" * 1000)
    store = JobStore(path, "uploads-a", TTL_S)
    add(store)
    assert get(store).state == "queued"
    store.close()


def test_a_file_of_another_version_is_replaced(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.executescript("CREATE TABLE jobs (other); PRAGMA user_version = 99;")
    db.close()
    store = JobStore(path, "uploads-a", TTL_S)
    add(store)
    assert get(store).state == "queued"
    store.close()


def test_a_file_that_is_locked_is_not_replaced(store: JobStore, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.jobs.store._LOCK_WAIT_S", 0.05)
    add(store)
    store._db.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError):
        JobStore(path, "uploads-b", TTL_S)
    store._db.execute("COMMIT")
    assert get(store).state == "queued"


def test_a_link_is_not_followed(path: Path, tmp_path: Path) -> None:
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        JobStore(path, "uploads-a", TTL_S)
    assert not (tmp_path / "elsewhere").exists()


def test_a_full_disk_is_said_as_such(store: JobStore, path: Path) -> None:
    add(store, "1")
    with sqlite3.connect(path) as db:
        (pages,) = db.execute("PRAGMA page_count").fetchone()
    db.close()
    store._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(JobsNotStored):
        store.finish("1", RESULT)
    store.finish("1", Failure("storage_full"))
    assert get(store).failure == Failure("storage_full")


@pytest.mark.parametrize(
    "call",
    [
        lambda store: store.get("1", "ann"),
        lambda store: store.remove("1", "ann"),
        lambda store: store.knows(RETRY.key),
        lambda store: store.repeated(RETRY),
        lambda store: add(store, "2"),
        lambda store: store.begin("1"),
        lambda store: store.finish("1", RESULT),
    ],
)
def test_a_damaged_file_is_said_as_such(path: Path, call: Callable[[JobStore], object]) -> None:
    whole = JobStore(path, "uploads-a", TTL_S)
    add(whole)
    whole.close()
    content = path.read_bytes()
    header = content[:4096]  # the first page, from which a service that starts cannot tell
    path.write_bytes(header.ljust(len(content), b"\xff"))
    store = JobStore(path, "uploads-a", TTL_S)
    with pytest.raises(JobsUnavailable) as error:
        call(store)
    assert error.value.code == "jobs_unavailable"
    store.close()


def test_a_file_that_stays_locked_is_said_as_such(store: JobStore, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.jobs.store._LOCK_WAIT_S", 0.05)
    add(store)
    other = JobStore(path, "uploads-b", TTL_S)
    store._db.execute("BEGIN IMMEDIATE")
    with pytest.raises(JobsUnavailable):
        other.remove("1", "ann")
    store._db.execute("COMMIT")
    assert other.remove("1", "ann")
    other.close()
