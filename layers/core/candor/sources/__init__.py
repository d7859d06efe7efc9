"""Sources: a dropped file becomes records, each a draft of a document or the reason why it is none."""

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import PurePosixPath
from typing import BinaryIO

from candor.sources.deadlines import READ_SECONDS, Deadline
from candor.sources.kinds import HEAD_BYTES, PACKAGED, kind_of, kind_of_package, refuse_ole2
from candor.sources.records import Record
from candor.sources.spooling import peeked, spooled

READERS = {
    "json": "candor.sources.json_files:read",
    "json_lines": "candor.sources.json_files:read_lines",
    "text": "candor.sources.texts:read",
    "html": "candor.sources.texts:read_html",
    "csv": "candor.sources.csv:read",
    "eml": "candor.sources.eml:read",
    "pdf": "candor.sources.pdf:read",
    "docx": "candor.sources.docx:read",
    "xlsx": "candor.sources.xlsx:read",
    "pptx": "candor.sources.pptx:read",
    "odt": "candor.sources.odt:read",
}
"""Kind → who reads it. A reader is imported when its first file comes."""

Reader = Callable[[BinaryIO, str, Deadline], Iterator[Record]]


def read(stream: BinaryIO, key: str, *, seconds: float = READ_SECONDS) -> Iterator[Record]:
    """
    The file's records in order, numbered from 0, drafts and faults alike.

    What the file holds decides how it is read; its suffix only where that leaves a choice.
    `UnsupportedType` for a kind nobody reads; `Invalid`, with a sentence, for a file that as a whole
    cannot be read, or not within the `seconds`. Both may come with the first record asked for.
    """
    deadline = Deadline(seconds)
    head, stream = peeked(stream, HEAD_BYTES)
    kind = kind_of(head, key)
    if kind not in PACKAGED and kind not in ("zip", "ole2"):
        yield from _reader(kind)(stream, key, deadline)
        return
    with spooled(stream, PurePosixPath(key).name) as whole:
        if kind == "ole2":
            refuse_ole2(whole, key)
        if kind == "zip":
            kind = kind_of_package(whole, key, deadline)
            whole.seek(0)
        yield from _reader(kind)(whole, key, deadline)


def _reader(kind: str) -> Reader:
    module, name = READERS[kind].split(":")
    reader: Reader = getattr(import_module(module), name)
    return reader
