"""
Ambiguity: patterns that can share out the same text in ever more ways, and what is wrong with them.

Our own machine does not mind them, other programs that read these patterns do: an engine that backtracks
tries all the ways (CWE-1333). What is found: a text on which a loop can be gone through in two ways
(Weber and Seidl 1991: exponential), and long rows of repeats or optional parts that take the same characters.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final

from candor.intents.grammar import Border, Chain, Choice, Letters, Node, Repeat, may_be_empty

_WRITTEN_OUT: Final = 8
"""A part that may come more often than this counts as a loop."""

_ROW: Final = 3
"""So many repeats side by side of the same characters are tried in ways as many as the text's cube."""

_OPTIONAL_ROW: Final = 10
"""Two ways each: a thousand for ten."""

_MOST_WORK: Final = 50_000
"""Steps of looking; what takes more is refused."""

_SAMPLES: Final = "aAzéЯж5_ \u00a0\t!-.@語"

NESTED: Final = (
    "repeats something that repeats the same characters itself, as (a+)+ does: a text could be shared out "
    "in more ways than anybody can try. Leave out one of the two repeats"
)
OVERLAPPING: Final = (
    "repeats alternatives that begin alike, as (a|a)* does: a text could be shared out in more ways than "
    "anybody can try. Let each alternative begin differently, or leave out the repeat"
)
ROW: Final = "has several repeats side by side that take the same characters, as \\w*\\w*\\w* does. "
"One of them is enough"
OPTIONALS: Final = (
    "has a long row of optional parts that take the same characters, as a?a?a? does. Write how often it may "
    "come instead: a{0,10}"
)
TOO_MUCH: Final = "repeats too many alternatives to be checked. Make it several patterns"


@dataclass(eq=False, slots=True)
class _Spot:
    """One character of the pattern, and what may follow it; twice where there are two ways to get there."""

    letters: Letters
    mask: int = 0
    after: tuple["_Spot", ...] = ()
    component: int = -1


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of the pattern: what it begins and ends with, and what is between."""

    first: tuple[_Spot, ...] = ()
    last: tuple[_Spot, ...] = ()
    empty: int = 0
    """In how many ways it may be empty; 2 stands for several. Python reads (a|a) as a(|)."""


def fault(tree: Node) -> str:
    """What is wrong with a pattern, as half a sentence; blank when nothing is."""
    try:
        return next(_faults(tree), "")
    except _TooMuch:
        return TOO_MUCH


class _TooMuch(Exception):
    """More work than a pattern is worth."""


def _faults(tree: Node) -> Iterator[str]:
    sample = _sample(tree)
    spots: list[_Spot] = []
    follows: dict[_Spot, list[_Spot]] = {}
    _linked(tree, spots, follows)
    for spot in spots:
        spot.mask = _mask(spot.letters, sample)
        spot.after = tuple(follows.get(spot, ()))
    _find_loops(spots)
    for spot in spots:
        within = [other for other in spot.after if other.component == spot.component]
        if len(within) != len(set(within)):
            yield NESTED
    yield from _two_ways(spots)
    yield from _rows(tree, sample)


def _linked(node: Node, spots: list[_Spot], follows: dict[_Spot, list[_Spot]]) -> _Part:
    """Glushkov's construction, but that a way found twice is there twice."""
    match node:
        case Letters():
            spot = _Spot(node)
            spots.append(spot)
            return _Part((spot,), (spot,))
        case Border():
            return _Part(empty=1)
        case Choice(options=options):
            parts = [_linked(option, spots, follows) for option in options]
            return _Part(
                tuple(chain.from_iterable(part.first for part in parts)),
                tuple(chain.from_iterable(part.last for part in parts)),
                min(2, sum(part.empty for part in parts)),
            )
        case Chain(parts=inner):
            return _joined((_linked(part, spots, follows) for part in inner), follows)
        case Repeat(part=part, least=least, most=most):
            if most is None or most > _WRITTEN_OUT:
                body = _linked(part, spots, follows)
                _follow(body.last, body.first, follows)
                return _Part(body.first, body.last, max(body.empty, int(least == 0)))
            copies = []
            for number in range(most):
                copy = _linked(part, spots, follows)
                copies.append(_Part(copy.first, copy.last, max(copy.empty, int(number >= least))))
            return _joined(copies, follows)


def _joined(parts: Iterable[_Part], follows: dict[_Spot, list[_Spot]]) -> _Part:
    whole = _Part(empty=1)
    for part in parts:
        _follow(whole.last, part.first, follows)
        whole = _Part(
            whole.first + part.first * whole.empty,
            part.last + whole.last * part.empty,
            min(2, whole.empty * part.empty),
        )
    return whole


