"""
Delivering: one event is told to one webhook, signed, and again for a day until somebody has taken it.

At least once: killed after the answer and before its end, the same event goes out again under the same id.
"""

import json
import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, Protocol
from urllib.parse import urlsplit

from candor.alerts import Alerts
from candor.errors import Malformed, NotFound, UpstreamFailed
from candor.fetching import Fetched, Fetcher
from candor.inbox.store import LEASE_SECONDS
from candor.inbox.values import Claim
from candor.messages import MAX_DELAY_SECONDS, EventToDeliver, Queue
from candor.signing import HEADER, signature
from candor.vault import Vault
from candor.webhooks.happenings import Happenings, Later
from candor.webhooks.store import Hooks
from candor.webhooks.values import (
    PING,
    Happening,
    Hook,
    LastStatus,
    Status,
    alert_of,
    context_of,
    event_id,
)

BACK_OFF: Final = (10, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400)
"""Seconds before the next try, by how many were in vain; the last one from then on."""

GIVEN_UP_AFTER: Final = 86_400.0
"""Seconds after the first try."""

SECONDS: Final = 10.0
"""For one delivery. Who needs longer puts it into a queue of the own."""

REST_SECONDS: Final = 10.0
"""In which a receiver that has just failed is asked nothing more: it would keep the others waiting."""

_LONGEST_WISH: Final = 3_600
_GONE: Final = 410
_PART: Final = "webhook"

logger = logging.getLogger(__name__)


class Claims(Protocol):
    """Who delivers what: a job that is started twice is announced twice, and is to be told once."""

    def claim(self, answer_id: str, part: str) -> Claim: ...

    def told(self, answer_id: str, part: str) -> None: ...

    def release(self, answer_id: str, part: str) -> None: ...


