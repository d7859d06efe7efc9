"""Reversing: whether a sentence says the reverse of its evidence: "not" on one side, "after" for "before"."""

import re
from collections.abc import Sequence
from functools import cache, lru_cache

from candor.answering.attributing import clauses
from candor.answering.data import data
from candor.answering.units import Unit, sentences, units
from candor.answering.words import Bag, fold

_ALIGNED = 0.5
"""Overlap from which an evidence sentence is taken to speak of the same thing, so that a "not" must match."""

_SAME, _FEWEST = 0.8, 2
"""Overlap from which two clauses say the same thing, and the stems it takes to say anything."""


def reversed_by(sentence: str, texts: Sequence[str], language: str) -> list[str]:
    """Why a sentence says the reverse of the texts, as a whole or in one clause; empty if it does not."""
    return _opposed(sentence, texts, language) or _reversed(sentence, texts, language)


@cache
def _negation() -> re.Pattern[str]:
    return re.compile("|".join(data("vocabulary")["negation"]), re.I)


@cache
def _opposites() -> tuple[tuple[re.Pattern[str], re.Pattern[str]], ...]:
    pairs = []
    for one, other in data("vocabulary")["opposites"]:
        pairs.append((re.compile(rf"\b(?:{one})\b", re.I), re.compile(rf"\b(?:{other})\b", re.I)))
    return tuple(pairs)


def negated(text: str) -> bool:
    """Whether a sentence says no in one of six languages. Two noes in one clause are a yes."""
    clauses = re.split(r"[,;:—–]|\s-\s", fold(text))
    return any(len(_negation().findall(clause)) % 2 == 1 for clause in clauses)


def _opposed(sentence: str, texts: Sequence[str], language: str) -> list[str]:
    """Where the evidence says the reverse: "not" on one side only, or "disable" for "enable"."""
    own = Bag.of(sentence, language).stems
    if not own:
        return []
    nearest, overlap = "", 0.0
    for text in texts:
        # By units, so that a row is read with its header: "Cancel no later than" may stand above a date.
        for unit in read(text):
            for start, end in sentences(unit.text):
                piece = unit.text[start:end]
                theirs = Bag.of(piece, language).stems
                shared = len(own & theirs) / len(own)
                # Of two sentences as near, the shorter one is about less else.
                if shared > overlap or (shared == overlap and shared and len(piece) < len(nearest)):
                    nearest, overlap = piece, shared
    if overlap < _ALIGNED:
        return []
    reasons = []
    if negated(sentence) != negated(_told(nearest, own, language)) and not _only().search(sentence):
        reasons.append(f"the evidence says the reverse: {nearest.strip()[:120]}")
    for one, other in _opposites():
        for here, there in ((one, other), (other, one)):
            if (
                here.search(sentence)
                and not there.search(sentence)
                and there.search(nearest)
                and not here.search(nearest)
                and not any(here.search(text) for text in texts)
            ):
                reasons.append(f"the evidence has the opposite: {nearest.strip()[:120]}")
    return reasons


def _reversed(sentence: str, texts: Sequence[str], language: str) -> list[str]:
    """Where one clause of several says the reverse of the clause of the evidence that has its words."""
    theirs = [
        (clause, stems)
        for text in texts
        for unit in read(text)
        for clause in clauses(unit.text)
        if len(stems := Bag.of(clause, language).stems) >= _FEWEST
    ]
    for clause in clauses(sentence):
        own = Bag.of(clause, language).stems
        if len(own) < _FEWEST:
            continue
        ranked = [(len(own & stems) / max(len(own), 0.7 * len(stems)), said) for said, stems in theirs]
        best = max((overlap for overlap, _ in ranked), default=0.0)
        equal = [said for overlap, said in ranked if overlap == best]
        if best >= _SAME and all(_contrary(clause, said) for said in equal):
            return [f"the evidence says the reverse: {equal[0].strip()[:120]}"]
    return []


def _contrary(clause: str, said: str) -> bool:
    if negated(clause) != negated(said):
        return True
    return any(
        here.search(clause) and not there.search(clause) and there.search(said) and not here.search(said)
        for one, other in _opposites()
        for here, there in ((one, other), (other, one))
    )


def _told(sentence: str, own: frozenset[str], language: str) -> str:
    """The clauses of a sentence of the evidence that are at least half about what is said."""
    kept = []
    for clause in re.split(r"[,;]\s", sentence):
        stems = Bag.of(clause, language).stems
        if not stems or 2 * len(stems & own) >= len(stems):
            kept.append(clause)
    return "; ".join(kept)


@cache
def _only() -> re.Pattern[str]:
    """Words that say yes and no at once: "only within the Union" is "not outside it"."""
    return re.compile("|".join(data("vocabulary")["only"]), re.I)


@lru_cache(maxsize=256)
def read(text: str) -> tuple[Unit, ...]:
    """The same passages are read for each sentence that cites them."""
    return tuple(units(text))
