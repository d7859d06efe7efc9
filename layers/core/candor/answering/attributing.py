"""Attributing: whether a number stands in the evidence beside what a sentence says it is about."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from candor.answering import facts
from candor.answering.units import Unit, sentences, units
from candor.answering.words import Bag, general_words, identifiers, stop_words, tokens
from candor.search import Passage

_CLAUSE = re.compile(r"[;,](?=\s)|\s[—–-]\s|\s(?:and|but|or|und|oder|aber|и|а|или|і|та|або|y|o|pero)\s")
_CELL = re.compile(r";\s")


@dataclass(frozen=True, slots=True)
class _Piece:
    """The smallest part of the evidence that says something of its numbers: a cell or a clause."""

    numbers: tuple[facts.Number, ...]
    own: Bag
    """What it says of them: itself, with those parts of its row or sentence that hold no number."""
    head: Bag
    """Title and headings."""
    around: Bag
    """All that may be understood with it: the sentence before, too."""


def misplaced(sentence: str, evidence: Sequence[Passage]) -> list[str]:
    """
    The numbers of a sentence that belong to something else in the evidence: another plan's price.

    A number is misplaced when wherever it stands a different one of the same unit stands nearer: beside the
    same words of the sentence, and at least one telling word more. What stands around a number counts for it;
    for the other one counts only what it is said of itself, so that a doubt is no reason.
    """
    pieces = [
        piece
        for passage in evidence
        for piece in _pieces(passage.title, passage.path, passage.text, passage.language)
    ]
    words = _telling(sentence)
    found = []
    for clause in clauses(sentence):
        near = _telling(clause)
        for number in facts.digits(clause):
            here = [piece for piece in pieces if any(number.agrees(each) for each in piece.numbers)]
            if not here:
                continue  # Whether it stands anywhere is another question.
            there = [
                piece
                for piece in pieces
                if any(_rivals(number, each) for each in piece.numbers)
                and not any(_same(number, each) for each in piece.numbers)
            ]
            if there and all(any(_nearer(rival, piece, near, words) for rival in there) for piece in here):
                found.append(number.text + (f" {number.unit}" if number.unit else ""))
    return list(dict.fromkeys(found))


def _same(number: facts.Number, other: facts.Number) -> bool:
    return bool(number.values & other.values) and number.unit == other.unit


def _rivals(number: facts.Number, other: facts.Number) -> bool:
    """Another number of the same unit, or the same number of another unit."""
    if number.values & other.values:
        return number.unit is not None and other.unit is not None and number.unit != other.unit
    return number.unit == other.unit


def _nearer(rival: _Piece, piece: _Piece, near: frozenset[str], words: frozenset[str]) -> bool:
    """By the words of the clause first, then by those of the whole sentence."""
    said = rival.own | rival.head if rival.head == piece.head else rival.own
    for wanted in (near, words):
        own = frozenset(word for word in wanted if said.holds(word))
        theirs = frozenset(word for word in wanted if piece.around.holds(word))
        if own != theirs:
            return theirs < own
    return False


def _telling(text: str) -> frozenset[str]:
    """Words that say what a number is about; of "VPS-8" and ".de" the whole, for a part is another's too."""
    ignored = stop_words() | general_words()
    return frozenset(
        word
        for word in (*tokens(text), *identifiers(text))
        if word not in ignored
        and len(word) > 1
        and any(letter.isalpha() for letter in word)
        and not facts.measures(word)
        and not facts.measures(word.rstrip("s"))
    )


def clauses(text: str) -> list[str]:
    """The parts of a sentence that say something each, roughly."""
    return [clause for line in text.split("\n") for clause in _CLAUSE.split(line) if clause.strip()]


@lru_cache(maxsize=128)
def _pieces(title: str, path: str, text: str, language: str) -> tuple[_Piece, ...]:
    head = Bag.of(f"{title} {path}", language)
    found: list[_Piece] = []
    heading, before = head, Bag.of("", language)
    for unit in units(text):
        if unit.kind == "heading":
            heading, before = head | Bag.of(unit.text, language), Bag.of("", language)
            continue
        parts = _parts(unit)
        told = " ".join(part for part in parts if not _DIGIT.search(part))
        subject = _DIGIT.split(unit.text, maxsplit=1)[0] if unit.kind != "row" else unit.text.split(": ")[0]
        for part in parts:
            numbers = tuple(facts.numbers(part))
            if numbers:
                own = Bag.of(f"{part} {told} {subject}", language)
                found.append(_Piece(numbers, own, heading, own | heading | before))
        before = Bag.of(unit.text, language) if unit.kind != "row" else Bag.of("", language)
    return tuple(found)


_DIGIT = re.compile(r"\d")


def _parts(unit: Unit) -> list[str]:
    """Each part that may hold numbers."""
    if unit.kind != "row":
        return [clause for start, end in sentences(unit.text) for clause in clauses(unit.text[start:end])]
    label, _, rest = unit.text.partition(": ")
    return [*_CELL.split(rest), label] if rest else [label]
