"""Webhook values: who wants to hear of what, and how the last delivery went."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

MOST: Final = 20
"""Each event is sent to each of them: more would be somebody's mistake."""

_NAMESPACE: Final = uuid.UUID("0d6f0a52-7a3c-5f51-9a4e-6c1f6fd1b6a7")


class Event(StrEnum):
    """What a hook can hear of."""

    ANSWER = "answer"
    """An answer was given, whatever its decision."""
    ESCALATION = "escalation"
    """One that says that a person is needed."""
    JOB = "job"
    """A job has ended, in whatever way."""


PING: Final = "ping"
"""An event of nothing but the hook itself: somebody tries it."""


class Status(StrEnum):
    DELIVERED = "delivered"
    RETRYING = "retrying"
    """It failed, and will be tried again."""
    FAILED = "failed"
    """It was given up."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LastStatus:
    """How the last delivery to a hook went."""

    at: datetime
    status: Status
    error: str = ""
    """What was in the way, in a sentence of ours."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Hook:
    """One address that wants to hear of events."""

    hook_id: str
    url: str
    events: frozenset[Event]
    sealed: str = field(repr=False)
    """The secret that deliveries are signed with, opened by the vault for `context_of` this hook."""
    enabled: bool = True
    created_at: datetime
    updated_at: datetime
    last_status: LastStatus | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Happening:
    """What is told of an event."""

    event: str
    at: datetime
    data: Mapping[str, Any]


def event_id(event: str, about: str) -> str:
    """The same for the same event, however often it is announced or delivered."""
    return str(uuid.uuid5(_NAMESPACE, f"{event}\n{about}"))


def alert_of(hook_id: str) -> str:
    """The alert about a hook that nothing can be delivered to."""
    return f"webhook-{hook_id}"


def context_of(hook_id: str) -> dict[str, str]:
    """What a hook's secret is sealed for."""
    return {"webhook": hook_id}
