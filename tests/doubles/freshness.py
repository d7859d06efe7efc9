"""
What a test of freshness is made with: an index one can switch off, a queue that delivers twice and out of
order, and a note of which version might be quoted when.
"""

import random
import threading
import time
from bisect import insort
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from candor.documents import Document, Documents
from candor.errors import Unavailable


class Switch:
    """Stands in front of an index, however often it is opened."""

    def __init__(self) -> None:
        self.down = False

    def __call__(self, down: bool) -> None:
        self.down = down

    def before(self, index: Any) -> Any:
        return _Behind(self, index)


class _Behind:
    def __init__(self, switch: Switch, index: Any) -> None:
        self._switch = switch
        self._index = index

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._index, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            if self._switch.down:
                raise Unavailable("The index is down.")
            return method(*args, **kwargs)

        return call


@dataclass
class Switches:
    """When which version began, and ceased, to be the one that may be quoted."""

    begun: dict[str, dict[int, float]] = field(default_factory=lambda: defaultdict(dict))
    over: dict[str, list[tuple[int, float]]] = field(default_factory=lambda: defaultdict(list))
    """By version: nothing below it may be found from that moment on."""

    def replaced_before(self, document_id: str, version: int, moment: float) -> bool:
        return any(later > version and at < moment for later, at in list(self.over[document_id]))

    def may_have_been_served(self, document_id: str, version: int, moment: float) -> bool:
        return self.begun[document_id].get(version, float("inf")) <= moment


class WatchedDocuments:
    """The documents, and a note of each switch: its beginning before the write, its end after it."""

    def __init__(self, documents: Documents, switches: Switches) -> None:
        self._documents = documents
        self._switches = switches

    def mark_served(self, served: Sequence[tuple[Document, int]]) -> frozenset[str]:
        for document, _ in served:
            self._switches.begun[document.document_id].setdefault(document.version, time.monotonic())
        done = self._documents.mark_served(served)
        for document, _ in served:
            if document.document_id in done:
                insort(self._switches.over[document.document_id], (document.version, time.monotonic()))
        return done

    def __getattr__(self, name: str) -> Any:
        return getattr(self._documents, name)


class Deliveries:
    """A queue that delivers twice, out of order, and again what failed."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)
        self._waiting: list[str] = []
        self._lock = threading.Lock()
        self._under_way = 0
        self.delivered = self.failed = 0

    def add(self, document_id: str) -> None:
        with self._lock:
            self._waiting += [document_id] * self._rng.choice((1, 2, 2))

    def take(self) -> Sequence[str]:
        with self._lock:
            self._rng.shuffle(self._waiting)
            size = self._rng.randint(1, 10)
            taken, self._waiting = self._waiting[:size], self._waiting[size:]
            self._under_way += len(taken)
            return taken

    def done(self, taken: Sequence[str], back: Sequence[str]) -> None:
        with self._lock:
            self._waiting += back
            self._under_way -= len(taken)
            self.delivered += len(taken)
            self.failed += len(back)

    @property
    def left(self) -> int:
        with self._lock:
            return len(self._waiting) + self._under_way
