"""Near-misses: signs that a question asks for something the evidence only comes near to."""

import re
from collections.abc import Iterator, Sequence
from functools import cache

from candor.answering import asking, facts
from candor.answering.data import data
from candor.answering.evidence import Inquiry
from candor.answering.words import Bag, fold, stop_words, terms

_NUMBERED = re.compile(
    r"(?<![\w.-])([^\W\d_]{2,20})([\s_-]?)(\d{1,5}(?:[.,]\d{1,3})?)(?![\w%€$£₽₴]|[.,:/-]\d)(?=\W{0,2}([^\W\d_]*))"
)
"""A word with its number, and the word behind: "vps-32", "php 8.4", "fibre 900 a month"."""

_ENDING = re.compile(r"(?<![\w.])\.[^\W\d_]{2,12}\b")
"""Of a domain."""

_LOOKED_FOR = 4
"""Of one question: each is looked for in all that was found."""

_MANY = 3
"""Words nowhere heard of, from which more make no difference."""

_TAIL = 24
"""Characters behind a number in which it may be told to be the first or last of many."""

_A_SERIES = 2
"""Numbers a word stands before in running text, from which it counts as a series: "port 25", "port 465"."""


def unlisted(question: str, texts: Sequence[str]) -> bool:
    """
    Whether a member of a series is asked for that is not among those the texts tell of, or one none knows.

    "VPS-32" where there are VPS-2 and VPS-4, "PHP 8.4" where there are 8.2 and 8.3, ".su" where there are
    .com and .de, "the Ocean plan" where there are Pond and Lake: everything else is held by the page about
    its neighbours, so that coverage and likeness see nothing missing.
    """
    named = _named(question)
    endings = set(_ENDING.findall(fold(question)))
    plans = {fold(name) for pair in _plan().findall(question) for name in pair if name}
    if not (named or endings or plans):
        return False
    folded = [fold(text) for text in texts]
    return (
        any(_missing_in_series(folded, *each) or _unknown(folded, *each) for each in named)
        or any(not any(ending in text for text in folded) for ending in endings)
        or any(not any(plan in text for text in folded) for plan in plans)
    )


def outnumbered(question: str, answer: str) -> bool:
    """Whether the answer tells of other members of a series only: of VPS-4 to who asks for VPS-8."""
    named = [each for each in _named(question) if not each[1].isspace()]
    told = [fold(answer)] if named else []
    return any(_missing_in_series(told, word, joint, number) for word, joint, number in named)


@cache
def _plan() -> re.Pattern[str]:
    """ "the Ocean plan", "Tarif Meadow": the name in the first group or in the second."""
    return re.compile("|".join(data("patterns")["plan_named"]))


def _named(question: str) -> list[tuple[str, str, str]]:
    """The first few words with numbers: word, what joins them, number."""
    found = dict.fromkeys(match.group(1, 2, 3, 4) for match in _NUMBERED.finditer(fold(question)))
    named = [
        (word, joint, number)
        for word, joint, number, following in found
        if _numbers_a_thing(word, joint, number, following)
    ]
    return named[:_LOOKED_FOR]


def _numbers_a_thing(word: str, joint: str, number: str, following: str) -> bool:
    if not joint.isspace():
        return not facts.measures(word)
    # "over 30 days", "march 12", "paid 40 euros": the number belongs to what follows, or to nothing.
    return not (word in stop_words() or facts.measures(word) or facts.measures(following) or facts.dates(
        f"{number} {word}"
    ))  # fmt: skip


def _missing_in_series(texts: Sequence[str], word: str, joint: str, number: str) -> bool:
    behind = re.compile(rf"(?<![^\W\d_]){re.escape(word)}([\s_-]?)(\d{{1,5}}(?:[.,]\d{{1,3}})?)(?!\d)")
    told = [(found[1], found[2].replace(",", ".")) for text in texts for found in behind.finditer(text)]
    own = number.replace(",", ".")
    if any(each == own for _, each in told) or any(
        _and_beyond().match(text) for text in _tails(texts, behind)
    ):
        return False
    if len({each for gap, each in told if not gap.isspace()}) >= _A_SERIES:
        return True
    # Where they are listed ("PHP 8.1, 8.2 and 8.3") the word stands before the first alone.
    alone = re.compile(rf"(?<![\d.,]){re.escape(number)}(?![\d]|[.,]\d)")
    listed = any(word in text and alone.search(text) for text in texts)
    return not listed and len({each for _, each in told}) >= (_A_SERIES if joint.isspace() else 1)


def unnamed(question: str, answer: str) -> bool:
    """Whether a model that is asked for does not stand in the answer: what "VPS-4" costs is told of it."""
    told = [fold(answer)]
    return any(_unknown(told, *each) for each in _named(question))


def _unknown(texts: Sequence[str], word: str, joint: str, number: str) -> bool:
    """Whether a model's name, written as one ("VPS-2"), stands in none of the texts in any spelling."""
    spelled = re.compile(rf"(?<![^\W\d_]){re.escape(word)}[\s_-]?{re.escape(number)}(?!\d)")
    return joint == "-" and not any(spelled.search(text) for text in texts)


def _tails(texts: Sequence[str], behind: re.Pattern[str]) -> Iterator[str]:
    return (text[found.end() : found.end() + _TAIL] for text in texts for found in behind.finditer(text))


@cache
def _and_beyond() -> re.Pattern[str]:
    """ "Android 10 or newer": what is asked for need not be named."""
    return re.compile("|".join(data("patterns")["and_beyond"]))


def unheard(inquiry: Inquiry) -> float:
    """
    Asked whether there is such a thing: how many of its weighty words stand in nothing found, 3 = 1.0.

    "Do you sell gift vouchers?" is near to every page about selling; that none of them has heard of a
    voucher says more here than in a story told in the asker's own words.
    """
    if not _offers().match(fold(inquiry.text)):
        return 0.0
    missing = sum(not any(each.layout.holds(term) for each in inquiry.sources) for term in inquiry.heavy)
    return min(missing, _MANY) / _MANY


def astray(inquiry: Inquiry, told: Bag) -> bool:
    """
    Whether an answer, `told` being its words, is to the talk so far alone and has none of what is asked now.

    "Do you sell bananas?" after a question about refunds comes as near to the page about refunds as that did.
    What is asked of "it", and a single word that goes on ("Can I also bring my own?"), may be told in others.
    """
    now = inquiry.added or (inquiry.text if inquiry.context else "")
    last = {term.word for term in terms(inquiry.added, language=inquiry.language)}
    own = [term for term in inquiry.heavy if term.word in last] if last else inquiry.heavy
    if not now or not own or any(told.has(term) for term in own) or asking.points_back(now):
        return False
    return len(own) > 1 or not (asking.continues(now) or asking.leans(now))


@cache
def _offers() -> re.Pattern[str]:
    return re.compile("|".join(data("patterns")["offers"]))
