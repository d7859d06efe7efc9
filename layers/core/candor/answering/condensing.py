"""
Condensing: a question that leans on the talk made to stand alone.

By rules: a name takes the place of the one before ("How many mailboxes has Canopy?" — "And Sprout?"), as does
what is said with the same preposition ("Is there a refund for a VPS?" — "And for domains?"), or what the talk
is about is added to a question that only points at it ("And what does it cost?"). By a model, whose
rewriting is believed where all it brings in has been said before. The talk itself is never pasted in: on
MTRAG that costs four tenths of what the last turn alone finds.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from candor.answering import asking
from candor.answering.asking import Kind, Wish, kinds
from candor.answering.ellipsis import begins_relation, related
from candor.answering.models import Message, Model, Usage, Wasted, fenced, prompt
from candor.answering.values import Turn
from candor.answering.verifying import leaks, obeys
from candor.answering.words import Bag, fold, stop_words, terms, tokens
from candor.errors import CandorError
from candor.language import detect

_TURNS = 4
"""User turns looked back upon: what a talk is about is named again within so many."""

_LONGEST = 400
"""Characters of an earlier question: what is longer tells a story, and would drown the new one."""

_FEW = 2
"""Words of a subject that a question may have of its own and still be the shorter half of a longer one."""

_EDGES = "\"'“”„«»()[]{}<>?!.,;:…¿¡*_`–—-"


@dataclass(frozen=True, kw_only=True, slots=True)
class Condensed:
    """A question as it is looked up."""

    text: str
    """Standing alone, as far as could be done."""
    context: str = ""
    """The question before, where the text still leans on it; to find with, not to answer."""
    added: str = ""
    """What was asked last, where the text is the question before and this behind it."""


def leans(text: str, history: Sequence[Turn], *, language: str) -> bool:
    """Whether a question has to be read with what was said before."""
    return bool(asked(history)) and (
        asking.leans_on_history(text, language=language) or _replies(text, history, language)
    )


def by_rules(
    text: str, history: Sequence[Turn], *, language: str, domain_terms: Sequence[str] = ()
) -> Condensed:
    """What of the talk a question needs to be understood, put into it; without it, the question as it is."""
    if not leans(text, history, language=language):
        return Condensed(text=text)
    before = _before(history, language, domain_terms)
    if _replies(text, history, language):
        return Condensed(text=f"{before} ({text.strip()})")
    whole = _resolved(text, before, language, domain_terms)
    # A question made whole is found and judged like one that was asked outright: the one before would only
    # be heard twice, with the name that has just been replaced.
    added = text if whole == f"{before} {text}" else ""
    return Condensed(text=whole, context=before if whole == text else "", added=added)


def _before(history: Sequence[Turn], language: str, domain_terms: Sequence[str]) -> str:
    """What was asked last, with the question that stands alone before it where it only points at that."""
    topic = last = ""
    for text in asked(history):
        before = f"{topic} {last}".strip()
        whole = _resolved(text, before, language, domain_terms)
        if before and whole == text and asking.leans_on_history(text, language=language):
            last = text
        else:
            topic, last = whole, ""
    return f"{topic} {last}".strip()


def asked(history: Sequence[Turn]) -> list[str]:
    """The last questions, without thanks and greetings."""
    said = [turn.content[:_LONGEST] for turn in history if turn.role == "user"][-2 * _TURNS :]
    return [text for text in said if asking.wish(text) is None or goes_on(text)][-_TURNS:]


def goes_on(text: str) -> bool:
    """Whether a message without a word to look up still asks something: "And .de?", "How do I do that?"."""
    if asking.wish(text) is not Wish.NOTHING:
        return False
    # "Who are you?" points at nothing but us.
    points = asking.continues(text) or asking.leans(text) or len(tokens(text)) <= _FEW
    asks = kinds(text)[0] not in (Kind.OTHER, Kind.WHO)
    # As in German, where a capital letter makes no name: what is said with one alone may be "Sie".
    return (asks and points) or bool(names(text, language="de"))


def _replies(text: str, history: Sequence[Turn], language: str) -> bool:
    """Whether a message is the answer to our question back: a choice, no question of its own."""
    return (
        asking.asked_back(history)
        and "?" not in text
        and kinds(text)[0] is Kind.OTHER
        and len(tokens(text)) <= _CHOICE
    )


_CHOICE = 12
"""Words of a choice: as many as a heading has."""


def _resolved(text: str, before: str, language: str, domain_terms: Sequence[str]) -> str:
    if not before or not asking.leans_on_history(text, language=language):
        return text
    own, earlier = (names(said, language=language, domain_terms=domain_terms) for said in (text, before))
    subject = _subject(text, own, language, asking.opening(text))
    relates = begins_relation(text)
    points = asking.continues(text) or asking.leans(text) or relates
    asks = kinds(text)[0] not in (Kind.OTHER, Kind.YES_NO)
    if not asks and (whole := related(text, before, language=language)):
        return whole
    if own and not subject and not asks and points:
        if relates and not asking.leans(text):
            # "How does DNSSEC work?" — "for .io?": a name of another kind is told in addition.
            earlier = [name for name in earlier if _shape(name) == _shape(own[0])]
        return _replaced(before, earlier, own[0]) or f"{before} {text}"
    if not asks and len(subject) <= _FEW and points:
        return f"{before} {text}"
    if not own and len(earlier) == 1 and len(subject) <= asks and not _subject(before, earlier, language):
        # What is pointed at can only be what bears that name.
        put, times = asking.pronoun().subn(lambda _: earlier[0], text, count=1)
        return put if times else f"{text} ({earlier[0]})"
    return text


def _subject(text: str, named: Sequence[str], language: str, beside: str = "") -> list[str]:
    """What a text is about, but for the names and the words `beside`."""
    spoken = {fold(part) for name in named for part in (name, *re.split(r"\W+", name))}
    spoken.update(tokens(beside))
    return [
        term.word for term in terms(text, language=language) if term.weight >= 1.0 and term.word not in spoken
    ]


def _replaced(before: str, earlier: Sequence[str], name: str) -> str:
    """The question before with this name in the place of the one that looks most like it."""
    if not earlier:
        return ""
    like = max(earlier, key=lambda each: (_shape(each) == _shape(name), each[:1] == name[:1]))
    return before.replace(like, name)


def _shape(name: str) -> tuple[str, bool]:
    """ ".com" and ".shop", "VPS-2" and "VPS-8", "Canopy" and "Sprout" are of one kind each."""
    kind = "." if name[0] == "." else name.split("-")[0] if "-" in name else "word"
    return kind, any(letter.isdigit() for letter in name)


_ENDING = re.compile(r"\.[^\W\d]{2,12}")
_AFTER = "?!.,;:)]}>\"'»”…"


def names(text: str, *, language: str, domain_terms: Sequence[str] = ()) -> list[str]:
    """Names, models and endings (".io") as they stand in a text, each once; those of the trade first."""
    found: dict[str, None] = {}
    for term in domain_terms:
        if term.strip() and (match := re.search(rf"(?<!\w){re.escape(term.strip())}(?!\w)", text, re.I)):
            found[match.group()] = None
    shouting, opens = text.isupper() and len(text.split()) > _FEW, True
    for raw in text.split():
        ending = raw.rstrip(_AFTER)
        word = ending if _ENDING.fullmatch(ending) else raw.strip(_EDGES)
        named = (
            word[:1] == "."
            or (any(letter.isdigit() for letter in word) and any(letter.isalpha() for letter in word))
            or any(letter.isupper() for letter in word[1:])
            or (word[:1].isupper() and not opens and language != "de")
        )
        if len(word) > 1 and named and not shouting and not word.startswith(("I'", "I’")):
            found[word] = None
        opens = raw[-1:] in ".!?:;…"
    return list(found)


SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["question"],
    "properties": {"question": {"type": "string"}},
}

_TALK = 6
"""Turns a model is shown."""

_SAID = 1_000
"""Characters of each."""

_LONGER = 240
"""Characters by which a question may grow."""

_KNOWN = 0.7
"""The share of a rewriting's words that were said before; the rest are those that join them."""


