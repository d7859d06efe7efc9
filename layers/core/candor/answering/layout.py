"""Layout: what a passage is made of, and where in it each word stands; the same for every question."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from candor.answering.concordance import Concordance
from candor.answering.data import data
from candor.answering.units import Unit
from candor.answering.words import Bag, Term

BODY: Final = 1
"""The mark of a passage's text."""

HEAD: Final = 2
"""The mark of its title and headings."""

_UNITS: Final = 2
"""The bit of the first unit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A unit that may be quoted, with what stands around it inside its passage."""

    index: int
    """Of the unit."""
    unit: Unit
    heading: str
    """The last one above it."""
    section: int
    """How many headings stand above it."""
    own: int
    """Its mark."""
    around: int
    """The marks of its heading, and of what was asked above it."""
    code_like: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Stretch:
    """All places under one heading."""

    told: str
    """Their texts, each behind its label."""
    marks: int
    """Theirs and that of the heading."""


class Layout:
    """
    A passage's units by place and section, and in which of them a term stands.

    Made when it is first asked for: of twenty passages found only the first dozen are looked into.
    """

    def __init__(self, units: Sequence[Unit], *, body: Bag, head: Bag) -> None:
        self._units = units
        self._body = body
        self._head = head
        self._made: _Made | None = None

    @property
    def places(self) -> tuple[Place, ...]:
        """The units that may be quoted: headings, questions and boilerplate are left out."""
        return (self._made or self._make()).places

    @property
    def sections(self) -> Mapping[int, Stretch]:
        """Those with a place, by `Place.section`."""
        return (self._made or self._make()).sections

    def marks(self, term: Term) -> int:
        """Where the term stands: `BODY`, `HEAD`, and the mark of each unit that holds it."""
        return (self._made or self._make()).words.marks(term)

    def holds(self, term: Term) -> bool:
        """Whether the term stands in the passage or its headings."""
        if self._made is not None:
            return bool(self._made.words.marks(term) & (BODY | HEAD))
        return self._body.has(term) or self._head.has(term)

    def _make(self) -> "_Made":
        # Two threads may both do so: they make the same.
        made = self._made = _made(self._units, self._body, self._head)
        return made


@dataclass(frozen=True, kw_only=True, slots=True)
class _Made:
    places: tuple[Place, ...]
    sections: Mapping[int, Stretch]
    words: Concordance


def _made(units: Sequence[Unit], body: Bag, head: Bag) -> _Made:
    bags = [Bag.of(f"{unit.label} {unit.text}", body.language) for unit in units]
    places: list[Place] = []
    sections: dict[int, list[Place]] = {}
    titles: dict[int, int] = {}
    heading, titled, asked, section = "", 0, 0, 0
    for index, unit in enumerate(units):
        mark = 1 << (_UNITS + index)
        if unit.kind == "heading":
            heading, titled, section = unit.text, mark, section + 1
        elif unit.kind == "asked":
            asked |= mark
        elif len(unit.text) >= 3 and not _boilerplate().match(unit.text):
            place = Place(
                index=index,
                unit=unit,
                heading=heading,
                section=section,
                own=mark,
                around=titled | asked,
                code_like=unit.kind != "code" and _is_code_like(unit.text),
            )
            places.append(place)
            sections.setdefault(section, []).append(place)
            titles[section] = titled
    return _Made(
        places=tuple(places),
        sections={section: _stretch(within, titles[section]) for section, within in sections.items()},
        words=Concordance.of([body, head, *bags], body.language),
    )


def _stretch(places: Sequence[Place], heading: int) -> Stretch:
    marks = heading
    for place in places:
        marks |= place.own
    return Stretch(told=" ".join(f"{each.unit.label} {each.unit.text}" for each in places), marks=marks)


_SIGN = re.compile(r"[^\w\s]|_")


def _is_code_like(text: str) -> bool:
    """Code that lost its fence: more signs than words."""
    return len(text) > 20 and len(_SIGN.findall(text)) > 0.22 * len(text) and text.count("`") < 2


@cache
def _boilerplate() -> re.Pattern[str]:
    return re.compile("|".join(data("patterns")["boilerplate"]), re.I | re.S)
