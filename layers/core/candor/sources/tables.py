"""Tables: rows of cells as Markdown, whose first row every passage of the table will repeat."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

MAX_COLUMNS: Final = 500
"""Of a table in a text; Word ends at 63."""

_NUMBER = re.compile(r"[^\w\s]{0,3}\s?[-+]?\d[\d\s.,:/%-]*(?:[A-Za-z€$£₽₴%.]{0,4})?")


def cell(text: str) -> str:
    """A cell's text on one line, without what would part the table."""
    return " ".join(text.split()).replace("|", "/")


def table(rows: Iterable[Sequence[str]]) -> str:
    """
    A table whose first row is its header. Rows and columns without a word are left out.

    A table of one column is no table: its cells become paragraphs. Cells are on one line each.
    """
    kept = [[cell(text) for text in row] for row in rows]
    kept = [row for row in kept if any(row)]
    if not kept:
        return ""
    width = max(map(len, kept))
    used = [at for at in range(width) if any(at < len(row) and row[at] for row in kept)]
    if len(used) == 1:
        return "\n\n".join(row[used[0]] for row in kept)
    lines = ["| " + " | ".join(row[at] if at < len(row) else "" for at in used) + " |" for row in kept]
    lines.insert(1, "|" + " --- |" * len(used))
    return "\n".join(lines)


def is_header(row: Sequence[str], following: Sequence[Sequence[str]]) -> bool:
    """Whether a row names its columns: words only, no number, and not fewer than the rows below have."""
    named = [text for text in row if text.strip()]
    if len(named) < 2 or any(_NUMBER.fullmatch(text.strip()) for text in named):
        return False
    if len({text.casefold() for text in named}) < len(named):
        return False
    widths = sorted(sum(1 for text in other if text.strip()) for other in following[:20])
    return not widths or len(named) >= widths[len(widths) // 2] - 1


def sheet(rows: Sequence[Sequence[str]]) -> str:
    """
    The rows of a sheet as headed tables and paragraphs.

    A row with one cell above a table is its caption. A blank row ends a table; rows below it that have
    no header of their own go on under the one above.
    """
    blocks: list[str] = []
    held: list[Sequence[str]] = []
    header: Sequence[str] | None = None

    def take() -> None:
        nonlocal header
        at = 0
        while at < len(held) and _filled(held[at]) == 1 and (at + 1 == len(held) or _filled(held[at]) == 1):
            blocks.append(next(cell(text) for text in held[at] if text.strip()))
            at += 1
        body = held[at:]
        if body:
            if is_header(body[0], body[1:]):
                header = body[0] if len(body) > 1 else header
                blocks.append(table(body))
            elif header is not None and max(map(len, body)) <= len(header):
                blocks.append(_under(header, body))
            else:
                blocks.append(_under(_letters(max(map(len, body))), body))
        held.clear()

    for row in rows:
        if any(text.strip() for text in row):
            held.append(row)
        else:
            take()
    take()
    return "\n\n".join(block for block in blocks if block)


def _under(header: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """Rows without a header of their own under another one; its names only where there are cells."""
    used = {at for row in body for at, text in enumerate(row) if text.strip()}
    if len(used) < 2:
        return table(body)
    return table([[name if at in used else "" for at, name in enumerate(header)], *body])


def _filled(row: Sequence[str]) -> int:
    return sum(1 for text in row if text.strip())


def _letters(width: int) -> list[str]:
    """A, B, C … as a sheet calls its columns."""
    names = []
    for number in range(width):
        name, rest = "", number
        while True:
            name = chr(ord("A") + rest % 26) + name
            rest = rest // 26 - 1
            if rest < 0:
                break
        names.append(name)
    return names
