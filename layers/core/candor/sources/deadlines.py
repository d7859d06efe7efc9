"""Deadlines: how long one file may take to read, asked for while it is being read."""

import time
from collections.abc import Callable
from typing import Final

from candor.errors import Invalid

READ_SECONDS: Final = 50.0
"""For a dropped file: an invocation has 300 seconds, and writing what was read needs the rest."""

UPLOAD_SECONDS: Final = 15.0
"""For a file that somebody waits for: the gateway gives up after 29."""


class Deadline:
    """A point in time, asked for in every loop that a file's author feeds: it costs half a microsecond."""

    def __init__(self, seconds: float = READ_SECONDS, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._clock = clock
        self._until = clock() + seconds

    def check(self) -> None:
        """`Invalid`, with a sentence, when the time is over."""
        if self._clock() > self._until:
            raise Invalid(f"Reading the file took longer than {self.seconds:g} seconds: split it.")
