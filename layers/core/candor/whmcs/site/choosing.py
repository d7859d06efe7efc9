"""Choosing: which tickets of a list are wanted, and why the others are not."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from candor.whmcs.site.values import Access, TicketRef

_ENOUGH: Final = 3
"""Tickets that are not sorted by chance."""


def ignored_by(patterns: Iterable[str], *texts: str) -> str:
    """
    The first pattern that one of the texts (a subject, a sender) meets, or nothing. In any case: a pattern
    with `*` has to fit the whole text (`[ALERT]*`, `*is DOWN*`), one without is found anywhere in it.
    """
    said = [" ".join(text.split()).casefold() for text in texts if text]
    for pattern in patterns:
        wanted = " ".join(pattern.split()).casefold()
        if not wanted.strip("*"):
            continue  # It would leave out everything.
        if "*" in wanted:
            if any(_fits(text, wanted.split("*")) for text in said):
                return pattern
        elif any(wanted in text for text in said):
            return pattern
    return ""


def _fits(text: str, parts: Sequence[str]) -> bool:
    """Whether a text is these parts with anything between them. As a regex it could take hours."""
    first, *between, last = parts
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    at, end = len(first), len(text) - len(last)
    for part in between:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def earliest(access: Access, since: datetime | None) -> datetime | None:
    """From when on a ticket of the list counts as changed: a site in an unknown zone may be a day off."""
    if since is None or access.time_zone:
        return since
    return since - timedelta(days=1)


def is_all_older(refs: Sequence[TicketRef], access: Access, since: datetime | None) -> bool:
    """
    Whether nothing behind these can have changed: they are sorted by their last reply, the latest first, as
    WHMCS does it unless told otherwise, and the last of them is too old.
    """
    changed = earliest(access, since)
    known = [ref.updated for ref in refs if ref.updated is not None]
    if changed is None or len(known) < _ENOUGH or len(known) < len(refs):
        return False
    return known == sorted(known, reverse=True) and known[-1] < changed


def chosen(
    refs: Sequence[TicketRef], access: Access, since: datetime | None
) -> tuple[tuple[TicketRef, ...], Mapping[str, int]]:
    """Those that are wanted, and how many are not, by reason."""
    departments = {" ".join(name.split()).casefold() for name in access.departments}
    earliest_change = earliest(access, since)
    kept: list[TicketRef] = []
    left_out: Counter[str] = Counter()
    for ref in refs:
        if pattern := ignored_by(access.ignore, ref.subject, ref.sender):
            left_out[f"ignored: {pattern}"] += 1
        elif departments and ref.department and ref.department.casefold() not in departments:
            left_out["department"] += 1
        elif earliest_change is not None and ref.updated is not None and ref.updated < earliest_change:
            left_out["unchanged"] += 1
        else:
            kept.append(ref)
    return tuple(kept), dict(left_out)
