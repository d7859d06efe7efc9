"""
Folding: the same problem solved the same way is one document, however many tickets tell it.

Tickets whose lessons are as good as equal are a group: the best of them is its leader and has the document,
the others stand in for it, and one takes its place when it leaves. A group is found by bands of a min-hash of
the resolution, so that a ticket costs the same few reads and writes among two hundred thousand as among ten.
What belongs together is written together, and only if it still is as it was read. A group that nobody is in
any more is taken away; bands may still name it, and readers pass over that.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from candor.errors import Unavailable
from candor.tickets.likeness import Print, alike

MOST_OTHERS: Final = 100
"""Tickets that a group remembers beside its leader; of more it is only known that they belong to it."""

MOST_GROUPS: Final = 24
"""Groups that a band remembers, the latest ones."""

_TRIES: Final = 60
_BETTER: Final = 5
"""Points of worth that make a difference; between equals the newer ticket leads."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sheet:
    """One record. `revision` counts its changes; 0: there is none."""

    value: Mapping[str, Any]
    revision: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Write:
    """A record as it is to be; None takes it away."""

    key: str
    value: Mapping[str, Any] | None
    revision_was: int


class Folds(Protocol):
    """Where groups are kept: small records under a key each, flat JSON, read consistently."""

    def read(self, keys: Sequence[str]) -> Mapping[str, Sheet]:
        """Those that exist. At most 100 keys."""
        ...

    def write(self, *writes: Write) -> bool:
        """
        All of them, if every record still is as it was; else none of them, and False.

        At most 25, each of another key.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Rank:
    """What decides which ticket of a group leads."""

    worth: int
    created_at: str

    def before(self, other: "Rank") -> bool:
        if abs(self.worth - other.worth) >= _BETTER:
            return self.worth > other.worth
        return self.created_at > other.created_at


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a ticket stands after it joined."""

    leads: bool
    concerns: tuple[str, ...] = ()
    """Tickets that have lost or won a lead by its coming: their documents are to follow."""


class Folding:
    """Groups of tickets that teach the same."""

    def __init__(self, folds: Folds, *, new_id: Callable[[], str] = lambda: uuid.uuid4().hex) -> None:
        self._folds = folds
        self._new_id = new_id

    def join(self, ticket_id: str, lesson: Print, rank: Rank) -> Place:
        """Its place in the group of its like, which is another one when its lesson has changed."""
        heir = ""
        for _ in range(_TRIES):
            own = self._one(_ticket(ticket_id))
            group = self._one(_group(own.value["group"])) if own is not None else None
            if own is not None and (group is None or not _belongs(own, group, ticket_id, lesson)):
                heir = self.leave(ticket_id) or heir
            elif group is not None:
                return Place(leads=group.value["leader"] == ticket_id, concerns=(heir,) if heir else ())
            elif place := self._joined(ticket_id, lesson, rank):
                return Place(leads=place.leads, concerns=(*place.concerns, heir) if heir else place.concerns)
        raise Unavailable("Too many are sorting the same tickets at once.", retry_after=5)

    def leads(self, ticket_id: str) -> bool:
        """Whether its document is the one of its group; False for one that is in none."""
        own = self._one(_ticket(ticket_id))
        group = self._one(_group(own.value["group"])) if own is not None else None
        return group is not None and group.value["leader"] == ticket_id

    def leave(self, ticket_id: str) -> str:
        """Out of its group, if it is in one; whoever took its place, or nothing."""
        for _ in range(_TRIES):
            own = self._one(_ticket(ticket_id))
            if own is None:
                return ""
            group = self._one(_group(own.value["group"]))
            left = _without(group.value, ticket_id) if group is not None else None
            writes = [Write(key=_ticket(ticket_id), value=None, revision_was=own.revision)]
            if group is not None and left != group.value:
                key = _group(own.value["group"])
                writes.append(Write(key=key, value=left, revision_was=group.revision))
            if self._folds.write(*writes):
                led = group is not None and group.value["leader"] == ticket_id
                return str(left["leader"]) if led and left else ""
        raise Unavailable("Too many are sorting the same tickets at once.", retry_after=5)

    def members(self, ticket_id: str) -> Sequence[str]:
        """The tickets of its group that are remembered, the leader first; nothing when it is in none."""
        own = self._one(_ticket(ticket_id))
        group = self._one(_group(own.value["group"])) if own is not None else None
        if group is None:
            return ()
        return (group.value["leader"], *(other[0] for other in group.value["others"]))

    def _joined(self, ticket_id: str, lesson: Print, rank: Rank) -> Place | None:
        """In a group that is alike, or in one of its own; None when others were faster."""
        bands = [_band(band) for band in lesson.bands]
        found = self._folds.read(bands)
        for group_id, group in self._candidates(found.values()):
            if not alike(Print.of(group.value["print"]), lesson):
                continue
            value = _with(group.value, ticket_id, rank)
            writes = [self._membership(ticket_id, group_id, lesson)]
            if value != group.value:
                writes.append(Write(key=_group(group_id), value=value, revision_was=group.revision))
            if not self._folds.write(*writes):
                return None
            leads, before = value["leader"] == ticket_id, str(group.value["leader"])
            return Place(leads=leads, concerns=(before,) if leads and before != ticket_id else ())

        # Of two that found a group at once and share a band, the second sees that the band has changed.
        group_id = self._new_id()
        value = {"leader": ticket_id, "rank": _told(rank), "others": [], "print": lesson.as_fields()}
        written = self._folds.write(
            self._membership(ticket_id, group_id, lesson),
            Write(key=_group(group_id), value=value, revision_was=0),
            *(_listing(key, found.get(key, _NO_SHEET), group_id) for key in bands),
        )
        return Place(leads=True) if written else None

    def _membership(self, ticket_id: str, group_id: str, lesson: Print) -> Write:
        own = {"group": group_id, "print": lesson.digest}
        return Write(key=_ticket(ticket_id), value=own, revision_was=0)

    def _candidates(self, bands: Iterable[Sheet]) -> Iterator[tuple[str, Sheet]]:
        """The groups of these bands that exist, those first that share most with us."""
        counted: dict[str, int] = {}
        for band in bands:
            for group_id in band.value["groups"]:
                counted[group_id] = counted.get(group_id, 0) + 1
        ids = sorted(counted, key=lambda group_id: -counted[group_id])[:96]
        groups = self._folds.read([_group(group_id) for group_id in ids]) if ids else {}
        for group_id in ids:
            if group := groups.get(_group(group_id)):
                yield group_id, group

    def _one(self, key: str) -> Sheet | None:
        return self._folds.read([key]).get(key)


