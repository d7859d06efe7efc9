"""Waiting: for what another thread or process does; the limit is for what never comes, not what is slow."""

import time
from collections.abc import Callable


def until(true: Callable[[], object], *, seconds: float = 120, every: float = 0.05) -> None:
    """
    Come back once it is true; fail the test when a look that begins after `seconds` does not find it so.

    How long a look takes does not count: "within five seconds" is a promise to whoever asks five seconds
    later, however slow the machine is that answers.
    """
    ends = time.monotonic() + seconds
    while True:
        late = time.monotonic() >= ends
        if true():
            return
        assert not late, f"not within {seconds:g} s"
        time.sleep(every)
