"""Dump files: what lies there as parts, packed or not, becomes texts that can be read from any offset."""

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO, Final, Literal, cast

from candor.errors import Invalid
from candor.sources.dump_heads import is_tar
from candor.whmcs.dumps.streams import Counted, Pieces, Ranged
from candor.whmcs.dumps.unpacking import Damaged, plain, transcoded, unpacked
from candor.whmcs.dumps.values import Dump

Packing = Literal["", "gz", "xz", "bz2"]

_PIECE: Final = re.compile(
    r"(.+\.(?:sql|gz|xz|zip|dump))[.-](?:part[.-]?)?(?:\d{1,4}|[a-z]{2})\Z", re.IGNORECASE
)
"""What `split` names the pieces of one file: `whmcs.sql.gz.aa`, `whmcs.sql.part-001`."""

_MEMBER: Final = re.compile(r".+\.(?:sql|dump|sql\.gz|sql\.xz|sql\.bz2)\Z", re.IGNORECASE)
_NUMBERS: Final = re.compile(r"(\d+)")

MAX_MEMBERS: Final = 5_000

_NOT_SQL: Final = (
    (b"\x28\xb5\x2f\xfd", "is compressed with zstd: unpack it (`zstd -d`) and compress it with gzip"),
    (b"7z\xbc\xaf\x27\x1c", "is a 7z archive: unpack it and drop the .sql, or a zip of it"),
    (b"Rar!\x1a\x07", "is a rar archive: unpack it and drop the .sql, or a zip of it"),
    (b"SQLite format 3\x00", "is a SQLite database: a dump of WHMCS's MySQL database is expected"),
    (b"%PDF-", "is a PDF: a dump of WHMCS's MySQL database is expected"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """One text of SQL: a file, the pieces of one, or a member of an archive."""

    name: str
    files: tuple[str, ...]
    size: int
    """Bytes as stored; of an archive's member what it takes there."""
    member: str = ""
    packing: Packing = ""
    encoding: str = ""
    """Blank: bytes that are ASCII but for what stands in strings; else UTF-16 of one kind."""
    text_size: int = 0
    """An estimate of what it holds unpacked."""

    @property
    def seekable(self) -> bool:
        """Whether reading may begin anywhere; otherwise all that comes before is read again."""
        return not (self.packing or self.member or self.encoding)


def sources_of(dump: Dump) -> tuple[Source, ...]:
    """
    The texts of a dump, in the order in which to read them: tables' definitions before their rows.

    `Invalid`, with a sentence, when a file is of a kind that holds no SQL.
    """
    found: list[Source] = []
    for name, files in _whole_files(dump.files):
        found += _sources_of(dump, name, files)
    if not found:
        raise Invalid("There is no .sql in it: a dump of WHMCS's MySQL database is expected.")
    if len(found) > 1:
        found = [one for one in found if not _is_note(one)] or found
    return tuple(sorted(found, key=lambda one: not _defines(one.name)))


class Text:
    """A source's text from an offset on, read to the end once."""

    def __init__(self, dump: Dump, source: Source, offset: int) -> None:
        self._raw = Counted(Pieces(dump, source.files, offset if source.seekable else 0))
        self.bytes_before = offset if source.seekable else 0
        stream: BinaryIO = cast("BinaryIO", self._raw)
        self._archive: zipfile.ZipFile | None = None
        if source.member:
            self._archive = _archive(Ranged(dump, source.files), source.name)
            stream = cast("BinaryIO", Counted(_member(self._archive, source)))
            self._raw = cast("Counted", stream)
        chunks = (
            unpacked(stream, source.packing, source.name) if source.packing else plain(stream, source.name)
        )
        if source.encoding:
            chunks = transcoded(chunks, source.encoding)
        self._chunks = chunks
        self._held = b""
        self.damage = ""
        """Why the text ends before the file does; blank when it ends as it should."""
        if not source.seekable:
            self._pass(offset)

    @property
    def bytes_done(self) -> int:
        """As stored, of this source, read so far."""
        return self.bytes_before + self._raw.count

    def read(self, size: int) -> bytes:
        """The next bytes, so many of them; fewer only at the end, none after it."""
        parts, held = [self._held], len(self._held)
        while held < size and (chunk := self._next()):
            parts.append(chunk)
            held += len(chunk)
        whole = b"".join(parts)
        self._held = whole[size:]
        return whole[:size] if self._held else whole

    def close(self) -> None:
        self._raw.close()
        if self._archive is not None:
            self._archive.close()

    def _pass(self, size: int) -> None:
        while size > 0:
            chunk = self._next()
            if not chunk:
                return
            self._held = chunk[size:]
            size -= len(chunk)

    def _next(self) -> bytes:
        try:
            return next(self._chunks, b"")
        except Damaged as error:
            self.damage = str(error)
            return b""


def _whole_files(files: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Files, with the pieces of one that `split` has cut put together."""
    together: dict[str, list[str]] = {}
    for file in files:
        piece = _PIECE.match(file)
        together.setdefault(piece[1] if piece else file, []).append(file)
    for name, pieces in together.items():
        yield name, tuple(sorted(pieces) if len(pieces) > 1 else pieces)


def _sources_of(dump: Dump, name: str, files: tuple[str, ...]) -> list[Source]:
    size = sum(dump.size(file) for file in files)
    short = PurePosixPath(name).name
    if size == 0:
        if len(dump.files) > 1:
            return []
        raise Invalid(f"{short} is empty: a dump of WHMCS's MySQL database is expected.")
    with closing(Pieces(dump, files, 0)) as stream:
        head = _head(cast("BinaryIO", stream))
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return _members(dump, short, files)
    return [_source(short, files, size, head)]


def _source(short: str, files: tuple[str, ...], size: int, head: bytes, member: str = "") -> Source:
    for signature, sentence in _NOT_SQL:
        if head.startswith(signature):
            raise Invalid(f"{short} {sentence}.")
    if is_tar(head):
        raise Invalid(tar_told(short))
    packing = _packing(head)
    encoding = "" if packing else encoding_mark(head)
    grows = {"gz": 8, "xz": 12, "bz2": 10}.get(packing, 1)
    return Source(
        name=short,
        files=files,
        size=size,
        member=member,
        packing=packing,
        encoding=encoding,
        text_size=size * grows,
    )


def tar_told(short: str) -> str:
    """What to do with a tar archive, as backups of whole accounts are."""
    return f"{short} is a tar archive: unpack it and drop the .sql, or a zip of it."


def encoding_mark(head: bytes) -> str:
    """UTF-16, with its mark or without, or nothing."""
    if head.startswith(b"\xff\xfe") or (len(head) > 3 and head[1] == 0 and head[3] == 0 and head[0]):
        return "utf-16-le"
    if head.startswith(b"\xfe\xff") or (len(head) > 3 and head[0] == 0 and head[2] == 0 and head[1]):
        return "utf-16-be"
    return ""


def _packing(head: bytes) -> Packing:
    if head.startswith(b"\x1f\x8b"):
        return "gz"
    if head.startswith(b"\xfd7zXZ\x00"):
        return "xz"
    return "bz2" if head.startswith(b"BZh") and head[4:10] == b"1AY&SY" else ""


def _members(dump: Dump, short: str, files: tuple[str, ...]) -> list[Source]:
    with _archive(Ranged(dump, files), short) as archive:
        entries = archive.infolist()
        if len(entries) > MAX_MEMBERS:
            raise Invalid(
                f"{short} holds {len(entries):,} files, more than {MAX_MEMBERS:,}: drop only the .sql."
            )
        wanted = [one for one in entries if _MEMBER.match(one.filename) and not _hidden(one.filename)]
        if not wanted:
            raise Invalid(f"{short} holds no .sql: a dump of WHMCS's MySQL database is expected.")
        sources = []
        for entry in sorted(wanted, key=lambda one: _natural(one.filename)):
            if entry.flag_bits & 1:
                raise Invalid(f"{short} is encrypted: save it without a password.")
            if entry.file_size == 0:
                continue
            name = f"{short}/{entry.filename}"
            with _opened(archive, entry, name) as stream:
                head = _head(stream)
            source = _source(name, files, entry.compress_size, head, entry.filename)
            grown = entry.file_size if not source.packing else source.text_size
            sources.append(
                Source(
                    name=name,
                    files=files,
                    size=entry.file_size,
                    member=entry.filename,
                    packing=source.packing,
                    encoding=source.encoding,
                    text_size=grown,
                )
            )
        if not sources:
            raise Invalid(f"Every .sql in {short} is empty: a dump of WHMCS's MySQL database is expected.")
        return sources


def _opened(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str) -> BinaryIO:
    try:
        return cast("BinaryIO", archive.open(entry))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError) as error:
        raise Invalid(f"{name} cannot be unpacked: make the archive again with plain deflate.") from error


def _member(archive: zipfile.ZipFile, source: Source) -> BinaryIO:
    return _opened(archive, archive.getinfo(source.member), source.name)


def _archive(stream: io.RawIOBase, short: str) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(io.BufferedReader(stream, 1_000_000))
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, EOFError) as error:
        raise Invalid(
            f"{short} is a damaged zip, perhaps not wholly uploaded: make it again, or drop the .sql.gz."
        ) from error


def _head(stream: BinaryIO) -> bytes:
    head = b""
    while len(head) < 512 and (more := stream.read(512 - len(head))):
        head += more
    return head


def _hidden(name: str) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in name.split("/"))


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(part) if part.isdecimal() else -1, part) for part in _NUMBERS.split(name.lower())]


def _defines(name: str) -> bool:
    return "-schema" in name.lower()


def _is_note(source: Source) -> bool:
    """A file that mydumper lays beside the dump."""
    return PurePosixPath(source.name).name in ("metadata", "metadata.partial")
