"""PPTX: a presentation's slides, each a section with its title, its points, its tables and its notes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import BinaryIO

from candor.errors import Invalid
from candor.sources.deadlines import Deadline
from candor.sources.packages import MAX_ENTRIES, Package
from candor.sources.records import MAX_TEXT, Record, tidy
from candor.sources.tables import MAX_COLUMNS, cell, table
from candor.sources.whole import laid_out, record_of

_FURNITURE = frozenset({"dt", "ftr", "sldNum", "hdr", "sldImg", "pic"})
"""Placeholders that say the same on every slide, or nothing."""

_TITLES = frozenset({"title", "ctrTitle"})


def read(stream: BinaryIO, key: str, deadline: Deadline) -> Iterator[Record]:
    """One document, in the order in which the slides are shown; hidden ones are left out."""
    package = Package(stream, name=PurePosixPath(key).name, deadline=deadline)
    main = package.main_part("ppt/presentation.xml")
    order = _Order()
    if not package.parse(main, order):
        raise package.broken()
    relations = package.relations(main)
    parts: list[str] = []
    size = 0
    number = 0
    first_title = ""
    for slide_id in order.ids:
        relation = relations.get(slide_id)
        if relation is None or relation.external:
            continue
        number += 1
        slide = _Shapes()
        if not package.parse(relation.target, slide) or slide.hidden:
            continue
        title = " ".join(" ".join(slide.titles).split())
        first_title = first_title or title
        blocks = list(slide.blocks)
        for other in package.relations(relation.target).values():
            if other.kind == "diagramData":
                diagram = _Shapes(loose=True)
                package.parse(other.target, diagram)
                blocks += diagram.blocks
            elif other.kind == "notesSlide":
                notes = _Shapes(only="body")
                package.parse(other.target, notes)
                blocks += [block.removeprefix("- ") for block in notes.blocks]
        text = laid_out(blocks)
        size += len(text)
        if size > 2 * MAX_TEXT:
            raise Invalid(f"The text is longer than {MAX_TEXT:,} characters: split it.")
        if title or text:
            parts += [f"## {title or f'Slide {number}'}", text]
    text = tidy("\n\n".join(part for part in parts if part))
    yield record_of(key, text, title=package.title() or first_title)


class _Order:
    """Hears the presentation part: its slides in order."""

    def __init__(self) -> None:
        self.ids: list[str] = []

    def start(self, tag: str, attrs: Mapping[str, str]) -> None:
        if tag == "p:sldId" and len(self.ids) < MAX_ENTRIES:
            self.ids.append(attrs.get("r:id", ""))

    def end(self, tag: str) -> None: ...

    def data(self, text: str) -> None: ...


@dataclass(kw_only=True, slots=True)
class _Shape:
    kind: str = ""
    placeholder: bool = False
    paragraphs: list[tuple[int, str]] = field(default_factory=list)


class _Shapes:
    """Hears a slide; `only` one kind of placeholder, or `loose` paragraphs without shapes (diagrams)."""

    def __init__(self, *, only: str = "", loose: bool = False) -> None:
        self.titles: list[str] = []
        self.blocks: list[str] = []
        self.hidden = False
        self._only = only
        self._loose = loose
        self._shape: _Shape | None = _Shape() if loose else None
        self._level = 0
        self._words: list[str] | None = None
        self._taking = False
        self._rows: list[list[str]] | None = None
        self._covered = False
        self._fallback = 0
        self._size = 0

    def start(self, tag: str, attrs: Mapping[str, str]) -> None:
        if self._fallback or tag == "mc:Fallback":
            self._fallback += 1
        elif tag == "p:sld":
            self.hidden = attrs.get("show") in ("0", "false")
        elif tag == "p:sp":
            self._shape = _Shape()
        elif tag == "p:ph" and self._shape is not None:
            self._shape.kind, self._shape.placeholder = attrs.get("type", "obj"), True
        elif tag == "a:p":
            self._words, self._level = [], 0
        elif tag == "a:pPr" and self._words is not None:
            level = attrs.get("lvl", "0")
            self._level = min(int(level), 8) if level.isdecimal() else 0
        elif tag == "a:t":
            self._taking = True
        elif tag == "a:br" and self._words is not None:
            self._words.append(" ")
        elif tag == "a:tbl":
            self._rows = []
        elif tag == "a:tr" and self._rows is not None:
            # A row that held nothing is not kept: there may be millions.
            if not self._rows or any(self._rows[-1]):
                self._rows.append([])
            else:
                self._rows[-1].clear()
        elif tag == "a:tc" and self._rows and len(self._rows[-1]) < MAX_COLUMNS:
            self._rows[-1].append("")
            if attrs.get("vMerge") in ("1", "true") and len(self._rows) > 1:
                above, at = self._rows[-2], len(self._rows[-1]) - 1
                self._rows[-1][-1] = above[at] if at < len(above) else ""

    def end(self, tag: str) -> None:
        if self._fallback:
            self._fallback -= 1
        elif tag == "a:t":
            self._taking = False
        elif tag == "a:p" and self._words is not None:
            self._paragraph(" ".join("".join(self._words).split()))
            self._words = None
        elif tag == "p:sp" and self._shape is not None:
            self._take(self._shape)
            self._shape = None
        elif tag == "a:tbl" and self._rows is not None:
            rows, self._rows = self._rows, None
            if not self._only and (text := table(rows)):
                self.blocks.append(text)

    def data(self, text: str) -> None:
        if self._taking and self._words is not None:
            self._words.append(text)
            self._size += len(text)
            if self._size > 2 * MAX_TEXT:
                raise Invalid(f"The text is longer than {MAX_TEXT:,} characters: split it.")

    def _paragraph(self, text: str) -> None:
        if not text:
            return
        if self._rows:
            if self._rows[-1]:
                self._rows[-1][-1] = cell(f"{self._rows[-1][-1]} {text}")
        elif self._loose:
            self.blocks.append(f"- {text}")
        elif self._shape is not None:
            self._shape.paragraphs.append((self._level, text))

    def _take(self, shape: _Shape) -> None:
        kind = shape.kind
        if kind in _FURNITURE or (self._only and kind != self._only):
            return
        if kind in _TITLES:
            self.titles += [text for _, text in shape.paragraphs]
        elif len(shape.paragraphs) > 1 and kind != "subTitle":
            self.blocks += [f"{'  ' * level}- {text}" for level, text in shape.paragraphs]
        else:
            self.blocks += [text for _, text in shape.paragraphs]
