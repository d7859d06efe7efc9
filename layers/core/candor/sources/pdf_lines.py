"""PDF lines: pieces of text with their places on the page become lines, cells and columns."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

HEADING = 1.15
"""Times the body's size; smaller differences are other fonts, not headings."""

_GAP = 1.0
"""Of the letter size: a wider gap inside a line separates two cells. A space is .25 to .6 of it."""

_MARGIN_LINES = 3
_MARGIN = 0.12
"""
Running headers and footers are looked for in so many lines at the top and the bottom of a page, in this part
of its height.
"""

_NUMBER = re.compile(r"\d+")
_PAGE_NUMBER = re.compile(
    r"(?:page|p\.|seite|стр\.?|страница|с\.)?\s*[-–—|]?\s*(?:\d{1,4}|[ivxlc]{1,6})\s*"
    r"(?:(?:/|of|von|из|\|)\s*\d{1,4})?\s*[-–—|]?",
    re.IGNORECASE,
)
_LIGATURES = str.maketrans({"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"})
_NARROW = frozenset("iljtfrI.,:;'!|()[]/\\ -")
_SERIF = re.compile(r"times|serif|roman|georgia|garamond|cambria|minion|cmr|palatino|book", re.IGNORECASE)
_WIDE = frozenset("mwMWЖШЩЮФМжшщюфм@%—")


@dataclass(frozen=True, kw_only=True, slots=True)
class Fragment:
    """A piece of text drawn at once; `x` and `y` (upwards) are where its first letter stands."""

    x: float
    y: float
    size: float
    bold: bool
    text: str
    width: float
    """About; see `width_of`."""


@dataclass(kw_only=True, slots=True)
class Line:
    """What stands on one baseline, in cells where there are wide gaps between its pieces."""

    y: float
    size: float
    """Of its longest piece: bullets and footnote marks have others."""
    bold: bool
    cells: list[tuple[float, str]]

    @property
    def text(self) -> str:
        return " ".join(text for _, text in self.cells if text)

    @property
    def x(self) -> float:
        return self.cells[0][0]


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    lines: list[Line] = field(default_factory=list)
    bottom: float = 0.0
    top: float = 0.0

    @property
    def letters(self) -> int:
        return sum(len(text) for line in self.lines for _, text in line.cells)


