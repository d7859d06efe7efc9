"""Service: hooks are made, shown, changed, tried and removed by administrators."""

import secrets
import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from candor.alerts import Alerts
from candor.errors import Conflict, Fault, Invalid, Malformed
from candor.messages import EventToDeliver, Queue
from candor.vault import Vault
from candor.webhooks.store import Hooks
from candor.webhooks.values import MOST, PING, Event, Hook, alert_of, context_of

SHORTEST_SECRET: Final = 16
"""Letters of a secret that somebody brings along: what can be guessed proves nothing."""


def _now() -> datetime:
    return datetime.now(UTC)


class Webhooks:
    """What can be done with hooks. A secret is told once, to whoever made the hook."""

    def __init__(
        self,
        *,
        hooks: Hooks,
        vault: Vault,
        queue: Queue,
        alerts: Alerts,
        check_address: Callable[[str], str],
        clock: Callable[[], datetime] = _now,
    ) -> None:
        """`check_address`: the door of `fetching.Fetcher`."""
        self._hooks = hooks
        self._vault = vault
        self._queue = queue
        self._alerts = alerts
        self._check_address = check_address
        self._clock = clock

    def all(self) -> Sequence[Hook]:
        return self._hooks.all()

    def get(self, hook_id: str) -> Hook:
        return self._hooks.get(hook_id)

    def add(
        self, *, url: str, events: Collection[Event], secret: str | None, enabled: bool
    ) -> tuple[Hook, str]:
        """
        The hook and its secret, a new one unless one is given.

        `Malformed` for an address nobody may fetch, `Conflict` beyond `MOST`.
        """
        self._check_room(1)
        opened = _checked(secret) if secret else f"whsec_{secrets.token_urlsafe(32)}"
        now, hook_id = self._clock(), str(uuid.uuid4())
        hook = Hook(
            hook_id=hook_id,
            url=self._address(url),
            events=frozenset(events),
            sealed=self._sealed(hook_id, opened),
            enabled=enabled,
            created_at=now,
            updated_at=now,
        )
        self._hooks.add(hook)
        try:
            self._check_room(0)  # Of several who came at once, those beyond the limit see it here.
        except Conflict:
            self._hooks.remove(hook_id)
            raise
        return hook, opened

    def change(
        self,
        hook_id: str,
        *,
        url: str | None = None,
        events: Collection[Event] | None = None,
        secret: str | None = None,
        enabled: bool | None = None,
    ) -> Hook:
        """Change what is given of it; None keeps."""
        before = self._hooks.get(hook_id)
        after = replace(
            before,
            url=before.url if url is None else self._address(url),
            events=before.events if events is None else frozenset(events),
            sealed=self._sealed(hook_id, _checked(secret)) if secret else before.sealed,
            enabled=before.enabled if enabled is None else enabled,
            updated_at=self._clock(),
        )
        self._hooks.change(after)
        return after

    def remove(self, hook_id: str) -> None:
        """What waits to be delivered to it is dropped."""
        self._hooks.remove(hook_id)
        self._alerts.clear(alert_of(hook_id))

    def ping(self, hook_id: str) -> str:
        """Have an event of nothing delivered to it, switched on or not; the event's id."""
        hook = self._hooks.get(hook_id)
        ping_id = str(uuid.uuid4())
        self._queue.send(
            EventToDeliver(
                event_id=ping_id,
                hook_id=hook.hook_id,
                event=PING,
                about=hook.hook_id,
                announced_at=self._clock().timestamp(),
            )
        )
        return ping_id

    def _check_room(self, more: int) -> None:
        if len(self._hooks.all()) + more > MOST:
            raise Conflict(f"There may be {MOST} webhooks and no more: remove one that nobody needs.")

    def _address(self, url: str) -> str:
        try:
            return self._check_address(url)
        except Malformed as error:
            raise Malformed(f"url: {error}") from None

    def _sealed(self, hook_id: str, secret: str) -> str:
        return self._vault.seal(secret.encode(), context_of(hook_id))


def _checked(secret: str) -> str:
    if len(secret) < SHORTEST_SECRET or not (secret.isascii() and secret.isprintable()):
        sentence = (
            f"A secret has {SHORTEST_SECRET} printable ASCII characters or more; leave it out for a new one."
        )
        raise Invalid(sentence, [Fault(loc=("body", "secret"), msg="too short, or not printable ASCII")])
    return secret
