"""
Searching: what those find who may not know whose a ticket is.

The directory knows tickets as they were written. If it answered everybody, whoever sees `[password]` could
ask for words that begin with `a`, `b`, `c` until the ticket comes, and so spell what is masked. So of what it
finds only that counts in which the masked text holds the words too. Whoever knows an address or a name wholly
may look for it: a helpdesk asks so for a customer's other tickets.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from candor.errors import NotFound
from candor.tickets.entries import said
from candor.tickets.showing import masked_ticket, masked_words
from candor.tickets.store import TicketDirectory, Tickets
from candor.tickets.values import Order, Talk, Ticket, Wanted
from candor.tickets.words import asked_whole, terms_of

LOOKED_AT: Final = 40
"""Of what is found, however many: each costs about 5 ms. What more than these hold is nobody's secret."""

_READERS: Final = 8


class Searching:
    """Pages of tickets, as everybody may see them."""

    def __init__(self, *, tickets: Tickets, directory: TicketDirectory) -> None:
        self._tickets = tickets
        self._directory = directory

    def page(
        self, wanted: Wanted, *, page: int, page_size: int, order: Order = Order.NEWEST
    ) -> tuple[Sequence[Ticket], int]:
        """One page, masked, and how many there are in all."""
        if not wanted.text.strip():
            ids, total = self._directory.page(wanted, page=page, page_size=page_size, order=order)
            return [masked_ticket(row) for row in self._tickets.some(ids)], total
        looked, total = self._directory.page(wanted, page=1, page_size=LOOKED_AT, order=order)
        held = self._holding(wanted.text, looked)
        hidden = len(looked) - len(held)
        if total <= LOOKED_AT:
            rows = held[(page - 1) * page_size : page * page_size]
        elif held:
            ids, _ = self._directory.page(wanted, page=page, page_size=page_size, order=order)
            seen = {row.ticket_id: row for row in held}
            seen |= {row.ticket_id: row for row in self._holding(wanted.text, _besides(ids, looked))}
            rows = [seen[one] for one in ids if one in seen]
        else:
            rows, total = [], hidden
        return [masked_ticket(row) for row in rows], total - hidden

    def _holding(self, text: str, ids: Sequence[str]) -> list[Ticket]:
        """Those of them in which whoever asks would read these words."""
        rows = self._tickets.some(ids)
        with ThreadPoolExecutor(max_workers=_READERS) as pool:
            held = list(pool.map(lambda row: self._holds(text, row), rows))
        return [row for row, holds in zip(rows, held, strict=True) if holds]

    def _holds(self, text: str, row: Ticket) -> bool:
        try:
            return holds(text, row, self._tickets.talk(row))
        except NotFound:
            return False  # Replaced between two looks, or gone: the next search finds it as it is.


def holds(text: str, ticket: Ticket, talk: Talk) -> bool:
    """Whether the masked ticket holds words that begin so, or is of somebody who is named wholly."""
    known = {*terms_of(f"{ticket.name}\n{ticket.email}"), ticket.client_id}
    left = {beginning for beginning, whole in asked_whole(text).items() if whole not in known}
    left -= _begun(left, "\n".join((ticket.tid, ticket.external_id, ticket.number)))
    messages = (talk.description, *(reply.content for reply in talk.replies))
    told = [(ticket.subject, ticket.subject), *((file, file) for file in talk.attachments[:20])]
    told += zip(messages, said(talk), strict=False)
    for whole, part in told:
        # Masking costs twenty times as much as to see whether it matters.
        if left and (some := _begun(left, part)):
            shown = part if len(part) >= len(whole) else part.rpartition(" ")[0]
            left -= _begun(some, masked_words(shown, ticket, talk))
    return not left


def _besides(ids: Sequence[str], others: Sequence[str]) -> list[str]:
    known = frozenset(others)
    return [one for one in ids if one not in known]


def _begun(beginnings: set[str], text: str) -> set[str]:
    terms = terms_of(text)
    return {one for one in beginnings if any(term.startswith(one) for term in terms)}
