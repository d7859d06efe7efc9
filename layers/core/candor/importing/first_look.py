"""First look: whether a file in the bucket is a dump, before anybody waits for its import."""

import io
import re
import zipfile
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final, Literal

from candor.objects import ObjectInfo, Objects
from candor.sources.dump_heads import head_text, is_sql_dump, is_tar
from candor.sources.kinds import SUFFIXES

HEAD_BYTES: Final = 65_536

_TAIL_BYTES: Final = 1_048_576
"""Of a zip: its directory stands at its end, and a dump has few files."""

_MEMBER = re.compile(r".+\.(?:sql|dump|sql\.gz|sql\.xz|sql\.bz2)\Z", re.IGNORECASE)

Kind = Literal["dump", "aside", "other"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """
    `dump`: SQL. `aside`: what dump tools put beside it, and nobody needs. `other`: anything else; then the
    sentence says what was found.
    """

    kind: Kind
    sentence: str = ""


def may_be_dump(key: str) -> bool:
    """By its name: a suffix no reader of documents has. Under another one a dump is refused, with advice."""
    suffix = PurePosixPath(key).suffix.lower()
    return suffix != "" and suffix not in SUFFIXES


def first_look(objects: Objects, info: ObjectInfo) -> Look:
    """`NotFound` when it has gone since."""
    name = PurePosixPath(info.key).name
    with objects.open(info.key) as stream:
        head = stream.read(HEAD_BYTES)
    if not head.strip():
        return Look(kind="other", sentence=f"{name} is empty.")
    if is_sql_dump(head, name):
        return Look(kind="dump")
    if head.startswith(b"PK\x03\x04"):
        return _look_into_zip(objects, info)
    if name in ("metadata", "metadata.partial") or name.endswith((".metadata", "-metadata")):
        return Look(kind="aside")
    found = _told(head)
    return Look(
        kind="other",
        sentence=f"{name} is no database dump: it holds {found}, and an import wants the SQL that mysqldump, "
        "phpMyAdmin, Adminer or mydumper writes (.sql, .sql.gz, .sql.xz or .zip).",
    )


def _look_into_zip(objects: Objects, info: ObjectInfo) -> Look:
    """Whose first file is no SQL: its directory tells of the others."""
    name = PurePosixPath(info.key).name
    start = max(0, info.size - _TAIL_BYTES)
    with objects.open(info.key, start=start) as stream:
        tail = stream.read()
    try:
        with zipfile.ZipFile(io.BytesIO(tail)) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, OSError):
        return Look(kind="other", sentence=f"{name} is no archive that can be read: its end is missing.")
    if any(map(_MEMBER.fullmatch, names)):
        return Look(kind="dump")
    return Look(
        kind="other",
        sentence=f"{name} is an archive that holds no .sql file: pack the dump itself.",
    )


def _told(head: bytes) -> str:
    if is_tar(head):
        return "a tar archive (unpack it, and name the .sql that lies in it)"
    text = head_text(head)
    if text is None:
        return "no text"
    shown = text.lstrip()[:200].lower()
    if shown.startswith("<"):
        return "a web page (an error page, perhaps, that was saved in the dump's place)"
    if shown.startswith(("{", "[")):
        return "JSON"
    return "text without a single SQL statement at its beginning"