class Delivering:
    """Carries messages of the webhook queue out. What it raises is our own trouble, never a receiver's."""

    def __init__(
        self,
        *,
        hooks: Hooks,
        happenings: Happenings,
        claims: Claims,
        vault: Vault,
        fetcher: Fetcher,
        queue: Queue,
        alerts: Alerts,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._hooks = hooks
        self._happenings = happenings
        self._claims = claims
        self._vault = vault
        self._fetcher = fetcher
        self._queue = queue
        self._alerts = alerts
        self._clock = clock

    def deliver(self, message: EventToDeliver) -> None:
        """Tell it, or see to it that it is told later. Raises `Unavailable`: then it comes back by itself."""
        now = self._clock()
        if message.not_before > now:
            self._again(message, message.not_before - now)
            return
        hook = self._listening(message)
        if hook is None:
            return
        if message.event != PING and _is_resting(hook, now):
            self._again(message, REST_SECONDS)
            return
        happening = self._happenings.of(message, now=now)
        if happening is None:
            logger.info("event dropped", extra={"event_id": message.event_id, "kind": message.event})
        elif isinstance(happening, Later):
            self._again(message, happening.seconds)
        else:
            self._told(message, hook, happening)

    def _told(self, message: EventToDeliver, hook: Hook, happening: Happening) -> None:
        delivery = event_id(hook.hook_id, message.event_id)
        claim = self._claims.claim(delivery, _PART)
        if claim is Claim.DONE:
            return
        if claim is Claim.TAKEN:
            self._again(message, LEASE_SECONDS / 4)
            return
        try:
            outcome = self._tried(message, hook, happening, delivery)
        except BaseException:
            self._claims.release(delivery, _PART)
            raise
        if outcome.ok:
            self._claims.told(delivery, _PART)
        else:
            self._claims.release(delivery, _PART)
        self._concluded(message, hook, outcome)

    def _listening(self, message: EventToDeliver) -> Hook | None:
        """The hook, if it is still there and still wants to hear of it."""
        try:
            hook = self._hooks.get(message.hook_id)
        except NotFound:
            return None
        wants = message.event == PING or (hook.enabled and message.event in hook.events)
        return hook if wants else None

    def _tried(self, message: EventToDeliver, hook: Hook, happening: Happening, delivery: str) -> "_Outcome":
        body = json.dumps(
            {
                "id": message.event_id,
                "event": happening.event,
                "created_at": happening.at.isoformat(),
                "data": happening.data,
            },
            ensure_ascii=False,
        ).encode("utf-8", "replace")
        secret = self._vault.open(hook.sealed, context_of(hook.hook_id)).decode()
        try:
            answer = self._fetcher.fetch(
                hook.url,
                follow=False,
                headers={
                    "content-type": "application/json",
                    "accept": "*/*",
                    HEADER: signature(secret, body, at=int(self._clock())),
                    "X-Candor-Event": happening.event,
                    "X-Candor-Delivery": delivery,
                },
                content=body,
                # Whatever a receiver says beside its status is nothing we would do anything with.
                reads=False,
                total_seconds=SECONDS,
            )
        except (Malformed, UpstreamFailed) as error:
            return _Outcome(ok=False, error=str(error))
        return _judged(answer)

    def _concluded(self, message: EventToDeliver, hook: Hook, outcome: "_Outcome") -> None:
        now = self._clock()
        said = {"event_id": message.event_id, "hook_id": hook.hook_id, "attempt": message.attempt + 1}
        if outcome.ok:
            self._note(hook, Status.DELIVERED, "")
            self._alerts.clear(alert_of(hook.hook_id))
            logger.info("delivered", extra=said)
            return
        first = message.first_tried_at or now
        pause = max(BACK_OFF[min(message.attempt, len(BACK_OFF) - 1)], outcome.retry_after)
        gone = outcome.status == _GONE
        if gone or message.event == PING or now + pause - first > GIVEN_UP_AFTER:
            self._given_up(hook, outcome, gone=gone, ping=message.event == PING)
            logger.warning("not delivered", extra={**said, "status": outcome.status})
            return
        # Sent before the status is noted: what is lost in a kill then is a note.
        self._again(
            replace(message, attempt=message.attempt + 1, first_tried_at=first, not_before=now + pause),
            pause,
        )
        self._note(hook, Status.RETRYING, outcome.error)
        logger.info("delivery put off", extra={**said, "status": outcome.status, "seconds": pause})

    def _given_up(self, hook: Hook, outcome: "_Outcome", *, gone: bool, ping: bool) -> None:
        self._note(hook, Status.FAILED, outcome.error, disable=gone and not ping)
        host = urlsplit(hook.url).hostname or "its address"  # The rest may hold a key.
        if ping:
            return  # Whoever tries a hook looks at its status.
        if gone:
            sentence = (
                f"The webhook to {host} is switched off: it answered 410, which says that nobody listens "
                "there any more. Remove it, or give it another url and switch it on again."
            )
        else:
            sentence = (
                f"An event could not be delivered to the webhook at {host} for a day: {outcome.error} "
                "Later events are still tried."
            )
        self._alerts.raise_(alert_of(hook.hook_id), sentence)

    def _note(self, hook: Hook, status: Status, error: str, *, disable: bool = False) -> None:
        at = datetime.fromtimestamp(self._clock(), UTC)
        self._hooks.note(hook.hook_id, LastStatus(at=at, status=status, error=error), disable=disable)

    def _again(self, message: EventToDeliver, seconds: float) -> None:
        self._queue.send(message, delay_seconds=min(MAX_DELAY_SECONDS, max(1, round(seconds))))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Outcome:
    """What became of one delivery."""

    ok: bool
    error: str = ""
    status: int = 0
    retry_after: int = 0


def _is_resting(hook: Hook, now: float) -> bool:
    last = hook.last_status
    return (
        last is not None and last.status is Status.RETRYING and 0 <= now - last.at.timestamp() < REST_SECONDS
    )


def _judged(answer: Fetched) -> _Outcome:
    if 200 <= answer.status < 300:
        return _Outcome(ok=True, status=answer.status)
    where = (
        " Redirects are not followed: set the url to where it leads." if 300 <= answer.status < 400 else ""
    )
    wish = answer.headers.get("retry-after", "").strip()
    asked = int(wish) if answer.status in (429, 503) and re.fullmatch(r"[0-9]{1,6}", wish, re.ASCII) else 0
    return _Outcome(
        ok=False,
        error=f"The receiver answered with status {answer.status}.{where}",
        status=answer.status,
        retry_after=min(asked, _LONGEST_WISH),
    )
