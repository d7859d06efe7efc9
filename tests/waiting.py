"""Waiting: for what another thread or process does, or for a day to end that ends too soon."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


def until(true: Callable[[], object], *, seconds: float = 120, every: float = 0.05) -> None:
    """
    Come back once it is true; fail the test when a look that begins after `seconds` does not find it so.

    The limit is for what never comes, not for what is slow.
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


def one_day(*, seconds: float) -> None:
    """Come back when this day of UTC lasts at least so long: what is counted by the day is one day's then."""
    now = datetime.now(UTC)
    left = (now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1) - now).total_seconds()
    if left < seconds:
        time.sleep(left)
