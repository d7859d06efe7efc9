"""In-memory configuration and alerts: versions in a list, for tests and for small demos."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from candor.alerts import Alert
from candor.config.store import Version
from candor.errors import Conflict, NotFound, Unavailable


class MemoryConfigStore:
    """`ConfigStore` in a list."""

    def __init__(self) -> None:
        self.down = False
        """Set it and every call raises `Unavailable`."""
        self.reads = 0
        self._lock = threading.Lock()
        self._versions: list[Version] = []

    def latest(self) -> Version | None:
        self._check()
        self.reads += 1
        with self._lock:
            return self._versions[-1] if self._versions else None

    def version(self, number: int) -> Version:
        self._check()
        with self._lock:
            if not 1 <= number <= len(self._versions):
                raise NotFound("There is no such version of the configuration.")
            return self._versions[number - 1]

    def add(self, version: Version) -> None:
        self._check()
        with self._lock:
            if version.version <= len(self._versions):
                raise Conflict("Somebody else has changed the configuration.")
            self._versions.append(version)

    def list(self, *, limit: int, before: int | None = None) -> Sequence[Version]:
        self._check()
        with self._lock:
            below = self._versions if before is None else self._versions[: max(before - 1, 0)]
            return [replace(version, values={}) for version in reversed(below)][:limit]

    def _check(self) -> None:
        if self.down:
            raise Unavailable("The in-memory configuration has been taken down.")


def _now() -> datetime:
    return datetime.now(UTC)


class MemoryAlerts:
    """`Alerts` in a dictionary."""

    def __init__(self, clock: Callable[[], datetime] = _now) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._alerts: dict[str, Alert] = {}

    def raise_(self, alert_id: str, message: str) -> Alert:
        with self._lock:
            now = self._clock()
            known = self._alerts.get(alert_id)
            first_at, times = (known.first_at, known.times) if known else (now, 0)
            alert = Alert(alert_id=alert_id, message=message, first_at=first_at, last_at=now, times=times + 1)
            self._alerts[alert_id] = alert
            return alert

    def clear(self, alert_id: str) -> bool:
        with self._lock:
            return self._alerts.pop(alert_id, None) is not None

    def list(self) -> Sequence[Alert]:
        with self._lock:
            return sorted(self._alerts.values(), key=lambda alert: alert.last_at, reverse=True)
