"""Units: the sentences, list items, table rows and code a passage is made of."""

import re
from dataclasses import dataclass
from typing import Literal

from candor.answering.cleaning import plain

Kind = Literal["sentence", "lead", "item", "step", "row", "code", "heading", "asked"]

_FENCE = re.compile(r"\s*(```|~~~)")
_ITEM = re.compile(r"(\s*)(?:([-*+•])|(\d{1,3})[.)])\s+(?=\S)")
_HEADING = re.compile(r"\s*#{1,6}\s+\S")
_BOLD_LINE = re.compile(r"\s*\*\*[^*]{2,80}\*\*:?\s*$")
_ROW = re.compile(r"\s*\|.*\|\s*$")
_RULE = re.compile(r"\s*\|?[\s:|-]*-{2,}[\s:|-]*\|?\s*$")
_ASKED = re.compile(
    r"\s*\**(?:customer|client|user|question|q|клиент|вопрос|kunde|frage|cliente|pregunta)\**\s*:", re.I
)
_SPEAKER = re.compile(
    r"^\**(?:answer|a|staff|support|agent|resolution|solution|ответ|antwort|respuesta)\**\s*:\**\s*", re.I
)
_END = re.compile(r"[.!?…]+[\"'”»)\]*_`]*(?=\s+[\"'“«(\[*_`]*[^\Wa-zа-яёіїєґ_]|\s*$)|[。！？]")
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|approx|incl|no|nr|fig|dr|mr|mrs|ms|st|inc|ltd|z\.\s?b|bzw|ca|usw|evtl|т\.\s?е|т\.\s?д|"
    r"напр|см|руб|стр|т\.\s?п|p\.\s?ej|sr|sra|ud|tp|ths)|\b[A-Za-zА-Яа-я])\.$",
    re.I,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Unit:
    """
    The smallest piece that can be quoted. `passage_text[start:end]` is it literally.

    Units of one `block` (a paragraph, list, table, code) belong together; blocks count from 0.
    """

    kind: Kind
    text: str
    """For a reader: markup, links and HTML made plain."""
    start: int
    end: int
    block: int
    depth: int = 0
    number: int | None = None
    """Of a step, as it stands."""
    label: str = ""
    """Of a row: its first cell. What stands above it, for matching only."""


def units(text: str) -> list[Unit]:
    """The units of a passage in order. Linear in its length."""
    lines: list[tuple[int, str]] = []
    at = 0
    for line in text.split("\n"):
        lines.append((at, line))
        at += len(line) + 1
    found: list[Unit] = []
    block = -1
    index = _cut_code(text, lines, found)
    if found:
        block = 0
    in_list = False
    after_blank = True
    while index < len(lines):
        start, line = lines[index]
        if not line.strip():
            after_blank = True
            index += 1
            continue
        if _FENCE.match(line):
            block += 1
            index = _code(text, lines, index, block, found)
            in_list = in_list and bool(line[:1].isspace())
        elif _ROW.match(line) or (
            "|" in line
            and index + 1 < len(lines)
            and _RULE.match(lines[index + 1][1])
            and "|" in lines[index + 1][1]
        ):
            block += 1
            index = _table(lines, index, block, found)
            in_list = False
        elif _HEADING.match(line) or _BOLD_LINE.match(line) or (after_blank and _titled(lines, index)):
            block += 1
            title = plain(line.strip().lstrip("#")).strip(" *:")
            found.append(Unit(kind="heading", text=title, start=start, end=start + len(line), block=block))
            index += 1
            in_list = False
        elif _ITEM.match(line):
            if not in_list:
                block += 1
            in_list = True
            index = _item(text, lines, index, block, found)
        else:
            if in_list and not line[:1].isspace() and after_blank:
                in_list = False
            block += 1
            index = _paragraph(text, lines, index, block, found)
        after_blank = False
    return found


def _cut_code(text: str, lines: list[tuple[int, str]], found: list[Unit]) -> int:
    """A passage may begin in the middle of a code block: up to its closing fence it is code. Lines read."""
    fences = [number for number, (_, line) in enumerate(lines) if _FENCE.match(line)]
    if len(fences) % 2 == 0:
        return 0
    first = fences[0]
    closes = lines[first][1].strip() in ("```", "~~~") and (
        first + 1 == len(lines) or not lines[first + 1][1].strip()
    )
    if not closes or not first:
        return 0
    end = lines[first - 1][0] + len(lines[first - 1][1])
    code = text[:end].strip("\n")
    if code.strip():
        found.append(Unit(kind="code", text=code, start=0, end=end, block=0))
    return first + 1


def _titled(lines: list[tuple[int, str]], index: int) -> bool:
    """
    Whether this line is the heading of what follows.

    Where small sections were joined into one passage their headings stand as plain lines above the text.
    """
    line = lines[index][1].strip()
    if not 3 <= len(line) <= 90 or line[-1] in ".!:;,…" or _ITEM.match(line) or index + 1 >= len(lines):
        return False
    following = lines[index + 1][1].lstrip()
    opens = line.lstrip('*_`«“"(')[:1]
    begins = following.lstrip('*_`«“"(>[!')[:1]
    return (
        bool(following)
        and (
            opens.isupper()
            or opens.isdigit()
            or " › " in line
            or line.endswith("?")
            or "-" in line.split()[0]
        )
        and (
            begins.isupper()
            or begins.isdigit()
            or bool(_ITEM.match(following))
            or bool(_FENCE.match(following))
            or bool(_ROW.match(following))
        )
        and len(line.split()) <= 14
    )


