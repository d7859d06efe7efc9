"""Values of statistics: what is counted, under which names, and where it is kept."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, Protocol
from urllib.parse import quote, unquote

Counts = Mapping[str, int]
"""How often, by key. Whole numbers only: sums of them are exact, in whatever order they are added."""

BOUNDS_MS: Final = (
    5, 10, 25, 50, 75, 100, 150, 200, 300, 400, 500, 750,
    1_000, 1_500, 2_000, 3_000, 4_000, 5_000, 7_500, 10_000, 15_000, 20_000, 30_000,
)  # fmt: skip
"""Upper bounds of the buckets into which times are counted; what took longer is in the last one."""

BEYOND: Final = "inf"

NANO: Final = 1_000_000_000
"""Money is counted in billionths of a dollar: a token of the cheapest model is fifty of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """Counts that are added together, or not at all. Added again under the same id they count once."""

    entry_id: str
    at: datetime
    counts: Counts = field(default_factory=dict)
    """Kept by hour, by day and in all."""
    details: Mapping[str, Counts] = field(default_factory=dict)
    """By topic, kept in all only: there are too many for every hour to have its own."""


class Statistics(Protocol):
    """Counts that many processes add to at once. Every method raises `Unavailable`."""

    def add(self, entry: Entry) -> None:
        """Durable on return. The same entry again within ten minutes changes nothing."""
        ...

    def hours(self, hours: Sequence[datetime]) -> Mapping[datetime, Counts]:
        """What was counted in these hours (UTC, each at its beginning); those without counts are left out."""
        ...

    def days(self, days: Sequence[date]) -> Mapping[date, Counts]:
        """The same for days (UTC)."""
        ...

    def total(self) -> Counts:
        """All that was ever counted."""
        ...

    def details(self, topics: Sequence[str]) -> Mapping[str, Counts]:
        """The same of these topics; those without details are left out."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Depth:
    """How much lies in a queue. Approximate: it counts itself while it is read."""

    waiting: int
    in_flight: int


class Depths(Protocol):
    """The queues as they are now."""

    def depths(self) -> Mapping[str, Depth]:
        """By the queue's name; raises `Unavailable`."""
        ...


def key(name: str, *labels: str) -> str:
    """`requests|GET|/v1/documents/{id}|2xx`"""
    return "|".join((name, *(quote(label, safe="/{}:@ ") for label in labels)))


def parts(of: str) -> tuple[str, tuple[str, ...]]:
    """The reverse of `key`: the name and its labels."""
    name, *labels = of.split("|")
    return name, tuple(unquote(label) for label in labels)


def bucket(name: str, milliseconds: float, *labels: str) -> str:
    """The key of the bucket that a time falls into: `<name>_le|250`."""
    index = bisect_left(BOUNDS_MS, milliseconds)
    return key(f"{name}_le", *labels, str(BOUNDS_MS[index]) if index < len(BOUNDS_MS) else BEYOND)


def summed(many: Iterable[Counts]) -> dict[str, int]:
    """All of them added up."""
    found: dict[str, int] = {}
    for counts in many:
        for name, count in counts.items():
            found[name] = found.get(name, 0) + count
    return found


def of_name(counts: Counts, name: str) -> dict[tuple[str, ...], int]:
    """The counts of one name by their labels."""
    found: dict[tuple[str, ...], int] = {}
    for of, count in counts.items():
        called, labels = parts(of)
        if called == name:
            found[labels] = count
    return found


def total(counts: Counts, name: str) -> int:
    """The counts of one name, whatever their labels."""
    return sum(of_name(counts, name).values())


def quantile(buckets: Mapping[tuple[str, ...], int], share: float) -> float | None:
    """
    The time, in milliseconds, that this share stayed below; None where nothing was counted.

    Inside a bucket times are taken to lie evenly; beyond the last bound there is nothing to say but that.
    """
    counted = {labels[-1]: count for labels, count in buckets.items()}
    everything = sum(counted.values())
    if not everything:
        return None
    wanted, seen, below = share * everything, 0, 0
    for bound in BOUNDS_MS:
        here = counted.get(str(bound), 0)
        if here and seen + here >= wanted:
            return round(below + (bound - below) * max(0.0, wanted - seen) / here, 1)
        seen, below = seen + here, bound
    return float(BOUNDS_MS[-1])
