"""
Splitting: several questions in one message taken apart, where each can be looked up by itself.

Where that is not sure the message stays whole: a question that leans on the one before ("… and how long does
that take?") belongs to it, and what is told before a question is part of it.
"""

import re
from dataclasses import dataclass

from candor.answering import asking
from candor.answering.asking import Kind, Wish, kinds
from candor.answering.units import sentences
from candor.answering.words import terms, tokens

_SHORTEST = 3
"""Words of a question that can be read by itself."""

MOST = 3
"""Questions of one message that are answered."""

_LONGEST = 1_500
"""Characters: a longer message tells a story, with one question in it however many marks there are."""

_LIST = re.compile(r"^[ \t]*(?:\d{1,2}[.)]|[-*•–])[ \t]+(?=\S)", re.M)

_OPENED = re.compile(r"(?<=\?)\s+(?=¿)")

_AND = re.compile(
    r"[,;]?\s+(?:and also|and|also|plus|а также|и ещё|и еще|и|а ещё|а еще|та|також|і ще|"
    r"und außerdem|und|außerdem|sowie|y también|y además|y|và còn|và)\s+(?=\S)",
    re.I,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """The questions of a message, in order; one of them is the message as it is."""

    asked: tuple[str, ...]
    more: int = 0
    """Questions beyond those that are answered."""


def split(text: str, *, language: str) -> Parts:
    """At most `MOST` questions of a message; the message itself where it is one, or cannot be taken apart."""
    if len(text) > _LONGEST:
        return Parts(asked=(text,))
    found = _listed(text, language) or _told(text, language)
    if len(found) < 2:
        return Parts(asked=(text,))
    return Parts(asked=tuple(found[:MOST]), more=max(0, len(found) - MOST))


def _listed(text: str, language: str) -> list[str]:
    """The items of a list, each a question by itself."""
    starts = list(_LIST.finditer(text))
    if len(starts) < 2:
        return []
    ends = [match.start() for match in starts[1:]] + [len(text)]
    items = [" ".join(text[match.end() : end].split()) for match, end in zip(starts, ends, strict=True)]
    return items if all(_alone(item, language, about=1) for item in items) else []


def _told(text: str, language: str) -> list[str]:
    """Sentences that ask, each with what was told before it."""
    found: list[str] = []
    told = ""
    for sentence in _sentences(text):
        for clause in _clauses(sentence, language):
            if not _asks(clause):
                if asking.wish(clause) in (None, Wish.NOTHING):
                    told = f"{told} {clause}".strip()
                continue
            if found and not _alone(clause, language):
                found[-1] = f"{found[-1]} {told} {clause}".replace("  ", " ")
            else:
                found.append(f"{told} {clause}".strip())
            told = ""
    if found and told:
        found[-1] = f"{found[-1]} {told}"
    return found


def _sentences(text: str) -> list[str]:
    return [
        " ".join(piece[start:end].split()) for piece in _OPENED.split(text) for start, end in sentences(piece)
    ]


def _asks(text: str) -> bool:
    return text.rstrip(" )\"'»”").endswith(("?", "？")) or asking.orders(text)


def _alone(text: str, language: str, *, about: int = 2) -> bool:
    """Whether a question says what it is about, in a name or so many words, and points at nothing."""
    if asking.orders(text):
        return True
    subject = [term for term in terms(text, language=language) if term.weight >= 1.0]
    named = any(term.name for term in subject)
    asks = kinds(text)[0] is not Kind.OTHER or len(subject) > 1
    return (
        asks
        and (len(subject) >= about or named)
        and len(tokens(text)) >= _SHORTEST
        and not asking.points_back(text)
    )


def _clauses(sentence: str, language: str) -> list[str]:
    """A sentence cut before "and how …", where both halves ask, of different things."""
    if not _asks(sentence):
        return [sentence]
    for cut in _AND.finditer(sentence):
        first, second = sentence[: cut.start()], sentence[cut.end() :]
        if kinds(first)[0] is Kind.OTHER or kinds(second)[0] is Kind.OTHER or not _begins(second):
            continue
        if _alone(f"{first}?", language) and _alone(second, language):
            return [f"{first.rstrip(' ,;')}?", *_clauses(second[:1].upper() + second[1:], language)]
    return [sentence]


def _begins(text: str) -> bool:
    """Whether a clause opens as a question does."""
    return bool(asking.opens_question(text))
