"""Multipart: a form with one file, parsed under strict limits."""

from typing import TYPE_CHECKING, Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from candor.edge.bodies import File, Form
from candor.errors import Invalid, Malformed, TooLarge, UnsupportedType

MAX_BODY_BYTES: Final = 4_400_000
"""Lambda takes 6 MB, and a binary body comes in base64, a third larger, with its headers around it."""

MAX_PARTS: Final = 16
MAX_FIELD_BYTES: Final = 16_000
MAX_HEADERS: Final = 8
MAX_HEADER_BYTES: Final = 4_000

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

_FILE: Final = "file"
_ESCAPED: Final = (("%22", '"'), ("%0D", ""), ("%0A", ""))
"""What browsers write for what a quoted name cannot hold."""


def read_form(raw: bytes, content_type: str) -> Form:
    """
    The form in a body. `Malformed` when it is none or broken, `Invalid` without exactly one `file`.

    `TooLarge` names the way for larger files.
    """
    if len(raw) > MAX_BODY_BYTES:
        raise TooLarge(
            f"The body is larger than {MAX_BODY_BYTES:,} bytes: ask POST /v1/documents/upload-url for a form "
            "that takes files up to 200 MB."
        )
    kind, options = parse_options_header(content_type)
    if kind.lower() != b"multipart/form-data":
        raise UnsupportedType("The body must be a form with a file, with Content-Type: multipart/form-data.")
    boundary = options.get(b"boundary", b"")
    if not boundary:
        raise Malformed("The Content-Type names no boundary.")
    collected = _Parts()
    try:
        parser = MultipartParser(
            boundary,
            collected.callbacks(),
            max_header_count=MAX_HEADERS,
            max_header_size=MAX_HEADER_BYTES,
        )
        parser.write(raw)
        parser.finalize()
    except FormParserError:
        # Without the parser's own words: they quote the body.
        raise Malformed("The form cannot be read: its parts or their headers are broken.") from None
    if not collected.ended:
        raise Malformed("The form is cut off: its last boundary is missing.")
    if collected.file is None:
        raise Invalid(f"The form has no file: send it as the field {_FILE!r}, with a file name.")
    return Form(file=collected.file, fields=collected.fields)


class _Parts:
    """Collects what the parser finds. Its callbacks are called in the order of the body."""

    def __init__(self) -> None:
        self.file: File | None = None
        self.fields: dict[str, str] = {}
        self.ended = False
        self._count = 0
        self._header = self._value = b""
        self._name = ""
        self._filename: str | None = None
        self._chunks: list[bytes] = []
        self._size = 0

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._begin,
            "on_part_data": self._data,
            "on_part_end": self._end,
            "on_header_field": self._field,
            "on_header_value": self._add_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._named,
            "on_end": self._finish,
        }

    def _begin(self) -> None:
        self._count += 1
        if self._count > MAX_PARTS:
            raise Malformed(f"The form has more than {MAX_PARTS} parts.")
        self._name, self._filename, self._chunks, self._size = "", None, [], 0

    def _field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _add_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        header, value = self._header.lower(), self._value
        self._header = self._value = b""
        if header == b"content-transfer-encoding" and value.strip().lower() not in (
            b"binary",
            b"8bit",
            b"7bit",
        ):
            raise Malformed("A part of the form is encoded for mail: send it as it is.")
        if header == b"content-disposition":
            _, options = parse_options_header(value)
            self._name = _text(options.get(b"name", b""))
            if b"filename" in options:
                self._filename = _text(options[b"filename"])

    def _named(self) -> None:
        if not self._name:
            raise Malformed("A part of the form has no name.")

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._size += end - start
        if self._name != _FILE and self._size > MAX_FIELD_BYTES:
            raise Invalid(f"The field {self._name[:50]!r} is longer than {MAX_FIELD_BYTES:,} bytes.")
        self._chunks.append(data[start:end])

    def _end(self) -> None:
        body = b"".join(self._chunks)
        self._chunks = []
        if self._name == _FILE:
            if self.file is not None:
                raise Invalid("The form has several files: send them one by one.")
            if self._filename is None:
                raise Invalid(f"The field {_FILE!r} is no file: it has no file name.")
            self.file = File(name=self._filename, body=body)
            return
        try:
            self.fields[self._name] = body.decode()
        except UnicodeDecodeError:
            raise Malformed(f"The field {self._name[:50]!r} is not UTF-8.") from None

    def _finish(self) -> None:
        self.ended = True


def _text(value: bytes) -> str:
    try:
        text = value.decode()
    except UnicodeDecodeError:
        text = value.decode("latin-1")
    for written, meant in _ESCAPED:
        text = text.replace(written, meant)
    return text
