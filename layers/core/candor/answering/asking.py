"""Asking: what kind of question it is, and the few that need no search."""

import re
from collections.abc import Sequence
from enum import StrEnum
from functools import cache, lru_cache

from candor.answering.data import data
from candor.answering.values import Turn
from candor.answering.words import fold, stop_words, terms, tokens


class Wish(StrEnum):
    """What a message wants, when it is not knowledge."""

    PERSON = "person"
    GREETING = "greeting"
    THANKS = "thanks"
    GOODBYE = "goodbye"
    ACTION = "action"
    """Something done to the asker's own account, which documents cannot do."""
    NOTHING = "nothing"
    """No word that could be looked up."""


class Kind(StrEnum):
    """What an answer has to hold."""

    PRICE = "price"
    DURATION = "duration"
    AMOUNT = "amount"
    PORT = "port"
    PLACE = "place"
    WHO = "who"
    COMMAND = "command"
    STEPS = "steps"
    REASON = "reason"
    DEFINITION = "definition"
    YES_NO = "yes_no"
    OTHER = "other"


@cache
def _pattern(name: str) -> re.Pattern[str]:
    """One pattern of `data/patterns.json`, in six languages at once."""
    return re.compile("|".join(f"(?:{phrase})" for phrase in data("patterns")[name]), re.I)


_ORDER = (
    Kind.PORT,
    Kind.PRICE,
    Kind.DURATION,
    Kind.COMMAND,
    Kind.AMOUNT,
    Kind.REASON,
    Kind.PLACE,
    Kind.WHO,
    Kind.STEPS,
    Kind.DEFINITION,
    Kind.YES_NO,
)
"""Most telling first: "how long" is also a "how"."""


@lru_cache(maxsize=256)
def wish(text: str) -> Wish | None:
    """What a message wants when no document could answer it; None for a real question."""
    # Kept, as `kinds` is: several steps of one answer ask it of the same question.
    folded = " ".join(fold(text).split())[:600]
    if _pattern("person").search(folded):
        return Wish.PERSON
    if len(folded) < 80:
        for meant in (Wish.THANKS, Wish.GREETING, Wish.GOODBYE):
            if _pattern(meant.value).match(folded):
                return meant
    if _pattern("action").search(" ".join(text.split())[:600]) and not _pattern("asks_how").search(folded):
        return Wish.ACTION
    if not any(word not in stop_words() for word in tokens(text)):
        return Wish.NOTHING
    return None


def orders(text: str) -> bool:
    """Whether something is to be done to the asker's own account."""
    return wish(text) is Wish.ACTION


@lru_cache(maxsize=256)
def kinds(text: str) -> tuple[Kind, ...]:
    """What an answer has to hold, most telling first; `OTHER` when nothing is asked outright."""
    found = tuple(kind for kind in _ORDER if _pattern(kind.value).search(text))
    return found or (Kind.OTHER,)


def vague(text: str, *, talk: Sequence[str], language: str) -> bool:
    """Too little to look up: no word of a subject, or one general noun without a question."""
    wanted = terms(text, language=language)
    if any(term.name for term in wanted):
        return False
    subject = [term for term in wanted if term.weight >= 1.0]
    if talk:
        return False
    return not subject or (len(subject) == 1 and len(wanted) == 1 and len(tokens(text)) <= 2)


def leans_on_history(text: str, *, language: str) -> bool:
    """Whether a later turn does not stand alone: it points back, or names too little itself."""
    wanted = terms(text, language=language)
    heavy = [term for term in wanted if term.weight >= 1.0]
    if continues(text) and len(heavy) <= 5:
        return True
    named = any(term.name and not term.word.isdigit() for term in wanted)
    if named and len(heavy) >= 3 and not points_back(text):
        return False
    return len(heavy) <= 2 or (leans(text) and len(heavy) <= 5)


def continues(text: str) -> bool:
    """Whether a message goes on where the talk was: "and …", "what about …"."""
    return bool(_pattern("continues").match(text))


def opens_question(text: str) -> bool:
    """Whether a text begins as a question does: "how", "can I", "сколько"."""
    return bool(_pattern("question_opens").match(text))


def opening(text: str) -> str:
    """The words by which a message goes on: "and", "what about"."""
    found = _pattern("continues").match(text)
    return found.group() if found else ""


@lru_cache(maxsize=1024)
def direction(text: str) -> int:
    """Where something is moved: 1 to us, -1 away from us; 0 where it is not told, or both are."""
    folded = fold(text)
    return bool(_pattern("inward").search(folded)) - bool(_pattern("outward").search(folded))


def moves(text: str) -> bool:
    """Whether it is about moving something from one provider to another."""
    return bool(_pattern("moves").search(fold(text)))


def points_back(text: str) -> bool:
    """Whether a word of it can only point at something said before: "it", "those", "there"."""
    return bool(_pattern("points_back").search(text))


def leans(text: str) -> bool:
    """Whether a word of it may point at something said before; "die" and "la" are articles as well."""
    return bool(_pattern("leans").search(text))


def pronoun() -> re.Pattern[str]:
    """Words in whose place the name of what is meant can stand."""
    return _pattern("pronoun")


def replied(history: Sequence[Turn]) -> str:
    """What was answered last."""
    return next((turn.content.strip() for turn in reversed(history) if turn.role == "assistant"), "")


def wants_secret(text: str) -> bool:
    """Whether a question asks for what nobody may be asked for: a password, a card's number, a code."""
    return bool(_pattern("wants_secret").search(" ".join(fold(text).split())))


def asked_back(history: Sequence[Turn]) -> bool:
    """Whether the last reply was a question already: a second one in a row helps nobody."""
    said = replied(history)
    courtesies = (data("phrases")[name].values() for name in ("greeting", "thanks"))
    if any(said in of_each for of_each in courtesies):
        return False
    phrases = data("phrases")
    known = tuple(said for name in phrases if name.startswith("which") for said in phrases[name].values())
    return said.startswith(known) or (len(said) < _BRIEF and said.endswith(("?", "？")))


_BRIEF = 300
"""Longer replies that end with a question have answered something first."""


def greeted_in(text: str) -> str | None:
    """The language of a greeting or thanks too short to be told otherwise."""
    first = next(iter(tokens(text)), "")
    found = [
        language for language, words in data("vocabulary")["greeted_in"].items() if first in words.split()
    ]
    return str(found[-1]) if found else None
