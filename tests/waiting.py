"""Waiting: for what another thread or process does; the limit is for what never comes, not what is slow."""

import time
from collections.abc import Callable


def until(true: Callable[[], object], *, seconds: float = 60, every: float = 0.05) -> None:
    """Come back once it is true; fail the test when it does not become true."""
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends, f"not within {seconds:g} s"
        time.sleep(every)
