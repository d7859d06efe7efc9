"""
A build may be killed, fail or be overtaken anywhere: at each call of each port, one after another.

Every history ends with an index that holds exactly what the documents say, and with nothing left over.
"""

import random
from collections.abc import Callable
from typing import Any

import pytest

from candor.errors import Conflict, NotFound, Unavailable
from candor.jobs import JobStatus
from candor.messages import DocumentToIndex, Message
from tests.doubles.library import Library

SEEDS = 150


class Killed(BaseException):
    """The process is gone; nothing it would have done happens."""


class Fate:
    """Stands around every port; once it is armed, the call of that number goes wrong."""

    def __init__(self, number: int, kind: str) -> None:
        self._number = number
        self._kind = kind
        self._calls = 0
        self.armed = False
        self.struck = False

    def wrap(self, port: Any) -> Any:
        return _Fated(port, self)

    def meet(self, call: Callable[[], Any]) -> Any:
        if not self.armed:
            return call()
        self._calls += 1
        if self._calls != self._number:
            return call()
        self.struck = True
        if self._kind == "killed":
            raise Killed
        if self._kind == "lost":
            call()
        raise Unavailable("The network blinked.")


class _Fated:
    def __init__(self, port: Any, fate: Any) -> None:
        self._port = port
        self._fate = fate

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._port, name)
        if not callable(attribute):
            return attribute
        return lambda *args, **kwargs: self._fate.meet(lambda: attribute(*args, **kwargs))


def begin(library: Library) -> None:
    """Until there is a build: whoever is told that one is going on need not ask again."""
    reindexing = library.new_reindexing()
    for _ in range(3):
        try:
            reindexing.begin(embedder="new", dimensions=None, created_by="ada")
        except (Unavailable, Killed):
            continue
        except Conflict:
            return
        return


def work(library: Library) -> None:
    for _ in range(3_000):
        if (message := library.queue.take()) is None:
            return
        try:
            library.handle(message)
        except (Unavailable, Killed):
            library.queue.send(message, delay_seconds=5)
    raise AssertionError("the queue does not become empty")


@pytest.mark.parametrize("kind", ["killed", "unavailable", "lost"])
def test_whatever_goes_wrong_once_ends_in_a_whole_index_by_the_new_embedder(kind: str) -> None:
    number = 0
    while True:
        number += 1
        fate = Fate(number, kind)
        library = Library(wrap=fate.wrap).filled(3)
        library.analyser = "2"
        fate.armed = True

        begin(library)
        library.put(0, "A changed text about matter 0.")
        library.documents.delete(next(row.document_id for row in library.documents.all() if "/1" in row.url))
        work(library)

        record = library.generations.read()
        assert (number, library.live().embedder, record.building, record.retired) == (number, "new", None, ())
        assert (number, library.wrong(), library.left_over()) == (number, [], [])
        job = library.jobs.get(library.live().job_id)
        assert (number, job.status, job.done) == (number, JobStatus.SUCCEEDED, job.total)
        if not fate.struck:
            break
    assert number > 60


@pytest.mark.parametrize("kind", ["killed", "unavailable", "lost"])
def test_whatever_goes_wrong_once_after_a_cancel_leaves_the_live_index_alone(kind: str) -> None:
    number = 0
    while True:
        number += 1
        fate = Fate(number, kind)
        library = Library(wrap=fate.wrap).filled(2)
        library.analyser = "2"
        job = library.new_reindexing().begin(embedder="new", dimensions=None, created_by="ada")
        for _ in range(3):
            message = library.queue.take()
            assert message is not None
            library.handle(message)
        fate.armed = True

        library.jobs.cancel(job.job_id)
        work(library)

        record = library.generations.read()
        assert (number, library.live(), record.building, record.retired) == (
            number,
            library.default,
            None,
            (),
        )
        assert (number, library.wrong(), library.left_over()) == (number, [], [])
        if not fate.struck:
            break
    assert number > 5


class Bustle:
    """Between any two calls of the builder others write, delete and index, each by what it last read."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.library: Library | None = None
        self._within = False
        self.problems: list[str] = []

    def wrap(self, port: Any) -> Any:
        return _Fated(port, self)

    def meet(self, call: Callable[[], Any]) -> Any:
        if self.library is not None and not self._within and self.rng.random() < 0.25:
            self._within = True
            try:
                self._something(self.library)
            finally:
                self._within = False
        return call()

    def begin(self, library: Library) -> None:
        self.library = library
        self.workers = [library.new_worker() for _ in range(2)]
        self.reader = library.retrieval()
        self.left = 30

    def _something(self, library: Library) -> None:
        if self.left <= 0:
            return
        self.left -= 1
        rng = self.rng
        library.queue.now += rng.choice((0.0, 0.0, 0.5, 3.0))
        number = rng.randrange(6)
        if rng.random() < 0.6:
            library.put(number, f"Text {rng.random()} about matter {number}.")
        elif rows := [row for row in library.documents.all() if not row.deleted]:
            try:
                library.documents.delete(rng.choice(rows).document_id)
            except NotFound:
                return
        if rng.random() < 0.7:
            self._index(library)
        self._look(library)

    def _index(self, library: Library) -> None:
        """A worker takes what is queued, as it knows the world; some of it is lost on the way."""
        kept: list[Message] = []
        ids: list[str] = []
        while (message := library.queue.take_due()) is not None:
            if isinstance(message, DocumentToIndex):
                ids.append(message.document_id)
            else:
                kept.append(message)
        library.queue.send(*kept)
        failed = self.rng.choice(self.workers).index_many(ids)
        library.queue.send(*(DocumentToIndex(document_id=id_) for id_ in failed), delay_seconds=5)

    def _look(self, library: Library) -> None:
        """What is found is of the version that may be quoted, and what is settled is found."""
        found = self.reader.find("matter about text", limit=50)
        texts = {row.document_id: row for row in library.documents.all()}
        for hit in found.hits:
            row = texts[hit.passage.document_id]
            if row.deleted or row.served_version != hit.passage.version:
                self.problems.append(f"quotes version {hit.passage.version} of {row.url}")
        ids = {hit.passage.document_id for hit in found.hits}
        for row in texts.values():
            if not row.deleted and not row.pending and row.document_id not in ids:
                self.problems.append(f"does not find {row.url}")


def test_nothing_stale_is_found_and_nothing_settled_is_missed_while_all_of_it_changes() -> None:
    for seed in range(SEEDS):
        bustle = Bustle(seed)
        library = Library(wrap=bustle.wrap).filled(6)
        bustle.begin(library)

        begin(library)
        work(library)

        assert (seed, bustle.problems) == (seed, [])
        assert (seed, library.live().embedder) == (seed, "new")
        assert (seed, library.wrong(), library.left_over()) == (seed, [], [])
