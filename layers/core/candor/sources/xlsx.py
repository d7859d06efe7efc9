"""XLSX: a workbook's sheets, each a section with its tables, values shown as the sheet shows them."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import BinaryIO, Final

from candor.errors import Invalid
from candor.sources.deadlines import Deadline
from candor.sources.packages import MAX_ENTRIES, Package
from candor.sources.records import MAX_TEXT, Record, tidy
from candor.sources.tables import sheet
from candor.sources.whole import name_of, record_of
from candor.sources.xlsx_values import Formats

MAX_CELLS: Final = 500_000
"""Cells with something in them: at five letters each they are more than `MAX_TEXT`."""

_MAX_MERGES: Final = 20_000


def read(stream: BinaryIO, key: str, deadline: Deadline) -> Iterator[Record]:
    """One document; hidden sheets are left out. Formulas count as their last computed value."""
    package = Package(stream, name=PurePosixPath(key).name, deadline=deadline)
    main = package.main_part("xl/workbook.xml")
    workbook = _Workbook()
    if not package.parse(main, workbook):
        raise package.broken()
    relations = package.relations(main)
    parts = {relation.kind: relation.target for relation in relations.values() if not relation.external}
    strings = _Strings()
    package.parse(parts.get("sharedStrings", "xl/sharedStrings.xml"), strings)
    formats = Formats(from_1904=workbook.from_1904)
    package.parse(parts.get("styles", "xl/styles.xml"), formats)
    found: list[str] = []
    size = 0
    for name, relation_id in workbook.sheets:
        relation = relations.get(relation_id)
        if relation is None or relation.external or relation.kind != "worksheet":
            continue
        cells = _Cells(strings.found, formats)
        package.parse(relation.target, cells)
        text = sheet(list(cells.rows()))
        size += len(text)
        if size > 2 * MAX_TEXT:
            raise Invalid(f"The text is longer than {MAX_TEXT:,} characters: split it.")
        if text:
            found.append(f"## {name}\n\n{text}" if len(workbook.sheets) > 1 else text)
    # Not its first heading, which is the name of one of its sheets.
    yield record_of(key, tidy("\n\n".join(found)), title=package.title() or name_of(key))


class _Workbook:
    """Hears the workbook part: its visible sheets in order."""

    def __init__(self) -> None:
        self.sheets: list[tuple[str, str]] = []
        self.from_1904 = False

    def start(self, tag: str, attrs: Mapping[str, str]) -> None:
        if tag == "s:workbookPr":
            self.from_1904 = attrs.get("date1904") in ("1", "true")
        elif (
            tag == "s:sheet" and attrs.get("state", "visible") == "visible" and len(self.sheets) < MAX_ENTRIES
        ):
            name = " ".join(attrs.get("name", "").split())[:200]
            self.sheets.append((name or f"Sheet {len(self.sheets) + 1}", attrs.get("r:id", "")))

    def end(self, tag: str) -> None: ...

    def data(self, text: str) -> None: ...


class _Strings:
    """Hears the shared strings. Phonetic readings beside them are left out."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._words: list[str] = []
        self._taking = False
        self._phonetic = False
        self._size = 0

    def start(self, tag: str, attrs: Mapping[str, str]) -> None:
        if tag == "s:si":
            self._words = []
        elif tag == "s:rPh":
            self._phonetic = True
        elif tag == "s:t":
            self._taking = not self._phonetic

    def end(self, tag: str) -> None:
        if tag == "s:t":
            self._taking = False
        elif tag == "s:rPh":
            self._phonetic = False
        elif tag == "s:si":
            text = "".join(self._words)
            self._size += len(text) + 8
            if self._size > 5 * MAX_TEXT:
                raise Invalid(f"The workbook holds far more than {MAX_TEXT:,} characters: split it.")
            self.found.append(text)

    def data(self, text: str) -> None:
        if self._taking:
            self._words.append(text)


