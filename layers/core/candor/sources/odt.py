"""ODT: a document of LibreOffice and its kin: headings, lists, tables and notes, changes accepted."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import BinaryIO

from candor.errors import Invalid
from candor.sources.deadlines import Deadline
from candor.sources.packages import Package
from candor.sources.records import MAX_TEXT, Record, tidy
from candor.sources.tables import MAX_COLUMNS, cell, table
from candor.sources.whole import laid_out, record_of

_SILENT = frozenset(
    {
        "text:tracked-changes",
        "office:annotation",
        "text:table-of-content",
        "text:alphabetical-index",
        "text:hidden-text",
        "text:note-citation",
        "text:page-number",
        "text:page-count",
        "office:forms",
        "text:sequence-decls",
    }
)
_MOST_REPEATED = 64
"""Times a repeated cell or row is written; sheets repeat blank ones a million times."""


def read(stream: BinaryIO, key: str, deadline: Deadline) -> Iterator[Record]:
    """One document."""
    name = PurePosixPath(key).name
    package = Package(stream, name=name, deadline=deadline)
    manifest = _Manifest()
    package.parse("META-INF/manifest.xml", manifest)
    if manifest.encrypted:
        raise Invalid(f"{name} is encrypted: save it without a password.")
    lists = _Lists()
    package.parse("styles.xml", lists)
    body = _Body(lists)
    if not package.parse("content.xml", body):
        raise package.broken()
    yield record_of(key, tidy(body.text()), title=package.title("meta.xml") or body.title)


class _Manifest:
    def __init__(self) -> None:
        self.encrypted = False

    def start(self, tag: str, attrs: Mapping[str, str]) -> None:
        self.encrypted = self.encrypted or tag == "manifest:encryption-data"

    def end(self, tag: str) -> None: ...

    def data(self, text: str) -> None: ...


class _Lists:
    """Hears style definitions: which levels of which list style are numbered."""

    def __init__(self) -> None:
        self.numbered: set[tuple[str, str]] = set()
        self._style = ""

    def start(self, tag: str, attrs: Mapping[str, str]) -> None:
        if tag == "text:list-style":
            self._style = attrs.get("style:name", "")
        elif tag == "text:list-level-style-number" and len(self.numbered) < 10_000:
            self.numbered.add((self._style, attrs.get("text:level", "1")))

    def end(self, tag: str) -> None: ...

    def data(self, text: str) -> None: ...


@dataclass(kw_only=True, slots=True)
class _List:
    style: str
    count: int = 0
    mark: str = ""
    """Of an item that has not been written yet."""


@dataclass(kw_only=True, slots=True)
class _Row:
    cells: list[str] = field(default_factory=list)
    repeat: int = 1


@dataclass(kw_only=True, slots=True)
class _Table:
    rows: list[list[str]] = field(default_factory=list)
    row: _Row = field(default_factory=_Row)
    cell_repeat: int = 1


class _Body:
    """Hears `content.xml` and writes blocks."""

    def __init__(self, lists: _Lists) -> None:
        self.title = ""
        self._styles = lists
        self._silent = 0
        self._targets: list[list[str]] = [[]]
        self._words: list[list[str]] = []
        self._prefix: list[str] = []
        self._lists: list[_List] = []
        self._tables: list[_Table] = []
        self._links: list[tuple[str, int]] = []
        self._size = 0

    def text(self) -> str:
        return laid_out(self._targets[0])

    def start(self, tag: str, attrs: Mapping[str, str]) -> None:
        if self._silent or tag in _SILENT:
            self._silent += 1
        elif tag in ("text:h", "text:p"):
            self._begin(tag, attrs)
        elif tag == "text:list":
            outer = self._lists[-1].style if self._lists else ""
            self._lists.append(_List(style=attrs.get("text:style-name", outer)))
        elif tag == "text:list-item" and self._lists:
            self._item(self._lists[-1], attrs)
        elif tag == "table:table":
            self._tables.append(_Table())
        elif tag == "table:table-row" and self._tables:
            self._tables[-1].row = _Row(repeat=_repeated(attrs, "table:number-rows-repeated"))
        elif tag in ("table:table-cell", "table:covered-table-cell") and self._tables:
            self._tables[-1].cell_repeat = _repeated(attrs, "table:number-columns-repeated")
            self._targets.append([])
        elif tag in ("draw:text-box", "text:note-body"):
            self._targets.append([])
        elif tag in ("text:s", "text:tab") and self._words:
            self._words[-1].append(" ")
        elif tag == "text:line-break" and self._words:
            self._words[-1].append("\n")
        elif tag == "text:a" and self._words:
            self._links.append((attrs.get("xlink:href", ""), len(self._words[-1])))
        elif tag.startswith("text:list-level-style") or tag == "text:list-style":
            self._styles.start(tag, attrs)

    def end(self, tag: str) -> None:
        if self._silent:
            self._silent -= 1
        elif tag in ("text:h", "text:p") and self._words:
            self._paragraph()
        elif tag == "text:list" and self._lists:
            self._lists.pop()
        elif tag in ("table:table-cell", "table:covered-table-cell") and self._tables:
            one = self._tables[-1]
            text = cell(" ".join(self._targets.pop()))
            one.row.cells += [text] * min(one.cell_repeat, max(0, MAX_COLUMNS - len(one.row.cells)))
        elif tag == "table:table-row" and self._tables:
            one = self._tables[-1]
            if any(one.row.cells):
                one.rows += [one.row.cells] * one.row.repeat
        elif tag == "table:table" and self._tables:
            self._table(self._tables.pop())
        elif tag == "text:note-body" and len(self._targets) > 1:
            note = " ".join(" ".join(self._targets.pop()).split())
            if note and self._words:
                self._words[-1].append(f" ({note})")
        elif tag == "draw:text-box" and len(self._targets) > 1:
            self._targets[-2].extend(self._targets.pop())
        elif tag == "text:a" and self._links and self._words:
            self._link(*self._links.pop())

    def data(self, text: str) -> None:
        if self._words and not self._silent:
            self._words[-1].append(text)
            self._size += len(text)
            if self._size > 2 * MAX_TEXT:
                raise Invalid(f"The text is longer than {MAX_TEXT:,} characters: split it.")

    def _begin(self, tag: str, attrs: Mapping[str, str]) -> None:
        prefix = ""
        in_cell = bool(self._tables)
        if tag == "text:h" and not in_cell:
            level = attrs.get("text:outline-level", "1")
            prefix = "#" * min(6, int(level) if level.isdecimal() and level != "0" else 1) + " "
        elif attrs.get("text:style-name") == "Title" and not in_cell:
            prefix = "# "
        elif self._lists and self._lists[-1].mark:
            prefix = "  " * (len(self._lists) - 1) + self._lists[-1].mark + " "
            self._lists[-1].mark = ""
        self._words.append([])
        self._prefix.append(prefix)

    def _item(self, one: _List, attrs: Mapping[str, str]) -> None:
        given = attrs.get("text:start-value", "")
        one.count = int(given[:6]) if given.isdecimal() else one.count + 1
        numbered = (one.style, str(len(self._lists))) in self._styles.numbered
        one.mark = f"{one.count}." if numbered else "-"

    def _paragraph(self) -> None:
        words, prefix = "".join(self._words.pop()), self._prefix.pop()
        text = "\n".join(" ".join(line.split()) for line in words.split("\n")).strip()
        if not text:
            return
        if prefix.startswith("#"):
            text = " ".join(text.split())
            self.title = self.title or (text[:300] if prefix == "# " else "")
        self._targets[-1].append(prefix + text)

    def _link(self, address: str, start: int) -> None:
        if not address.lower().startswith(("http://", "https://")) or len(address) > 500:
            return
        words = "".join(self._words[-1][start:]).strip()
        if words and words.rstrip("/") not in address:
            self._words[-1].append(f" ({address})")

    def _table(self, one: _Table) -> None:
        if self._tables:
            rows = (", ".join(filter(None, row)) for row in one.rows)
            self._targets[-1].append("; ".join(filter(None, rows)))
        elif text := table(one.rows):
            self._targets[-1].append(text)


def _repeated(attrs: Mapping[str, str], name: str) -> int:
    given = attrs.get(name, "1")
    return max(1, min(_MOST_REPEATED, int(given[:6]))) if given[:6].isdecimal() else 1
