"""Source runs: everything under a prefix of the source bucket read again, or only counted."""

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, Final

from candor.errors import Invalid, Malformed, NotFound, Unavailable, UnsupportedType
from candor.ingesting import Ingesting
from candor.jobs import Job, Jobs, JobStatus
from candor.objects import SOURCE_PREFIX, ObjectInfo, Objects

KIND: Final = "ingest_from_source"

MAX_FILES: Final = 500
"""In one run: each is a job of its own, named in the row of the run."""

_LOOK_EVERY: Final = 0.25


def source_prefix(given: str | None) -> str:
    """The prefix that was asked for, or all of `source/`; `Malformed` for anything outside it."""
    prefix = given or SOURCE_PREFIX
    inside = f"{prefix}/" == SOURCE_PREFIX or prefix.startswith(SOURCE_PREFIX)
    parts = PurePosixPath(prefix).parts
    if not inside or ".." in parts or "." in prefix.split("/") or "\\" in prefix:
        raise Malformed(f"The prefix must lie under {SOURCE_PREFIX}.")
    return SOURCE_PREFIX if f"{prefix}/" == SOURCE_PREFIX else prefix


class SourceRuns:
    """A run is a job whose items are files; each file's own job does the work."""

    def __init__(
        self,
        *,
        ingesting: Ingesting,
        jobs: Jobs,
        objects: Objects,
        pause: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ingesting = ingesting
        self._jobs = jobs
        self._objects = objects
        self._pause = pause
        self._clock = clock

    def begin(self, prefix: str, *, created_by: str) -> Job:
        """Queue every file under the prefix, whether it has been read before or not."""
        infos = self._files(prefix)
        run = self._jobs.start(kind=KIND, subject=prefix, created_by=created_by, total=len(infos))
        children = {
            info.key: self._ingesting.queue_object(info, created_by=created_by, salt=run.job_id).job_id
            for info in infos
        }
        self._jobs.progress(run.job_id, checkpoint={"files": children})
        return self.look(run.job_id)

    def cancel(self, job_id: str) -> Job:
        """Ask a job to stop; a run over many files stops every one of them that has not ended."""
        job = self._jobs.get(job_id)
        if job.kind == KIND and not job.status.ended:
            for child in self._children(job).values():
                self._jobs.cancel(child.job_id)
        return self._jobs.cancel(job_id)

    def look(self, job_id: str) -> Job:
        """The job as it is now; a run ends when somebody looks and its last file has ended."""
        job = self._jobs.get(job_id)
        if job.kind != KIND or job.status.ended or "files" not in job.checkpoint:
            return job
        children = self._children(job)
        result = _summary(children)
        ended = sum(child.status.ended for child in children.values())
        if ended == len(children):
            return self._jobs.finish(job_id, JobStatus.SUCCEEDED, result=result)
        return job

    def wait(self, job_id: str, *, seconds: float) -> Job:
        """The job when it ends, or as it is when the time is over."""
        until = self._clock() + seconds
        while not (job := self.look(job_id)).status.ended and self._clock() < until:
            self._pause(_LOOK_EVERY)
        return job

    def rehearse(self, prefix: str, *, seconds: float) -> Mapping[str, Any]:
        """What a run would find, without changing anything. `Unavailable` if that takes too long."""
        until = self._clock() + seconds
        files: list[dict[str, Any]] = []
        for info in self._files(prefix):
            if self._clock() > until:
                raise Unavailable("There is too much to look through at once: name a narrower prefix.")
            files.append(self._rehearsed(info, seconds=max(1.0, until - self._clock())))
        return _totals(files)

    def _rehearsed(self, info: ObjectInfo, *, seconds: float) -> dict[str, Any]:
        if self._ingesting.is_dump(info):
            reason = "A dump: POST /v1/admin/import-dump with dry_run says what it holds."
            return _file(info.key, errors=[{"file": info.key, "record": -1, "reason": reason}])
        try:
            census = self._ingesting.census(info.key, seconds=seconds)
        except (Invalid, UnsupportedType, NotFound) as error:
            return _file(info.key, errors=[{"file": info.key, "record": -1, "reason": str(error)}], error=1)
        errors = [
            {"file": info.key, "record": record, "reason": reason}
            for record, reason in [*((-1, note) for note in census.notes), *census.faults]
        ]
        return _file(info.key, ok=len(census.last), skipped=census.skipped, error=census.error, errors=errors)

    def _files(self, prefix: str) -> list[ObjectInfo]:
        infos = [info for info in self._objects.list(prefix) if not info.key.endswith("/")]
        if len(infos) > MAX_FILES:
            raise Invalid(f"There are more than {MAX_FILES} files under {prefix}: name a narrower prefix.")
        return infos

    def _children(self, job: Job) -> dict[str, Job]:
        return dict(self._found(job.checkpoint["files"]))

    def _found(self, files: Mapping[str, str]) -> Iterator[tuple[str, Job]]:
        for key, job_id in files.items():
            try:
                yield key, self._jobs.get(job_id)
            except NotFound:
                continue  # Aged away before the run was looked at.


def _summary(children: Mapping[str, Job]) -> dict[str, Any]:
    files: list[dict[str, Any]] = []
    for key, job in children.items():
        errors = [{"file": e.file, "record": e.record, "reason": e.reason} for e in job.errors[:20]]
        counts = {name: int(job.result.get(name, 0)) for name in ("ok", "skipped", "error")}
        files.append(_file(key, job_id=job.job_id, errors=errors, **counts))
    return _totals(files)


def _file(
    key: str,
    *,
    errors: list[dict[str, Any]],
    ok: int = 0,
    skipped: int = 0,
    error: int = 0,
    job_id: str | None = None,
) -> dict[str, Any]:
    return {
        "name": key.removeprefix(SOURCE_PREFIX),
        "job_id": job_id,
        "ok": ok,
        "skipped": skipped,
        "error": error,
        "errors": errors,
    }


def _totals(files: list[dict[str, Any]]) -> dict[str, Any]:
    results = {name: sum(file[name] for file in files) for name in ("ok", "skipped", "error")}
    return {"status": "ok", "results": results, "total": sum(results.values()), "files": files}
