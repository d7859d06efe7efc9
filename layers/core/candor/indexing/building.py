"""
Index building: the steps by which a new index comes to be the one that answers.

A job of small steps on the index queue, between which fresh documents are indexed. What it does next follows
from its checkpoint and from the record of generations, so that a step may be killed or done twice anywhere:

    begun → (workers have seen it) → writing → checking, until nothing differs → switched → checked again

Until the switch answers come from the old index alone, and whatever goes wrong leaves it as it was. The
old index is removed when nobody can be asking it any more.
"""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from candor.documents import Document, Documents
from candor.errors import CandorError, Conflict, NotFound, Unavailable
from candor.indexing.generations import NO_EMBEDDER, Generation, Generations, Record, Retired
from candor.indexing.rebuilding import PART_SECONDS, PASSAGES_AT_ONCE, Differences, Half, Rebuilding
from candor.indexing.service import Remaining
from candor.indexing.shelves import FRESH_SECONDS, Shelves
from candor.jobs import Job, JobError, Jobs, JobStatus
from candor.messages import IndexToBuild, IndexToDrop, Message, Queue

KIND: Final = "reindex"

SEEN_BY_ALL: Final = FRESH_SECONDS + 1
"""Seconds after which every process goes by the record as it was changed."""

DROPPED_AFTER: Final = 180.0
"""Seconds a retired index is kept: longer than any invocation that may still be writing to it."""

STEP_SECONDS: Final = PART_SECONDS + 5
"""With less than this left no step is begun: one that is cut off comes again after the queue's time-out."""

LONGEST_PAUSE: Final = 300.0
MOST_TRIES: Final = 10
"""Of one step, twenty minutes with the pauses between them. Then the job has failed."""

MOST_ROUNDS: Final = 500
"""Comparisons that each found something: it would never end if an index did not keep what it is given."""

MOST_WAITED: Final = 24
"""Rounds, five seconds each, for documents whose next version is on its way."""

_ROWS_AT_ONCE: Final = 64
_PAUSE: Final = 5.0
_LOOKED_LATER: Final = 30.0
_BLAMED: Final = "the new index"

logger = logging.getLogger(__name__)


