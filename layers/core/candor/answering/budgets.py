"""Budgets: how much of the day's tokens is left, and who may still write."""

from enum import StrEnum
from typing import Protocol

from candor.answering.models import Usage


class Tier(StrEnum):
    """What a question may cost."""

    FULL = "full"
    ECONOMY = "economy"
    """Only the economy model; without one, as `EXTRACTIVE`."""
    EXTRACTIVE = "extractive"
    """No model: the evidence's own sentences, and a person where they do not suffice."""


class Budget(Protocol):
    """The day's budget of tokens. Neither method raises: who cannot count says so in the log."""

    def tier(self) -> Tier:
        """What the next question may cost."""
        ...

    def spend(self, usage: Usage) -> None:
        """Count what a question has cost. Usage without tokens costs no write."""
        ...


class Unlimited:
    """A `Budget` of somebody who does not count."""

    def tier(self) -> Tier:
        return Tier.FULL

    def spend(self, usage: Usage) -> None:
        """Counts nothing."""
