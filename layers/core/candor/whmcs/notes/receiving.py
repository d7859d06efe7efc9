"""Receiving: our hook file in WHMCS tells of a ticket or a reply, and it becomes a message of the inbox."""

import html
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from candor.config.service import Configuration
from candor.config.whmcs_notes import WHMCS_NOTES
from candor.errors import Fault, Invalid, Malformed, NotFound, TooLarge
from candor.inbox.receiving import Receiving
from candor.inbox.values import KEPT, LONGEST, Incoming, Source, inbox_id_of, says_something
from candor.signing import verify

PRINCIPAL: Final = "integration:whmcs"
"""Who its conversations belong to: no key has that name, and so only administrators see them."""

MAX_BYTES: Final = 512_000
"""A ticket is 64 KB of text at most in WHMCS's table; in JSON, Cyrillic takes six bytes a letter."""

_NUMBER = re.compile(r"[0-9]{1,15}", re.ASCII)
_EVENTS: Final = ("TicketOpen", "TicketUserReply")


@dataclass(frozen=True, kw_only=True, slots=True)
class Received:
    """What became of it."""

    accepted: bool
    duplicate: bool = False
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class WhmcsReceiving:
    configuration: Configuration
    receiving: Receiving
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def receive(self, raw: bytes, signature: str, *, trace_id: str) -> Received:
        """
        Take what the hook file sent. `NotFound` while drafts are off, `Refused` unless it is signed, just
        now, with the secret of the settings; sent again by whomever, it is the same message.
        """
        if len(raw) > MAX_BYTES:
            raise TooLarge(f"The body is larger than the {MAX_BYTES:,} bytes a ticket may have.")
        settings = self.configuration.opened(WHMCS_NOTES.name)
        if not settings["enabled"] or not settings["secret"]:
            raise NotFound("Drafts in WHMCS are off: see /v1/admin/config/whmcs_notes.")
        now = self.clock()
        verify(str(settings["secret"]), raw, signature, now=now.timestamp())
        fields = _read(raw)
        incoming = _incoming(fields, trace_id=trace_id, now=now)
        if not _is_on(settings["departments"], fields):
            return Received(accepted=False, reason="Drafts are off for this department.")
        if not says_something(incoming.text):
            return Received(accepted=False, reason="It has no words.")
        _, duplicate = self.receiving.accept(incoming)
        return Received(accepted=True, duplicate=duplicate)


def _read(raw: bytes) -> Mapping[str, Any]:
    try:
        fields = json.loads(raw)
    except (ValueError, RecursionError):
        raise Malformed("The body is not valid JSON.") from None
    if not isinstance(fields, dict):
        raise Invalid("The body must be a JSON object.", [Fault(loc=("body",), msg="not a JSON object")])
    return fields


def _incoming(fields: Mapping[str, Any], *, trace_id: str, now: datetime) -> Incoming:
    event, ticket, reply = (_text(fields, name) for name in ("event", "ticketid", "replyid"))
    faults = [
        Fault(loc=("body", name), msg=msg)
        for name, is_wrong, msg in (
            ("event", event not in _EVENTS, f"one of {', '.join(_EVENTS)}"),
            ("ticketid", not _NUMBER.fullmatch(ticket), "the number of the ticket"),
            ("replyid", event == _EVENTS[1] and not _NUMBER.fullmatch(reply), "the number of the reply"),
        )
        if is_wrong
    ]
    if faults:
        names = ", ".join(str(fault.loc[1]) for fault in faults)
        raise Invalid(f"The body is not valid: {names}.", faults)
    message_id = f"ticket {ticket}" if event == _EVENTS[0] else f"reply {reply}"
    subject, message = _text(fields, "subject")[:500], _text(fields, "message")
    # A first message often says only in its subject what it is about; a reply repeats it.
    text = f"{subject}\n\n{message}" if event == _EVENTS[0] and message else message
    user = _text(fields, "userid")
    return Incoming(
        inbox_id=inbox_id_of(Source.WHMCS, PRINCIPAL, message_id),
        source=Source.WHMCS,
        principal=PRINCIPAL,
        chat_id=ticket,
        message_id=message_id,
        text=text[:LONGEST].strip(),
        user=f"whmcs:{user}" if _NUMBER.fullmatch(user) and int(user) else None,
        details={
            "ticket": _text(fields, "ticketmask")[:100] or ticket,
            "subject": subject,
            "department": _text(fields, "deptname")[:200],
        },
        trace_id=trace_id,
        created_at=now,
        expires_at=now + KEPT,
    )


def _is_on(departments: list[str], fields: Mapping[str, Any]) -> bool:
    own = {_text(fields, "deptid").casefold(), _text(fields, "deptname").casefold()} - {""}
    return not departments or any(name.casefold() in own for name in departments)


def _text(fields: Mapping[str, Any], name: str) -> str:
    """A field as text: numbers may come as either, and WHMCS keeps its texts with HTML's entities."""
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return html.unescape(str(value).encode("utf-8", "replace").decode()).replace("\x00", "").strip()
