"""Numbers in memory: statistics, spending and everything a scrape looks at; and a reader of its page."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from candor.adapters.memory_config import MemoryAlerts
from candor.adapters.memory_jobs import MemoryJobs
from candor.adapters.memory_statistics import MemorySpent, MemoryStatistics
from candor.answering.snapshots import Snapshot
from candor.answering.values import Decision
from candor.edge.routes import ROUTES
from candor.errors import Unavailable
from candor.spending import Allowance, DayBudget
from candor.statistics.metering import Meter
from candor.statistics.scraping import Scraping
from candor.statistics.values import Depth
from tests.doubles.clock import Ticks

NOW = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)


def an_answer(answer_id: str, **said: Any) -> Snapshot:
    """A snapshot in which only what is said differs from nothing out of the ordinary."""
    plain: dict[str, Any] = {
        "created_at": NOW,
        "question": "Within how many days?",
        "language": "en",
        "principal": "p1",
        "external_user_id": None,
        "trace_id": "t1",
        "text": "Within 30 days.",
        "decision": Decision.PASS,
        "confidence": 0.9,
        "model": "extractive",
        "prompt_version": "abc",
        "timings_ms": {"total": 40.0},
    }
    return Snapshot(answer_id=answer_id, **(plain | said))


@dataclass
class Queues:
    """`Depths` that are what they are told to be."""

    known: dict[str, Depth] = field(default_factory=dict)
    down: bool = False

    def depths(self) -> Mapping[str, Depth]:
        if self.down:
            raise Unavailable("The queues have been taken down.")
        return self.known


class Numbers:
    """All of it together, at `now`."""

    def __init__(self, *, clock: Callable[[], datetime] = lambda: NOW) -> None:
        self.clock, self.ticks = clock, Ticks()
        self.statistics, self.spent = MemoryStatistics(), MemorySpent()
        self.alerts, self.jobs = MemoryAlerts(), MemoryJobs()
        self.queues, self.given_up = Queues(), Queues()
        self.allowance = Allowance()
        self.meter = Meter(self.statistics, clock=clock, ticks=self.ticks)
        self.budget = self.another_budget()
        self.scraping = Scraping(
            statistics=self.statistics,
            queues=self.queues,
            given_up=self.given_up,
            jobs=self.jobs,
            spending=self.budget,
            alerts=self.alerts,
            topics=sorted({route.function for route in ROUTES}),
            clock=clock,
        )

    def another_budget(self) -> DayBudget:
        """As another process has one."""
        return DayBudget(
            spent=self.spent,
            allowance=lambda: self.allowance,
            alerts=self.alerts,
            today=lambda: self.clock().date(),
            ticks=self.ticks,
        )


_SAMPLE = re.compile(
    r"(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)"
    r"(?:\{(?P<labels>(?:[a-zA-Z_][a-zA-Z0-9_]*=\"(?:[^\"\\\n]|\\[\\\"n])*\",?)*)\})?"
    r" (?P<value>[-+]?(?:[0-9.]+(?:e[-+]?[0-9]+)?|Inf)|NaN)"
)
_LABEL = re.compile(r"([a-zA-Z_][a-zA-Z0-9_]*)=\"((?:[^\"\\\n]|\\[\\\"n])*)\"")
_ESCAPE = re.compile(r"\\([\\\"n])")

Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


def read_metrics(text: str) -> Samples:
    """
    The samples of a page in Prometheus' text format 0.0.4, by name and labels.

    Strict where the format is: each metric described and typed before its samples and only once, no sample
    twice, buckets that never fall, the last of them the count.
    """
    assert text.endswith("\n")
    kinds: dict[str, str] = {}
    helped: set[str] = set()
    found: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
    for line in text.splitlines():
        if line.startswith("# HELP "):
            name = line.split(" ", 3)[2]
            assert name not in helped, f"described twice: {name}"
            helped.add(name)
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name in helped, line
            assert name not in kinds, line
            assert kind in ("counter", "gauge", "histogram")
            kinds[name] = kind
        else:
            sample = _SAMPLE.fullmatch(line)
            assert sample, f"no sample: {line!r}"
            name = sample["name"]
            family = re.sub(r"_(bucket|sum|count)$", "", name)
            assert name in kinds or kinds.get(family) == "histogram", f"of no type: {line!r}"
            labels = {
                key: _ESCAPE.sub(_plain, value) for key, value in _LABEL.findall(sample["labels"] or "")
            }
            key = (name, frozenset(labels.items()))
            assert key not in found, f"twice: {line!r}"
            found[key] = float(sample["value"])
    _check_histograms(found)
    return found


def sample(samples: Samples, name: str, **labels: str) -> float:
    """One of them; 0 for one that is not there."""
    return samples.get((f"support_ai_{name}", frozenset(labels.items())), 0.0)


def _plain(escaped: "re.Match[str]") -> str:
    return "\n" if escaped[1] == "n" else escaped[1]


def _check_histograms(found: Samples) -> None:
    for (name, labels), count in found.items():
        if not name.endswith("_count"):
            continue
        family = name.removesuffix("_count")
        buckets = sorted(
            (float(dict(of)["le"].replace("+Inf", "inf")), value)
            for (bucket, of), value in found.items()
            if bucket == f"{family}_bucket" and {pair for pair in of if pair[0] != "le"} == labels
        )
        values = [value for _, value in buckets]
        assert values == sorted(values), name
        assert buckets[-1] == (float("inf"), count), name
