"""Extracting: an answer out of the evidence's own sentences, steps and rows, without a model."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from candor.answering.asking import Kind
from candor.answering.belonging import continued, family
from candor.answering.evidence import Inquiry
from candor.answering.rating import Candidate, candidates_of, compared, rate
from candor.answering.sections import Section, sections_of
from candor.answering.units import Unit
from candor.answering.words import Bag, coverage
from candor.search import Passage

_WHOLE, _FIRST, _NEXT = 1_100, 700, 400
"""Characters of an answer, of its best section, of each further one: read without scrolling."""

_MORE_FOR_STEPS = 1.5
"""A procedure needs its room."""

_WORTH_ADDING = 80
"""With less room left nothing more is looked for."""

_MOST_SECTIONS = 5

_RIVAL = 0.6
"""Share of the most probable page's, from which another one competes with it."""

_FEW_ROWS = 4
"""Shorter tables are shown whole."""

_SAME_PAGE, _OTHER_PAGE = 0.003, 0.1
"""Odds against the best section from which another one of the same page, or of another, is added."""


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
    strength: float = 0.0
    """The best section's score."""
    share: float = 1.0
    """Of the probability that one of the sections found holds the answer: that of the sections chosen."""
    covered: float = 1.0
    """The share of the question's weight that the best section and its headings hold."""
    nearest: Passage | None = None
    """What of the best section is most like the question, as it was compared; None: nothing was measured."""
    rivals: tuple[str, ...] = ()
    """Documents about as probable as the most probable one, itself among them."""

    @property
    def text(self) -> str:
        return laid_out(self.pieces)


def extract(inquiry: Inquiry) -> Extract | None:
    """The pieces that answer best; None when nothing in the evidence shares anything with the question."""
    candidates = candidates_of(inquiry)
    if not candidates:
        return None
    rate(inquiry, candidates)
    ranked = sections_of(inquiry, candidates)
    best = max(ranked[0].units, key=lambda each: each.score)
    chosen, share = _assembled(inquiry, ranked, best)
    pages: dict[str, float] = {}
    for each in ranked:
        document = inquiry.sources[each.source].passage.document_id
        pages[document] = pages.get(document, 0.0) + each.share
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
        strength=ranked[0].score,
        share=share,
        covered=ranked[0].values["covered"],
        nearest=compared(inquiry, max(ranked[0].units, key=lambda each: each.near)) if measured else None,
        rivals=tuple(page for page, share in pages.items() if share >= _RIVAL * max(pages.values())),
    )


def _assembled(inquiry: Inquiry, ranked: Sequence[Section], best: Candidate) -> tuple[list[Candidate], float]:
    """
    The best section, then others nearly as good, each cut down to what speaks of the question.

    With their share of the probability.
    """
    by_place = {(each.source, each.index): each for section in ranked for each in section.units}
    document = inquiry.sources[best.source].passage.document_id
    more = _MORE_FOR_STEPS if inquiry.kinds[0] in (Kind.STEPS, Kind.COMMAND, Kind.REASON) else 1.0
    room = _WHOLE * more
    chosen: dict[tuple[int, int], Candidate] = {}
    sections, share = 0, 0.0
    for section in ranked:
        same = inquiry.sources[section.source].passage.document_id == document
        if sections and section.share < (_SAME_PAGE if same else _OTHER_PAGE) * ranked[0].share:
            continue
        limit = min(room, _NEXT if sections else _FIRST * more)
        kept = _trimmed(inquiry, by_place, section, limit, best)
        chosen.update({(each.source, each.index): each for each in kept})
        sections += bool(kept)
        share += section.share if kept else 0.0
        room -= _length(kept)
        if room < _WORTH_ADDING or sections == _MOST_SECTIONS:
            break
    for each in continued(inquiry, by_place, chosen, int(room)):
        chosen[(each.source, each.index)] = each
    return [each for each in chosen.values() if each is best or not _idle(each, chosen)], share


def _idle(candidate: Candidate, chosen: Mapping[tuple[int, int], Candidate]) -> bool:
    """An introduction to something that is not shown, and says nothing by itself."""
    return (
        candidate.unit.kind == "lead"
        and (candidate.source, candidate.index + 1) not in chosen
        and not any(character.isdigit() or character == "`" for character in candidate.unit.text)
    )


def _rows_named(inquiry: Inquiry, units: Sequence[Candidate]) -> list[Candidate]:
    """Without the rows of a table that do not bear the name in the question, where another row does."""
    dropped: set[int] = set()
    for block in {each.unit.block for each in units if each.unit.kind == "row"}:
        rows = [each for each in units if each.unit.block == block]
        if len(rows) < _FEW_ROWS:
            continue
        language = inquiry.sources[rows[0].source].passage.language
        firsts = [Bag.of(each.unit.text.split(":")[0], language) for each in rows]
        named = [sum(bag.has(term) for term in inquiry.terms if term.name) for bag in firsts]
        if 0 < sum(count == max(named) for count in named) <= len(rows) // 2 and max(named):
            dropped |= {each.index for each, count in zip(rows, named, strict=True) if count < max(named)}
    return [each for each in units if each.index not in dropped]


def _length(units: Iterable[Candidate]) -> int:
    return sum(len(each.unit.text) + 2 for each in units)


def _trimmed(
    inquiry: Inquiry,
    by_place: Mapping[tuple[int, int], Candidate],
    section: Section,
    limit: float,
    best: Candidate,
) -> list[Candidate]:
    """The section if it fits, else its best units with what belongs to them; of tables the rows named."""
    units = _rows_named(inquiry, section.units)
    if _length(units) <= limit:
        return units
    inside = {each.index for each in units}
    kept: dict[int, Candidate] = {}
    for each in sorted(units, key=lambda each: (each is not best, -each.score)):
        if each.index in kept:
            continue
        together = [
            other
            for other in family(inquiry, by_place, each, int(limit))
            if other.index in inside and other.index not in kept
        ]
        if not kept or _length([*kept.values(), *together]) <= limit:
            kept.update({other.index: other for other in together})
        elif each.unit.kind not in ("code", "lead") and _length([*kept.values(), each]) <= limit:
            kept[each.index] = each
    return [kept[index] for index in sorted(kept)]


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
