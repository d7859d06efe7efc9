"""
Reckoning: what a ticket promises and what it is found by, made ready before it is stored.

It takes as long as all the rest that an import does with a ticket. Of many tickets it is done by other
processes, where there are cores for them, while this one waits for the table.
"""

import json
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import astuple, replace
from typing import Final, Protocol

from candor.tickets.entries import words_of
from candor.tickets.succession import as_new, prepared
from candor.tickets.values import Reckoned, TicketDraft
from candor.tickets.words import terms_of
from candor.tickets.worth import worth_of

_FIELDS: Final = tuple(Reckoned.__dataclass_fields__)


class Spread(Protocol):
    """Does the parts of a work, from 0, and gives what comes of them in their order (`adapters.cores`)."""

    def __call__(self, parts: int, work: Callable[[int], bytes], /) -> Generator[bytes]: ...


def in_turn(parts: int, work: Callable[[int], bytes]) -> Generator[bytes]:
    """All of it here."""
    yield from map(work, range(parts))


def ahead(slices: Sequence[Sequence[TicketDraft]], spread: Spread) -> Generator[Sequence[TicketDraft]]:
    """The same drafts, and what was reckoned of each."""

    def work(part: int) -> bytes:
        return json.dumps([astuple(reckoned(draft)) for draft in slices[part]]).encode()

    with closing(spread(len(slices), work)) as results:
        for some, result in zip(slices, results, strict=True):
            told = (Reckoned(**dict(zip(_FIELDS, one, strict=True))) for one in json.loads(result))
            yield [replace(draft, reckoned=one) for draft, one in zip(some, told, strict=True)]


def reckoned(draft: TicketDraft) -> Reckoned:
    clean = prepared(draft)
    new = as_new(clean)
    return Reckoned(
        worth=worth_of(new).score,
        checksum=new.checksum,
        terms=" ".join(terms_of(words_of(new, draft))),
        is_prepared=clean == draft,
    )