class IndexBuilding:
    """Builds, switches and tidies up: the worker's side of reindexing."""

    def __init__(
        self,
        *,
        documents: Documents,
        generations: Generations,
        shelves: Shelves,
        jobs: Jobs,
        index_queue: Queue,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._documents = documents
        self._generations = generations
        self._shelves = shelves
        self._jobs = jobs
        self._index_queue = index_queue
        self._clock = clock

    def work(self, job_id: str, *, remaining: Remaining) -> None:
        """One step of a build, and the message for the next. `Unavailable` if not even that is possible."""
        try:
            job = self._jobs.get(job_id)
        except NotFound:
            return
        record = self._generations.read()
        target = _built_by(record, job_id)
        if job.status.ended or target is None:
            self._close(job, record)
            return
        if remaining() < STEP_SECONDS:
            self._again(job_id)
            return
        try:
            self._step(job, target, is_live=target == record.live, remaining=remaining)
        except Conflict:
            self._look_later(job_id)
        except CandorError as error:
            self._try_again(job, target, error, is_live=target == record.live)

    def drop(self, generation_id: str) -> None:
        """Remove a retired index, unless something still needs it; earlier than that, ask again later."""
        record = self._generations.read()
        for retired in record.retired:
            if retired.generation.generation_id != generation_id:
                continue
            if (wait := self._until_dropped(retired)) > 0:
                self._send(IndexToDrop(drop=generation_id), after=wait)
                return
            kept = record.names_beside(generation_id)
            shelf = self._shelves.open(retired.generation)
            if f"words/{retired.generation.words}" not in kept:
                shelf.keywords.drop()
            if f"vectors/{retired.generation.vectors}" not in kept:
                shelf.vectors.drop()
            self._generations.dropped(generation_id)
            logger.info("index dropped", extra={"generation": generation_id})

    def resume(self) -> None:
        """Send what may have been lost with its queue or its process. One message more does no harm."""
        record = self._generations.read()
        for generation in (record.building, record.live):
            if generation is None or not generation.job_id:
                continue
            try:
                is_over = self._jobs.get(generation.job_id).status.ended
            except NotFound:  # Begun, and killed before its job was there; of a live one it has aged away.
                is_over = generation is record.live
            if generation is record.building or not is_over:
                self.wake(generation, created_by="reconcile")
        self.send_drops(record)

    def wake(self, generation: Generation, *, created_by: str) -> Job:
        """Its job, made if it is not there, and a message to go on with it."""
        job = self._jobs.start(
            kind=KIND,
            subject=f"{generation.embedder_name}, {generation.dimensions} dimensions",
            created_by=created_by,
            job_id=generation.job_id,
        )
        self._again(job.job_id)
        return job

    def _step(self, job: Job, target: Generation, *, is_live: bool, remaining: Remaining) -> None:
        state = dict(job.checkpoint)
        match state.get("phase"):
            case None:
                self._begun(job, target)
            case "writing":
                self._writing(job, state, target, remaining)
            case "checking":
                self._checking(job, state, target, remaining)
            case _:
                self._checking_again(job, state, target, remaining)

    def _begun(self, job: Job, target: Generation) -> None:
        """Not before every worker writes to both: what it misses after that is what fails, and little."""
        if (wait := job.created_at.timestamp() + SEEN_BY_ALL - self._clock()) > 0:
            self._again(job.job_id, after=wait)
            return
        live = self._shelves.plan(fresh=True).live.generation
        halves = [half for half in ("words", "vectors") if getattr(live, half) != getattr(target, half)]
        total = self._documents.list(page=1, page_size=1).total
        self._advance(job, {"phase": "writing", "after": "", "halves": halves}, total=total)

    def _writing(self, job: Job, state: dict[str, Any], target: Generation, remaining: Remaining) -> None:
        rows = self._documents.some(after=state["after"], limit=_ROWS_AT_ONCE)
        if not rows:
            rest = max(0, job.total - job.done)
            self._advance(job, {**state, "phase": "checking", "rounds": 0, "waited": 0}, done=rest)
            return
        taken: list[Document] = []
        passages = 0
        for row in rows:
            if taken and passages + row.chunks_count > PASSAGES_AT_ONCE:
                break
            taken.append(row)
            passages += row.chunks_count
        refused = self._rebuilding(target, state).write(taken, remaining=remaining)
        alive = sum(not row.deleted for row in taken)
        # Documents that have come since are written as well, and counted as far as there is room.
        self._advance(
            job,
            {**state, "after": taken[-1].document_id},
            done=min(alive, max(0, job.total - job.done)),
            refused=refused,
        )

    def _checking(self, job: Job, state: dict[str, Any], target: Generation, remaining: Remaining) -> None:
        rebuilding = self._rebuilding(target, state)
        found = rebuilding.compare()
        if self._repaired(job, state, rebuilding, found, remaining):
            return
        if found.waiting and state["waited"] < MOST_WAITED:
            rebuilding.hurry(found.waiting)
            self._advance(job, {**state, "waited": state["waited"] + 1}, after=_PAUSE)
            return
        if self._jobs.get(job.job_id).status.ended:  # Cancelled while this step was looking.
            self._close(job, self._generations.read())
            return
        self._generations.switch(target.generation_id, at=self._clock())
        logger.info("index switched", extra={"generation": target.generation_id, "job_id": job.job_id})
        self._advance(
            job, {**state, "phase": "switched", "at": self._clock(), "rounds": 0}, after=SEEN_BY_ALL
        )

    def _checking_again(
        self, job: Job, state: dict[str, Any], target: Generation, remaining: Remaining
    ) -> None:
        """What workers that went by the old record have written to the old index alone."""
        if (wait := state["at"] + SEEN_BY_ALL - self._clock()) > 0:
            self._again(job.job_id, after=wait)
            return
        rebuilding = self._rebuilding(target, state)
        found = rebuilding.compare()
        if self._repaired(job, state, rebuilding, found, remaining):
            return
        rebuilding.reopen([*found.failed, *found.missing])
        # What the old embedder could not do for want of an answer need not wait for the night.
        rebuilding.hurry(list(self._documents.pending()))
        self._succeed(job, target, found)

    def _repaired(
        self,
        job: Job,
        state: dict[str, Any],
        rebuilding: Rebuilding,
        found: Differences,
        remaining: Remaining,
    ) -> bool:
        """Whether there was something to repair, other than what is refused for good."""
        if not found.repairable:
            return False
        if state["rounds"] >= MOST_ROUNDS:
            raise Unavailable("The new index does not keep what is written to it.")
        refused = rebuilding.repair(found, remaining=remaining)
        if not found.extra and refused.keys() >= set(found.missing):
            return False
        # A store that shows writes late would look as if they were lost.
        self._advance(job, {**state, "rounds": state["rounds"] + 1}, after=min(_PAUSE, state["rounds"]))
        return True

    def _succeed(self, job: Job, target: Generation, found: Differences) -> None:
        self.send_drops(self._generations.read())
        result = {
            "status": "ok",
            "generation": target.generation_id,
            "embedder": target.embedder_name,
            "dimensions": target.dimensions,
            "documents": found.documents,
            "passages": found.passages,
            "refused": job.failed,
            "left_behind": len(found.left_behind),
            "seconds": round(self._clock() - job.created_at.timestamp(), 1),
        }
        self._jobs.finish(job.job_id, JobStatus.SUCCEEDED, result=result)
        logger.info("reindexed", extra={"job_id": job.job_id, "generation": target.generation_id})

    def _try_again(self, job: Job, target: Generation, error: CandorError, *, is_live: bool) -> None:
        """Later and later; at last the build is given up, or, once it answers, left to reconciling."""
        state = dict(job.checkpoint)
        tries = int(state.get("tries", 0)) + 1
        says = JobError(file=_BLAMED, record=-1, reason=str(error))
        if tries < MOST_TRIES:
            asked = float(getattr(error, "retry_after", 0))
            pause = min(LONGEST_PAUSE, max(asked, _PAUSE * 2 ** (tries - 1)))
            try:
                self._advance(job, {**state, "tries": tries}, after=pause, says=says)
            except Conflict:
                self._look_later(job.job_id)
            return
        self._jobs.progress(job.job_id, errors=[says])
        if is_live:
            result = {"status": "unchecked", "generation": target.generation_id, "error": str(error)}
            self._jobs.finish(job.job_id, JobStatus.SUCCEEDED, result=result)
        else:
            result = {"status": "abandoned", "error": str(error)}
            self._jobs.finish(job.job_id, JobStatus.FAILED, result=result)
        self._close(job, self._generations.read())

    def _look_later(self, job_id: str) -> None:
        """
        Another worker has done this step, and goes on; or it was ours, and the answer to our write was lost.
        """
        logger.info("reindex step done already", extra={"job_id": job_id})
        self._again(job_id, after=_LOOKED_LATER)

    def _close(self, job: Job, record: Record) -> None:
        """Of a job that is over, or whose index somebody has given up, nothing is left but what answers."""
        building = record.building
        if building is not None and building.job_id == job.job_id:
            record = self._generations.abandon(building.generation_id, at=self._clock())
        elif _built_by(record, job.job_id) is None:
            self._jobs.finish(job.job_id, JobStatus.FAILED, result={"status": "abandoned"})
        self.send_drops(record)

    def _advance(
        self,
        job: Job,
        state: Mapping[str, Any],
        *,
        done: int = 0,
        total: int = 0,
        refused: Mapping[str, JobError] | None = None,
        says: JobError | None = None,
        after: float = 0.0,
    ) -> None:
        """The step counts once: `Conflict` if another worker has done it. What succeeds ends the tries."""
        refused = refused or {}
        fresh = dict(state) if says is not None else {k: v for k, v in state.items() if k != "tries"}
        self._jobs.progress(
            job.job_id,
            done=done,
            total=total,
            failed=len(refused),
            errors=[*refused.values(), *([says] if says is not None else [])],
            checkpoint=fresh,
            checkpoint_was=job.checkpoint,
        )
        self._again(job.job_id, after=after)

    def _rebuilding(self, target: Generation, state: Mapping[str, Any]) -> Rebuilding:
        halves: list[Half] = [half for half in ("words", "vectors") if half in state["halves"]]
        if target.embedder == NO_EMBEDDER:
            halves = [half for half in halves if half != "vectors"]
        return Rebuilding(
            documents=self._documents,
            index_queue=self._index_queue,
            shelf=self._shelves.open(target),
            halves=halves,
        )

    def send_drops(self, record: Record) -> None:
        """A message for each retired index, delivered when it may go."""
        for retired in record.retired:
            self._send(
                IndexToDrop(drop=retired.generation.generation_id),
                after=max(0.0, self._until_dropped(retired)),
            )

    def _until_dropped(self, retired: Retired) -> float:
        return retired.at + DROPPED_AFTER - self._clock()

    def _again(self, job_id: str, *, after: float = 0.0) -> None:
        self._send(IndexToBuild(build=job_id), after=after)

    def _send(self, message: Message, *, after: float) -> None:
        self._index_queue.send(message, delay_seconds=int(-(-after // 1)))


def _built_by(record: Record, job_id: str) -> Generation | None:
    for generation in (record.building, record.live):
        if generation is not None and generation.job_id == job_id:
            return generation
    return None
