"""Clocks that stand still until a test turns them."""

from dataclasses import dataclass
from datetime import UTC, datetime

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


@dataclass
class Clock:
    """The time of day."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Ticks:
    """Seconds from anywhere, as `time.monotonic` counts them."""

    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now
