"""Concordance: in which of several texts a word stands, told for all of them at once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from candor.answering.words import Bag, Term, sought

_KEPT: Final = 64
"""Terms of which a concordance remembers where they stand: those of a few questions, some 13 KB."""


@dataclass(frozen=True, slots=True, eq=False)
class Concordance:
    """
    The bags of several texts in one language, turned round: from each stem to the texts that hold it.

    A text is a bit, counted from 0 in the order of the bags. Bit n of `marks(term)` says just what
    `bags[n].has(term)` does, for that depends on single stems and never on two of one text together.
    """

    _language: str
    _of: dict[str, int]
    _listed: str
    _known: dict[tuple[str, bool], int] = field(default_factory=dict)

    @classmethod
    def of(cls, bags: Sequence[Bag], language: str) -> "Concordance":
        found: dict[str, int] = {}
        for number, bag in enumerate(bags):
            bit = 1 << number
            for stem in bag.stems:
                found[stem] = found.get(stem, 0) | bit
        return cls(language, found, "\n".join(["", *found, ""]))

    def marks(self, term: Term) -> int:
        """The texts that hold the term."""
        key = (term.word, term.name)
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= _KEPT:
                self._known.clear()
            known = self._known[key] = self._looked_up(term.word, loosely=not term.name)
        return known

    def _looked_up(self, word: str, *, loosely: bool) -> int:
        """As `Bag.holds` looks, but for every stem that counts instead of the first."""
        wanted = sought(word, self._language)
        found = self._any(wanted.equals)
        stem = wanted.stem
        if len(stem) < 5 or stem[0].isdigit():
            return found
        inside = loosely and self._language == "de"
        for other in self._with(stem if inside else f"\n{stem}"):
            if loosely or len(other) - len(stem) <= 3:
                found |= self._of[other]
        if loosely:
            found |= self._any(wanted.beginnings)
        if inside:
            for other, bits in self._of.items():
                if len(other) >= 5 and other in stem:
                    found |= bits
        return found

    def _any(self, stems: frozenset[str]) -> int:
        found = 0
        for stem in stems:
            found |= self._of.get(stem, 0)
        return found

    def _with(self, part: str) -> list[str]:
        """The stems with this inside; with a line's end in front of it, those that begin so."""
        found = []
        at = self._listed.find(part)
        while at >= 0:
            start = self._listed.rfind("\n", 0, at + 1) + 1
            end = self._listed.index("\n", at + 1)
            found.append(self._listed[start:end])
            at = self._listed.find(part, end)
        return found
