"""CSV: rows of values whatever they are parted by, as a table that keeps its header."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO, Final

from candor.errors import Invalid
from candor.sources.deadlines import Deadline
from candor.sources.encodings import decoded_any
from candor.sources.records import MAX_TEXT, Record, tidy
from candor.sources.tables import sheet
from candor.sources.whole import record_of

_MAX_BYTES: Final = 4 * MAX_TEXT
_BLANK: Final = re.compile(r"\n{3,}")
_DELIMITERS: Final = (",", ";", "\t", "|")
_LOOKED_AT: Final = 200
"""Rows by which the delimiter is told."""


def read(stream: BinaryIO, key: str, deadline: Deadline) -> Iterator[Record]:
    """One document."""
    name = PurePosixPath(key).name
    body = stream.read(_MAX_BYTES + 1)
    if len(body) > _MAX_BYTES:
        raise Invalid(f"{name} is larger than {_MAX_BYTES // 1_000_000} MB: split it.")
    text = (
        decoded_any(body, name)
        .removeprefix("\ufeff")
        .replace("\x00", "")
        .replace("\r\n", "\n")
        .replace("\r", "\n")
    )
    # Blank rows part tables, however many there are.
    text = _BLANK.sub("\n\n", text)
    delimiter = ""
    first, _, rest = text.partition("\n")
    if first.lower().startswith("sep=") and len(first) == 5:  # Excel's own first line.
        delimiter, text = first[4], rest
    rows = list(_rows(text, delimiter or _delimiter(text), name, deadline))
    yield record_of(key, tidy(sheet(rows)))


def _rows(text: str, delimiter: str, name: str, deadline: Deadline) -> Iterator[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    size = 0
    blank = False
    try:
        for number, row in enumerate(reader):
            if number % 1_000 == 0:
                deadline.check()
            values = [value.strip() for value in row]
            # As they will be written: each cell has a bar and two blanks beside it.
            size += sum(map(len, values)) + 3 * len(values)
            if size > 2 * MAX_TEXT:
                raise Invalid(f"{name} becomes more than {MAX_TEXT:,} characters: split it.")
            if any(values) or not blank:
                yield values
            blank = not any(values)
    except csv.Error as error:
        # A quote that is never closed swallows the rest of the file into one cell.
        raise Invalid(
            f"{name} is no CSV at line {reader.line_num}: a quotation mark is not closed."
        ) from error


def _delimiter(text: str) -> str:
    """The one by which the first rows have the same number of cells, and most of them."""

    def score(delimiter: str) -> tuple[float, int]:
        widths: Counter[int] = Counter()
        try:
            for row in csv.reader(io.StringIO(text[: _MAX_BYTES // 8], newline=""), delimiter=delimiter):
                if any(row):
                    widths[len(row)] += 1
                if widths.total() >= _LOOKED_AT:
                    break
        except csv.Error:
            return 0.0, 0
        shared = [(count, width) for width, count in widths.items() if width > 1]
        if not shared:
            return 0.0, 0
        count, width = max(shared)
        return round(count / widths.total(), 1), width

    return max(_DELIMITERS, key=score)
