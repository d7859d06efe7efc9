"""Layouts: which tables and columns are wanted, and in which order a row tells them."""

import itertools
import re
from dataclasses import dataclass
from functools import cache
from typing import Final

from candor.whmcs.dumps.values import Layout

TICKETS: Final = "tickets"
REPLIES: Final = "ticketreplies"


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """What is taken of a table; a column that is not named here is never captured."""

    numbers: frozenset[str]
    texts: frozenset[str]
    required: frozenset[str]
    """Without these columns it is another product's table of that name."""
    by: str = ""
    """The column whose number says in which partition a row belongs."""
    block: str = "extras"


def _table(numbers: str, texts: str, required: str, by: str = "", block: str = "extras") -> Table:
    return Table(
        numbers=frozenset(numbers.split()),
        texts=frozenset(texts.split()),
        required=frozenset(required.split()),
        by=by,
        block=block,
    )


TABLES: Final = {
    TICKETS: _table(
        "id did userid contactid requestor_id merged_ticket_id",
        "tid name email date title message status urgency admin attachment lastreply service editor "
        "updated_at",
        "id tid did date title message status",
        by="id",
    ),
    REPLIES: _table(
        "id tid userid contactid requestor_id rating",
        "name email date message admin attachment editor",
        "id tid date message admin",
        by="tid",
    ),
    "ticketdepartments": _table("id", "name", "id name", block="names"),
    "clients": _table(
        "id", "firstname lastname companyname email", "id firstname lastname email", block="names"
    ),
    "contacts": _table("id", "firstname lastname email", "id firstname lastname email", block="names"),
    "users": _table("id", "first_name last_name email", "id first_name last_name email", block="names"),
    "knowledgebase": _table("id parentid", "title article private language", "id title article private"),
    "announcements": _table(
        "id parentid", "date title announcement published language", "id title announcement published"
    ),
    "ticketpredefinedreplies": _table("id", "name reply", "id name reply"),
    "productgroups": _table("id", "name hidden", "id name"),
    "products": _table("id gid", "name description hidden retired paytype", "id gid name description hidden"),
    "pricing": _table(
        "currency relid",
        "type msetupfee qsetupfee ssetupfee asetupfee bsetupfee tsetupfee "
        "monthly quarterly semiannually annually biennially triennially",
        "type currency relid monthly annually",
    ),
    "currencies": _table("id default", "code prefix suffix", "id code"),
}
"""
By name without its prefix. Left out on purpose: `c` (an access key), `ipaddress`, `cc`, passwords, addresses,
and the tables of private notes, mailboxes and logs.
"""


def columns(names: str) -> tuple[str, ...]:
    return tuple(names.split())


_SUFFIXES: Final = sorted(TABLES, key=len, reverse=True)

_NEWEST_TICKETS: Final = columns(
    "id tid did userid contactid requestor_id prevent_client_closure name email cc c ipaddress date title "
    "message status urgency admin attachment attachments_removed lastreply flag clientunread adminunread "
    "replyingadmin replyingtime service merged_ticket_id editor pinned_at updated_at"
)
_NEWEST_REPLIES: Final = columns(
    "id tid userid contactid requestor_id name email date message admin attachment attachments_removed "
    "rating editor"
)
_LATER: Final = {
    TICKETS: (
        "merged_ticket_id",
        "editor",
        "updated_at",
        "attachments_removed",
        "requestor_id",
        "ipaddress",
        "prevent_client_closure",
        "pinned_at",
    ),
    REPLIES: ("attachments_removed", "editor", "requestor_id"),
}
"""Columns that came with later versions, in about the order they came."""

_BEGINNINGS: Final = {
    "ticketdepartments": (("id", "name"),),
    "clients": (
        ("id", "firstname", "lastname", "companyname", "email"),
        ("id", "uuid", "firstname", "lastname", "companyname", "email"),
    ),
    "contacts": (("id", "userid", "firstname", "lastname", "companyname", "email"),),
    "users": (("id", "first_name", "last_name", "email"),),
}

_DATE: Final = re.compile(rb"\d{4}-\d\d-\d\d(?: \d\d:\d\d:\d\d(?:\.\d+)?)?\Z")
_NUMBER: Final = re.compile(rb"-?\d{1,20}\Z")
_SHAPES: Final = {
    **dict.fromkeys(("date", "lastreply", "updated_at", "pinned_at", "replyingtime"), _DATE),
    **dict.fromkeys(
        (
            "id",
            "did",
            "userid",
            "contactid",
            "requestor_id",
            "merged_ticket_id",
            "attachments_removed",
            "prevent_client_closure",
            "rating",
        ),
        _NUMBER,
    ),
    "urgency": re.compile(rb"(?:low|medium|high|)\Z", re.IGNORECASE),
    "editor": re.compile(rb"(?:plain|markdown|bbcode|)\Z", re.IGNORECASE),
    "ipaddress": re.compile(rb"[\da-fA-F:.]{0,45}\Z"),
}


def parted(table: str) -> tuple[str, str] | None:
    """A table's prefix and its name without it; None when nobody wants such a table."""
    name = table.lower()
    for suffix in _SUFFIXES:
        if name.endswith(suffix):
            return name[: len(name) - len(suffix)], suffix
    return None


def known(table: str, row: tuple[bytes | None, ...]) -> Layout | None:
    """
    The layout of a row that comes without any column's name: WHMCS's own of some version.

    Of several with that count the one whose dates, numbers and words stand where the row has such.
    """
    if table in _BEGINNINGS:
        return _begun_as(table, row)
    if table not in _LATER:
        return None
    for order in _candidates(table, len(row)):
        if all(
            shape.match(value)
            for name, value in zip(order, row, strict=True)
            if value is not None and (shape := _SHAPES.get(name)) is not None
        ):
            return Layout(columns=order, found=f"WHMCS's own order of {len(row)} columns")
    return None


def _begun_as(table: str, row: tuple[bytes | None, ...]) -> Layout | None:
    """By a table's first columns, which have been the same in every version; no other is named."""
    for names in _BEGINNINGS[table]:
        told = dict(zip(names, row, strict=False))
        address = told.get("email", b"@") or b""
        uuid = told.get("uuid") or b"-"
        if len(row) >= len(names) and (told["id"] or b"").isdigit() and b"@" in address and b"-" in uuid:
            order = (*names, *("" for _ in range(len(row) - len(names))))
            return Layout(columns=order, found="the order of WHMCS's first columns")
    return None


@cache
def _candidates(table: str, count: int) -> tuple[tuple[str, ...], ...]:
    """Orders with so many columns; those that lack only the latest columns first."""
    newest = _NEWEST_TICKETS if table == TICKETS else _NEWEST_REPLIES
    later = _LATER[table]
    missing = len(newest) - count
    if not 0 <= missing <= len(later):
        return ()
    lacking = sorted(
        itertools.combinations(range(len(later)), missing), key=lambda places: (-sum(places), places)
    )
    return tuple(
        tuple(name for name in newest if name not in {later[place] for place in places}) for places in lacking
    )
