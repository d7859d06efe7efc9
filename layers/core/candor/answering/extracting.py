"""Extracting: an answer out of the evidence's own sentences, steps and rows, without a model."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from candor.answering.asking import Kind
from candor.answering.data import data
from candor.answering.evidence import Inquiry
from candor.answering.rating import Candidate, best_of, candidates_of, rate
from candor.answering.units import Unit
from candor.answering.words import Bag, coverage

_PROSE, _INSTRUCTIONS, _WHOLE, _SHORT = 800, 1_300, 500, 700
"""Characters of an answer: what people read without scrolling, and what a procedure needs."""


@cache
def _dangling() -> re.Pattern[str]:
    """Beginnings that mean nothing without the sentence before."""
    return re.compile("|".join(data("patterns")["dangling"]), re.I)


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """One unit chosen for the answer. `source` counts into the inquiry's sources."""

    source: int
    unit: Unit
    score: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Extract:
    """What was chosen, in reading order, and how well the best of it met the question."""

    pieces: tuple[Piece, ...]
    best: Piece
    likeness: float | None

    @property
    def text(self) -> str:
        return laid_out(self.pieces)


def extract(inquiry: Inquiry) -> Extract | None:
    """The pieces that answer best; None when nothing in the evidence shares anything with the question."""
    candidates = candidates_of(inquiry)
    if not candidates:
        return None
    rate(inquiry, candidates)
    best = best_of(inquiry, candidates)
    chosen = _assembled(inquiry, candidates, best)
    # A command is best told by the sentence that introduces it, so the best of its passage counts.
    measured = [each.likeness for each in chosen if each.source == best.source and each.likeness is not None]
    pieces = tuple(
        Piece(source=candidate.source, unit=candidate.unit, score=candidate.score)
        for candidate in _in_order(inquiry, chosen, best)
    )
    return Extract(
        pieces=pieces,
        best=Piece(source=best.source, unit=best.unit, score=best.score),
        likeness=max(measured, default=None),
    )


def _assembled(inquiry: Inquiry, candidates: Sequence[Candidate], best: Candidate) -> list[Candidate]:
    """The best unit with what belongs to it, then others that add something, within a reader's patience."""
    by_place = {(each.source, each.index): each for each in candidates}
    procedure = inquiry.kinds[0] in (Kind.STEPS, Kind.COMMAND, Kind.REASON)
    budget = _INSTRUCTIONS if procedure or best.unit.kind in ("step", "code") else _PROSE
    chosen: dict[tuple[int, int], Candidate] = {}

    def length() -> int:
        return sum(len(each.unit.text) + 2 for each in chosen.values())

    stretches = (
        ([each for each in candidates if each.source == best.source], _WHOLE),
        (_under_one_heading(inquiry, candidates, best), budget),
    )
    stretch = _family(inquiry, by_place, best, budget)
    for longer, room in stretches:
        if sum(len(each.unit.text) + 2 for each in longer) <= room:
            stretch = longer
            break
    chosen.update({(each.source, each.index): each for each in stretch})
    for each in _continued(inquiry, by_place, chosen, budget - length()):
        chosen[(each.source, each.index)] = each
    documents = {inquiry.sources[best.source].passage.document_id}
    met = _met(inquiry, chosen.values())
    for other in sorted(candidates, key=lambda each: -each.score):
        place = (other.source, other.index)
        if place in chosen or len(chosen) >= 14:
            continue
        if other.score < 0.78 * best.score or length() > budget:
            break
        source = inquiry.sources[other.source]
        bag = Bag.of(other.unit.text, source.passage.language)
        adds = {term.word for term in inquiry.heavy if term.word not in met and bag.holds(term.word)}
        same = source.passage.document_id == inquiry.sources[best.source].passage.document_id
        near = other.score >= (0.85 if other.source == best.source else 0.9) * best.score
        # Another passage earns its place by a word of the question that is still unanswered, or by
        # being about as good and of the same page while the answer is still short.
        if not adds and not (same and near and (other.source == best.source or length() < _SHORT)):
            continue
        if source.passage.document_id not in documents and len(documents) >= 2:
            continue
        family = _under_one_heading(inquiry, candidates, other) if same else []
        if not family or sum(len(each.unit.text) for each in family) > min(500, budget - length()):
            family = _family(inquiry, by_place, other, budget - length())
        family = [each for each in family if (each.source, each.index) not in chosen]
        if length() + sum(len(each.unit.text) + 2 for each in family) > budget * 1.15:
            continue
        for each in family:
            chosen[(each.source, each.index)] = each
        documents.add(source.passage.document_id)
        met |= adds
    return list(chosen.values())


