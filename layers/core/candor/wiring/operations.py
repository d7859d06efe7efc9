"""Wiring of operations: what is counted, what may be spent, and how everything stands."""

import dataclasses
from functools import cache
from typing import TYPE_CHECKING

from candor import settings
from candor.wiring.configuration import alerts, configuration
from candor.wiring.environment import stores

if TYPE_CHECKING:
    from candor.adapters.dynamodb_statistics import DynamoStatistics
    from candor.config.reading import Reading
    from candor.spending import Allowance, DayBudget
    from candor.statistics.metering import Meter
    from candor.statistics.values import Depths


@cache
def statistics() -> "DynamoStatistics":
    from candor.adapters.dynamodb_statistics import DynamoStatistics

    return DynamoStatistics(settings.need(stores().counters_table, "COUNTERS_TABLE"))


@cache
def meter() -> "Meter":
    """What this process has counted, on its way to the statistics."""
    from candor.statistics.metering import Meter

    return Meter(statistics())


@cache
def budget() -> "DayBudget":
    """The day's tokens, by the limits in force."""
    from candor.adapters.dynamodb_statistics import DynamoSpent
    from candor.config.live import Live
    from candor.spending import DayBudget

    return DayBudget(
        spent=DynamoSpent(settings.need(stores().counters_table, "COUNTERS_TABLE")),
        allowance=Live(configuration().known, _allowance_of),
        alerts=alerts(),
    )


def _allowance_of(reading: "Reading") -> "Allowance":
    from candor.config.limits import LIMITS
    from candor.spending import Allowance

    limits = reading.shown(LIMITS.name)
    return Allowance(tokens_per_day=limits["llm_tokens_per_day"], economy_share=limits["llm_economy_share"])


def queues() -> dict[str, str]:
    """The queues this function is told of: their addresses by name."""
    return _named("_queue_url")


def tables() -> dict[str, str]:
    """The tables this function is told of."""
    return _named("_table")


def graveyards() -> dict[str, str]:
    """The same for those that hold what was given up."""
    return _named("_dlq_url")


def _named(suffix: str) -> dict[str, str]:
    named = dataclasses.asdict(stores())
    return {name.removesuffix(suffix): url for name, url in named.items() if url and name.endswith(suffix)}


@cache
def depths() -> "Depths":
    from candor.adapters.sqs_depths import SqsDepths

    return SqsDepths(queues())


@cache
def given_up() -> "Depths":
    """Of the dead-letter queues."""
    from candor.adapters.sqs_depths import SqsDepths

    return SqsDepths(graveyards())
