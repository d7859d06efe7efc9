"""Cores: the parts of a work that do not need each other, by as many processes as there are cores."""

import gc
import os
import struct
import sys
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL
from typing import BinaryIO, Final

_LENGTH: Final = struct.Struct(">Q")

MOST: Final = 8
"""Processes. Each holds a part in memory."""

_PAUSES: Final = (0.001, 0.002, 0.0)
"""A thread that has been joined is still there for a moment."""


def spread(parts: int, work: Callable[[int], bytes], *, most: int = MOST, spare: int = 0) -> Generator[bytes]:
    """
    What `work` gives for each part, from 0, in their order.

    It is done in children split off from this process: they see what it holds now, and nothing of what they
    do there is seen here but these bytes, which should be few. A part whose child died is done here, so that
    an error is raised where it can be told. `spare`: so many cores have other work. Where there are not two
    for this, and where nothing can be split off safely, this process does all of it.
    """
    count = min(_cores() - spare, parts, most)
    if count < 2 or not _may_split():
        yield from map(work, range(parts))
        return
    children: list[_Child] = []
    try:
        for first in range(count):
            children.append(_split_off(work, range(first, parts, count), children))
        for part in range(parts):
            result = children[part % count].result()
            yield work(part) if result is None else result
    finally:
        for child in children:
            child.end()


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else 1


def _may_split() -> bool:
    """A lock that another thread holds would never open in a child; threads of libraries count too."""
    if sys.platform != "linux":
        return False
    for pause in _PAUSES:
        if sum(1 for _ in Path("/proc/self/task").iterdir()) == 1:
            return True
        time.sleep(pause)
    return False


@dataclass(kw_only=True, slots=True)
class _Child:
    pid: int
    results: BinaryIO

    def result(self) -> bytes | None:
        """The next one; None when it died before that was whole."""
        head = self.results.read(_LENGTH.size)
        if len(head) < _LENGTH.size:
            return None
        size = _LENGTH.unpack(head)[0]
        body = self.results.read(size)
        return body if len(body) == size else None

    def end(self) -> None:
        self.results.close()
        os.kill(self.pid, SIGKILL)
        os.waitpid(self.pid, 0)


def _split_off(work: Callable[[int], bytes], parts: Sequence[int], others: Sequence[_Child]) -> _Child:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return _Child(pid=pid, results=os.fdopen(reading, "rb"))
    try:
        # It does not live long enough to have to tidy up, and looking would copy what it shares.
        gc.disable()
        # Whoever writes into a pipe learns that its reader is gone only if nobody else holds that end.
        os.close(reading)
        for other in others:
            other.results.close()
        with os.fdopen(writing, "wb") as results:
            for part in parts:
                result = work(part)
                results.write(_LENGTH.pack(len(result)) + result)
                results.flush()
    finally:
        # Not one step further: what this process has to put away is its parent's.
        os._exit(0)
