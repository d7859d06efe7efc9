"""Sources: a dropped file becomes records, each a draft of a document or the reason why it is none."""

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import PurePosixPath
from typing import BinaryIO

from candor.errors import UnsupportedType
from candor.sources.records import Record

READERS = {
    ".json": "candor.sources.json_files:read",
    ".jsonl": "candor.sources.json_files:read_lines",
    ".ndjson": "candor.sources.json_files:read_lines",
    ".md": "candor.sources.texts:read",
    ".markdown": "candor.sources.texts:read",
    ".txt": "candor.sources.texts:read",
    ".html": "candor.sources.texts:read_html",
    ".htm": "candor.sources.texts:read_html",
}
"""Suffix → who reads it. A reader is imported when its first file comes."""


def read(stream: BinaryIO, key: str) -> Iterator[Record]:
    """
    The file's records in order, numbered from 0, drafts and faults alike.

    `UnsupportedType` for a suffix nobody reads; `Invalid`, with a sentence, for a file that as a whole
    cannot be read. Both may come with the first record asked for.
    """
    suffix = PurePosixPath(key).suffix.lower()
    if suffix not in READERS:
        known = ", ".join(sorted(READERS))
        raise UnsupportedType(f"{PurePosixPath(key).name} has a suffix nobody reads; we read {known}.")
    module, name = READERS[suffix].split(":")
    reader: Callable[[BinaryIO, str], Iterator[Record]] = getattr(import_module(module), name)
    return reader(stream, key)