def _follow(last: tuple[_Spot, ...], first: tuple[_Spot, ...], follows: dict[_Spot, list[_Spot]]) -> None:
    if len(last) * len(first) > _MOST_WORK:
        raise _TooMuch
    for spot in last:
        follows.setdefault(spot, []).extend(first)


def _find_loops(spots: list[_Spot]) -> None:
    """Number the strongly connected components (Tarjan 1972, without recursion)."""
    index: dict[_Spot, int] = {}
    low: dict[_Spot, int] = {}
    stack: list[_Spot] = []
    on_stack: set[_Spot] = set()
    number = 0
    for root in spots:
        if root in index:
            continue
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        work = [(root, iter(root.after))]
        while work:
            spot, rest = work[-1]
            for other in rest:
                if other not in index:
                    index[other] = low[other] = len(index)
                    stack.append(other)
                    on_stack.add(other)
                    work.append((other, iter(other.after)))
                    break
                if other in on_stack:
                    low[spot] = min(low[spot], index[other])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[spot])
                if low[spot] == index[spot]:
                    while True:
                        member = stack.pop()
                        on_stack.discard(member)
                        member.component = number
                        if member is spot:
                            break
                    number += 1


def _two_ways(spots: list[_Spot]) -> Iterator[str]:
    """Whether two walks through one loop can read the same text, part, and meet again."""
    back: dict[tuple[_Spot, _Spot], list[tuple[_Spot, _Spot]]] = {}
    seen = {(spot, spot) for spot in spots}
    stack, work = list(seen), 0
    while stack:
        one, two = pair = stack.pop()
        for left in one.after:
            if left.component != one.component:
                continue
            for right in two.after:
                work += 1
                if right.component != two.component or not left.mask & right.mask:
                    continue
                step = (left, right)
                back.setdefault(step, []).append(pair)
                if step not in seen:
                    seen.add(step)
                    stack.append(step)
        if work > _MOST_WORK * 4:
            raise _TooMuch
    # Backwards from where the walks are together: a parted pair that is met on the way comes from there too.
    met = {pair for pair in back if pair[0] is pair[1]}
    stack = list(met)
    while stack:
        for pair in back.get(stack.pop(), ()):
            if pair[0] is not pair[1]:
                yield OVERLAPPING
                return
            if pair not in met:
                met.add(pair)
                stack.append(pair)


def _rows(node: Node, sample: str) -> Iterator[str]:
    """Rows of repeats, or of optional parts, whose characters are the same."""
    match node:
        case Chain(parts=parts):
            for part in parts:
                yield from _rows(part, sample)
            yield from _row(parts, sample)
        case Choice(options=options):
            for option in options:
                yield from _rows(option, sample)
        case Repeat(part=part, most=most):
            yield from _rows(part, sample)
            if most is not None and most >= _OPTIONAL_ROW and may_be_empty(part):
                yield OPTIONALS


def _row(parts: tuple[Node, ...], sample: str) -> Iterator[str]:
    common, elastic, optional = -1, 0, 0
    for part in parts:
        if isinstance(part, Border):
            continue
        mask = _all_of(part, sample)
        stretches = isinstance(part, Repeat) and (part.most is None or part.most > _WRITTEN_OUT)
        if not stretches and not may_be_empty(part):
            common, elastic, optional = -1, 0, 0
            continue
        if not common & mask:
            common, elastic, optional = -1, 0, 0
        common &= mask
        elastic += stretches
        optional += may_be_empty(part)
        if elastic >= _ROW:
            yield ROW
        elif optional >= _OPTIONAL_ROW:
            yield OPTIONALS


def _all_of(node: Node, sample: str) -> int:
    found = 0
    for letters in _letters(node):
        found |= _mask(letters, sample)
    return found


def _letters(node: Node) -> Iterator[Letters]:
    match node:
        case Letters():
            yield node
        case Chain(parts=parts) | Choice(options=parts):
            for part in parts:
                yield from _letters(part)
        case Repeat(part=part):
            yield from _letters(part)


def _sample(tree: Node) -> str:
    """Characters that tell the pattern's sets apart: its own, their neighbours, and one of each kind."""
    found = dict.fromkeys(_SAMPLES)
    for letters in _letters(tree):
        for low, high in letters.ranges:
            middle = chr((ord(low) + ord(high)) // 2)
            beyond = chr(min(ord(high) + 1, 0x10FFFF))
            found.update(dict.fromkeys((low, middle, high, beyond)))
    return "".join(found)


def _mask(letters: Letters, sample: str) -> int:
    return sum(1 << place for place, character in enumerate(sample) if letters.takes(character))
