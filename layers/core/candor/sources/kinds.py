"""Kinds: what a file is, by what it holds; its name decides only where the content leaves a choice."""

import codecs
import re
from pathlib import PurePosixPath
from typing import BinaryIO, Final

from candor.errors import Invalid, UnsupportedType
from candor.sources.deadlines import Deadline
from candor.sources.dump_heads import is_sql_dump
from candor.sources.packages import Package
from candor.sources.records import encoding_of

HEAD_BYTES: Final = 8_192
"""What is looked at first."""

SUFFIXES: Final = {
    ".json": "json",
    ".jsonl": "json_lines",
    ".ndjson": "json_lines",
    ".md": "text",
    ".markdown": "text",
    ".txt": "text",
    ".text": "text",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".csv": "csv",
    ".tsv": "csv",
    ".eml": "eml",
    ".pdf": "pdf",
    ".docx": "docx",
    ".docm": "docx",
    ".dotx": "docx",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".pptx": "pptx",
    ".pptm": "pptx",
    ".ppsx": "pptx",
    ".odt": "odt",
}
"""Suffix → kind. Among kinds of text the suffix chooses; without one the content alone does."""

PACKAGED: Final = frozenset({"pdf", "docx", "xlsx", "pptx", "odt"})
"""Kinds that cannot be read from front to back."""

_SAYS: Final = "we read " + ", ".join(sorted(SUFFIXES))

