"""Spending: the day's tokens, counted by all processes together, and what is left of them to each."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final, Protocol

from candor.alerts import Alerts
from candor.answering.budgets import Tier
from candor.answering.models import Usage
from candor.errors import CandorError, Unavailable

logger = logging.getLogger(__name__)

ECONOMY_ALERT: Final = "llm-budget-economy"
EXTRACTIVE_ALERT: Final = "llm-budget-used-up"

_READ_AGAIN_SECONDS: Final = 2.0
_FAR: Final = 200_000
"""Tokens. Nobody spends as many in two seconds: farther from the next step a reading may be that old."""

_UNLIMITED_SECONDS: Final = 60.0
"""Without a limit a reading only serves to take back the alert of one that there was."""

_REST_SECONDS: Final = 15.0
"""After a failure: a store that is down must not cost every answer its time-out."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Allowance:
    """What an operator allows. `tokens_per_day` 0: no limit; from `economy_share` of it on, the economy."""

    tokens_per_day: int = 0
    economy_share: float = 0.8

    def tier(self, used: int) -> Tier:
        if self.tokens_per_day <= 0:
            return Tier.FULL
        if used >= self.tokens_per_day:
            return Tier.EXTRACTIVE
        return Tier.ECONOMY if used >= self.economy_share * self.tokens_per_day else Tier.FULL

    def left(self, used: int) -> float:
        """Tokens before the next step."""
        steps = (self.economy_share * self.tokens_per_day, self.tokens_per_day)
        return min((step - used for step in steps if step > used), default=float("inf"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """How a day stands."""

    tokens: int = 0
    told: str = ""
    """The tier that the alerts speak of; blank: none yet today."""


class Spent(Protocol):
    """Where a day's tokens are counted. Each method raises `Unavailable`."""

    def add(self, day: date, tokens: int) -> Standing:
        """Atomically; how the day stands after it."""
        ...

    def read(self, day: date) -> Standing:
        """Consistently: all that was added before."""
        ...

    def tell(self, day: date, *, told: str, instead_of: str) -> bool:
        """Say what the alerts speak of; False when it was not `instead_of` any more."""
        ...


def _today() -> date:
    return datetime.now(UTC).date()


class DayBudget:
    """
    A `Budget` per UTC day.

    Whoever begins after the limit is reached sees it: near a step each question reads anew, so that what is
    spent too much is what was under way. Whichever process meets a step first raises its alert, once a day;
    the first one of a new day, or under a higher limit, takes it back. When the store fails the last known
    number counts on, with what this process has spent itself.
    """

    def __init__(
        self,
        *,
        spent: Spent,
        allowance: Callable[[], Allowance],
        alerts: Alerts,
        today: Callable[[], date] = _today,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        """`allowance` is read live; what it raises counts as unchanged."""
        self._spent = spent
        self._allowance = allowance
        self._alerts = alerts
        self._today = today
        self._ticks = ticks
        self._lock = threading.Lock()
        self._allowed = Allowance()
        self._day: date | None = None
        self._standing = Standing()
        self._read_at = float("-inf")
        self._rests_until = float("-inf")
        self._unwritten = 0

    def tier(self) -> Tier:
        allowed, day = self._allowed_now(), self._today()
        with self._lock:
            known = self._standing if self._day == day else None
            age = self._ticks() - self._read_at
        if known is None or age >= self._keeps(allowed, known):
            known = self._read(day)
        tier = allowed.tier(known.tokens + self._unwritten)
        self._tell(day, known, tier, allowed)
        return tier

    def spend(self, usage: Usage) -> None:
        tokens = usage.input_tokens + usage.output_tokens
        if tokens <= 0:
            return
        allowed, day = self._allowed_now(), self._today()
        with self._lock:
            tokens, self._unwritten = tokens + self._unwritten, 0
            rests = self._ticks() < self._rests_until
        try:
            if rests:
                raise Unavailable("The budget was not to be had a moment ago.")
            standing = self._spent.add(day, tokens)
        except Unavailable:
            with self._lock:
                self._unwritten += tokens
            self._failed(rests)
            return
        self._see(day, standing)
        self._tell(day, standing, allowed.tier(standing.tokens), allowed)

    def standing(self) -> tuple[int, Allowance]:
        """Tokens spent today, and what is allowed; for those who look. Raises `Unavailable`."""
        return self._spent.read(self._today()).tokens, self._allowed_now()

    def _allowed_now(self) -> Allowance:
        try:
            self._allowed = self._allowance()
        except CandorError as error:
            logger.warning("limits not read", extra={"reason": type(error).__name__})
        return self._allowed

    @staticmethod
    def _keeps(allowed: Allowance, known: Standing) -> float:
        """Seconds for which a reading may be used again."""
        if allowed.tokens_per_day <= 0:
            return _UNLIMITED_SECONDS
        return _READ_AGAIN_SECONDS if allowed.left(known.tokens) > _FAR else 0.0

    def _read(self, day: date) -> Standing:
        with self._lock:
            last = self._standing if self._day == day else Standing()
            rests = self._ticks() < self._rests_until
        if rests:
            return last
        try:
            standing = self._spent.read(day)
        except Unavailable:
            self._failed(rests)
            return last
        self._see(day, standing)
        return standing

    def _see(self, day: date, standing: Standing) -> None:
        with self._lock:
            if self._day == day and standing.tokens < self._standing.tokens:
                return  # Read before another thread's addition: what is known is newer.
            self._day, self._standing, self._read_at = day, standing, self._ticks()

    def _failed(self, rested: bool) -> None:
        if not rested:
            self._rests_until = self._ticks() + _REST_SECONDS
            logger.warning("budget not counted")

    def _tell(self, day: date, standing: Standing, tier: Tier, allowed: Allowance) -> None:
        if standing.told == tier.value or self._ticks() < self._rests_until:
            return
        try:
            if not self._spent.tell(day, told=tier.value, instead_of=standing.told):
                with self._lock:
                    self._read_at = float("-inf")  # Somebody else has said something: look again what.
                return
            try:
                self._put_up(tier, allowed)
            except Unavailable:
                # Not said after all: whoever asks next tries again.
                self._spent.tell(day, told=standing.told, instead_of=tier.value)
                raise
        except Unavailable:
            logger.warning("budget alert not raised", extra={"tier": tier.value})
            return
        with self._lock:
            if self._day == day:
                self._standing = Standing(tokens=self._standing.tokens, told=tier.value)

    def _put_up(self, tier: Tier, allowed: Allowance) -> None:
        standing_for = {Tier.ECONOMY: ECONOMY_ALERT, Tier.EXTRACTIVE: EXTRACTIVE_ALERT}
        for each, alert_id in standing_for.items():
            if each is not tier:
                self._alerts.clear(alert_id)
        if tier in standing_for:
            sentence = _SENTENCES[tier].format(
                limit=f"{allowed.tokens_per_day:,}", share=f"{allowed.economy_share:.0%}"
            )
            self._alerts.raise_(standing_for[tier], sentence)


_SENTENCES: Final[Mapping[Tier, str]] = {
    Tier.ECONOMY: (
        "{share} of today's {limit} tokens for language models are used: until midnight UTC answers are "
        "written by the economy model, or without one. Raise limits.llm_tokens_per_day to go on as before."
    ),
    Tier.EXTRACTIVE: (
        "Today's {limit} tokens for language models are used up: until midnight UTC answers are quoted from "
        "the documents alone. Raise limits.llm_tokens_per_day to go on as before."
    ),
}