_NO_SHEET: Final = Sheet(value={"groups": []}, revision=0)


def _ticket(ticket_id: str) -> str:
    return f"ticket#{ticket_id}"


def _group(group_id: str) -> str:
    return f"group#{group_id}"


def _band(band: str) -> str:
    return f"band#{band}"


def _listing(key: str, band: Sheet, group_id: str) -> Write:
    groups = [group_id, *band.value["groups"]][:MOST_GROUPS]
    return Write(key=key, value={"groups": groups}, revision_was=band.revision)


def _belongs(own: Sheet, group: Sheet, ticket_id: str, lesson: Print) -> bool:
    """Whether it is where its lesson says: known there by name, or one of too many to be."""
    crowded = len(group.value["others"]) >= MOST_OTHERS
    return own.value["print"] == lesson.digest and (crowded or _holds(group.value, ticket_id))


def _told(rank: Rank) -> list[Any]:
    return [rank.worth, rank.created_at]


def _rank(told: Sequence[Any]) -> Rank:
    return Rank(worth=int(told[0]), created_at=str(told[1]))


def _holds(group: Mapping[str, Any], ticket_id: str) -> bool:
    return group["leader"] == ticket_id or any(other[0] == ticket_id for other in group["others"])


def _with(group: Mapping[str, Any], ticket_id: str, rank: Rank) -> dict[str, Any]:
    """The group with this ticket in it, leading if it is the better one."""
    value = dict(group)
    if _holds(group, ticket_id):
        return value
    if rank.before(_rank(group["rank"])):
        others = [[group["leader"], *group["rank"]], *group["others"]]
        return {**value, "leader": ticket_id, "rank": _told(rank), "others": others[:MOST_OTHERS]}
    if len(group["others"]) >= MOST_OTHERS:
        return value
    return {**value, "others": [*group["others"], [ticket_id, *_told(rank)]]}


def _without(group: Mapping[str, Any], ticket_id: str) -> dict[str, Any] | None:
    """The group without it; None when nobody is left."""
    others = [other for other in group["others"] if other[0] != ticket_id]
    if group["leader"] != ticket_id:
        return {**group, "others": others}
    if not others:
        return None
    best = others[0]
    for other in others[1:]:
        if _rank(other[1:]).before(_rank(best[1:])):
            best = other
    rest = [other for other in others if other[0] != best[0]]
    return {**group, "leader": best[0], "rank": best[1:], "others": rest}
