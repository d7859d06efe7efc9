"""Chunking: a document becomes passages short enough to embed, to find and to quote."""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import zip_longest

from candor import language
from candor.documents import Document
from candor.markup import Block, Kind, Section, sections, sentences, table_parts
from candor.search import Passage

TARGET_WORDS = 120
"""Between 60 and 200 words the ranking changes by less than .01 nDCG@10: 120 quotes well."""

MIN_WORDS = 60
MAX_WORDS = 200

MAX_PIECES = 230
"""
The embedded model reads 256 word pieces, two of them its own marks; what is longer it never sees. They are
estimated here, and the estimate errs by up to a tenth.
"""

_MAX_ROW_PIECES = MAX_PIECES * 2 // 3
"""Of a table's row with its header above it: longer ones are taken apart into their cells."""

_TOKEN = re.compile(r"[^\W_]+|[^\s\w]|_")
_PATH_JOINER = " › "
_SEES_LANGUAGE_FROM = 8
"""Words below which a passage says little about its language, and the document's is taken."""

_SURE_WORDS = 2.0
"""Small words by which a passage must be ahead to be of another language than its document: a table of
prices "per month" was Italian for the one word, and no English question came near it."""

_TELLING_LETTERS = 300
"""As much of a text as its language is told by: looking at all of it cost more than all else here."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Unit:
    """The smallest stretch that is kept whole: a sentence, a list item, a table's row, a line of code."""

    text: str
    joiner: str
    """What stands between it and the unit before, when both are in one passage."""
    header: str = ""
    """A table's header: repeated where a passage begins with this row."""
    words: int
    pieces: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _Group:
    """Sections that go together under the headings they share."""

    path: tuple[str, ...]
    units: tuple[_Unit, ...]

    @property
    def words(self) -> int:
        return sum(unit.words for unit in self.units)


def chunk(document: Document, text: str, *, target_words: int = TARGET_WORDS) -> list[Passage]:
    """
    The document's passages, in order; none for a text without a word.

    Sentences, list items and table rows are cut only where one alone is too long for the embedder. The
    same text gives the same passages under the same ids.
    """
    room = MAX_PIECES - _pieces(document.title)
    groups = _joined([_group(section) for section in sections(text)], target_words)
    if not any(group.units for group in groups):
        groups = [_Group(path=(), units=tuple(_units([Block(kind=Kind.PARAGRAPH, text=text)])))]

    main_language = language.detect(text[: 4 * _TELLING_LETTERS])
    passages: list[Passage] = []
    for group in groups:
        path = _PATH_JOINER.join(_without_title(group.path, document.title))
        cap = max(MAX_PIECES // 3, room - _pieces(path))
        for stretch in _stretches(group.units, target_words, cap):
            passages.append(
                Passage(
                    document_id=document.document_id,
                    version=document.version,
                    ordinal=len(passages),
                    title=document.title,
                    path=path,
                    text=stretch,
                    url=document.url,
                    doc_type=document.doc_type,
                    source=document.source,
                    language=_language(stretch, main_language),
                )
            )
    return passages


def _without_title(path: tuple[str, ...], title: str) -> tuple[str, ...]:
    """A page's first heading often is its title: once is enough."""
    return path[1:] if path and path[0].casefold() == title.casefold() else path


def _language(text: str, otherwise: str) -> str:
    if _words(text) < _SEES_LANGUAGE_FROM:
        return otherwise
    known = otherwise != language.UNDETERMINED
    found = language.detect(text[:_TELLING_LETTERS], words_ahead=_SURE_WORDS if known else 0.2)
    return otherwise if found == language.UNDETERMINED else found


def _words(text: str) -> int:
    return len(text.split())


def _pieces(text: str) -> int:
    """
    About how many word pieces a text has in an English vocabulary of 30,000.

    The weights are means over 600,000 words of technical English. Words in other scripts count by what a
    multilingual vocabulary makes of them: an English model has nothing to say about them anyway.
    """
    return math.ceil(sum(map(_pieces_of, _TOKEN.findall(text))))


@lru_cache(maxsize=50_000)
def _pieces_of(token: str) -> float:
    length = len(token)
    if not token.isascii():
        return max(1.0, length / 2.5)
    if token.isalpha():
        if length <= 3:
            return 1.05
        return 1.25 if length <= 7 else 1.7 if length <= 14 else length / 3
    return max(1.0, length * 0.55) if token.isdigit() else 1.0 if length == 1 else 0.8 + length * 0.6


def _unit(text: str, joiner: str, header: str = "") -> _Unit:
    return _Unit(text=text, joiner=joiner, header=header, words=_words(text), pieces=_pieces(text))


def _units(blocks: Iterable[Block]) -> Iterable[_Unit]:
    before: Kind | None = None
    for block in blocks:
        between = "\n" if before == block.kind == Kind.ITEM else "\n\n"
        before = block.kind
        if block.kind == Kind.PARAGRAPH:
            for number, sentence in enumerate(sentences(block.text)):
                yield _unit(sentence, between if number == 0 else " ")
        elif block.kind == Kind.ITEM:
            yield _unit(block.text, between)
        elif block.kind == Kind.TABLE:
            yield from _table_units(block.text, between)
        elif _words(block.text) <= MAX_WORDS and _pieces(block.text) <= MAX_PIECES // 2:
            yield _unit(block.text, between)
        else:
            for number, line in enumerate(line for line in block.text.splitlines() if line.strip()):
                yield _unit(line, between if number == 0 else "\n")


def _table_units(table: str, between: str) -> Iterable[_Unit]:
    """A row each, its header repeated where a passage begins; a row too long for that cell by cell."""
    header, rows = table_parts(table)
    if not rows:
        yield _unit(header, between)
    headed = _pieces(header)
    begins = True
    for number, row in enumerate(rows):
        joiner = between if number == 0 else "\n"
        if header and headed + _pieces(row) > _MAX_ROW_PIECES:
            yield from _cell_units(header, row, between)
            begins = True
        else:
            yield _unit(f"{header}\n{row}" if begins and header else row, joiner, "" if begins else header)
            begins = False


def _cell_units(header: str, row: str, between: str) -> Iterable[_Unit]:
    """`Column: value` for each cell; the first, which names the row, is repeated where a passage begins."""
    names, values = _cells(header.partition("\n")[0]), _cells(row)
    pairs = [
        f"{name}: {value}" if name else value
        for name, value in zip_longest(names, values[: len(names)], fillvalue="")
        if value
    ]
    label = pairs[0] if pairs and _pieces(pairs[0]) <= MAX_PIECES // 4 else ""
    for number, pair in enumerate(pairs):
        for place, sentence in enumerate(sentences(pair)):
            joiner = " " if place else "\n" if number else between
            yield _unit(sentence, joiner, label if number else "")


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip().strip("|").split("|")]


