"""PDF: the text of a document made for paper, its headings by their size, its running heads left out."""

import io
import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePosixPath
from typing import Any, BinaryIO, Final, cast

from pypdf import PdfReader, apply_configuration
from pypdf.generic import ContentStream

from candor.errors import Invalid
from candor.sources.deadlines import Deadline
from candor.sources.pdf_layout import text_of
from candor.sources.pdf_lines import Fragment, Page, page_of, width_of
from candor.sources.records import MAX_TEXT, Record, tidy
from candor.sources.whole import record_of

MAX_PAGES: Final = 3_000
"""A document of `MAX_TEXT` letters has about a thousand."""

_LIMITS: Final[dict[str, Any]] = {
    "maximum_declared_stream_length": 50_000_000,
    "zlib_maximum_output_length": 50_000_000,
    "lzw_maximum_output_length": 50_000_000,
    "run_length_maximum_output_length": 50_000_000,
    "array_based_stream_maximum_output_length": 50_000_000,
    "stream_decoding_work_maximum_length": 100_000_000,
    "page_tree_maximum_entries": 20_000,
    "stream_parsing_work_maximum_count": 500_000,
    "xform_maximum_invocations_per_extraction": 1_000,
    "jbig2dec_binary": None,
}
"""
What pypdf may unpack for one stream: a page of text has 5 to 50 KB, a page of a catalogue with drawings a
few MB. No other program is ever started for a picture.
"""

_SCANNED: Final = 20
"""Letters below which a page is a picture, with a number at its foot perhaps."""

_SEARCHED_BYTES: Final = 20_000_000
_LONGEST_LINE: Final = 1_000_000

_DULL: Final = ("microsoft word -", "untitled", "(anonymous)", "(unspecified)", "document1", "powerpoint")
"""What programs write where nobody gave a title."""

