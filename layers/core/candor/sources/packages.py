"""Packages: the office formats' zip of XML parts, opened without trusting a number in it."""

import io
import posixpath
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO, Final, Protocol, cast
from urllib.parse import unquote
from xml.parsers import expat

from candor.errors import Invalid
from candor.sources.deadlines import Deadline

MAX_ENTRIES: Final = 20_000
"""A presentation of 500 slides with 5 pictures each has about 6,000 parts."""

MAX_DIRECTORY_BYTES: Final = 8_000_000
"""What zipfile may read to list the parts: it keeps half a kilobyte in memory for each."""

MAX_PART_BYTES: Final = 400_000_000
MAX_TOTAL_BYTES: Final = 600_000_000
"""Unpacked. Parts are parsed as they are unpacked and never held; what these cost is time."""

MAX_RATIO: Final = 200
RATIO_FROM_BYTES: Final = 20_000_000
"""Real sheets shrink 10 to 100 times; deflate ends at 1,032. Below 20 MB nobody need ask."""

MAX_DEPTH: Final = 250
"""Elements inside elements: tables nested ten deep have about 80."""

MAX_TAG_BYTES: Final = 5_000_000
"""Of one tag with its attributes; a drawing's longest path has some hundred thousand."""

_CHUNK: Final = 65_536

_PREFIXES: Final = {
    "http://schemas.openxmlformats.org/wordprocessingml/2006/main": "w",
    "http://purl.oclc.org/ooxml/wordprocessingml/main": "w",
    "http://schemas.openxmlformats.org/drawingml/2006/main": "a",
    "http://purl.oclc.org/ooxml/drawingml/main": "a",
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main": "s",
    "http://purl.oclc.org/ooxml/spreadsheetml/main": "s",
    "http://schemas.openxmlformats.org/presentationml/2006/main": "p",
    "http://purl.oclc.org/ooxml/presentationml/main": "p",
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships": "r",
    "http://purl.oclc.org/ooxml/officeDocument/relationships": "r",
    "http://schemas.openxmlformats.org/officeDocument/2006/math": "m",
    "http://schemas.openxmlformats.org/markup-compatibility/2006": "mc",
    "http://schemas.openxmlformats.org/package/2006/relationships": "rel",
    "http://purl.org/dc/elements/1.1/": "dc",
    "urn:oasis:names:tc:opendocument:xmlns:office:1.0": "office",
    "urn:oasis:names:tc:opendocument:xmlns:text:1.0": "text",
    "urn:oasis:names:tc:opendocument:xmlns:table:1.0": "table",
    "urn:oasis:names:tc:opendocument:xmlns:drawing:1.0": "draw",
    "urn:oasis:names:tc:opendocument:xmlns:style:1.0": "style",
    "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0": "manifest",
    "urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0": "fo",
    "http://www.w3.org/1999/xlink": "xlink",
}
"""Namespaces, the strict ones of ISO 29500 too, and what we call them."""


class Handler(Protocol):
    """Is told of a part's elements, `w:p` and the like; names of unknown namespaces begin with `?:`."""

    def start(self, tag: str, attrs: Mapping[str, str]) -> None: ...

    def end(self, tag: str) -> None: ...

    def data(self, text: str) -> None: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Relation:
    """What one part says of another: `kind` is the last word of its type."""

    kind: str
    target: str
    """A part's name, or an address when `external`."""
    external: bool


