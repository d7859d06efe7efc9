"""Belonging: what a unit cannot do without: its introduction, the rest of its steps, its command."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from candor.answering.data import data
from candor.answering.evidence import Inquiry
from candor.answering.rating import Candidate
from candor.answering.units import Unit


@cache
def _dangling() -> re.Pattern[str]:
    """Beginnings that mean nothing without the sentence before."""
    return re.compile("|".join(data("patterns")["dangling"]), re.I)


def family(
    inquiry: Inquiry, by_place: Mapping[tuple[int, int], Candidate], core: Candidate, budget: int
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


def continued(
    inquiry: Inquiry,
    by_place: Mapping[tuple[int, int], Candidate],
    chosen: Mapping[tuple[int, int], Candidate],
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
