"""In-memory generations: the record in a variable, for tests and for small demos."""

import threading
from collections.abc import Callable

from candor.errors import Unavailable
from candor.indexing.generations import Generation, Record


class MemoryGenerations:
    """`Generations` under a lock."""

    def __init__(self) -> None:
        self.down = False
        """Set it and every call raises `Unavailable`."""
        self.reads = 0
        self._lock = threading.Lock()
        self._record = Record()

    def read(self) -> Record:
        self.reads += 1
        return self._change(lambda record: record)

    def settle(self, generation: Generation) -> Record:
        return self._change(lambda record: record.settled(generation))

    def start(self, generation: Generation) -> Record:
        return self._change(lambda record: record.started(generation))

    def switch(self, generation_id: str, *, at: float) -> Record:
        return self._change(lambda record: record.switched(generation_id, at))

    def abandon(self, generation_id: str, *, at: float) -> Record:
        return self._change(lambda record: record.abandoned(generation_id, at))

    def dropped(self, generation_id: str) -> Record:
        return self._change(lambda record: record.dropped(generation_id))

    def _change(self, change: Callable[[Record], Record]) -> Record:
        if self.down:
            raise Unavailable("The in-memory generations have been taken down.")
        with self._lock:
            self._record = change(self._record)
            return self._record
