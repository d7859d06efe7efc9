"""Web tables: rows and columns as Markdown, and tables that only lay out a page told from them."""

import re
from typing import Any, Final

from candor.sources.web_chrome import Chrome

MAX_COLUMNS: Final = 60
MAX_ROWS: Final = 5_000
MAX_CELLS: Final = 50_000
MAX_CELL: Final = 1_000
"""Letters in a cell on average above which a table is a layout: people compare short things in tables."""

_SPACE = re.compile(r"\s+")
_CHECKS: Final = re.compile(r"(?:^|[-_ ])(?:check|tick|yes|available|included)(?:$|[-_ ])", re.IGNORECASE)
_CROSSES: Final = re.compile(
    r"(?:^|[-_ ])(?:cross|times|xmark|no|unavailable|not-included|close)(?:$|[-_ ])", re.IGNORECASE
)


def is_data(table: Any) -> bool:
    """Whether rows and columns mean something: at least two of each, or header cells, and no page inside."""
    role = table.get("role") or ""
    if role in ("presentation", "none"):
        return False
    rows = cells = headers = letters = widest = 0
    for row in table.iter("tr"):
        rows += 1
        width = 0
        for cell in row:
            if cell.tag in ("td", "th"):
                width += 1
                headers += cell.tag == "th"
        cells += width
        widest = max(widest, width)
        if rows > 50:
            break
    if (
        not cells
        or next(table.iterdescendants("table", "h1", "h2", "main", "article", "form"), None) is not None
    ):
        return False
    letters = sum(map(len, table.itertext()))
    if headers:
        return widest > 1 or rows > 1
    return rows > 1 and widest > 1 and letters / cells < MAX_CELL


def table_of(table: Any, chrome: Chrome) -> tuple[str, str]:
    """The caption, and the rows; a cell that spans several stands in each of them."""
    caption = ""
    rows: list[list[str]] = []
    headed = False
    cells_so_far = 0
    below: dict[int, tuple[int, str]] = {}
    for part in table.iter("caption", "tr"):
        if part.tag == "caption":
            caption = _words(part, chrome)
            continue
        if len(rows) >= MAX_ROWS or cells_so_far > MAX_CELLS:
            break
        row: list[str] = []
        cells = [cell for cell in part if cell.tag in ("td", "th")]
        for cell in cells:
            _fill(row, below)
            text = _words(cell, chrome).replace("|", "/")
            down = _span(cell.get("rowspan"))
            for _ in range(_span(cell.get("colspan"))):
                if len(row) >= MAX_COLUMNS:
                    break
                if down > 1:
                    below[len(row)] = (down - 1, text)
                row.append(text)
        _fill(row, below)
        cells_so_far += len(row)
        if any(row):
            if not rows:
                headed = all(cell.tag == "th" for cell in cells) or part.getparent().tag == "thead"
            rows.append(row)
    if not rows:
        return caption, ""
    width = max(map(len, rows))
    rows = [row + [""] * (width - len(row)) for row in rows]
    if not headed and width == 2:
        # Name and value: without a row of headings the first pair must not become one.
        return caption, "\n".join(f"| {name} | {value} |" for name, value in rows)
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "|" + " --- |" * width)
    return caption, "\n".join(lines)


def _fill(row: list[str], below: dict[int, tuple[int, str]]) -> None:
    """Cells of rows above that reach down to here."""
    while len(row) in below:
        left, text = below.pop(len(row))
        if left > 1:
            below[len(row)] = (left - 1, text)
        row.append(text)


def _span(value: str | None) -> int:
    return max(1, min(int(value), MAX_COLUMNS)) if value and value.isdigit() and len(value) < 5 else 1


def _words(cell: Any, chrome: Chrome) -> str:
    parts: list[str] = []
    for element in cell.iter():
        if element is not cell and element.tag in ("br", "p", "div", "li", "ul", "ol"):
            parts.append("; " if element.tag == "li" and any(part.strip() for part in parts) else " ")
        if chrome.is_silent(element):
            parts.append(element.tail or "")
            continue
        if element.text:
            parts.append(element.text)
        elif element.tag in ("i", "span", "svg", "img") and not len(element):
            parts.append(_mark(element))
        if element is not cell and element.tail:
            parts.append(element.tail)
    return _SPACE.sub(" ", "".join(parts)).strip(" ;")


def _mark(element: Any) -> str:
    """A tick or a cross drawn by an icon is the whole answer of its cell."""
    label = element.get("aria-label") or element.get("alt") or element.get("title") or ""
    if label:
        return f" {label} "
    name = element.get("class") or ""
    return "✓" if _CHECKS.search(name) else "✗" if _CROSSES.search(name) else ""