def _code(text: str, lines: list[tuple[int, str]], index: int, block: int, found: list[Unit]) -> int:
    first = index + 1
    last = first
    while last < len(lines) and not _FENCE.match(lines[last][1]):
        last += 1
    body = [line for _, line in lines[first:last]]
    margin = min((len(line) - len(line.lstrip()) for line in body if line.strip()), default=0)
    code = "\n".join(line[margin:].rstrip() for line in body).strip("\n")
    if code.strip():
        end = lines[last - 1][0] + len(lines[last - 1][1])
        found.append(Unit(kind="code", text=code, start=lines[first][0], end=end, block=block))
    return last + 1


def _cells(line: str) -> list[str]:
    return [plain(cell).strip() for cell in line.strip().strip("|").split("|")]


def _table(lines: list[tuple[int, str]], index: int, block: int, found: list[Unit]) -> int:
    header: list[str] = []
    if index + 1 < len(lines) and _RULE.match(lines[index + 1][1]):
        header = _cells(lines[index][1])
        index += 2
    while index < len(lines) and "|" in lines[index][1] and lines[index][1].strip():
        start, line = lines[index]
        index += 1
        if _RULE.match(line):
            continue
        cells = _cells(line)
        label = cells[0]
        rest = [
            f"{header[number]}: {cell}" if number < len(header) and header[number] else cell
            for number, cell in enumerate(cells[1:], start=1)
            if cell
        ]
        reading = f"{label}: " + "; ".join(rest) if label and rest else label or "; ".join(rest)
        if reading:
            found.append(
                Unit(
                    kind="row",
                    text=reading,
                    start=start + len(line) - len(line.lstrip()),
                    end=start + len(line.rstrip()),
                    block=block,
                    label=" ".join(header),
                )
            )
    return index


def _item(text: str, lines: list[tuple[int, str]], index: int, block: int, found: list[Unit]) -> int:
    start, line = lines[index]
    match = _ITEM.match(line)
    assert match is not None
    indent, _, number = match.groups()
    last = index + 1
    while last < len(lines):
        following = lines[last][1]
        if not following.strip() or (not following[:1].isspace() and not _lazy(following)):
            break
        if (
            _ITEM.match(following)
            or _FENCE.match(following)
            or _ROW.match(following)
            or _HEADING.match(following)
        ):
            break
        last += 1
    begin = start + match.end()
    end = lines[last - 1][0] + len(lines[last - 1][1].rstrip())
    reading = plain(text[begin:end])
    if reading:
        found.append(
            Unit(
                kind="step" if number else "item",
                text=reading,
                start=begin,
                end=end,
                block=block,
                depth=len(indent.expandtabs(4)) // 2,
                number=int(number) if number else None,
            )
        )
    return last


def _lazy(line: str) -> bool:
    """A line that goes on an item without indentation."""
    return bool(line) and not (
        _ITEM.match(line) or _FENCE.match(line) or _ROW.match(line) or _HEADING.match(line)
    )


def _paragraph(text: str, lines: list[tuple[int, str]], index: int, block: int, found: list[Unit]) -> int:
    first = last = index
    while last < len(lines):
        line = lines[last][1]
        if not line.strip() or (
            (last > first and not _lazy(line))
            or (last > first and (_ASKED.match(line) or _SPEAKER.match(line.strip())))
        ):
            break
        last += 1
    begin = lines[first][0]
    end = lines[last - 1][0] + len(lines[last - 1][1])
    asked = bool(_ASKED.match(text[begin:end]))
    for start, stop in sentences(text[begin:end]):
        reading = _SPEAKER.sub("", plain(text[begin + start : begin + stop]))
        if not reading:
            continue
        kind: Kind = "asked" if asked else "lead" if reading.endswith(":") else "sentence"
        found.append(Unit(kind=kind, text=reading, start=begin + start, end=begin + stop, block=block))
    return last


def sentences(text: str) -> list[tuple[int, int]]:
    """Where the sentences of running text start and end, blanks left out."""
    found = []
    start = 0
    for match in _END.finditer(text):
        before = text[max(start, match.start() - 12) : match.start() + 1]
        last = match.end() >= len(text.rstrip())
        if match.group()[0] == "." and not last and _ABBREVIATION.search(before):
            continue
        found.append((start, match.end()))
        start = match.end()
    if text[start:].strip():
        found.append((start, len(text)))
    trimmed = []
    for begin, end in found:
        piece = text[begin:end]
        left = len(piece) - len(piece.lstrip())
        right = len(piece.rstrip())
        if right > left:
            trimmed.append((begin + left, begin + right))
    return trimmed
