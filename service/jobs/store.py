"""Where jobs are remembered: one SQLite file (0600) that outlives a crash; no video in it, results until they expire.

What is deleted is overwritten with zeros (`secure_delete`), and the write-ahead log is emptied with it: heart rates are
health data. Every call blocks; `service.jobs.queue` calls from one thread of its own. Where callers wait for a job,
JobsUnavailable is raised when the file is locked for long or damaged, JobsNotStored when there is no room.
"""

import contextlib
import logging
import os
import sqlite3
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

from service.jobs.job import INTERRUPTED, Failure, IdempotencyKeyReused, Job, JobsNotStored, JobsUnavailable, Retry

_LOG = logging.getLogger("facepulse.jobs")
_VERSION = 1  # of the table; jobs are short-lived, so another version's file is thrown away
_TABLE = """
CREATE TABLE jobs (
    id TEXT PRIMARY KEY, owner TEXT NOT NULL, service TEXT NOT NULL, request_id TEXT NOT NULL, state TEXT NOT NULL,
    created_s REAL NOT NULL, started_s REAL, finished_s REAL,
    retry_key BLOB UNIQUE, fingerprint BLOB, code TEXT, detail TEXT, result BLOB
) STRICT
"""
_LOCK_WAIT_S = 10.0  # for another service that shares the file
_COLUMNS = "id, owner, request_id, state, created_s, started_s, finished_s, result, code, detail"
_UNFINISHED = "state IN ('queued', 'running')"
_FAIL = (
    "UPDATE jobs SET state = 'failed', finished_s = ?, code = ?, detail = ?, retry_key = NULL, fingerprint = NULL"
    f" WHERE {_UNFINISHED}"
)