def _under_one_heading(inquiry: Inquiry, candidates: Sequence[Candidate], best: Candidate) -> list[Candidate]:
    """The candidates of the best one's passage that no heading parts from it."""
    units = inquiry.sources[best.source].units
    bounds = [-1, *(index for index, unit in enumerate(units) if unit.kind == "heading"), len(units)]
    first = max(bound for bound in bounds if bound < best.index)
    last = min(bound for bound in bounds if bound > best.index)
    return [each for each in candidates if each.source == best.source and first < each.index < last]


def _continued(
    inquiry: Inquiry,
    by_place: dict[tuple[int, int], Candidate],
    chosen: dict[tuple[int, int], Candidate],
    budget: int,
) -> list[Candidate]:
    """The rest of a list that was cut between two passages, when the next passage was found too."""
    source, index = max(chosen)
    units = inquiry.sources[source].units
    if len({number for number, _ in chosen}) != 1 or units[index].kind not in (
        "step",
        "item",
        "code",
        "lead",
    ):
        return []
    if any(unit.kind not in ("step", "item", "code") for unit in units[index + 1 :]):
        return []
    passage = inquiry.sources[source].passage
    for number, other in enumerate(inquiry.sources):
        if other.passage.document_id == passage.document_id and other.passage.ordinal == passage.ordinal + 1:
            following: list[Candidate] = []
            for place, unit in enumerate(other.units):
                budget -= len(unit.text)
                if unit.kind not in ("step", "item", "code") or budget < 0 or unit.number == 1:
                    break
                following.append(
                    by_place.get((number, place))
                    or Candidate(source=number, index=place, unit=unit, words=0.0)
                )
            return following
    return []


def _met(inquiry: Inquiry, chosen: Iterable[Candidate]) -> set[str]:
    met: set[str] = set()
    for each in chosen:
        source = inquiry.sources[each.source]
        bag = Bag.of(each.unit.text, source.passage.language) | source.head
        met.update(term.word for term in inquiry.heavy if bag.holds(term.word))
    return met


def _family(
    inquiry: Inquiry, by_place: dict[tuple[int, int], Candidate], core: Candidate, budget: int
) -> list[Candidate]:
    """A unit with those it cannot do without: its introduction, the rest of its steps, its command."""
    units = inquiry.sources[core.source].units
    wanted = {core.index}
    block = [index for index, unit in enumerate(units) if unit.block == core.unit.block]

    def size(indexes: Iterable[int]) -> int:
        return sum(len(units[index].text) + 2 for index in indexes)

    if core.unit.kind in ("step", "item"):
        run = _run(units, core.index)
        if size(run) <= budget:
            wanted.update(run)
        elif core.unit.kind == "step":
            wanted.update(index for index in run if abs(index - core.index) <= 2)
        else:
            wanted.update(
                index
                for index in run
                if (each := by_place.get((core.source, index))) and each.score >= 0.85 * core.score
            )
        first = min(wanted)
        if first and units[first - 1].kind == "lead":
            wanted.add(first - 1)
    elif core.unit.kind == "row":
        equals = [
            index
            for index in block
            if (each := by_place.get((core.source, index))) and each.words >= core.words - 0.02
        ]
        wanted.update(equals[:6] if len(equals) <= 6 else [core.index])
    elif core.unit.kind == "code":
        if core.index and units[core.index - 1].kind in ("lead", "sentence", "step", "item"):
            wanted.add(core.index - 1)
    elif core.unit.kind == "lead":
        wanted.update(_following(units, core.index, budget - len(core.unit.text)))
    else:
        wanted.update(
            index for index in (core.index - 1, core.index + 1) if index in block and size(block) <= 330
        )
        following = core.index + 1
        if following < len(units) and units[following].kind == "code" and size([following]) <= 500:
            wanted.add(following)
    for index in sorted(wanted):
        if (
            index
            and units[index].kind == "sentence"
            and _dangling().match(units[index].text)
            and units[index - 1].kind in ("sentence", "lead")
        ):
            wanted.add(index - 1)
    return [by_place[(core.source, index)] for index in sorted(wanted) if (core.source, index) in by_place]