_CACHED_BYTES: Final = 20_000_000
"""What may lie in pypdf's cache of objects, pictures above all, before it is emptied."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PdfText:
    """What a PDF says. `notes` are sentences about pages that could not be read."""

    title: str
    """Of its properties; blank when it has none that says anything."""
    text: str
    """Markdown-like."""
    pages: int
    notes: tuple[str, ...] = ()


def read(stream: BinaryIO, key: str, deadline: Deadline) -> Iterator[Record]:
    """One document; notes about pages that are pictures come before it."""
    found = text_of_pdf(stream, name=PurePosixPath(key).name, deadline=deadline)
    for note in found.notes:
        yield Record(index=-1, reason=note, skipped=True)
    yield record_of(key, found.text, title=found.title)


def text_of_pdf(stream: BinaryIO, *, name: str, deadline: Deadline | None = None) -> PdfText:
    """
    The text of a PDF that lies in a seekable stream.

    `Invalid`, with a sentence that says what to do, when it is encrypted, broken, only pictures of text,
    longer than `MAX_PAGES` or takes too long.
    """
    deadline = deadline or Deadline()
    # It logs what it finds wrong in a file, and quotes the file.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    with apply_configuration(**_LIMITS):
        try:
            return _read(stream, name, deadline)
        except (Invalid, MemoryError):
            raise
        except Exception as error:  # a parser of hostile bytes raises anything
            raise Invalid(
                f"{name} is a PDF that cannot be read ({type(error).__name__}): save it again."
            ) from error


def _read(stream: BinaryIO, name: str, deadline: Deadline) -> PdfText:
    reader = PdfReader(cast("BinaryIO", _Watched(stream, name, deadline)), strict=False)
    if reader.is_encrypted and not reader.decrypt(""):
        raise Invalid(f"{name} is encrypted: save it without a password.")
    total = len(reader.pages)
    if total == 0:
        raise Invalid(f"{name} has no pages.")
    if total > MAX_PAGES:
        raise Invalid(f"{name} has {total:,} pages, more than {MAX_PAGES:,}: split it.")
    pages: list[Page] = []
    broken: list[int] = []
    letters = 0
    cache = _Cache(reader)
    for number in range(total):
        deadline.check()
        page = _page(reader, number, deadline)
        if page is None:
            broken.append(number + 1)
            page = Page()
        letters += page.letters
        if letters > 2 * MAX_TEXT:
            raise Invalid(f"{name} has more than {MAX_TEXT:,} letters: split it.")
        pages.append(page)
        cache.trim()
    if len(broken) == total:
        raise Invalid(f"{name} is a PDF whose pages cannot be read: save it again.")
    pictures = [number for number, page in enumerate(pages, 1) if page.letters < _SCANNED]
    if len(pictures) * 2 > total and letters < 200 * total:
        if not letters and not cache.pictures:
            raise Invalid(f"{name} holds no text.")
        raise Invalid(f"{name} holds only pictures of text: recognise its text (OCR) and save it again.")
    notes = [f"Page {number} could not be read." for number in broken[:20]]
    if cache.pictures and (scans := [number for number in pictures if number not in broken]):
        named = ", ".join(map(str, scans[:20]))
        notes.append(f"Pages without text, pictures perhaps: {named}{' …' if len(scans) > 20 else ''}.")
    return PdfText(title=_title(reader), text=tidy(text_of(pages)), pages=total, notes=tuple(notes))


def _page(reader: PdfReader, number: int, deadline: Deadline) -> Page | None:
    """The lines of a page; None when it is broken. The others are worth reading all the same."""
    try:
        page = reader.pages[number]
        return _page_of(page, deadline)
    except (Invalid, MemoryError):
        raise
    except Exception:  # noqa: BLE001 - as above: whatever a broken page raises, the next may be whole
        deadline.check()
        return None


def _page_of(page: Any, deadline: Deadline) -> Page:
    found: list[tuple[int, Fragment]] = []
    box = page.mediabox
    left, bottom = float(box.left), float(box.bottom)
    right, top = float(box.right), float(box.top)

    def text(piece: str, cm: list[float], tm: list[float], font: Any, size: float) -> None:
        if not piece.strip():
            return
        a, b = tm[0] * cm[0] + tm[1] * cm[2], tm[0] * cm[1] + tm[1] * cm[3]
        c, d = tm[2] * cm[0] + tm[3] * cm[2], tm[2] * cm[1] + tm[3] * cm[3]
        x = tm[4] * cm[0] + tm[5] * cm[2] + cm[4]
        y = tm[4] * cm[1] + tm[5] * cm[3] + cm[5]
        height = abs(size) * math.hypot(c, d)
        # What stands beside the paper, or is too small for eyes, nobody has read.
        inside = left - 5 <= x <= right + 5 and bottom - 5 <= y <= top + 5
        if not inside or not 1 < height < 1_000:
            return
        turn = round(math.degrees(math.atan2(b, a)) / 90) % 4
        if abs(math.degrees(math.atan2(b, a)) - 90 * (turn if turn < 3 else -1)) % 360 > 5:
            return  # Slanted: a watermark.
        x, y = ((x, y), (y, -x), (-x, -y), (-y, x))[turn]
        name = str(font.get("/BaseFont", "") if font else "")
        width = width_of(piece, height, name)
        fragment = Fragment(x=x, y=y, size=height, bold="bold" in name.casefold(), text=piece, width=width)
        found.append((turn, fragment))

    def operand(*_: Any) -> None:
        deadline.check()

    page.extract_text(visitor_text=text, visitor_operand_before=operand)
    turns = [turn for turn, _ in found]
    upright = max(set(turns), key=turns.count) if turns else 0
    edges = ((bottom, top), (-right, -left), (-top, -bottom), (left, right))[upright]
    upright_pieces = [fragment for turn, fragment in found if turn == upright]
    return page_of(upright_pieces, bottom=edges[0], top=edges[1])


class _Watched(io.RawIOBase):
    """
    The file as pypdf sees it: each read asks for the time.

    A file without a table of its objects is searched for them in memory, at a second for each megabyte.
    """

    def __init__(self, stream: BinaryIO, name: str, deadline: Deadline) -> None:
        self._stream = stream
        self._name = name
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        self._deadline.check()
        if size >= 0:
            return self._stream.read(size)
        found = self._stream.read(_SEARCHED_BYTES + 1)
        if len(found) > _SEARCHED_BYTES:
            raise Invalid(f"{self._name} is damaged: open it in its program and save it again.")
        return found

    def readline(self, size: int | None = -1) -> bytes:
        self._deadline.check()
        return self._stream.readline(_LONGEST_LINE if size is None or size < 0 else size)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()


class _Cache:
    """pypdf keeps every object it has met, whole pictures too: 200 MB of scans would stay in memory."""

    def __init__(self, reader: PdfReader) -> None:
        self._reader = reader
        self._seen = self._size = 0
        self.pictures = False

    def trim(self) -> None:
        """Forget all objects when those met since the last time are large."""
        objects = self._reader.resolved_objects
        # Only those that are new: looking at all of them for each page is quadratic.
        values: list[Any] = list(islice(objects.values(), self._seen, None))
        self._seen = len(objects)
        for thing in values:
            if not isinstance(thing, ContentStream) and hasattr(thing, "_data"):
                self._size += len(thing._data)
                self.pictures = self.pictures or thing.get("/Subtype") == "/Image"
        if self._size > _CACHED_BYTES:
            objects.clear()
            self._seen = self._size = 0


def _title(reader: PdfReader) -> str:
    try:
        properties: Any = reader.metadata or {}
        title = str(properties.get("/Title") or "")
    except Exception:  # noqa: BLE001 - a title is no reason to lose a document
        return ""
    title = " ".join(tidy(title).split())
    dull = title.casefold().startswith(_DULL)
    return (
        "" if dull or title.casefold().endswith((".doc", ".docx", ".pdf", ".indd", ".odt")) else title[:300]
    )
