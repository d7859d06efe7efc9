"""Alerts: what an administrator has to look after, until it is well again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class Alert:
    """One thing that is wrong. There is one for each subject, however often it is met."""

    alert_id: str
    """Its subject: `whmcs-login`."""
    message: str
    """What is wrong and what to do, in a sentence. Never a secret or a customer's words."""
    first_at: datetime
    last_at: datetime
    times: int


class Alerts(Protocol):
    """Where alerts are kept. Each method raises `Unavailable`."""

    def raise_(self, alert_id: str, message: str) -> Alert:
        """Say that it is wrong, or still is: the message is replaced, the first time stays."""
        ...

    def clear(self, alert_id: str) -> bool:
        """It is well again; whether there was such an alert."""
        ...

    def list(self) -> Sequence[Alert]:
        """The latest first."""
        ...
