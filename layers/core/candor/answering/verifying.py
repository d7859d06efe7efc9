"""Verifying: each sentence against the passages it cites, in code. What is not supported is not said."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from typing import Final

from candor.answering import facts
from candor.answering.attributing import misplaced
from candor.answering.cleaning import host_of
from candor.answering.data import data
from candor.answering.reversing import read, reversed_by
from candor.answering.units import sentences
from candor.answering.words import Bag, fold, stop_words, tokens
from candor.language import detect, script_of
from candor.search import Passage

LEAST_SUPPORT = 0.6
"""The share of a sentence's informative words its evidence must hold; .6 refused no true pair."""

_PRICED_IN = re.compile(
    r"\((?:€|eur|euro|usd|\$|£|gbp|руб|₽|грн|₴)|\b(?:in|в|in den) (?:€|eur|euro|usd|dollars?|евро|рублях)",
    re.I,
)

_NAME = re.compile(r"(?<![.!?…:]\s)(?<!^)(?<![\w`/.-])[A-ZА-ЯЁІЇЄҐ][\w-]{2,40}\b")


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What was found about one sentence."""

    text: str
    supported: bool
    support: float
    """The share of its informative words that the evidence holds."""
    reasons: tuple[str, ...] = ()
    """Why it is not supported, in words for the debug view; empty if it is."""


INSTRUCTIONS: Final = "repeats or follows instructions"
"""Why a sentence is dropped that a model was told, or told to say."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """All findings of one answer."""

    findings: tuple[Finding, ...] = field(default=())

    @property
    def share(self) -> float:
        """Supported sentences of all; 1.0 when there are none."""
        return sum(each.supported for each in self.findings) / len(self.findings) if self.findings else 1.0

    def as_dict(self) -> dict[str, object]:
        # Who looks behind an answer is not told what the model was told, not even in a sentence it dropped.
        dropped = [
            {"text": "", "reasons": [INSTRUCTIONS]}
            if INSTRUCTIONS in each.reasons
            else {"text": each.text[:300], "reasons": list(each.reasons)}
            for each in self.findings
            if not each.supported
        ]
        return {
            "sentences": len(self.findings),
            "supported": sum(f.supported for f in self.findings),
            "dropped": dropped,
        }


def verify(sentence: str, evidence: Sequence[Passage], *, language: str | None = None) -> Finding:
    """
    Whether the passages support the sentence.

    Its words must be theirs for the most part; its numbers with their units, dates, links, addresses,
    commands and names all of them; and it must not say "not" where they do not, nor the reverse.
    A sentence in another language than its evidence is held to everything but the words.
    """
    if not evidence:
        return Finding(text=sentence, supported=False, support=0.0, reasons=("cites no passage",))
    texts = [f"{passage.title}\n{passage.path}\n{passage.text}" for passage in evidence]
    whole = "\n".join(texts)
    own = language or detect(sentence)
    theirs = evidence[0].language
    foreign = theirs != "und" and (
        own not in ("und", theirs) or script_of(sentence) != script_of(evidence[0].text)
    )
    reasons = [*_facts_missing(sentence, whole, evidence, foreign=foreign)]
    bag = Bag.of(whole, theirs)
    ignored = stop_words()
    informative = [
        word
        for word in dict.fromkeys(tokens(sentence))
        if word not in ignored and len(word) > 1 and not facts.measures(word)
    ]
    held = [word for word in informative if bag.holds(word)]
    support = len(held) / len(informative) if informative else 1.0
    if foreign:
        # Words of two languages do not compare; something must still tie the two together.
        if not facts.digits(sentence) and not facts.literals(sentence) and not held:
            reasons.append("nothing in it can be found in evidence of another language")
    else:
        if support < LEAST_SUPPORT:
            missing = [word for word in informative if word not in held]
            reasons.append("words not in the evidence: " + ", ".join(missing[:6]))
        if not _quoted(sentence, evidence):
            reasons.extend(reversed_by(sentence, texts, theirs))
    return Finding(text=sentence, supported=not reasons, support=support, reasons=tuple(reasons))


def _facts_missing(sentence: str, evidence: str, passages: Sequence[Passage], *, foreign: bool) -> list[str]:
    reasons = []
    known_numbers = facts.numbers(evidence)
    known_dates = facts.dates(evidence)
    squeezed = facts.squeezed(evidence)
    for number in facts.digits(sentence):
        if not any(_same(number, known, evidence) for known in known_numbers):
            reasons.append(
                f"number not in the evidence: {number.text}{' ' + number.unit if number.unit else ''}"
            )
    if not _quoted(sentence, passages):
        reasons.extend(
            f"number of something else in the evidence: {each}" for each in misplaced(sentence, passages)
        )
    for day in facts.dates(sentence):
        if (known_dates and not any(facts.same_date(day, known) for known in known_dates)) or (
            not known_dates and day[0]
        ):
            reasons.append(f"date not in the evidence: {day}")
    known_times = facts.times(evidence)
    for hour, minute in facts.times(sentence):
        if (hour, minute) not in known_times:
            reasons.append(f"time not in the evidence: {hour:02}:{minute:02}")
    named, known_days = facts.weekdays(sentence), facts.weekdays(evidence)
    if named - known_days and known_days:
        reasons.append("day of the week not in the evidence")
    known_phones = facts.phones(evidence)
    reasons.extend(
        f"telephone not in the evidence: {each}"
        for each in facts.phones(sentence)
        if each not in known_phones
    )
    for literal in facts.literals(sentence):
        if facts.squeezed(literal).strip() not in squeezed:
            reasons.append(f"not literally in the evidence: {literal[:80]}")
    # German writes every noun large: there, words that are not in the evidence are counted instead.
    if not foreign and detect(sentence) != "de":
        plain = re.sub(r"`[^`]*`", " ", sentence)
        for name in dict.fromkeys(match.group() for match in _NAME.finditer(plain)):
            word = fold(name).removesuffix("'s")
            if (
                word not in stop_words()
                and not facts.measures(word)
                and word not in squeezed
                and word.rstrip("s") not in squeezed
                and not (known_days and facts.weekdays(name))
            ):
                reasons.append(f"name not in the evidence: {name}")
    return reasons


def _quoted(sentence: str, evidence: Sequence[Passage]) -> bool:
    """Whether it is a whole unit of the evidence, word for word."""
    said = facts.squeezed(sentence).strip()
    return any(
        said == facts.squeezed(unit.text).strip() for passage in evidence for unit in read(passage.text)
    )


def _same(number: facts.Number, known: facts.Number, evidence: str) -> bool:
    """A price needs the currency and a share its sign; a table may name the currency once for all."""
    if not number.agrees(known):
        return False
    if number.unit is None or known.unit is not None or number.unit not in facts.strict_units():
        return True
    return number.unit != "%" and bool(_PRICED_IN.search(evidence))


def leaks(text: str, instructions: str, *, words: int = 9) -> bool:
    """Whether a text repeats a run of `words` words of the instructions to the model."""
    secret = tokens(instructions)
    runs = {tuple(secret[at : at + words]) for at in range(len(secret) - words + 1)}
    said = tokens(text)
    return any(tuple(said[at : at + words]) in runs for at in range(len(said) - words + 1))


@cache
def _orders() -> re.Pattern[str]:
    return re.compile("|".join(data("patterns")["orders_to_model"]), re.I)


@lru_cache(maxsize=4_096)
def obeys(text: str) -> bool:
    """Whether a text reads like the talk of injected orders: about instructions, prompts and roles."""
    # Kept, because every piece of every answer is asked, and what is asked often is answered by the same.
    return bool(_orders().search(fold(text)))


def without_orders(passage: Passage) -> Passage:
    """
    A passage as far as it may support anything: what a sentence of it orders a model to say is no fact, and a
    model that obeyed would find its own words there.
    """
    text = _without_orders(passage.text)
    return passage if text == passage.text else replace(passage, text=text)


@lru_cache(maxsize=512)
def _without_orders(text: str) -> str:
    if not _orders().search(fold(text)):
        return text
    return "\n".join(_unordered(line) for line in text.split("\n"))


def _unordered(line: str) -> str:
    parts = [line[start:end] for start, end in sentences(line)]
    return " ".join(part for part in parts if not obeys(part)) if any(map(obeys, parts)) else line


_SHARED = frozenset(
    {
        *("amazonaws.com", "azurewebsites.net", "blogspot.com", "cloudfront.net", "firebaseapp.com"),
        *("github.io", "gitlab.io", "herokuapp.com", "netlify.app", "pages.dev", "readthedocs.io"),
        *("vercel.app", "web.app", "wordpress.com", "workers.dev"),
    }
)
"""Domains whose subdomains belong to anybody."""


def linkable(passages: Sequence[Passage]) -> frozenset[str]:
    """
    The hosts an answer from these passages may link to: their own, and those of the same domain that stand
    literally in their text ("https://status.shop.example" on a page of help.shop.example), unless the
    sentence around them gives orders to a model.
    """
    hosts = set()
    for passage in passages:
        own = host_of(passage.url)
        hosts.add(own)
        for line in passage.text.split("\n") if "://" in passage.text else ():
            if "://" not in line:
                continue
            for start, end in sentences(line):
                said = line[start:end]
                if "://" in said and not obeys(said):
                    hosts.update(host for host in facts.links(said) if _siblings(host, own))
    return frozenset(hosts - {""})


def _siblings(one: str, other: str) -> bool:
    """Whether two hosts are of one owner: the same last two labels, three where two are a public suffix."""
    labels = other.split(".")
    public = len(labels) > 1 and len(labels[-1]) == 2 and len(labels[-2]) <= 3
    domain = labels[-3:] if public else labels[-2:]
    if len(domain) < 2 + public or ".".join(domain) in _SHARED:
        return False
    return one.split(".")[-len(domain) :] == domain
