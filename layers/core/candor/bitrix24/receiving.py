"""Receiving: an event of Bitrix24 proves itself, and a customer's message becomes one of the inbox."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from candor.alerts import Alerts
from candor.bitrix24.channel import ALERT
from candor.bitrix24.events import BotEvent, Kind, read
from candor.bitrix24.forms import parse
from candor.config.bitrix24 import BITRIX24
from candor.config.service import Configuration
from candor.errors import NotFound, Refused
from candor.inbox.receiving import Receiving
from candor.inbox.values import KEPT, LONGEST, Incoming, Source, context_of, inbox_id_of
from candor.vault import Vault

PRINCIPAL: Final = "integration:bitrix24"
"""Who its conversations belong to: no key has that name, and so only administrators see them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Received:
    """What became of an event."""

    accepted: bool
    duplicate: bool = False
    reason: str = ""
    """Why it is not answered."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bitrix24Receiving:
    configuration: Configuration
    receiving: Receiving
    vault: Vault
    alerts: Alerts
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def receive(self, raw: bytes, content_type: str, *, trace_id: str) -> Received:
        """
        Take an event. `UnsupportedType`, `TooLarge`, `Malformed` for what is no form, `NotFound` while the
        integration is off, `Refused` for a wrong application token.
        """
        form = parse(raw, content_type)
        settings = self.configuration.opened(BITRIX24.name)
        token = str(settings["application_token"])
        if not settings["enabled"] or not token:
            raise NotFound("The integration with Bitrix24 is off: see /v1/admin/config/bitrix24.")
        event = read(form)
        if not hmac.compare_digest(event.application_token.encode(), token.encode()):
            raise Refused("The application_token is not that of the settings.")
        if event.kind is Kind.REMOVED:
            self.alerts.raise_(
                ALERT,
                "The bot was removed in Bitrix24: nobody is answered there until it is registered again.",
            )
        lines = settings["lines"]
        if event.passed_over:
            return Received(accepted=False, reason=event.passed_over)
        if lines and event.line_id not in lines:
            return Received(accepted=False, reason="It is of an Open Line that the settings do not name.")
        _, duplicate = self.receiving.accept(self._incoming(event, settings["rest_webhook"], trace_id))
        return Received(accepted=True, duplicate=duplicate)

    def _incoming(self, event: BotEvent, rest_webhook: str, trace_id: str) -> Incoming:
        now = self.clock()
        inbox_id = inbox_id_of(Source.BITRIX24, PRINCIPAL, event.message_id)
        # The event's own key is good for an hour, and kept only where there is no other.
        token = "" if rest_webhook else event.access_token[:2_000]
        return Incoming(
            inbox_id=inbox_id,
            source=Source.BITRIX24,
            principal=PRINCIPAL,
            chat_id=event.dialog_id,
            message_id=event.message_id,
            text=event.text[:LONGEST],
            user=f"bitrix24:{event.user_id}"[:128] if event.user_id else None,
            details={"dialog": event.dialog_id, "chat": event.chat_id, "bot": event.bot_id},
            sealed=self.vault.seal(token.encode(), context_of(inbox_id)) if token else "",
            trace_id=trace_id,
            created_at=now,
            expires_at=now + KEPT,
        )