class JobStore:
    """The jobs of all services that share a data folder; `service` is the name of the one that asks.

    A job that ended `ttl_s` ago is `expired`: its result and failure are gone. After another ttl_s so is the job.
    """

    def __init__(self, path: Path, service: str, ttl_s: float, clock: Callable[[], float] = time.time) -> None:
        """Open the file or make it; one that cannot be read is replaced. Raises OSError or sqlite3.Error."""
        self._service = service
        self.ttl_s = ttl_s
        self._clock = clock
        try:
            self._db = _open(path)
        except sqlite3.OperationalError:  # locked, no room: the file itself may be sound
            raise
        except sqlite3.DatabaseError:
            _LOG.error("the file of jobs cannot be read; a new one is begun")
            _remove(path)
            self._db = _open(path)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def add(self, job: Job, retry: Retry | None = None) -> Job:
        """Keep a new job and return it, or the one that the same request made before.

        Raises IdempotencyKeyReused or JobsUnavailable.
        """
        with _told():
            cursor = self._db.execute(
                "INSERT INTO jobs (id, owner, service, request_id, state, created_s, retry_key, fingerprint)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (retry_key) DO NOTHING",
                (job.id, job.owner, self._service, job.request_id, job.state, job.created_s)
                + ((retry.key, retry.fingerprint) if retry else (None, None)),
            )
            if cursor.rowcount == 1:
                return job
            assert retry is not None, "nothing else is in conflict"
            return self.repeated(retry) or self.add(job, retry)  # the other one was removed in between

    def knows(self, retry_key: bytes) -> bool:
        """Whether a request with this key made a job that is still known. Raises JobsUnavailable."""
        return self._row("SELECT 1 FROM jobs WHERE retry_key = ?", retry_key) is not None

    def repeated(self, retry: Retry) -> Job | None:
        """Return the job that the same request made before.

        Raises IdempotencyKeyReused when it was another one, or JobsUnavailable.
        """
        row = self._row(f"SELECT fingerprint, {_COLUMNS} FROM jobs WHERE retry_key = ?", retry.key)
        if row is None:
            return None
        if row[0] != retry.fingerprint:
            raise IdempotencyKeyReused
        return self._job(row[1:])

    def get(self, job_id: str, owner: str) -> Job | None:
        """Return a job of this owner, None when there is none. Raises JobsUnavailable."""
        row = self._row(f"SELECT {_COLUMNS} FROM jobs WHERE id = ? AND owner = ?", job_id, owner)
        return None if row is None else self._job(row)

    def begin(self, job_id: str) -> float:
        """Note that a job is worked on from now on, and return the time. Raises JobsUnavailable."""
        started_s = self._clock()
        with _told():
            self._db.execute("UPDATE jobs SET state = 'running', started_s = ? WHERE id = ?", (started_s, job_id))
        return started_s

    def finish(self, job_id: str, ending: bytes | Failure) -> None:
        """Note a job's result (JSON) or why there is none, unless it ended before. Raises JobsUnavailable.

        After a failure the same request is a new try.
        """
        with _told():
            if isinstance(ending, Failure):
                self._db.execute(f"{_FAIL} AND id = ?", (self._clock(), ending.code, ending.detail, job_id))
            else:
                self._db.execute(
                    f"UPDATE jobs SET state = 'done', finished_s = ?, result = ? WHERE {_UNFINISHED} AND id = ?",
                    (self._clock(), ending, job_id),
                )

    def remove(self, job_id: str, owner: str) -> bool:
        """Forget a job of this owner; False when there is none. Raises JobsUnavailable."""
        with _told():
            cursor = self._db.execute("DELETE FROM jobs WHERE id = ? AND owner = ?", (job_id, owner))
            self._empty_log()
        return cursor.rowcount == 1

    def sweep(self) -> None:
        """Wipe what has expired, forget what expired long ago. Raises sqlite3.Error."""
        expired_s = self._clock() - self.ttl_s
        wiped = self._db.execute(
            "UPDATE jobs SET state = 'expired', result = NULL, code = NULL, detail = NULL"
            " WHERE finished_s < ? AND state != 'expired'",
            (expired_s,),
        )
        self._db.execute("DELETE FROM jobs WHERE finished_s < ?", (expired_s - self.ttl_s,))
        if wiped.rowcount:
            self._empty_log()

    def interrupt(self, alive: Collection[str]) -> int:
        """Report the unfinished jobs of services that are not `alive` as failed; return how many.

        Raises sqlite3.Error.
        """
        names = ", ".join("?" * len(alive))
        cursor = self._db.execute(f"{_FAIL} AND service NOT IN ({names})", (self._clock(), INTERRUPTED, "", *alive))
        return cursor.rowcount

    def _row(self, query: str, *values: str | bytes) -> Any:
        with _told():
            return self._db.execute(query, values).fetchone()

    def _job(self, row: tuple[Any, ...]) -> Job:
        job_id, owner, request_id, state, created_s, started_s, finished_s, result, code, detail = row
        if finished_s is not None and finished_s < self._clock() - self.ttl_s:  # not swept yet
            state, result, code = "expired", None, None
        failure = Failure(code, detail) if code else None
        return Job(job_id, owner, request_id, state, created_s, started_s, finished_s, result=result, failure=failure)

    def _empty_log(self) -> None:
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


def _open(path: Path) -> sqlite3.Connection:
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))  # the log files follow suit
    db = sqlite3.connect(path, isolation_level=None, timeout=_LOCK_WAIT_S, check_same_thread=False)
    try:
        for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "secure_delete = ON", "temp_store = MEMORY"):
            db.execute(f"PRAGMA {pragma}").fetchone()
        db.execute("BEGIN IMMEDIATE")  # two services may start at once
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version != _VERSION:
            db.execute("DROP TABLE IF EXISTS jobs")
            db.execute(_TABLE)
            db.execute(f"PRAGMA user_version = {_VERSION}")
        db.execute("COMMIT")
    except BaseException:
        db.close()
        raise
    return db


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Turn what SQLite raises into JobsNotStored when there is no room, and JobsUnavailable otherwise."""
    try:
        yield
    except sqlite3.Error as error:
        primary_code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        raise JobsNotStored if primary_code == sqlite3.SQLITE_FULL else JobsUnavailable from error
