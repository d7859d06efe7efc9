"""Lists: what the rows of a ticket list tell, whichever theme wrote them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from candor.whmcs.site.trees import first, words
from candor.whmcs.site.values import TicketRef

_TOTAL: Final = re.compile(r"(\d[\d,. ]{0,12}) (?:Records?|Tickets?|Entries) Found", re.IGNORECASE)
_DATED: Final = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{2,4}|\b\d{4}\b.*\d:\d\d|\bago\b|\b(?:19|20)\d\d\b")
_COLUMNS: Final = {
    "department": "department",
    "status": "status",
    "submitter": "sender",
    "client": "sender",
    "requestor": "sender",
    "last reply": "updated",
    "last updated": "updated",
    "last update": "updated",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ListPage:
    """One page of a list, as it stands there."""

    refs: tuple[TicketRef, ...]
    total: int | None = None
    views: tuple[str, ...] = ()
    """What the page offers to look at."""
    departments: Mapping[str, str] = field(default_factory=dict)
    """Their names by their numbers, where the page has them."""
    has_more: bool = False
    """Whether it links further pages of itself."""
    is_list: bool = True
    """Whether it is a list at all, be it an empty one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """Cells of one row."""

    department: str = ""
    status: str = ""
    sender: str = ""
    updated: str = ""


def cells_of(row: Any) -> Row:
    """
    The cells by their headings; in a language that we do not know, the date by its looks and the status by
    its coloured label.
    """
    cells = [one for one in row if one.tag in ("td", "th")]
    said: dict[str, str] = {}
    for cell, heading in zip(cells, _headings(row), strict=False):
        name = next((name for text, name in _COLUMNS.items() if heading == text), "")
        if name:
            said.setdefault(name, _sortable(cell) if name == "updated" else words(cell))
    if "updated" not in said:
        dated = [text for cell in cells if _DATED.search(text := _sortable(cell))]
        said["updated"] = dated[-1] if dated else ""
    if "status" not in said:
        said["status"] = words(first(row, "status", "label"))
    return Row(**said)


def _sortable(cell: Any) -> str:
    """A date; the hidden one that themes sort by is plain ISO, and stands first."""
    hidden = first(cell, "w-hidden", "hidden")
    return words(hidden) or words(cell)


def _headings(row: Any) -> list[str]:
    table = next((one for one in row.iterancestors() if one.tag == "table"), None)
    if table is None:
        return []
    for line in table.iter("tr"):
        headings = [one for one in line if one.tag == "th"]
        if len(headings) > 1:
            return [words(one).casefold() for one in headings]
    return []


def total_of(root: Any) -> int | None:
    """How many tickets the page says there are."""
    match = _TOTAL.search(words(root)[:200_000])
    digits = re.sub(r"\D", "", match[1]) if match else ""
    return int(digits) if digits else None
