"""Dashboard: a day, a week or a month of use in the numbers an operator looks at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final

from candor.answering.values import Decision
from candor.statistics.values import NANO, Counts, Statistics, key, of_name, quantile, summed, total


class Window(StrEnum):
    DAY = "24h"
    WEEK = "7d"
    MONTH = "30d"


_DAYS: Final = {Window.WEEK: 7, Window.MONTH: 30}


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """What was counted in some time."""

    counts: Counts

    @property
    def answers(self) -> int:
        return self.counts.get("answers", 0)

    @property
    def decisions(self) -> Mapping[Decision, int]:
        return {each: self.counts.get(key("decision", each.value), 0) for each in Decision}

    @property
    def escalation_rate(self) -> float:
        return _share(self.decisions[Decision.ESCALATE], self.answers)

    @property
    def retrieval_hit_rate(self) -> float:
        """Of the answers for which something was looked up."""
        hits, misses = (self.counts.get(key("retrieval", how), 0) for how in ("hit", "miss"))
        return _share(hits, hits + misses)

    @property
    def tokens(self) -> tuple[int, int]:
        """Read and written by language models."""
        of_models = of_name(self.counts, "llm_tokens")
        read, written = (
            sum(count for (_, way), count in of_models.items() if way == wanted)
            for wanted in ("input", "output")
        )
        return read, written

    @property
    def cost_usd(self) -> float:
        """Of what has a known price."""
        return total(self.counts, "llm_cost") / NANO

    @property
    def cost_unknown(self) -> bool:
        """Whether there was a model without one."""
        return total(self.counts, "llm_unpriced") > 0

    @property
    def conversations(self) -> int:
        return self.counts.get("conversations", 0)

    @property
    def messages(self) -> int:
        return total(self.counts, "messages")

    def latency_ms(self, share: float) -> float:
        """The time that this share of the answers took at most; 0 without any."""
        return quantile(of_name(self.counts, "answer_le"), share) or 0.0

    def flat(self) -> Mapping[str, float]:
        """Every count by a name of its own."""
        of = self.counts
        return {
            "answers": self.answers,
            "answers_quoted": of.get(key("written", "extractive"), 0),
            "answers_without_price": total(of, "llm_unpriced"),
            "conversations": self.conversations,
            "messages_user": of.get(key("messages", "user"), 0),
            "messages_assistant": of.get(key("messages", "assistant"), 0),
            "llm_calls": total(of, "llm_calls"),
            "llm_tokens_input": self.tokens[0],
            "llm_tokens_output": self.tokens[1],
            "llm_cost_usd": self.cost_usd,
            "retrieval_hits": of.get(key("retrieval", "hit"), 0),
            "retrieval_misses": of.get(key("retrieval", "miss"), 0),
            "retrieval_degraded": of.get("retrieval_degraded", 0),
            "requests": of.get("requests", 0),
            "server_errors": of.get("server_errors", 0),
            **{f"decisions_{each.value.lower()}": count for each, count in self.decisions.items()},
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Dashboard:
    """A window as a whole, and hour by hour or day by day, oldest first."""

    window: Window
    whole: Figures
    series: Sequence[tuple[datetime, Figures]]


def look(statistics: Statistics, window: Window, *, now: datetime) -> Dashboard:
    """The last 24 hours, or 7 or 30 days (UTC), the one under way included. Raises `Unavailable`."""
    now = now.astimezone(UTC)
    counted: Mapping[datetime, Counts]
    if window is Window.DAY:
        hour = now.replace(minute=0, second=0, microsecond=0)
        moments = [hour - timedelta(hours=back) for back in reversed(range(24))]
        counted = statistics.hours(moments)
    else:
        days = [now.date() - timedelta(days=back) for back in reversed(range(_DAYS[window]))]
        moments = [_beginning(day) for day in days]
        counted = {_beginning(day): counts for day, counts in statistics.days(days).items()}
    return Dashboard(
        window=window,
        whole=Figures(counts=summed(counted.values())),
        series=[(moment, Figures(counts=counted.get(moment, {}))) for moment in moments],
    )


def _beginning(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0
