"""Ticket values: a talk between a customer and the staff, as a helpdesk tells it and as it is kept."""

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any

WHMCS = "whmcs"

_NAMESPACE = uuid.UUID("5b0f3a0e-58c1-5f0e-9a5d-3f6f8a2f1c77")


_UNSEEN = ("source_file", "reckoned")


@lru_cache(maxsize=4_096)
def ticket_id_of(helpdesk: str, number: str) -> str:
    """A ticket's id follows from its helpdesk and its key there: every way it comes by meets in one row."""
    return str(uuid.uuid5(_NAMESPACE, f"{helpdesk.casefold()}\n{number}"))


class Approval(StrEnum):
    """Whether a ticket may become knowledge. Only a person, or a file that says so, approves."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"


class Role(StrEnum):
    """Who is speaking."""

    CUSTOMER = "customer"
    STAFF = "staff"


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One message of a ticket after its first, which is the ticket's description."""

    role: Role
    content: str
    """Plain text, Markdown-like; card numbers masked, everything else as it was written."""
    name: str = ""
    posted: datetime | None = None
    attachments: tuple[str, ...] = ()
    """File names as the sender gave them. The files themselves are never read."""
    rating: int | None = None
    """What the customer thought of a staff message: 1 to 5."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reckoned:
    """What was reckoned of a draft before it was stored, as of a ticket that is new (`tickets.reckoning`)."""

    worth: int
    checksum: str
    terms: str
    """Of the words that it is found by; by blanks."""
    is_prepared: bool
    """It may be stored as it is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TicketDraft:
    """
    A ticket as a helpdesk tells it: everything but what the store itself decides.

    Blank means "not said": putting such a draft never blanks what is known already.
    """

    helpdesk: str = WHMCS
    number: str
    """The helpdesk's own key (WHMCS: `tbltickets.id`): with `helpdesk` it says which ticket this is."""
    external_id: str = ""
    """What an integrator calls it; blank: `number`. Differs only where the helpdesk's key is not known."""
    tid: str = ""
    """The public number, as customers see it. It may collide: never a key."""
    subject: str = ""
    description: str = ""
    opened_by: Role = Role.CUSTOMER
    attachments: tuple[str, ...] = ()
    """Of the first message."""
    replies: tuple[Message, ...] = ()
    """By date, whoever wrote them; private notes are not among them."""
    status: str = ""
    """As the helpdesk spells it: `Open`, `Answered`, `Closed`, …"""
    priority: str = ""
    department: str = ""
    client_id: str = ""
    email: str = ""
    name: str = ""
    opened_at: datetime | None = None
    last_reply_at: datetime | None = None
    merged: tuple[str, ...] = ()
    """Keys of the tickets whose messages were joined to this one."""
    source_file: str = ""
    """Where it was read: an object's key, or `crawl`."""
    detail_url: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """Whatever else its source told and the API shows; flat JSON."""
    reckoned: Reckoned | None = None
    """Of exactly this draft. None: whoever stores it reckons."""

    @property
    def ticket_id(self) -> str:
        return ticket_id_of(self.helpdesk, self.number)

    @property
    def checksum(self) -> str:
        """Of all that a reader would see; equal checksums mean nothing to do."""
        said = [getattr(self, name) for name in self.__dataclass_fields__ if name not in _UNSEEN]
        return hashlib.sha256(repr(said).encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, kw_only=True, slots=True)
class Ticket:
    """
    A ticket as it is stored, without its messages (`Talk`).

    `version` counts changes of what was said; a decision about its approval is none.
    """

    ticket_id: str
    helpdesk: str
    number: str
    external_id: str
    tid: str
    subject: str
    excerpt: str
    """The first 500 letters of the description."""
    opened_by: Role
    messages: int
    """The description counted."""
    status: str
    priority: str
    department: str
    client_id: str
    email: str
    name: str
    merged: tuple[str, ...]
    source_file: str
    detail_url: str
    metadata: Mapping[str, Any]
    approval: Approval
    decided_by: str | None
    """Who approved or rejected it last; None while nobody has."""
    worth: int
    """0..100: how much it promises as knowledge, to suggest what to review first (`tickets.worth`)."""
    checksum: str
    version: int
    created_at: datetime
    """When the helpdesk says it was opened; when it came in, where it does not say."""
    updated_at: datetime
    """When its last message was written, or the row changed, whichever is known and later."""
    opened_at: datetime | None = None
    """What the helpdesk said of it; `created_at` is never None."""
    arrived_at: datetime | None = None
    """When it first came in."""
    last_reply_at: datetime | None = None
    withdrawn: bool = False
    """Its file was taken away: it is no knowledge until it comes again. What was decided of it stays."""
    revision: int = 0
    """Counts writes of the row, decisions too: of two states of a row the higher is the later."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Talk:
    """What was said, in order."""

    description: str
    attachments: tuple[str, ...] = ()
    replies: tuple[Message, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """Which tickets are meant; blank: all. Everything given must hold."""

    status: str = ""
    """In any case: `closed` finds `Closed`."""
    approval: Approval | None = None
    text: str = ""
    """Words of the subject or what was said, an address, a name, a number, or how they begin; all of them."""
    department: str = ""
    helpdesk: str = ""
    source_file: str = ""


class Order(StrEnum):
    NEWEST = "newest"
    """By `created_at`, the latest first."""
    WORTH = "worth"
    """What promises most first; then newest."""
