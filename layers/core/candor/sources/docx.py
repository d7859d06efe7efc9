"""DOCX: a word processor's document, read as a person sees it: changes accepted, numbers counted."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import BinaryIO

from candor.errors import Invalid
from candor.sources.deadlines import Deadline
from candor.sources.docx_styles import Numbering, Styles
from candor.sources.packages import Package, Relation
from candor.sources.records import MAX_TEXT, Record, tidy
from candor.sources.tables import MAX_COLUMNS, cell, table
from candor.sources.whole import laid_out, record_of

_SILENT = frozenset(
    {"w:del", "w:moveFrom", "mc:Fallback", "w:sectPr", "w:instrText", "w:pPrChange", "w:rPrChange"}
)
"""What is deleted, said twice, or is no text."""

_OFF = frozenset({"0", "false", "off", "none"})
_CONTENTS = re.compile(r"toc \d|table of figures|toc heading", re.IGNORECASE)
_SENTENCE_END = (".", "!", "?", ":", ";", ",", "…")
_LONGEST_BOLD = 80
"""A bold line of its own up to this many letters is a heading somebody did not style."""


def read(stream: BinaryIO, key: str, deadline: Deadline) -> Iterator[Record]:
    """One document."""
    package = Package(stream, name=PurePosixPath(key).name, deadline=deadline)
    main = package.main_part("word/document.xml")
    relations = package.relations(main)
    parts = {relation.kind: relation.target for relation in relations.values() if not relation.external}
    styles, numbering = Styles(), Numbering()
    package.parse(parts.get("styles", "word/styles.xml"), styles)
    package.parse(parts.get("numbering", "word/numbering.xml"), numbering)
    notes: dict[str, str] = {}
    for kind in ("footnotes", "endnotes"):
        if part := parts.get(kind):
            collector = _Notes(_Body(styles, Numbering(), package.relations(part), {}))
            package.parse(part, collector)
            notes |= {f"{kind}:{number}": text for number, text in collector.found.items()}
    body = _Body(styles, numbering, relations, notes)
    if not package.parse(main, body):
        raise package.broken()
    yield record_of(key, tidy(body.text()), title=package.title() or body.title)


@dataclass(kw_only=True, slots=True)
class _Paragraph:
    style: str = ""
    outline: int | None = None
    number: str | None = None
    level: int | None = None
    words: list[str] = field(default_factory=list)
    bold: int = 0
    """Letters in bold."""
    letters: int = 0
    boxes: list[str] = field(default_factory=list)
    """Blocks of text boxes anchored in it: they come after it."""


@dataclass(kw_only=True, slots=True)
class _Cell:
    span: int = 1
    merged: str = ""
    """`restart` or `continue` where cells are merged downwards."""
    blocks: list[str] = field(default_factory=list)


@dataclass(kw_only=True, slots=True)
class _Table:
    rows: list[list[str]] = field(default_factory=list)
    row: list[_Cell] = field(default_factory=list)
    above: dict[int, str] = field(default_factory=dict)
    """By column, the text of a cell that goes on downwards."""


class _Body:
    """Hears the document part and writes blocks. Holds one paragraph and one table at a time."""

    def __init__(
        self,
        styles: Styles,
        numbering: Numbering,
        relations: Mapping[str, Relation],
        notes: Mapping[str, str],
    ) -> None:
        self.title = ""
        self._styles = styles
        self._numbering = numbering
        self._relations = relations
        self._notes = notes
        self._silent = 0
        self._targets: list[list[str]] = [[]]
        """Where blocks go: the document, a cell, a text box; the innermost last."""
        self._paragraphs: list[_Paragraph] = []
        self._tables: list[_Table] = []
        self._taking = False
        self._run_bold = self._run_hidden = False
        self._in_run = False
        self._links: list[tuple[str, int]] = []
        self._size = 0

    def text(self) -> str:
        return laid_out(self._targets[0])

    def take(self) -> str:
        """What has been written since the last time, on one line."""
        text = " ".join(" ".join(self._targets[0]).split())
        self._targets[0].clear()
        return text

    def start(self, tag: str, attrs: Mapping[str, str]) -> None:
        if self._silent or tag in _SILENT:
            self._silent += 1
        elif tag == "w:p":
            self._paragraphs.append(_Paragraph())
        elif tag == "w:r":
            self._in_run, self._run_bold, self._run_hidden = True, False, False
        elif tag in ("w:t", "m:t"):
            self._taking = True
        elif tag == "w:tbl":
            self._tables.append(_Table())
        elif tag == "w:tc" and self._tables:
            one = _Cell()
            if len(self._tables[-1].row) < MAX_COLUMNS:
                self._tables[-1].row.append(one)
            self._targets.append(one.blocks)
        elif tag == "w:txbxContent":
            self._targets.append([])
        elif tag == "w:hyperlink":
            relation = self._relations.get(attrs.get("r:id", ""))
            address = relation.target if relation is not None and relation.external else ""
            self._links.append((address, self._length()))
        elif self._paragraphs or self._tables:
            self._property(tag, attrs)

    def end(self, tag: str) -> None:
        if self._silent:
            self._silent -= 1
        elif tag in ("w:t", "m:t"):
            self._taking = False
        elif tag == "w:r":
            self._in_run = self._run_bold = self._run_hidden = False
        elif tag == "w:p" and self._paragraphs:
            self._paragraph(self._paragraphs.pop())
        elif tag == "w:tc" and self._tables and len(self._targets) > 1:
            self._targets.pop()
        elif tag == "w:tr" and self._tables:
            self._row(self._tables[-1])
        elif tag == "w:tbl" and self._tables:
            self._table(self._tables.pop())
        elif tag == "w:txbxContent" and len(self._targets) > 1:
            blocks = self._targets.pop()
            (self._paragraphs[-1].boxes if self._paragraphs else self._targets[-1]).extend(blocks)
        elif tag == "w:hyperlink" and self._links:
            address, start = self._links.pop()
            self._link(address, start)

    def data(self, text: str) -> None:
        if self._taking and not self._silent:
            self._write(text)

    def _property(self, tag: str, attrs: Mapping[str, str]) -> None:
        value = attrs.get("w:val", "")
        paragraph = self._paragraphs[-1] if self._paragraphs else _Paragraph()
        if tag == "w:tab" and self._in_run:
            self._write(" ")
        elif tag in ("w:br", "w:cr"):
            self._write("\n")
        elif tag == "w:noBreakHyphen":
            self._write("-")
        elif tag == "w:b" and self._in_run:
            self._run_bold = value.lower() not in _OFF
        elif tag in ("w:vanish", "w:webHidden") and self._in_run:
            self._run_hidden = value.lower() not in _OFF
        elif tag == "w:pStyle":
            paragraph.style = value
        elif tag == "w:outlineLvl" and value.isdecimal():
            paragraph.outline = int(value)
        elif tag == "w:numId":
            paragraph.number = value
        elif tag == "w:ilvl" and value.isdecimal():
            paragraph.level = min(int(value), 8)
        elif tag in ("w:footnoteReference", "w:endnoteReference"):
            note = self._notes.get(f"{tag[2:-9]}s:{attrs.get('w:id', '')}", "")
            self._write(f" ({note})" if note else "")
        elif tag == "w:gridSpan" and self._tables and self._tables[-1].row:
            self._tables[-1].row[-1].span = max(1, min(int(value) if value.isdecimal() else 1, 63))
        elif tag == "w:vMerge" and self._tables and self._tables[-1].row:
            self._tables[-1].row[-1].merged = value or "continue"

    def _write(self, text: str) -> None:
        if not self._paragraphs or self._run_hidden:
            return
        paragraph = self._paragraphs[-1]
        paragraph.words.append(text)
        visible = len(text.strip())
        paragraph.letters += visible
        paragraph.bold += visible if self._run_bold else 0
        self._size += len(text)
        if self._size > 2 * MAX_TEXT:
            raise Invalid(f"The text is longer than {MAX_TEXT:,} characters: split it.")

    def _length(self) -> int:
        return len(self._paragraphs[-1].words) if self._paragraphs else 0

    def _link(self, address: str, start: int) -> None:
        """An address is said in brackets where the words are not the address themselves."""
        if not address.lower().startswith(("http://", "https://")) or not self._paragraphs:
            return
        words = "".join(self._paragraphs[-1].words[start:]).strip()
        if words and words.rstrip("/") not in address and len(address) < 500:
            self._write(f" ({address})")

    def _paragraph(self, paragraph: _Paragraph) -> None:
        target = self._targets[-1]
        if not paragraph.words:
            target.extend(paragraph.boxes)
            return
        text = "\n".join(" ".join(line.split()) for line in "".join(paragraph.words).split("\n")).strip()
        style = self._styles.of(paragraph.style)
        number = paragraph.number if paragraph.number is not None else style.number
        level = paragraph.level if paragraph.level is not None else style.level
        if text and not _CONTENTS.fullmatch(style.name):
            heading = self._heading(paragraph, style.outline, style.name, text)
            mark, depth = self._numbering.next(number, level)
            if heading:
                if style.name.casefold() == "title" and not self.title:
                    self.title = " ".join(text.split())[:300]
                named = f"{mark} {text}" if mark and mark != "-" else text
                target.append(f"{'#' * heading} {' '.join(named.split())}")
            elif mark:
                target.append(f"{'  ' * depth}{mark} {text}")
            else:
                target.append(text)
        target.extend(paragraph.boxes)

    def _heading(self, paragraph: _Paragraph, outline: int | None, name: str, text: str) -> int:
        """The level of a heading, 0 for anything else."""
        if self._tables and len(self._targets) > 1:
            return 0
        if name.casefold() == "title":
            return 1
        found = paragraph.outline if paragraph.outline is not None else outline
        if found is not None and found < 9 and len(text) < 400:
            return min(found + 1, 6)
        bold = paragraph.bold == paragraph.letters > 0 and paragraph.number is None
        short = len(text) < _LONGEST_BOLD and "\n" not in text and not text.endswith(_SENTENCE_END)
        return 5 if bold and short and text[0].isupper() else 0

    def _row(self, one: _Table) -> None:
        cells: list[str] = []
        for part in one.row:
            at = len(cells)
            text = cell(" ".join(part.blocks))
            if part.merged == "restart":
                one.above[at] = text
            elif part.merged:
                # Said again in each row: a row is quoted alone.
                text = text or one.above.get(at, "")
            else:
                one.above.pop(at, None)
            cells += [text, *([""] * (part.span - 1))]
        one.row = []
        if any(cells):
            one.rows.append(cells)

    def _table(self, one: _Table) -> None:
        if not one.rows:
            return
        if self._tables:
            # A table in a cell: each of its rows a phrase.
            self._targets[-1].append("; ".join(", ".join(filter(None, row)) for row in one.rows))
        else:
            self._targets[-1].append(table(one.rows))


class _Notes:
    """Footnotes by their number."""

    def __init__(self, body: _Body) -> None:
        self.found: dict[str, str] = {}
        self._body = body
        self._id = ""

    def start(self, tag: str, attrs: Mapping[str, str]) -> None:
        if tag in ("w:footnote", "w:endnote"):
            self._id = "" if attrs.get("w:type", "normal") != "normal" else attrs.get("w:id", "")
        else:
            self._body.start(tag, attrs)

    def end(self, tag: str) -> None:
        if tag in ("w:footnote", "w:endnote"):
            text = self._body.take()
            if self._id and text:
                self.found[self._id] = text
        else:
            self._body.end(tag)

    def data(self, text: str) -> None:
        self._body.data(text)
