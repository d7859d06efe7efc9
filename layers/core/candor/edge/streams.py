"""
Streams: server-sent events from a view that works while its reader waits.

The view runs in a thread of its own. Until its first event whatever it raises is an ordinary answer with a
status; after that the answer has begun, and a failure is an event like the others.
"""

import threading
import time
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from typing import Any, Final

from candor.answering.values import Left
from candor.edge.observability import MetricUnit, logger, metrics
from candor.edge.wire import Reply, text_of

MEDIA_TYPE: Final = "text/event-stream"

_HEADERS: Final = {
    "Content-Type": f"{MEDIA_TYPE}; charset=utf-8",
    # A proxy that gathers the whole before it hands on would make an ordinary answer of it.
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}

_BEAT: Final = b": still here\n\n"

_LINE_ENDS: Final = {0x85: "\\u0085", 0x2028: "\\u2028", 0x2029: "\\u2029"}
"""Not for the format, but for clients that cut their lines by Unicode's rules."""

_LINGER_SECONDS: Final = 25.0
"""For what is still to be kept when the reader has left."""


class EventStream:
    """
    The body of an answer that is being made: events and, where there are none for long, heartbeats.

    One thread reads, another sends; anybody may `leave` for the reader.
    """

    def __init__(
        self,
        work: Callable[["EventStream"], None],
        *,
        failed: Callable[[Exception], Reply],
        beat_seconds: float = 15.0,
    ) -> None:
        """Its heart beats after so many seconds of silence; 0: never."""
        self._work = work
        self._failed = failed
        self._beat_seconds = beat_seconds
        self._queue: SimpleQueue[bytes | Exception | None] = SimpleQueue()
        self._begun = False
        self._first: bytes | None = None
        self._left = threading.Event()
        self._started = time.perf_counter()
        self._thread = threading.Thread(target=self._run, name="stream", daemon=True)
        self.replayed = False
        """Whether it is the answer to the same request once more."""

    # ------------------------------------------------------------ for the view
    @property
    def listening(self) -> bool:
        """Whether anybody reads."""
        return not self._left.is_set()

    def begin(self) -> None:
        """From here on the answer is a stream. The first event says so, too."""
        if not self._begun:
            self._begun = True
            self._queue.put(b": listening\n\n")

    def send(self, kind: str, data: object) -> None:
        """Send an event, if anybody reads."""
        self.begin()
        if self.listening:
            said = text_of({"type": kind, "data": data}).translate(_LINE_ENDS)
            self._queue.put(f"data: {said}\n\n".encode())

    # ------------------------------------------------------------ for the reader
    def reply(self) -> Reply:
        """Start the view, and answer once it has begun. Raises what it raised before."""
        self._thread.start()
        first = self._queue.get()
        if isinstance(first, Exception):
            raise first
        self._first = first
        return Reply(status=200, body=self, headers=_HEADERS)

    def __iter__(self) -> Iterator[bytes]:
        part: bytes | Exception | None = self._first
        while isinstance(part, bytes) and self.listening:
            yield part
            try:
                part = self._queue.get(timeout=self._beat_seconds or None)
            except Empty:
                part = _BEAT

    def leave(self) -> None:
        """The reader has gone: the view is told at the next thing it says."""
        self._left.set()
        self._queue.put(None)

    def close(self) -> None:
        """Leave, and wait until the view has kept what it has to keep."""
        self.leave()
        self._thread.join(_LINGER_SECONDS)

    # ------------------------------------------------------------ the view's thread
    def _run(self) -> None:
        left = False
        try:
            self._work(self)
        except Left:
            left = True
        except Exception as error:  # noqa: BLE001 - the outermost border of this thread
            if not self._begun:
                self._queue.put(error)
                return
            self._fail(error)
        finally:
            self._queue.put(None)
        took = round((time.perf_counter() - self._started) * 1000, 1)
        logger.info("streamed", extra={"ms": took, "left": left or not self.listening})

    def _fail(self, error: Exception) -> None:
        reply = self._failed(error)
        said: Any = reply.body
        self.send("error", {"detail": said["detail"]})
        if reply.status >= 500:
            # The handler has returned long ago: nobody else hands this on.
            metrics.add_metric(name="ServerErrors", unit=MetricUnit.Count, value=1)
            metrics.flush_metrics()
