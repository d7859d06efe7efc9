"""
Expiring: what nobody needs any more leaves the bucket.

On AWS the bucket's own rules clear away much of this; they are no part of a local cloud, and none of them
knows which text a row still names, or which dump has been imported. Rows expire by themselves (`expires_at`).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import Any, Final

from candor.documents import Documents
from candor.errors import Conflict, NotFound
from candor.importing.receipts import DUE_PREFIX, Receipts
from candor.jobs import Job, Jobs, JobStatus
from candor.objects import IMPORTS_PREFIX, INGEST_PREFIX, TALKS_PREFIX, ObjectInfo, Objects
from candor.tickets.store import Tickets

TEXTS_PREFIX: Final = "texts/"
UPLOADS_PREFIX: Final = "uploads/"

TEXT_AGE: Final = timedelta(days=1)
"""
Before a text is looked at. A writer stores the text first and its row a moment later, within the minutes its
function may take: a younger text that no row names may be about to be named.
"""

UPLOAD_AGE: Final = timedelta(days=7)
"""As in the template's rule for `uploads/`."""

WORK_AGE: Final = timedelta(days=2)
"""Of an import's work files: it clears them when it ends, unless it is given up."""

DUMP_AGE: Final = timedelta(days=1)
"""Of a dump after its import, unless a setting says otherwise."""

STEP: Final = 200
"""Objects between two checkpoints."""

MIN_SECONDS: Final = 15.0
"""With less than this left the rest waits for the next call: a step must fit."""

Remaining = Callable[[], float]


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(kw_only=True, slots=True)
class _Tally:
    """How far it has come; lives in the job's checkpoint."""

    stage: int = 0
    after: str = ""
    """The last key of this stage that has been looked at."""
    looked_at: int = 0
    removed: dict[str, int] = field(default_factory=dict)
    bytes: int = 0

    @classmethod
    def of(cls, checkpoint: Mapping[str, Any]) -> "_Tally":
        return cls(**{name: checkpoint[name] for name in cls.__dataclass_fields__ if name in checkpoint})

    def as_checkpoint(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def as_result(self) -> dict[str, Any]:
        return {
            "status": "ok",
            "looked_at": self.looked_at,
            "removed": {stage.name: self.removed.get(stage.name, 0) for stage in STAGES},
            "bytes": self.bytes,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """One folder of the bucket, and how old things in it must be."""

    name: str
    prefix: str
    age: timedelta


STAGES: Final = (
    Stage(name="texts", prefix=TEXTS_PREFIX, age=TEXT_AGE),
    Stage(name="uploads", prefix=UPLOADS_PREFIX, age=UPLOAD_AGE),
    Stage(name="imports", prefix=IMPORTS_PREFIX, age=WORK_AGE),
    # What is listed are the receipts of dumps; what is removed are the dumps.
    Stage(name="dumps", prefix=DUE_PREFIX, age=DUMP_AGE),
    Stage(name="talks", prefix=TALKS_PREFIX, age=TEXT_AGE),
)


class Expiring:
    """Looks through the bucket, step by step; a step that is done twice counts once."""

    def __init__(
        self,
        *,
        documents: Documents,
        tickets: Tickets,
        jobs: Jobs,
        objects: Objects,
        dump_age: timedelta = DUMP_AGE,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._names_texts = {TEXTS_PREFIX: documents.text_keys, TALKS_PREFIX: tickets.text_keys}
        self._jobs = jobs
        self._objects = objects
        self._receipts = Receipts(objects)
        self._dump_age = dump_age
        self._clock = clock

    def run(self, job_id: str, *, remaining: Remaining) -> bool:
        """Go on with this job. False when the time did not suffice: the rest is for the next call."""
        job = self._jobs.get(job_id)
        while not job.status.ended:
            tally = _Tally.of(job.checkpoint)
            if tally.stage >= len(STAGES):
                self._jobs.finish(job_id, JobStatus.SUCCEEDED, result=tally.as_result())
                return True
            if remaining() < MIN_SECONDS:
                return False
            try:
                job = self._step(job, tally, STAGES[tally.stage], remaining)
            except Conflict:
                return True  # Another call has this job; its checkpoint is ahead of ours.
        return True

    def _step(self, job: Job, tally: _Tally, stage: Stage, remaining: Remaining) -> Job:
        """Clear a stage, with a checkpoint after every so many objects."""
        keys = (info for info in self._objects.list(stage.prefix) if info.key > tally.after)
        while not job.status.ended and remaining() >= MIN_SECONDS:
            step = [info for info, _ in zip(keys, range(STEP), strict=False)]
            gone = list(self._unneeded(step, stage))
            if stage.prefix == DUE_PREFIX:
                gone = [info for info in gone if self._receipts.retire_named(info.key)]
            else:
                self._objects.delete(*(info.key for info in gone))
            removed = {**tally.removed, stage.name: tally.removed.get(stage.name, 0) + len(gone)}
            tally = replace(
                tally,
                after=step[-1].key if step else "",
                stage=tally.stage if step else tally.stage + 1,
                looked_at=tally.looked_at + len(step),
                removed=removed,
                bytes=tally.bytes + sum(info.size for info in gone),
            )
            job = self._jobs.progress(
                job.job_id,
                done=len(step),
                checkpoint=tally.as_checkpoint(),
                checkpoint_was=job.checkpoint,
            )
            if not step:
                break
        return job

    def _unneeded(self, step: list[ObjectInfo], stage: Stage) -> Iterator[ObjectInfo]:
        named: dict[str, frozenset[str]] = {}
        oldest = self._clock() - (self._dump_age if stage.prefix == DUE_PREFIX else stage.age)
        for info in step:
            if info.key.endswith("/") or info.modified > oldest:
                continue
            if stage.prefix in self._names_texts:
                # The row is read after the object was seen: what it does not name now it never will.
                owner = info.key.split("/")[1]
                if owner not in named:
                    named[owner] = self._names_texts[stage.prefix](owner)
                if info.key in named[owner]:
                    continue
            if info.key.startswith(INGEST_PREFIX) and self._is_awaited(PurePosixPath(info.key).stem):
                continue
            if stage.prefix == IMPORTS_PREFIX and self._is_awaited(info.key.split("/")[1]):
                continue
            yield info

    def _is_awaited(self, job_id: str) -> bool:
        """Whether the job that needs it goes on."""
        try:
            return not self._jobs.get(job_id).status.ended
        except NotFound:
            return False