class Package:
    """
    A zip that lies in a seekable stream; its parts are read one at a time and never written anywhere.

    Every method raises `Invalid`, with a sentence, for what is broken, encrypted, or grows beyond its limits.
    """

    def __init__(self, stream: BinaryIO, *, name: str, deadline: Deadline) -> None:
        self.name = name
        self.deadline = deadline
        self._unpacked = 0
        try:
            counted = cast("BinaryIO", _Directory(stream, name))
            self._zip = zipfile.ZipFile(counted)
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, EOFError) as error:
            raise self.broken() from error
        counted.unlimited = True  # type: ignore[attr-defined]
        entries = self._zip.infolist()
        if len(entries) > MAX_ENTRIES:
            raise Invalid(f"{name} has {len(entries):,} parts, more than {MAX_ENTRIES:,}: save it again.")
        self.names = frozenset(entry.filename for entry in entries)

    def broken(self) -> Invalid:
        return Invalid(f"{self.name} is damaged: open it in its program and save it again.")

    def head(self, part: str, size: int = 200) -> bytes:
        """The first bytes of a part; nothing when there is no such part."""
        if part not in self.names:
            return b""
        try:
            with self._open(part) as stream:
                return stream.read(size)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
            raise self.broken() from error

    def parse(self, part: str, handler: Handler) -> bool:
        """Tell the handler everything in the part; False when there is no such part."""
        if part not in self.names:
            return False
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        events = _Events(handler, self.name)
        parser.StartElementHandler = events.start
        parser.EndElementHandler = events.end
        parser.CharacterDataHandler = handler.data
        # Office files have no document type. Without one there are no entities to expand or to fetch.
        parser.StartDoctypeDeclHandler = events.doctype
        parser.EntityDeclHandler = events.doctype
        try:
            with self._open(part) as stream:
                fed = 0
                while chunk := stream.read(_CHUNK):
                    self.deadline.check()
                    parser.Parse(chunk, False)
                    fed += len(chunk)
                    # The parser keeps a tag until it ends.
                    if fed - parser.CurrentByteIndex > MAX_TAG_BYTES:
                        raise self.broken()
                parser.Parse(b"", True)
        except (expat.ExpatError, zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
            raise self.broken() from error
        finally:
            # The parser and the methods it calls hold each other: without this a large file waits for the
            # garbage collector.
            parser.StartElementHandler = parser.EndElementHandler = parser.CharacterDataHandler = None
        return True

    def relations(self, part: str) -> Mapping[str, Relation]:
        """By id, what a part refers to."""
        folder, _, file = part.rpartition("/")
        found = _Relations(folder)
        self.parse(f"{folder}/_rels/{file}.rels" if folder else f"_rels/{file}.rels", found)
        return found.by_id

    def main_part(self, otherwise: str) -> str:
        """The part the package is about."""
        for relation in self.relations("").values():
            if relation.kind == "officeDocument" and relation.target in self.names:
                return relation.target
        return otherwise

    def title(self, part: str = "docProps/core.xml") -> str:
        """The title of its properties; blank when nobody gave one."""
        found = _Title()
        try:
            self.parse(part, found)
        except Invalid:
            return ""  # A title is no reason to lose a document.
        return " ".join("".join(found.words).split())[:300]

    def _open(self, part: str) -> "_Part":
        info = self._zip.getinfo(part)
        if info.flag_bits & 1:
            raise Invalid(f"{self.name} is encrypted: save it without a password.")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise self.broken()
        try:
            return _Part(self, cast("BinaryIO", self._zip.open(info)), max(1, info.compress_size))
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError) as error:
            raise self.broken() from error

    def unpacked(self, size: int, *, of_part: int, packed: int) -> None:
        """Count what came out; `Invalid` when it is more than a document has."""
        self._unpacked += size
        bomb = of_part > RATIO_FROM_BYTES and of_part > MAX_RATIO * packed
        if bomb or of_part > MAX_PART_BYTES or self._unpacked > MAX_TOTAL_BYTES:
            raise Invalid(f"{self.name} unpacks to far more than a document holds: it is refused.")


class _Part:
    """A part's bytes, counted as they come out: what the directory says of their number is not believed."""

    def __init__(self, package: Package, stream: BinaryIO, packed: int) -> None:
        self._package = package
        self._stream = stream
        self._packed = packed
        self._size = 0

    def read(self, size: int) -> bytes:
        chunk = self._stream.read(size)
        self._size += len(chunk)
        self._package.unpacked(len(chunk), of_part=self._size, packed=self._packed)
        return chunk

    def __enter__(self) -> "_Part":
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()


class _Directory(io.RawIOBase):
    """A zip's stream while its directory is read: a read for millions of entries is refused beforehand."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self._stream = stream
        self._name = name
        self.unlimited = False

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if self.unlimited:
            return self._stream.read(size)
        # Without a size it reads the last 64 KB; with one, whatever the file says of its directory.
        found = self._stream.read(MAX_DIRECTORY_BYTES + 1) if size < 0 else b""
        if max(size, len(found)) > MAX_DIRECTORY_BYTES:
            raise Invalid(f"{self._name} lists more parts than a document has: it is refused.")
        return found if size < 0 else self._stream.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()


class _Events:
    def __init__(self, handler: Handler, name: str) -> None:
        self._handler = handler
        self._name = name
        self._depth = 0
        self._tags: dict[str, str] = {}

    def start(self, tag: str, attrs: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Invalid(f"{self._name} is nested deeper than any document: it is refused.")
        self._handler.start(self._named(tag), {self._named(name): value for name, value in attrs.items()})

    def end(self, tag: str) -> None:
        self._depth -= 1
        self._handler.end(self._named(tag))

    def doctype(self, *_: object) -> None:
        raise Invalid(f"{self._name} declares entities, which no document needs: it is refused.")

    def _named(self, tag: str) -> str:
        if (known := self._tags.get(tag)) is not None:
            return known
        space, _, local = tag.rpartition(" ")
        name = f"{_PREFIXES.get(space, '?')}:{local}" if space else local
        if len(self._tags) < 2_000:
            self._tags[tag] = name
        return name


class _Relations:
    def __init__(self, folder: str) -> None:
        self._folder = folder
        self.by_id: dict[str, Relation] = {}

    def start(self, tag: str, attrs: Mapping[str, str]) -> None:
        if tag != "rel:Relationship" or len(self.by_id) > MAX_ENTRIES:
            return
        external = attrs.get("TargetMode") == "External"
        target = attrs.get("Target", "")
        if not external:
            target = unquote(target.partition("#")[0])
            joined = target.lstrip("/") if target.startswith("/") else posixpath.join(self._folder, target)
            target = posixpath.normpath(joined)
        kind = attrs.get("Type", "").rpartition("/")[2]
        self.by_id[attrs.get("Id", "")] = Relation(kind=kind, target=target, external=external)

    def end(self, tag: str) -> None: ...

    def data(self, text: str) -> None: ...


class _Title:
    def __init__(self) -> None:
        self.words: list[str] = []
        self._inside = False

    def start(self, tag: str, attrs: Mapping[str, str]) -> None:
        self._inside = tag == "dc:title"

    def end(self, tag: str) -> None:
        self._inside = False

    def data(self, text: str) -> None:
        if self._inside and len(self.words) < 100:
            self.words.append(text)