class _Cells:
    """Hears a worksheet: what is in its cells, by row and column."""

    def __init__(self, strings: Sequence[str], formats: Formats) -> None:
        self._strings = strings
        self._formats = formats
        self._rows: dict[int, dict[int, str]] = {}
        self._row = 0
        self._column = -1
        self._kind = "n"
        self._style = 0
        self._words: list[str] | None = None
        self._text = ""
        self._phonetic = False
        self._count = 0
        self._size = 0
        self._merges: list[tuple[int, int, int]] = []

    def start(self, tag: str, attrs: Mapping[str, str]) -> None:
        if tag == "s:row":
            given = attrs.get("r", "")
            self._row = int(given[:8]) if given[:8].isdecimal() else self._row + 1
            self._column = -1
        elif tag == "s:c":
            self._column = _place(attrs.get("r", ""))[0] if "r" in attrs else self._column + 1
            self._kind, self._text = attrs.get("t", "n"), ""
            style = attrs.get("s", "0")
            self._style = int(style[:6]) if style[:6].isdecimal() else 0
        elif tag in ("s:v", "s:t") and not self._phonetic:
            self._words = []
        elif tag == "s:rPh":
            self._phonetic = True
        elif tag == "s:mergeCell" and len(self._merges) < _MAX_MERGES:
            first, _, last = attrs.get("ref", "").partition(":")
            (column, top), (_, bottom) = _place(first), _place(last)
            if column >= 0 and bottom > top:
                self._merges.append((column, top, bottom))

    def end(self, tag: str) -> None:
        if tag in ("s:v", "s:t") and self._words is not None:
            self._text += "".join(self._words)
            self._words = None
        elif tag == "s:rPh":
            self._phonetic = False
        elif tag == "s:c":
            self._cell()

    def data(self, text: str) -> None:
        if self._words is not None:
            self._words.append(text)

    def rows(self) -> Iterator[list[str]]:
        """
        Rows from the first to the last with something in them; one blank row stands for any number of them.

        Columns that are blank all the way down are left out.
        """
        for column, top, bottom in self._merges:
            text = self._rows.get(top, {}).get(column, "")
            if not text:
                continue
            # Said again in each row: a row is quoted alone. No row is made for it.
            for number in range(top + 1, min(bottom, top + 1_000) + 1):
                if number in self._rows:
                    self._rows[number].setdefault(column, text)
        columns = sorted({column for row in self._rows.values() for column in row})
        before = 0
        for number in sorted(self._rows):
            row = self._rows[number]
            if not row:
                continue
            if before and number > before + 1:
                yield []
            before = number
            yield [row.get(column, "") for column in columns]

    def _cell(self) -> None:
        text = self._value().strip()
        if not text or self._column < 0:
            return
        self._count += 1
        self._size += len(text)
        if self._count > MAX_CELLS or self._size > 2 * MAX_TEXT:
            raise Invalid(f"The sheet holds far more than {MAX_TEXT:,} characters: split it.")
        self._rows.setdefault(self._row, {})[self._column] = text

    def _value(self) -> str:
        if self._kind == "s":
            at = int(self._text[:8]) if self._text[:8].isdecimal() else -1
            return self._strings[at] if 0 <= at < len(self._strings) else ""
        if self._kind == "b":
            return "TRUE" if self._text.strip() == "1" else "FALSE"
        if self._kind == "e":
            return ""
        if self._kind in ("str", "inlineStr", "d"):
            return self._text
        return self._formats.shown(self._text, self._style)


def _place(reference: str) -> tuple[int, int]:
    """Column, from 0, and row of `B3`; -1 and 0 for what is no reference."""
    letters = reference.rstrip("0123456789").replace("$", "")
    digits = reference[len(reference.rstrip("0123456789")) :]
    if not letters or len(letters) > 3 or not letters.isascii() or not letters.isalpha():
        return -1, 0
    column = 0
    for letter in letters.upper():
        column = column * 26 + ord(letter) - ord("A") + 1
    return column - 1, int(digits[:8] or 0)