def _group(section: Section) -> _Group:
    return _Group(path=section.path, units=tuple(_units(section.blocks)))


def _joined(groups: Sequence[_Group], target_words: int) -> list[_Group]:
    """Tiny sections join their neighbours under the same parent; their headings become lines of the text."""
    found: list[_Group] = []
    for group in groups:
        if not group.units:
            continue
        last = found[-1] if found else None
        if (
            last is not None
            and min(last.words, group.words) < MIN_WORDS
            and last.words + group.words <= target_words
            and (shared := _shared(last.path, group.path)) is not None
        ):
            units = (*_under(last, shared), *_under(group, shared))
            found[-1] = _Group(path=shared, units=units)
        else:
            found.append(group)
    return found


def _shared(left: tuple[str, ...], right: tuple[str, ...]) -> tuple[str, ...] | None:
    """The headings above both, if they are siblings, or one is the other's parent."""
    length = 0
    while length < min(len(left), len(right)) and left[length] == right[length]:
        length += 1
    near = len(left) - length <= 1 and len(right) - length <= 1
    # Two chapters without a common heading are strangers, however small.
    return left[:length] if near and (length > 0 or not left or not right or len(left) == 1) else None


def _under(group: _Group, path: tuple[str, ...]) -> tuple[_Unit, ...]:
    """The group's units as they stand under a higher heading: the ones in between written out."""
    below = group.path[len(path) :]
    if not below:
        return group.units
    first = replace(group.units[0], joiner="\n")
    return (_unit(_PATH_JOINER.join(below), "\n\n"), first, *group.units[1:])


def _stretches(units: Sequence[_Unit], target_words: int, cap: int) -> list[str]:
    """The units laid together, in parts of about equal length where there is too much for one."""
    whole = [piece for unit in units for piece in _fitting(unit, cap)]
    words = sum(unit.words for unit in whole)
    pieces = sum(unit.pieces for unit in whole)
    if not whole:
        return []
    if words <= max(MAX_WORDS, target_words) and pieces <= cap:
        return [_text(whole)]

    parts = max(math.ceil(words / target_words), math.ceil(pieces / cap))
    aim = words / parts
    found: list[str] = []
    held: list[_Unit] = []
    for unit in whole:
        repeated = _pieces(held[0].header) if held else 0
        held_words = sum(one.words for one in held)
        too_many = repeated + sum(one.pieces for one in held) + unit.pieces > cap
        # Cut where the part is nearer to its aim without this unit than with it.
        enough = held_words + unit.words / 2 > aim or held_words + unit.words > MAX_WORDS
        if held and (too_many or enough):
            found.append(_text(held))
            held = []
        held.append(unit)
    found.append(_text(held))
    return found


def _fitting(unit: _Unit, cap: int) -> list[_Unit]:
    """The unit itself, or, if it is too long for a passage of its own, its words in runs that fit."""
    room = cap - _pieces(unit.header)
    if unit.pieces <= room and unit.words <= MAX_WORDS:
        return [unit]
    room = max(room, cap // 2)
    runs: list[_Unit] = []
    held: list[str] = []
    size = 0
    for word in unit.text.split():
        for part in _cut(word, room):
            pieces = _pieces(part)
            if held and (size + pieces > room or len(held) >= MAX_WORDS):
                runs.append(_unit(" ".join(held), unit.joiner if not runs else " ", unit.header))
                held, size = [], 0
            held.append(part)
            size += pieces
    runs.append(_unit(" ".join(held), unit.joiner if not runs else " ", unit.header))
    return runs


def _cut(word: str, room: int) -> list[str]:
    """A word as it is, or in parts where it alone is too long (a key, a line of base64)."""
    if _pieces(word) <= room:
        return [word]
    return [word[start : start + room] for start in range(0, len(word), room)]


def _text(units: Sequence[_Unit]) -> str:
    first = units[0]
    start = f"{first.header}\n{first.text}" if first.header else first.text
    return start + "".join(unit.joiner + unit.text for unit in units[1:])