_SIGNATURES: Final[tuple[tuple[bytes, str], ...]] = (
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"II*\x00", "a picture"),
    (b"MM\x00*", "a picture"),
    (b"8BPS", "a picture"),
    (b"\x00\x00\x01\x00", "a picture"),
    (b"\x1f\x8b", "an archive"),
    (b"\xfd7zXZ\x00", "an archive"),
    (b"BZh", "an archive"),
    (b"7z\xbc\xaf\x27\x1c", "an archive"),
    (b"Rar!\x1a\x07", "an archive"),
    (b"\x28\xb5\x2f\xfd", "an archive"),
    (b"MZ", "a program"),
    (b"\x7fELF", "a program"),
    (b"\xca\xfe\xba\xbe", "a program"),
    (b"\xcf\xfa\xed\xfe", "a program"),
    (b"\xce\xfa\xed\xfe", "a program"),
    (b"\x00asm", "a program"),
    (b"ID3", "a sound recording"),
    (b"OggS", "a recording"),
    (b"fLaC", "a sound recording"),
    (b"\x1aE\xdf\xa3", "a film"),
    (b"SQLite format 3\x00", "a database"),
    (b"wOFF", "a font"),
    (b"wOF2", "a font"),
    (b"OTTO", "a font"),
)
DUMP_ADVICE: Final = (
    "name it .sql, .sql.gz, .sql.xz or .zip, put it into the bucket and import it "
    "(POST /v1/admin/import-dump, or drop it under source/)"
)
_ADVICE: Final = {
    "a picture": "pictures are not read: recognise its text (OCR) and save that",
    "an archive": "archives are read when they hold a database dump: unpack it and drop the files one by one",
    "a database": "export what it holds as CSV or JSON",
}
_MARKS: Final = (
    codecs.BOM_UTF8,
    codecs.BOM_UTF16_LE,
    codecs.BOM_UTF16_BE,
    codecs.BOM_UTF32_LE,
    codecs.BOM_UTF32_BE,
)
_OLE2: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OLE2_ENTRIES: Final = (
    ("EncryptedPackage", "is encrypted: save it without a password", True),
    ("WordDocument", "is a document of the old .doc format: save it as .docx", False),
    ("PowerPoint Document", "is a presentation of the old .ppt format: save it as .pptx", False),
    ("Workbook", "is a workbook of the old .xls format: save it as .xlsx", False),
    ("Book", "is a workbook of the old .xls format: save it as .xlsx", False),
    ("__substg1.0_", "is a message of Outlook's own format: save it as .eml", False),
)
_OPEN_DOCUMENT: Final = {
    "application/vnd.oasis.opendocument.spreadsheet": "is an .ods sheet: save it as .xlsx or .csv",
    "application/vnd.oasis.opendocument.presentation": "is an .odp presentation: save it as .pptx",
    "application/epub+zip": "is an e-book: save it as .pdf or .html",
}
_HTML = re.compile(
    r"\s*(?:<!--.*?-->\s*|<\?xml[^>]{0,200}\?>\s*)*<(?:!doctype\s+html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)
_HTML_PART = re.compile(r"<(?:p|div|table|ul|ol|h[1-6]|br|span|a)\b[^>]{0,300}>", re.IGNORECASE)
_MAIL = re.compile(r"(?:From |(?:[A-Za-z][A-Za-z0-9-]{1,60}):[ \t])")
_MAIL_FIELDS = re.compile(
    r"^(?:from|to|subject|date|received|message-id|mime-version|return-path):", re.IGNORECASE | re.MULTILINE
)


def kind_of(head: bytes, key: str) -> str:
    """
    The kind by the file's first bytes (`HEAD_BYTES` of them): a value of `SUFFIXES`, or `zip`.

    `UnsupportedType`, with a sentence that says what it is and what to do, for what nobody reads;
    `Invalid` for what is encrypted.
    """
    path = PurePosixPath(key)
    named = SUFFIXES.get(path.suffix.lower())
    if b"%PDF-" in head[:1_024]:
        return "pdf"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    if head.startswith(_OLE2):
        return "ole2"
    if is_sql_dump(head, path.name):
        raise UnsupportedType(f"{path.name} is a database dump, and no document: {DUMP_ADVICE}.")
    if what := _known(head):
        advice = _ADVICE.get(what, "a document is wanted")
        raise UnsupportedType(f"{path.name} is {what}: {advice}.")
    if head.lstrip()[:5] == b"{\\rtf":
        raise UnsupportedType(f"{path.name} is a document of the .rtf format: save it as .docx.")
    if ".sql" in map(str.lower, path.suffixes):
        found = "holds no SQL at its beginning" if head.strip() else "is empty"
        raise UnsupportedType(
            f"{path.name} {found}: a database dump is expected, as mysqldump or phpMyAdmin write it."
        )
    if path.suffix and named is None:
        raise UnsupportedType(f"{path.name} has a suffix nobody reads; {_SAYS}.")
    encoding = encoding_of(head[:4])
    text = head.decode(encoding, "replace").removeprefix("\ufeff")
    # Without a mark UTF-16 is told by its first letter's other half: a guess that any binary file may meet.
    guessed = encoding != "utf-8" and not head.startswith(_MARKS)
    odd = "\x00" in text[:1_000] or (guessed and not (text[:1].isascii() and text[:1].isprintable()))
    if odd and sum(byte < 9 or 13 < byte < 32 for byte in head) > max(4, len(head) // 20):
        raise UnsupportedType(f"{path.name} is no kind of file we know; {_SAYS}.")
    return _kind_of_text(text, named)


def _kind_of_text(text: str, named: str | None) -> str:
    if named in ("json", "json_lines"):
        return named
    if _HTML.match(text):
        return "html"
    if named == "html":
        return "html" if _HTML_PART.search(text) else "text"
    mail = bool(_MAIL.match(text)) and len(_MAIL_FIELDS.findall(text)) > 1
    if named == "eml":
        return "eml" if mail else "text"
    if named in ("text", "csv"):
        return named
    # No suffix, or that of a packaged kind which this is not.
    if text.lstrip()[:1] in ("{", "[") and text.lstrip()[1:].lstrip()[:1] in ('"', "{", "[", "}", "]"):
        return "json"
    return "eml" if mail else "text"


def kind_of_package(stream: BinaryIO, key: str, deadline: Deadline) -> str:
    """The kind of a zip: the office formats are known by their main part. The rest as in `kind_of`."""
    name = PurePosixPath(key).name
    package = Package(stream, name=name, deadline=deadline)
    stream.seek(0)
    mimetype = package.head("mimetype").decode("ascii", "replace").strip()
    if mimetype == "application/vnd.oasis.opendocument.text" or mimetype.endswith(
        "opendocument.text-template"
    ):
        return "odt"
    if sentence := _OPEN_DOCUMENT.get(mimetype):
        raise UnsupportedType(f"{name} {sentence}.")
    if "[Content_Types].xml" in package.names:
        main = package.main_part("")
        stream.seek(0)
        for folder, kind in (("word", "docx"), ("xl", "xlsx"), ("ppt", "pptx")):
            fallback = any(one.startswith(f"{folder}/") for one in package.names)
            if main.startswith(f"{folder}/") or (not main and fallback):
                if main.endswith(".bin"):
                    raise UnsupportedType(f"{name} is a workbook of the .xlsb format: save it as .xlsx.")
                return kind
    if any(one.lower().endswith(".sql") for one in package.names):
        raise UnsupportedType(f"{name} holds a database dump, and no document: {DUMP_ADVICE}.")
    raise UnsupportedType(f"{name} is an archive: {_ADVICE['an archive']}.")


def refuse_ole2(stream: BinaryIO, key: str) -> None:
    """Say what a file of Microsoft's old container is: `Invalid` when encrypted, else `UnsupportedType`."""
    name = PurePosixPath(key).name
    stream.seek(0)
    header = stream.read(512)
    directory = b""
    if len(header) == 512:
        size = 1 << min(int.from_bytes(header[30:32], "little"), 12)
        first = int.from_bytes(header[48:52], "little")
        stream.seek((first + 1) * size)
        directory = stream.read(8_192)
    for entry, sentence, encrypted in _OLE2_ENTRIES:
        if entry.encode("utf-16-le") in directory:
            raise (Invalid if encrypted else UnsupportedType)(f"{name} {sentence}.")
    raise UnsupportedType(
        f"{name} is a file of an old office format: save it as .docx, .xlsx, .pptx or .pdf."
    )


def _known(head: bytes) -> str:
    for signature, what in _SIGNATURES:
        if head.startswith(signature) and (signature != b"MZ" or b"\x00" in head[:64]):
            return what
    if head[:4] == b"RIFF" and head[8:12] in (b"WEBP", b"AVI ", b"WAVE"):
        return {b"WEBP": "a picture", b"AVI ": "a film"}.get(head[8:12], "a sound recording")
    if head[:2] == b"BM" and len(head) > 30 and head[6:10] == b"\x00\x00\x00\x00":
        return "a picture"
    if head[4:8] == b"ftyp":
        return "a picture" if head[8:12] in (b"heic", b"heix", b"mif1", b"avif") else "a film"
    if head[257:262] == b"ustar":
        return "an archive"
    svg = head[:2_000].lstrip().lower()
    return "a picture" if svg.startswith((b"<svg", b"<?xml")) and b"<svg" in svg else ""
