"""
Shelves: the engines of the generations in force.

The record of generations is read at most every few seconds, so that every process sees a switch by then and
no request pays for it. Who takes a shelf keeps it for the whole of a request: words, vectors and embedder
of one generation belong together.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from candor.errors import Unavailable
from candor.indexing.generations import Generation, Generations, Record
from candor.search import Embedder, KeywordIndex, VectorIndex

FRESH_SECONDS: Final = 5.0

_T = TypeVar("_T")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Shelf:
    """The engines of one generation."""

    generation: Generation
    keywords: KeywordIndex
    vectors: VectorIndex
    embedder: Embedder


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Where passages are looked for, and where they are written to besides."""

    live: Shelf
    building: Shelf | None = None
    """The one that is being built; right after a switch the one before, which some still ask."""

    def covers(self, other: "Plan") -> bool:
        """Whether what was written by this plan was written to all that the other one names."""
        ours = {shelf.generation.generation_id for shelf in (self.live, self.building) if shelf}
        building = other.building.generation.generation_id if other.building else None
        same = self.live.generation.generation_id == other.live.generation.generation_id
        return same and (building is None or building in ours)


class Shelves:
    """
    Opens generations, and knows which ones are in force.

    Without `generations`, or while nothing is recorded, it is the one that follows from the settings. When
    the record cannot be read, what was last known stays in force; `Unavailable` if nothing was.
    """

    def __init__(
        self,
        *,
        generations: Generations | None,
        default: Generation,
        open: Callable[[Generation], Shelf],
        recordable: bool = True,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.default = default
        self._generations = generations
        self._recordable = recordable
        """Whether the settings name engines at all: where they do not, there is nothing to hold on to."""
        self._open = open
        self._clock = clock
        self._wall_clock = wall_clock
        self._lock = threading.Lock()
        self._opened: dict[str, Shelf] = {}
        self._record: Record | None = None
        self._until = float("-inf")

    def live(self) -> Shelf:
        """The one that answers."""
        return self.open(self.record().live or self.default)

    def plan(self, *, fresh: bool = False) -> Plan:
        """Both that are in force; with `fresh` as recorded this moment, or `Unavailable`."""
        return self._plan(self.record(fresh=fresh))

    def for_writing(self) -> Plan:
        """The same, with the live one recorded from now on: what is written must be found again."""
        record = self.record()
        if record.live is None and self._recordable and self._generations is not None:
            record = self._keep(self._generations.settle(self.default))
        return self._plan(record)

    def record(self, *, fresh: bool = False) -> Record:
        if self._generations is None:
            return Record()
        known = self._record
        if known is not None and not fresh and self._clock() < self._until:
            return known
        try:
            return self._keep(self._generations.read())
        except Unavailable as error:
            if fresh or known is None:
                raise
            logger.warning("generations not read", extra={"reason": str(error)})
            return self._keep(known)

    def open(self, generation: Generation) -> Shelf:
        """The engines of a generation; the same ones as long as it is in force."""
        with self._lock:
            shelf = self._opened.get(generation.generation_id)
            if shelf is None or shelf.generation != generation:
                shelf = self._opened[generation.generation_id] = self._open(generation)
            return shelf

    def _plan(self, record: Record) -> Plan:
        beside = self._beside(record)
        return Plan(
            live=self.open(record.live or self.default),
            building=self.open(beside) if beside is not None else None,
        )

    def _beside(self, record: Record) -> Generation | None:
        if record.building is not None or not record.retired:
            return record.building
        last = record.retired[-1]
        return last.generation if self._wall_clock() < last.at + 2 * FRESH_SECONDS else None

    def _keep(self, record: Record) -> Record:
        in_force = {one.generation_id for one in (record.live or self.default, self._beside(record)) if one}
        with self._lock:
            self._record, self._until = record, self._clock() + FRESH_SECONDS
            self._opened = {id_: shelf for id_, shelf in self._opened.items() if id_ in in_force}
        return record


class Following(Generic[_T]):
    """What is made of the live shelf, made anew when another one goes live."""

    def __init__(self, shelves: Shelves, make: Callable[[Shelf], _T]) -> None:
        self._shelves = shelves
        self._make = make
        self._lock = threading.Lock()
        self._made: tuple[Shelf, _T] | None = None

    def now(self) -> _T:
        """For one request: ask once, and keep what you got to its end."""
        return self.with_shelf()[1]

    def with_shelf(self) -> tuple[Shelf, _T]:
        shelf = self._shelves.live()
        with self._lock:
            if self._made is None or self._made[0] is not shelf:
                self._made = (shelf, self._make(shelf))
            return self._made
