"""
Showing: what of a ticket who may see.

Administrators read it as it was written. Everybody else sees what was said without who said it: no address,
no name, no client, and in the texts what `redaction.mask` takes, and the names of those who speak.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from candor.redaction import mask
from candor.tickets.courtesies import phrases
from candor.tickets.succession import EXCERPT
from candor.tickets.values import Talk, Ticket

NAME: Final = "[name]"

_PART: Final = re.compile(r"[^\W\d_]{3,}")
_SHORT: Final = re.compile(r"(?<![^\W\d_])[^\W\d_]{2}(?![^\W\d_])")
_CALLED: Final = re.compile(r"[\s,]*[^,.!;:]*")
"""Behind a greeting or its like: whom it is meant for, or who takes leave."""
_AROUND: Final = " \t\r,.!:;()*_–—-"
_MOST_NAMES: Final = 40


def masked_ticket(ticket: Ticket) -> Ticket:
    """The row for those who may not know whose it is. Its metadata, anybody's words, stays behind."""
    names = [ticket.email, ticket.name]
    return replace(
        ticket,
        subject=_masked(ticket.subject, names),
        excerpt=_masked(_whole_words(ticket.excerpt), names),
        client_id="",
        email="",
        name="",
        detail_url="",
        metadata={},
    )


def masked_talk(ticket: Ticket, talk: Talk) -> Talk:
    names = _speakers(ticket, talk)
    return replace(
        talk,
        description=_masked(talk.description, names),
        attachments=tuple(_masked(file, names) for file in talk.attachments),
        replies=tuple(
            replace(
                reply,
                name="",
                content=_masked(reply.content, names),
                attachments=tuple(_masked(file, names) for file in reply.attachments),
            )
            for reply in talk.replies
        ),
    )


def masked_words(text: str, ticket: Ticket, talk: Talk) -> str:
    """Some of what was said there, as `masked_talk` shows it."""
    return _masked(text, _speakers(ticket, talk))


def _speakers(ticket: Ticket, talk: Talk) -> list[str]:
    speakers = dict.fromkeys([ticket.email, ticket.name, *(reply.name for reply in talk.replies)])
    return list(speakers)[:_MOST_NAMES]


def _masked(text: str, names: Iterable[str]) -> str:
    """Names as whole, in any case; a part of one only where it is written as in the name: `Ann`, `Mark`."""
    text = mask(text)
    for name in names:
        whole = " ".join(name.split())
        if len(whole) >= 3:
            text = re.sub(rf"(?<!\w){re.escape(whole)}(?!\w)", NAME, text, flags=re.I)
        for part in () if "@" in whole else _PART.findall(whole):
            text = re.sub(rf"(?<!\w){re.escape(part)}(?!\w)", NAME, text)
    short = frozenset(part for name in names if "@" not in name for part in _SHORT.findall(name))
    return _without_short(text, short) if short else text


def _without_short(text: str, names: frozenset[str]) -> str:
    """
    The text without names of two letters (`Jo`) where people are called by them: where a line greets, takes
    its leave, or is nothing else. Anywhere else they are as likely a word (`No`, `Al`).
    """
    one = re.compile(rf"(?<!\w)(?:{'|'.join(sorted(names))})(?!\w)", re.I)
    lines = text.split("\n")
    for number, line in enumerate(lines):
        bare = line.lstrip()
        met = phrases("greeting").match(bare) or phrases("closing").match(bare)
        if met and (called := _CALLED.match(bare, met.end())):
            lines[number] = bare[: met.end()] + one.sub(NAME, called[0]) + bare[called.end() :]
        elif one.fullmatch(line.strip(_AROUND)):
            lines[number] = one.sub(NAME, line)
    return "\n".join(lines)


def _whole_words(excerpt: str) -> str:
    """Without the word it was cut in: half an address would not be known for one."""
    if len(excerpt) < EXCERPT:
        return excerpt
    return excerpt.rsplit(None, 1)[0] if len(excerpt.split(None, 1)) > 1 else ""
