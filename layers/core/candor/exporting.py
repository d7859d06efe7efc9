"""
Exporting: files under `exports/` that show what is stored, in step with it.

An export begins with the time its reading began. So whoever comes later sees from the file itself whether a
change can be in it: a message that is served already costs one look, two writers at once end with the later
truth (each reads the file again after writing it), and a killed one leaves the old file and its message.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from candor.documents import Documents
from candor.errors import NotFound, Unavailable
from candor.messages import ExportToWrite, Queue
from candor.objects import EXPORT_PREFIX, Objects

DOCUMENT_SOURCES: Final = ("api", "upload")
"""Whose documents nobody else keeps: made through the API or the console."""

DELAY_SECONDS: Final = 10
"""From a change to its export: the changes of a moment are one export, and every index has them by then."""

SETTLE_SECONDS: Final = 5
"""A reading that began so long after a change has seen it, whatever the index and the clocks."""

EVERY_SECONDS: Final = 20
"""An export is written no more often; with the delays it is never a minute behind."""

LINK_SECONDS: Final = 900

_TRIES: Final = 3
_STEP: Final = 100
_BEGAN = re.compile(rb'"exported_at": "([^"]{10,40})"')
_HEAD_BYTES: Final = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class Export:
    """One file: where it lies, and what makes its bytes, given the time their reading begins."""

    name: str
    key: str
    content_type: str
    pieces: Callable[[str], Iterator[bytes]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """An export as it lies in the bucket."""

    name: str
    key: str
    size: int
    updated_at: datetime


class ExportMarks(Protocol):
    """Since when each export is wanted: what a writer compares its own beginning with."""

    def want(self, name: str, changed_at: str) -> None:
        """Remember the change, unless a later one is remembered already. ISO-8601 in UTC."""
        ...

    def wanted(self, name: str) -> str:
        """The latest change, or nothing."""
        ...


class Exporting:
    """Writes the exports, each as a whole."""

    def __init__(
        self,
        *,
        exports: Sequence[Export],
        objects: Objects,
        marks: ExportMarks,
        queue: Queue,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._exports = {export.name: export for export in exports}
        self._objects = objects
        self._marks = marks
        self._queue = queue
        self._now = now

    def write(self, changed_at: str = "") -> None:
        """
        Every export as it is after this change; without one, as it is now.

        `Unavailable` when others write faster than we do: the message is to come back.
        """
        later = [export for export in self._exports.values() if not self._in_step(export, changed_at)]
        if later:
            self._queue.send(ExportToWrite(changed_at=changed_at), delay_seconds=EVERY_SECONDS)

    def _in_step(self, export: Export, changed_at: str) -> bool:
        """Whether the file holds the change now; not when it is too early to write it again."""
        wanted = changed_at or self._now().isoformat()
        self._marks.want(export.name, wanted)
        if changed_at:
            began = self._began(export)
            if _holds(began, changed_at):
                return True
            if began and self._now() - _time(began) < timedelta(seconds=EVERY_SECONDS):
                return False
        for _ in range(_TRIES):
            began = self._now().isoformat()
            self._objects.write(export.key, export.pieces(began), content_type=export.content_type)
            # A slower writer that began before us may have put its file over ours, or we ours over a faster
            # one's: what lies there now is what counts.
            if not changed_at or _holds(self._began(export), self._marks.wanted(export.name)):
                return True
        raise Unavailable("The export is behind; it is written again.", retry_after=SETTLE_SECONDS)

    def _began(self, export: Export) -> str:
        try:
            with self._objects.open(export.key) as stream:
                found = _BEGAN.search(stream.read(_HEAD_BYTES))
        except NotFound:
            return ""
        return found[1].decode() if found else ""


class Exports:
    """What lies under `exports/`."""

    def __init__(self, *, objects: Objects) -> None:
        self._objects = objects

    def link(self, written: Written) -> str:
        return self._objects.link(written.key, seconds=LINK_SECONDS)

    def list(self) -> Sequence[Written]:
        return [
            Written(
                name=info.key.removeprefix(EXPORT_PREFIX).rpartition(".")[0] or info.key,
                key=info.key,
                size=info.size,
                updated_at=info.modified,
            )
            for info in self._objects.list(EXPORT_PREFIX)
            if not info.key.endswith("/")
        ]


def custom_docs(documents: Documents) -> Export:
    """The documents of the API and of uploads, in the shape that a drop under `source/` accepts."""
    return Export(
        name="custom_docs",
        key=f"{EXPORT_PREFIX}custom_docs.json",
        content_type="application/json",
        pieces=lambda began: _pages(documents, began),
    )


def _pages(documents: Documents, began: str) -> Iterator[bytes]:
    head = {"source": "candor", "exported_at": began}
    yield json.dumps(head).removesuffix("}").encode() + b', "pages": ['
    comma = b"\n"
    for source in DOCUMENT_SOURCES:
        for document, contents in documents.whole_of_source(source):
            page = {
                "url": document.url,
                "title": document.title,
                "text": contents.text,
                "doc_type": document.doc_type,
                "effective_date": document.effective_date,
                "product": document.product,
                "region": document.region,
                "metadata": dict(document.metadata),
                # Somebody wrote it: a reader is not to take a short one for a page that holds its menu only.
                "written": True,
            }
            yield comma + json.dumps(page, ensure_ascii=False).encode("utf-8", "replace")
            comma = b",\n"
    yield b"\n]}\n"


def _holds(began: str, changed_at: str) -> bool:
    if not began:
        return False
    return not changed_at or _time(began) >= _time(changed_at) + timedelta(seconds=SETTLE_SECONDS)


def _time(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
