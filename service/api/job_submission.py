"""A request for a job: read once, and known again when it is repeated."""

import hashlib
import time
from secrets import token_hex

from fastapi import Request

from service.api.multipart import FormRules, check_headers, read_form
from service.api.option_schemas import HeartRateOptions
from service.api.state import Service, merge_options
from service.api.uploads import UploadFile
from service.jobs.interface import Jobs
from service.jobs.job import Job, JobQueueFull, Retry
from service.pipeline.errors import UnknownModel
from service.wire import VideoTask


class Submission:
    """One request for a job: reads it once, and knows it again by a digest of what was read."""

    def __init__(
        self, request: Request, query: HeartRateOptions, service: Service, owner: str, idempotency_key: str | None
    ) -> None:
        self.retry_key = _digest(owner, idempotency_key) if idempotency_key is not None else None
        self._request = request
        self._query = query
        self._service = service
        self._owner = owner
        self._since = time.monotonic()

    async def submit(self, jobs: Jobs) -> Job:
        """Receive the video and make a job of it. Raises RequestRefused, UnknownModel or JobRefused."""
        async with self._service.folder.new_file() as file:
            sink = _Sink(file, hashing=self.retry_key is not None)
            options = await self._read(sink)
            job = Job(
                id=_new_id(self._service.settings.replica),
                owner=self._owner,
                request_id=self._request.scope["facepulse.request_id"],
                state="queued",
                created_s=time.time(),
                upload_s=time.monotonic() - self._since,
            )
            path = file.path.rename(file.path.with_name(f"job-{token_hex(16)}"))  # it outlives the request
            task = VideoTask(
                path=str(path), max_duration_s=self._service.settings.job_max_duration_s, **options.model_dump()
            )
            return await jobs.add(job, task, self._retry(sink, options))

    async def repeat(self, jobs: Jobs) -> Job:
        """Return the job that this request made before; the video is compared, not kept. Raises as `submit`."""
        sink = _Sink(None, hashing=True)
        options = await self._read(sink)
        retry = self._retry(sink, options)
        assert retry is not None, "a request without a key repeats nothing"
        job = await jobs.repeated(retry)
        if job is None:  # deleted meanwhile, and we did not keep the video
            raise JobQueueFull
        return job

    async def _read(self, sink: "_Sink") -> HeartRateOptions:
        rules = FormRules(self._service.settings.job_max_upload_bytes)
        boundary = check_headers(self._request.headers, rules)
        self._request.scope["facepulse.body_total_s"] = self._service.settings.job_upload_timeout_s
        with self._service.upload_place():
            form = await read_form(boundary, self._request.stream(), sink, rules)
        options = merge_options(self._query, form.fields)
        models = self._service.pool.ready.models
        if models and options.model not in ("auto", *models):
            raise UnknownModel("there is no model or method of this name")  # now rather than as a failed job
        return options

    def _retry(self, sink: "_Sink", options: HeartRateOptions) -> Retry | None:
        if self.retry_key is None:
            return None
        return Retry(self.retry_key, _digest(options.model_dump_json(), sink.digest))


class _Sink:
    """Where a video goes: into a file, into a digest, or both."""

    def __init__(self, file: UploadFile | None, *, hashing: bool) -> None:
        self.size = 0
        self._file = file
        self._hash = hashlib.blake2b(digest_size=32) if hashing else None

    @property
    def digest(self) -> str:
        """The digest of what came so far."""
        return self._hash.hexdigest() if self._hash else ""

    def append(self, data: bytes) -> None:
        """Take bytes."""
        self.size += len(data)
        if self._hash:
            self._hash.update(data)
        if self._file:
            self._file.append(data)

    async def flush(self, *, everything: bool = False) -> None:
        """Pass them on to the disk."""
        if self._file:
            await self._file.flush(everything=everything)


def _new_id(replica: str) -> str:
    """Return an id that nobody guesses; where there are replicas it says which one has the job."""
    return f"{replica}-{token_hex(16)}" if replica else token_hex(16)


def _digest(*texts: str) -> bytes:
    return hashlib.blake2b("\0".join(texts).encode(), digest_size=32).digest()
