"""PDF layout: the lines of all pages become headings, paragraphs, lists and tables."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

from candor.sources.pdf_lines import HEADING, Line, Page, without_margins
from candor.sources.whole import laid_out

_LONGEST_HEADING = 160
_LONGEST_PARAGRAPH = 5_000
"""Letters after which one ends, whatever comes: a page of a book has 3,000."""

_HEADING_LEVELS = 4

_BULLET = re.compile(r"^[\x7f•●○◦▪▫■□‣⁃∙·\uf0b7\uf0a7\uf0d8\uf076\uf0fc✓✔➢►▸][ \t]*(?=\S)|^[–—][ \t]+(?=\S)")
_LONE_BULLET = re.compile(r"[\x7f•●○◦▪▫■□‣⁃∙·\uf0b7\uf0a7\uf0d8\uf076\uf0fc✓✔➢►▸–—-]|\d{1,3}[.)]|\(?[a-z]\)")
_NUMBERED = re.compile(r"^\d{1,3}[.)][ \t]+\S")
_SENTENCE_END = (".", "!", "?", ":", ";", "…", ",")


def text_of(pages: Sequence[Page]) -> str:
    """All pages as one Markdown-like text, without what is repeated on each of them."""
    kept = list(without_margins(pages))
    sizes: Counter[float] = Counter()
    for lines in kept:
        for line in lines:
            sizes[round(line.size * 2) / 2] += len(line.text)
    body = sizes.most_common(1)[0][0] if sizes else 0.0
    larger = sorted({size for size in sizes if size >= body * HEADING}, reverse=True)
    levels = {size: min(_HEADING_LEVELS, number) for number, size in enumerate(larger, 1)}
    writer = _Writer(body=body, levels=levels)
    for lines in kept:
        writer.add(lines)
    return writer.text()


@dataclass(kw_only=True, slots=True)
class _Writer:
    """Lines in, Markdown-like blocks out; a paragraph may go on over the end of a page."""

    body: float
    levels: dict[float, int]
    blocks: list[str] = field(default_factory=list)
    _held: list[str] = field(default_factory=list)
    """Lines of the block that is being written; `_letters` is how many there are in them."""
    _letters: int = 0
    _kind: str = ""
    _table: list[Line] = field(default_factory=list)
    _before: Line | None = None
    _heading: tuple[int, float] = (0, 0.0)

    def add(self, lines: Sequence[Line]) -> None:
        drops = [a.y - b.y for a, b in pairwise(lines) if 0 < a.y - b.y < 4 * a.size]
        leading = median(drops) if drops else self.body * 1.2
        new_page = True
        for line in lines:
            if len(line.cells) == 2 and _LONE_BULLET.fullmatch(line.cells[0][1]):
                line.cells[:] = [(line.x, f"{line.cells[0][1]} {line.cells[1][1]}")]
            if len(line.cells) > 1:
                self._close()
                if new_page and self._table and len(self._table[-1].cells) != len(line.cells):
                    self._close_table()
                self._table.append(line)
            elif self._continues_cell(line):
                self._into_cell(line)
            else:
                self._close_table()
                self._line(line, leading, new_page=new_page)
            self._before = line
            new_page = False

    def text(self) -> str:
        self._close()
        self._close_table()
        return laid_out(self.blocks)

    def _line(self, line: Line, leading: float, *, new_page: bool) -> None:
        text = line.text
        level = self._level(line, leading, new_page=new_page)
        if level:
            goes_on = self._kind == "heading" and self._heading == (level, line.size) and not new_page
            if goes_on and self._gap(line) < 1.45 * line.size:
                self._continue(text)
            else:
                self._begin("heading", f"{'#' * level} {text}")
                self._heading = (level, line.size)
            return
        bullet = _BULLET.match(text)
        if bullet:
            self._begin("item", f"- {text[bullet.end() :].strip()}")
        elif _NUMBERED.match(text) and (self._kind == "item" or self._gap(line) > 1.05 * leading or new_page):
            self._begin("item", text)
        elif self._kind in ("", "heading") or self._breaks(line, leading, new_page=new_page):
            self._begin("paragraph", text)
        else:
            self._continue(text)

    def _level(self, line: Line, leading: float, *, new_page: bool) -> int:
        """The level of a heading, 0 for anything else."""
        text = line.text
        if len(text) > _LONGEST_HEADING or not any(letter.isalpha() for letter in text):
            return 0
        if level := self.levels.get(round(line.size * 2) / 2, 0):
            return level
        stands_alone = new_page or self._kind == "" or self._gap(line) > 1.25 * leading
        short = len(text) < 80 and not text.endswith(_SENTENCE_END) and not _BULLET.match(text)
        if line.bold and stands_alone and short and line.size >= self.body * 0.98:
            return min(_HEADING_LEVELS + 1, len(set(self.levels.values())) + 1)
        return 0

    def _breaks(self, line: Line, leading: float, *, new_page: bool) -> bool:
        """Whether a new paragraph begins here."""
        before = self._before
        if before is None or self._letters > _LONGEST_PARAGRAPH:
            return True
        ended = bool(self._held) and self._held[-1].endswith((".", "!", "?", ":", "…"))
        if new_page or line.y > before.y:
            # The next page or column: a sentence that has not ended goes on.
            return ended
        if self._kind == "item" and line.x < before.x - line.size and not _BULLET.match(before.text):
            return True
        indented = line.x > before.x + line.size and self._kind == "paragraph"
        return self._gap(line) > 1.35 * leading or (indented and ended)

    def _gap(self, line: Line) -> float:
        return self._before.y - line.y if self._before is not None else float("inf")

    def _begin(self, kind: str, text: str) -> None:
        self._close()
        self._kind = kind
        self._continue(text)

    def _continue(self, text: str) -> None:
        self._held.append(text)
        self._letters += len(text)

    def _close(self) -> None:
        if not self._held:
            return
        text = ""
        parts: list[str] = []
        for line in self._held:
            if not text:
                text = line
            elif (whole := _joined(text, line)) is not None:
                text = whole
            else:
                parts.append(text)
                text = line
        self.blocks.append(" ".join([*parts, text]))
        self._held.clear()
        self._letters, self._kind = 0, ""

    def _continues_cell(self, line: Line) -> bool:
        """A single piece right below a table's row, where one of its cells begins."""
        if not self._table:
            return False
        above = self._table[-1]
        lowest = self._before.y if self._before is not None else above.y
        near = 0 < lowest - line.y < 1.45 * line.size
        in_later_cell = any(abs(x - line.x) < line.size for x, _ in above.cells[1:])
        return near and in_later_cell

    def _into_cell(self, line: Line) -> None:
        cells = self._table[-1].cells
        at = min(range(len(cells)), key=lambda number: abs(cells[number][0] - line.x))
        above = cells[at][1]
        cells[at] = (cells[at][0], _joined(above, line.text) or f"{above} {line.text}")

    def _close_table(self) -> None:
        if not self._table:
            return
        rows, self._table = self._table, []
        widest = max(rows, key=lambda row: len(row.cells))
        if len(rows) < 2 or (len(rows) == 2 and len(widest.cells) < 3):
            for row in rows:
                self.blocks.append(row.text)
            return
        table = []
        for row in rows:
            cells = [""] * len(widest.cells)
            for number, (x, text) in enumerate(row.cells):
                at = number
                if len(row.cells) != len(widest.cells):
                    at = min(range(len(cells)), key=lambda column: abs(widest.cells[column][0] - x))
                cells[at] = f"{cells[at]} {text}".strip()
            table.append("| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |")
        table.insert(1, "|" + " --- |" * len(widest.cells))
        self.blocks.append("\n".join(table))


def _joined(before: str, after: str) -> str | None:
    """Two lines of which the first ends in the middle of a word, which is made whole; None for others."""
    if before.endswith("\u00ad"):
        return before[:-1] + after
    if len(before) > 1 and before.endswith(("-", "‐")) and before[-2].isalpha() and after[:1].islower():
        return before[:-1] + after
    return None