def _run(units: Sequence[Unit], index: int) -> list[int]:
    """The whole list around a step or item, the code between its steps included."""

    def inside(unit: Unit) -> bool:
        return unit.kind in ("step", "item", "code")

    first = last = index
    while (
        first
        and inside(units[first - 1])
        and not (units[first].kind == "step" and units[first].number == 1 and units[first].depth == 0)
    ):
        first -= 1
    while (
        last + 1 < len(units)
        and inside(units[last + 1])
        and not (
            units[last + 1].kind == "step" and units[last + 1].number == 1 and units[last + 1].depth == 0
        )
    ):
        last += 1
    return list(range(first, last + 1))


def _following(units: Sequence[Unit], index: int, budget: int) -> list[int]:
    """What an introduction introduces."""
    following: list[int] = []
    for other in range(index + 1, len(units)):
        unit = units[other]
        if unit.kind in ("heading", "lead", "asked") or (following and unit.kind == "sentence"):
            break
        budget -= len(unit.text)
        if budget < 0:
            break
        following.append(other)
    return following


def _in_order(inquiry: Inquiry, chosen: Sequence[Candidate], best: Candidate) -> list[Candidate]:
    """The best document first, then as the documents have it."""
    first = inquiry.sources[best.source].passage.document_id

    def place(each: Candidate) -> tuple[bool, str, int, int]:
        passage = inquiry.sources[each.source].passage
        return (passage.document_id != first, passage.document_id, passage.ordinal, each.index)

    ordered: list[Candidate] = []
    seen: set[str] = set()
    for each in sorted(chosen, key=place):
        key = each.unit.text.casefold()
        if key not in seen:
            ordered.append(each)
        seen.add(key)
    return ordered


def laid_out(pieces: Sequence[Piece]) -> str:
    """Pieces as light Markdown: paragraphs, lists, fenced code."""
    parts: list[str] = []
    previous: Piece | None = None
    number = 0
    for piece in pieces:
        unit = piece.unit
        listed = unit.kind in ("step", "item", "row")
        # A list that goes on in the next passage is still one list.
        joined = previous is not None and (
            previous.source == piece.source
            or (unit.number is not None and previous.unit.number == unit.number - 1)
        )
        if unit.kind == "code":
            apart = not joined or (previous is not None and previous.unit.kind == "code")
            text, gap = f"```\n{unit.text}\n```", "\n\n" if apart else "\n"
        elif listed:
            steps_on = (
                joined and previous is not None and previous.unit.kind in ("step", "item", "code", "row")
            )
            number = number + 1 if unit.kind == "step" and steps_on and number else 1
            mark = f"{unit.number or number}. " if unit.kind == "step" else "- "
            text = "  " * min(unit.depth, 2) + mark + unit.text
            gap = "\n" if steps_on or (previous is not None and previous.unit.kind == "lead") else "\n\n"
        else:
            text = unit.text
            same = joined and previous is not None and previous.unit.block == unit.block
            gap = " " if same and previous is not None and previous.unit.kind == "sentence" else "\n\n"
        parts.append(("" if previous is None else gap) + text)
        previous = piece
    return "".join(parts)


def answer_coverage(inquiry: Inquiry, pieces: Sequence[Piece]) -> float:
    """The share of the question's weight that the chosen pieces hold, their headings included."""
    bags: dict[str, Bag] = {}
    for piece in pieces:
        source = inquiry.sources[piece.source]
        language = source.passage.language
        bag = Bag.of(f"{piece.unit.label} {piece.unit.text}", language) | source.head
        bags[language] = bags[language] | bag if language in bags else bag
    return max((coverage(inquiry.terms, bag) for bag in bags.values()), default=0.0)
