"""
Reindexing: an index by another embedder, or by another version of our analysis, asked for by an operator.

It is built beside the live one (`candor.indexing.building`); until it is complete, no answer changes.
"""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from candor.errors import Conflict, NotFound, Unavailable
from candor.indexing.building import IndexBuilding
from candor.indexing.generations import Generation, Generations, Record
from candor.indexing.shelves import Shelves
from candor.jobs import Job, Jobs


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """An embedder that has answered: how it is asked for, what it calls itself, how long its vectors are."""

    embedder: str
    name: str
    dimensions: int


class Embedders(Protocol):
    """Which embedders can be used here."""

    def choose(self, embedder: str | None, dimensions: int | None) -> Choice:
        """
        The one of that name, the settings' own for None, after asking it once.

        `Invalid` for one that cannot be used, naming those that can; `Unavailable` if it does not answer.
        """
        ...


class Reindexing:
    """Takes on builds, one at a time."""

    def __init__(
        self,
        *,
        generations: Generations,
        shelves: Shelves,
        embedders: Embedders,
        building: IndexBuilding,
        jobs: Jobs,
        analyser: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._generations = generations
        self._shelves = shelves
        self._embedders = embedders
        self._building = building
        self._jobs = jobs
        self._analyser = analyser
        self._clock = clock

    def begin(self, *, embedder: str | None, dimensions: int | None, created_by: str) -> Job:
        """
        Take on a build. `Conflict` while there is one, `Invalid` or `Unavailable` as `Embedders.choose`.

        The half that neither embedder nor analyser changes is kept; if nothing changes, both are built anew.
        """
        self._refuse_two(self._generations.read())
        choice = self._embedders.choose(embedder, dimensions)
        live = self._shelves.for_writing().live.generation
        record = self._generations.read()
        target = self._successor(live, choice, record.serial + 1, str(uuid.uuid4()))
        self._ask_once(target)
        self._generations.start(target)
        return self._building.wake(target, created_by=created_by)

    def _ask_once(self, target: Generation) -> None:
        """A store that takes no vectors of this length says so now, not after an hour."""
        try:
            self._shelves.open(target).vectors.search([1.0] + [0.0] * (target.dimensions - 1), limit=1)
        except Unavailable as error:
            raise Unavailable(
                f"The vector index cannot be asked with {target.dimensions} dimensions: {error} "
                "(A Pinecone index takes vectors of one length: name one of this length in PINECONE_HOST.)",
                retry_after=error.retry_after,
            ) from error

    def _refuse_two(self, record: Record) -> None:
        if (building := record.building) is None:
            return
        try:
            is_over = self._jobs.get(building.job_id).status.ended
        except NotFound:
            is_over = False
        if not is_over:
            self._building.wake(building, created_by="reindex")
            raise Conflict(
                f"An index is being built already, by job {building.job_id}. Wait for it, or cancel it."
            )
        self._building.send_drops(self._generations.abandon(building.generation_id, at=self._clock()))

    def _successor(self, live: Generation, choice: Choice, serial: int, job_id: str) -> Generation:
        same_vectors = (live.embedder_name, live.dimensions) == (choice.name, choice.dimensions)
        same_words = live.analyser == self._analyser
        both = same_vectors and same_words
        return Generation(
            generation_id=str(serial),
            words=live.words if same_words and not both else f"words-{self._analyser}-g{serial}",
            vectors=live.vectors
            if same_vectors and not both
            else f"{choice.name}-{choice.dimensions}-g{serial}",
            analyser=self._analyser,
            embedder=choice.embedder,
            embedder_name=choice.name,
            dimensions=choice.dimensions,
            settings=self._shelves.default.wish,
            job_id=job_id,
        )
