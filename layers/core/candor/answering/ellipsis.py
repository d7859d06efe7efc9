"""Ellipsis: a follow-up that names only what differs from the question before it."""

import re
from functools import cache

from candor.answering import asking
from candor.answering.data import data
from candor.answering.words import stop_words, terms

_EDGES = " \t?!.,;:…"


def related(text: str, before: str, *, language: str) -> str:
    """
    The question before, with what is said now in the place of what was said in the same relation.

    "Can I get a refund for my VPS?" and "And for a domain?" make "Can I get a refund for a domain?", as does
    "What about domains?": that names another thing it might be for, where "What about the fee?" names another
    side of the same one. Blank where nothing has that place, or nothing else would be left of the question.
    """
    opening = asking.opening(text)
    said = text[len(opening) :].rstrip(_EDGES).lstrip()
    if asking.leans(said):
        return ""  # "British ones" are some of those asked about before.
    if stands := _pattern("preposition").match(said):
        place = _phrase(re.escape(stands.group())).search(before)
    elif opening and said and not _pattern("definite").match(said):
        place = _phrase("|".join(data("patterns")["benefactive"])).search(before)
        said = f"{place[1]} {said}" if place else ""
    else:
        return ""
    if place is None:
        return ""
    head, tail = before[: place.start()], before[place.end() :]
    left = any(term.weight >= 1.0 for term in terms(head + tail, language=language))
    return f"{head}{said}{tail}" if left else ""


def begins_relation(text: str) -> bool:
    """Whether a text begins with a preposition, as no whole question does: "in Canopy?", "und für .de?"."""
    return bool(_pattern("preposition").match(text[len(asking.opening(text)) :].lstrip()))


@cache
def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?:{'|'.join(data('patterns')[name])})(?!\w)", re.I)


@cache
def _phrase(prepositions: str) -> re.Pattern[str]:
    """One of them with what it relates to: up to the next word that says nothing by itself."""
    determiners, small = "|".join(data("patterns")["determiner"]), "|".join(map(re.escape, stop_words()))
    word = rf"(?!(?:{small})(?!\w))\.?[^\s?!.,;:]+"
    return re.compile(rf"(?<!\w)({prepositions})\s+(?:(?:{determiners})\s+)?{word}(?:\s+{word})*", re.I)