def page_of(fragments: Iterable[Fragment], *, bottom: float, top: float) -> Page:
    """
    The page's lines in reading order: as they were drawn, unless that jumps about the page.

    `bottom` and `top` are the edges of the paper on the fragments' `y`.
    """
    pieces = [piece for piece in fragments if piece.text.strip()]
    lines = _lines(pieces)
    jumps = sum(1 for before, line in pairwise(lines) if line.y > before.y + 2 * line.size)
    if jumps > max(4, len(lines) // 10):
        pieces.sort(key=lambda piece: (-round(piece.y / 2), piece.x))
        lines = _lines(pieces)
    return Page(lines=_side_by_side(lines), bottom=bottom, top=top)


def width_of(text: str, size: float, font: str) -> float:
    """About how wide a text is, by what its letters usually are; the error is about a tenth."""
    units = 0.0
    for letter in text.strip():
        if letter in _NARROW:
            units += 0.3
        elif letter in _WIDE:
            units += 0.85
        elif letter > "\u2e80":
            units += 1.0
        else:
            units += 0.65 if letter.isupper() else 0.53
    return units * size * (0.9 if _SERIF.search(font) else 1.0)


def _lines(fragments: Sequence[Fragment]) -> list[Line]:
    """Pieces on one baseline make a line; wide gaps, and places where cells of other lines begin, part it."""
    rows: list[list[Fragment]] = []
    for piece in fragments:
        if rows and _goes_on(rows[-1], piece):
            rows[-1].append(piece)
        else:
            rows.append([piece])
    begins: Counter[int] = Counter()
    for row in rows:
        pairs = pairwise(row)
        begins.update({round(b.x) for a, b in pairs if b.x - _end(a) > _GAP * max(a.size, b.size)})
    columns = {x + near for x, count in begins.items() if count > 1 for near in (-1, 0, 1)}
    return [_line(row, columns) for row in rows]


def _goes_on(row: Sequence[Fragment], piece: Fragment) -> bool:
    heaviest = max(row, key=lambda one: len(one.text.strip()))
    size = max(piece.size, heaviest.size)
    return abs(heaviest.y - piece.y) < 0.5 * size and piece.x > _end(row[-1]) - 3 * size - 0.2 * row[-1].width


def _line(row: Sequence[Fragment], columns: Collection[int]) -> Line:
    heaviest = max(row, key=lambda one: len(one.text.strip()))
    cells: list[tuple[float, str]] = []
    before: Fragment | None = None
    for piece in row:
        text = piece.text.translate(_LIGATURES).replace("\n", "")
        if before is None:
            cells.append((piece.x, text.strip()))
        else:
            gap = piece.x - _end(before)
            spaced = text[:1].isspace() or before.text[-1:].isspace()
            size = max(piece.size, before.size)
            if gap > _GAP * size or (spaced and round(piece.x) in columns and gap > -0.2 * before.width):
                cells.append((piece.x, text.strip()))
            else:
                # pypdf puts the space at the start of the later piece where it sees a gap.
                space = " " if spaced or gap > 0.25 * size else ""
                cells[-1] = (cells[-1][0], f"{cells[-1][1]}{space}{text.strip()}")
        before = piece
    return Line(
        y=heaviest.y,
        size=heaviest.size,
        bold=all(piece.bold for piece in row),
        cells=cells,
    )


def _end(piece: Fragment) -> float:
    return piece.x + piece.width


def _side_by_side(lines: list[Line]) -> list[Line]:
    """Two columns of running text drawn line by line: first the left one, then the right one."""
    found: list[Line] = []
    run: list[Line] = []

    def take() -> None:
        long = sum(all(len(text) > 25 for _, text in line.cells) for line in run)
        if len(run) < 5 or long < 0.6 * len(run):
            found.extend(run)
        else:
            for number in (0, 1):
                for line in run:
                    found.append(replace(line, cells=[line.cells[number]]))
        run.clear()

    for line in lines:
        if len(line.cells) == 2 and (not run or abs(run[-1].cells[1][0] - line.cells[1][0]) < 2 * line.size):
            run.append(line)
        else:
            take()
            if len(line.cells) == 2:
                run.append(line)
            else:
                found.append(line)
    take()
    return found


def without_margins(pages: Sequence[Page]) -> Iterator[list[Line]]:
    """The pages' lines without running headers, footers and page numbers."""
    sizes: Counter[float] = Counter()
    for page in pages:
        for line in page.lines:
            sizes[line.size] += len(line.text)
    large = HEADING * sizes.most_common(1)[0][0] if sizes else 0.0

    def pattern(line: Line) -> str:
        # `Step 1` and `Step 2`, each at the top of a page, are headings; `Page 1` and `Page 2` are not.
        return line.text if line.size >= large else _NUMBER.sub("#", line.text.casefold())

    seen: Counter[tuple[str, int]] = Counter()
    for page in pages:
        lines = [page.lines[at] for at in _edges(page)]
        seen.update({(pattern(line), round(line.y / 8)) for line in lines})
    often = max(2, round(len(pages) * 0.4))
    for page in pages:
        drop = set()
        for at in _edges(page):
            line = page.lines[at]
            place = round(line.y / 8)
            count = max(seen[pattern(line), near] for near in (place - 1, place, place + 1))
            numbers = len(pages) > 1 and _PAGE_NUMBER.fullmatch(line.text)
            if numbers or (len(pages) > 1 and count >= often and len(line.text) < 120):
                drop.add(at)
        yield [line for at, line in enumerate(page.lines) if at not in drop]


def _edges(page: Page) -> list[int]:
    """Where among the page's lines the highest and the lowest stand; they may be drawn in any order."""
    order = sorted(range(len(page.lines)), key=lambda at: -page.lines[at].y)
    margin = _MARGIN * (page.top - page.bottom)
    outer = {at for at in order if not page.bottom + margin < page.lines[at].y < page.top - margin}
    return [at for at in dict.fromkeys([*order[:_MARGIN_LINES], *order[-_MARGIN_LINES:]]) if at in outer]