def by_model(
    text: str, history: Sequence[Turn], *, model: Model, language: str, seconds: float
) -> tuple[str | None, Usage, str]:
    """
    The question as a model makes it stand alone, what was spent on it, and a note why not.

    None instead of a question that cannot be trusted. Raises nothing.
    """
    instructions = prompt("condense")
    talk = [f'<turn role="{turn.role}">{fenced(turn.content[:_SAID])}</turn>' for turn in history[-_TALK:]]
    messages = [
        Message(role="system", content=instructions),
        Message(role="user", content="\n".join([*talk, f"<question>\n{fenced(text)}\n</question>"])),
    ]
    try:
        completion = model.complete(messages, schema=SCHEMA, timeout_seconds=seconds, most_calls=1)
    except CandorError as error:
        spent = Usage(calls=error.calls if isinstance(error, Wasted) else 1).of(model.name)
        return None, spent, f"{model.name} did not condense: {type(error).__name__}"
    rewritten = _read(completion.text)
    said = "\n".join([text, *(turn.content for turn in history[-_TALK:])])
    fault = _fault(rewritten, text, said, language, instructions)
    if fault:
        return None, completion.usage, f"{model.name} did not condense: {fault}"
    return rewritten, completion.usage, ""


def _read(reply: str) -> str:
    try:
        loaded = json.loads(reply[reply.find("{") : reply.rfind("}") + 1])
    except (ValueError, RecursionError):
        return ""
    found = loaded.get("question") if isinstance(loaded, dict) else None
    return " ".join(found.split()) if isinstance(found, str) else ""


def _fault(rewritten: str, text: str, said: str, language: str, instructions: str) -> str:
    """Why a rewriting is not believed; empty when it is."""
    if not rewritten:
        return "nothing readable"
    if len(rewritten) > len(text) + _LONGER:
        return "too long"
    if detect(rewritten) not in ("und", language, detect(text)):
        return "another language"
    if leaks(rewritten, instructions) or (obeys(rewritten) and not obeys(text)):
        return "reads like an order to a model"
    heard = fold(said)
    numbers = set(re.findall(r"\d+", heard))
    if not all(number in numbers for number in re.findall(r"\d+", fold(rewritten))):
        return "a new number"
    if not all(fold(name) in heard for name in names(rewritten, language=language)):
        return "a new name"
    bag = Bag.of(said, language)
    words = [word for word in tokens(rewritten) if word not in stop_words()]
    if sum(bag.holds(word) for word in words) < _KNOWN * len(words):
        return "new words"
    return ""
