"""Markup: Markdown-like text taken apart into headed blocks: paragraphs, list items, tables, code."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

_HEADING = re.compile(r"(#{1,6})[ \t]+(\S.*?)[ \t]*#*$")
_UNDERLINE = re.compile(r"(=+|-{2,})[ \t]*$")
_ITEM = re.compile(r"[ \t]*(?:[-*+•]|\d{1,3}[.)])[ \t]+\S")
_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})")
_ROW = re.compile(r"[ \t]*\|.*\|[ \t]*$")
_RULE = re.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")
_EMPHASIS = re.compile(r"[*_`]+")

_SENTENCE_END = re.compile(r"(?:[.!?…]+[\"'”’»)\]]*(?=\s)|[。！？]+)\s*")
_ABBREVIATED = re.compile(
    r"(?:^|[\s(\"«“])(?:[A-Za-zА-Яа-яЁёІіЇї]|e\.g|i\.e|etc|vs|cf|approx|incl|no|mr|mrs|ms|dr|st|inc|ltd|co|fig|"
    r"т\.е|т\.к|т\.д|т\.п|др|пр|см|ул|руб|грн|стр|напр|z\.b|d\.h|bzw|usw|ca|nr|p\.ej|sr|sra)\.$",
    re.IGNORECASE,
)


class Kind(StrEnum):
    PARAGRAPH = "paragraph"
    ITEM = "item"
    TABLE = "table"
    CODE = "code"


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """One paragraph, list item, whole table or whole fenced code block, as written."""

    kind: Kind
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """The blocks between one heading and the next; `path` is its headings, outermost first."""

    path: tuple[str, ...]
    blocks: tuple[Block, ...]


def sections(text: str) -> list[Section]:
    """
    The text's sections in order. A heading with nothing under it is a section without blocks.

    A `#` inside a code fence is no heading; an unclosed fence reaches to the end.
    """
    found: list[Section] = []
    stack: list[tuple[int, str]] = []
    body: list[str] = []

    def close() -> None:
        blocks = tuple(_blocks(body))
        if blocks or stack:
            found.append(Section(path=tuple(title for _, title in stack), blocks=blocks))
        body.clear()

    fence = ""
    for line in text.splitlines():
        if marker := _FENCE.match(line):
            if not fence:
                fence = marker[1]
            elif marker[1].startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
            body.append(line)
            continue
        if fence:
            body.append(line)
            continue
        level, title = _heading(line, body)
        if level == 0:
            body.append(line)
            continue
        if not line.startswith("#"):
            body.pop()  # The title stood on the line above its underline.
        close()
        while stack and stack[-1][0] >= level:
            stack.pop()
        stack.append((level, title))
    close()
    return found


def first_heading(text: str) -> str:
    """The first heading's words, or nothing."""
    return next((section.path[-1] for section in sections(text) if section.path), "")


def sentences(text: str) -> list[str]:
    """
    A paragraph's sentences, which joined by a space are the paragraph again but for its white space.

    A full stop inside a number, an address or a common abbreviation ends nothing.
    """
    found: list[str] = []
    start = 0
    for end in _SENTENCE_END.finditer(text):
        before, after = text[start : end.end()].strip(), text[end.end() : end.end() + 1]
        if not before or after.islower() or _ABBREVIATED.search(before):
            continue
        found.append(before)
        start = end.end()
    if rest := text[start:].strip():
        found.append(rest)
    return found


def table_parts(table: str) -> tuple[str, list[str]]:
    """A table's header (with its rule, if it has one) and its rows."""
    lines = table.splitlines()
    if len(lines) > 1 and _RULE.match(lines[1]):
        return "\n".join(lines[:2]), lines[2:]
    return (lines[0], lines[1:]) if len(lines) > 1 else ("", lines)


def _heading(line: str, body: list[str]) -> tuple[int, str]:
    """The level and words of a heading that ends on this line; level 0 when there is none."""
    if match := _HEADING.match(line):
        return len(match[1]), _EMPHASIS.sub("", match[2]).strip() or match[2]
    title = body[-1].strip() if body else ""
    starts_afresh = len(body) < 2 or not body[-2].strip()
    plain = title and starts_afresh and not _ITEM.match(title) and not _ROW.match(title)
    if (match := _UNDERLINE.match(line)) and plain and len(title) <= 120:
        return (1 if match[1][0] == "=" else 2), _EMPHASIS.sub("", title).strip() or title
    return 0, ""


def _blocks(lines: list[str]) -> Iterator[Block]:
    held: list[str] = []
    kind = Kind.PARAGRAPH
    fence = ""

    def take() -> Iterator[Block]:
        if text := "\n".join(held).strip("\n").rstrip():
            yield Block(kind=kind, text=text)
        held.clear()

    for line in lines:
        marker = _FENCE.match(line)
        if fence:
            held.append(line)
            if marker and marker[1].startswith(fence) and not line.strip().strip(fence[0]):
                yield from take()
                kind, fence = Kind.PARAGRAPH, ""
        elif marker:
            yield from take()
            kind, fence = Kind.CODE, marker[1]
            held.append(line)
        elif not line.strip():
            yield from take()
            kind = Kind.PARAGRAPH
        else:
            here = Kind.TABLE if _ROW.match(line) else Kind.ITEM if _ITEM.match(line) else Kind.PARAGRAPH
            # A line below an item belongs to it, one below a table does not.
            goes_on = here == kind == Kind.TABLE or (here == Kind.PARAGRAPH and kind in (here, Kind.ITEM))
            if held and not goes_on:
                yield from take()
            if not held:
                kind = here
            held.append(line)
    yield from take()
