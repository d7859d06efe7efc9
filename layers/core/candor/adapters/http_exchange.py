"""
HTTP exchange: one request over one open socket, with a deadline over the whole of it.

Written out instead of `http.client`, which takes a chunk of -1 bytes as "everything there is", answers
103 as if it were the page, reads trailers without end, and knows time-outs for a read, not for an answer:
a server that sends one byte a second would hold us for hours.
"""

import re
import socket
import ssl
import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from candor.errors import UpstreamFailed

MAX_LINE: Final = 16_384
MAX_HEAD: Final = 65_536
MAX_HEADERS: Final = 200
_MAX_INTERIM: Final = 8
_PIECE: Final = 65_536
_MAX_MEMBERS: Final = 1_000
"""Of one gzip body. A server that flushes often writes a dozen."""
_BODILESS: Final = (204, 304)

_STATUS = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9]{2})(?: .*)?")
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_LENGTH = re.compile(r"[0-9]{1,15}", re.ASCII)
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;.*)?")

LATE: Final = "The page did not arrive in time."
BROKEN: Final = "The connection broke before the page had arrived."
NONSENSE: Final = "What came back is no valid HTTP answer."


class Dead(Exception):
    """The connection was closed before a single byte of an answer: a fresh one may do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """Status and headers, as `Fetched` holds them."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    persistent: bool = True
    """Whether the server will take another request on this connection."""


class Wire:
    """An open socket, read through a buffer until a deadline; owned by one thread at a time."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._buffer = bytearray()
        self.deadline = 0.0
        """On the monotonic clock. Set before each exchange."""
        self.idle_since = 0.0
        """By the clock on the wall. Set when it is put by."""

    def close(self) -> None:
        self._socket.close()

    @property
    def unread(self) -> int:
        return len(self._buffer)

    def is_quiet(self) -> bool:
        """Whether an idle connection is still what it was: open, and with nothing that nobody asked for."""
        if self._buffer:
            return False
        try:
            self._socket.settimeout(0)
            # A kept connection has nothing to say; what can be read is its end, or a lie.
            self._socket.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except (OSError, ValueError):
            return False
        return False

    def send(self, data: bytes) -> None:
        """`Dead` when the other side has gone; `UpstreamFailed` past the deadline."""
        self._hurry()
        try:
            self._socket.sendall(data)
        except TimeoutError:
            raise UpstreamFailed(LATE) from None
        except (OSError, ValueError):
            raise Dead from None

    def line(self) -> bytes:
        """Up to and without the line end; `Dead` when the stream ends before it begins."""
        start = 0
        while (end := self._buffer.find(b"\n", start)) < 0:
            start = len(self._buffer)
            if start > MAX_LINE:
                raise UpstreamFailed(NONSENSE)
            try:
                more = self._fill()
            except Dead:
                more = False
            if not more:
                raise UpstreamFailed(BROKEN) if start else Dead
        if end > MAX_LINE:
            raise UpstreamFailed(NONSENSE)
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line.removesuffix(b"\r")

    def some(self, most: int) -> bytes:
        """At least one and at most `most` bytes; nothing at the end of the stream."""
        try:
            if not self._buffer and not self._fill():
                return b""
        except Dead:
            raise UpstreamFailed(BROKEN) from None
        piece = bytes(self._buffer[:most])
        del self._buffer[:most]
        return piece

    def _fill(self) -> bool:
        self._hurry()
        try:
            piece = self._socket.recv(_PIECE)
        except TimeoutError:
            raise UpstreamFailed(LATE) from None
        except (OSError, ValueError):  # A reset, or a TLS record that is none.
            raise Dead from None
        self._buffer += piece
        return bool(piece)

    def _hurry(self) -> None:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise UpstreamFailed(LATE)
        self._socket.settimeout(left)


def request(wire: Wire, *, target: str, headers: Mapping[str, str], content: bytes | None = None) -> Head:
    """GET, or POST `content`, and read the answer's head. `Dead` when there is not a single byte of one."""
    method = "GET" if content is None else "POST"
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    wire.send("\r\n".join(lines).encode("latin-1") + (content or b""))
    for _ in range(_MAX_INTERIM):
        head = _head(wire)
        if head.status >= 200:
            return head
    raise UpstreamFailed(NONSENSE)


def body(wire: Wire, head: Head, *, max_bytes: int) -> bytes:
    """The whole body, decompressed. `UpstreamFailed` for one that is too large, broken off or unreadable."""
    if head.status in _BODILESS:  # Their Content-Length is that of the page they do not send.
        return b""
    if int(head.headers.get("content-length") or 0) > max_bytes:
        raise UpstreamFailed(too_large(max_bytes))
    coding = head.headers.get("content-encoding", "").strip().lower()
    pieces = _pieces(wire, head, max_bytes)
    if coding in ("", "identity"):
        return b"".join(pieces)
    if coding not in ("gzip", "x-gzip", "deflate"):
        raise UpstreamFailed("The page came in a compression that was not asked for.")
    return _inflated(pieces, max_bytes)


def is_bare(head: Head) -> bool:
    """Whether nothing follows the head: the connection is free again without reading on."""
    if head.status in _BODILESS:
        return True
    return head.headers.get("content-length") == "0" and "transfer-encoding" not in head.headers


def too_large(max_bytes: int) -> str:
    return f"The page is larger than the {max_bytes / 1e6:g} MB we take."


def _head(wire: Wire) -> Head:
    status_line = wire.line()
    found = _STATUS.fullmatch(status_line)
    if found is None:
        raise UpstreamFailed(NONSENSE)
    fields: dict[str, list[str]] = {}
    last: list[str] = []
    size = len(status_line)
    for _ in range(MAX_HEADERS + 1):
        line = _line(wire)
        if not line:
            break
        size += len(line)
        if size > MAX_HEAD:
            raise UpstreamFailed("The page's headers are larger than any page needs.")
        if line[:1] in b" \t":  # A folded line, from another age: it goes on with the one before.
            if last:
                last[-1] += f" {line.strip().decode('latin-1')}"
            continue
        name, colon, value = line.partition(b":")
        if not colon or not _NAME.fullmatch(name):
            continue  # Browsers pass over such a line, and so pages with one exist.
        last = fields.setdefault(name.decode("ascii").lower(), [])
        last.append(value.strip().decode("latin-1"))
    else:
        raise UpstreamFailed("The page's headers are larger than any page needs.")
    headers = {name: ("\n" if name == "set-cookie" else ", ").join(values) for name, values in fields.items()}
    if "content-length" in fields:
        headers["content-length"] = _length(fields["content-length"])
    connection = headers.get("connection", "").lower()
    persistent = "close" not in connection if found[1] == b"1" else "keep-alive" in connection
    status = int(found[2])
    framed = status in _BODILESS or _is_framed(headers)
    return Head(status=status, headers=headers, persistent=persistent and framed)


def _line(wire: Wire) -> bytes:
    """A line that has to be there."""
    try:
        return wire.line()
    except Dead:
        raise UpstreamFailed(BROKEN) from None


def _length(values: list[str]) -> str:
    # The same one twice is a clumsy proxy; two that differ are an attack on whoever reads behind us.
    given = {part.strip() for value in values for part in value.split(",")}
    if len(given) != 1 or not _LENGTH.fullmatch(length := given.pop()):
        raise UpstreamFailed(NONSENSE)
    return str(int(length))


def _is_framed(headers: Mapping[str, str]) -> bool:
    """Whether the body says itself where it ends. One that says so in both ways does not."""
    return ("content-length" in headers) != ("transfer-encoding" in headers)


def _pieces(wire: Wire, head: Head, max_bytes: int) -> Iterator[bytes]:
    """The body as it was sent, without its framing; never more than `max_bytes` of it."""
    coding = head.headers.get("transfer-encoding")
    if coding is not None:
        if coding.strip().lower() != "chunked":
            raise UpstreamFailed(NONSENSE)
        yield from _chunks(wire, max_bytes)
    elif (length := head.headers.get("content-length")) is not None:
        yield from _exactly(wire, int(length))
    else:
        read = 0
        while piece := wire.some(_PIECE):
            read += len(piece)
            if read > max_bytes:
                raise UpstreamFailed(too_large(max_bytes))
            yield piece


def _exactly(wire: Wire, length: int) -> Iterator[bytes]:
    while length:
        piece = wire.some(min(length, _PIECE))
        if not piece:
            raise UpstreamFailed(BROKEN)
        length -= len(piece)
        yield piece


def _chunks(wire: Wire, max_bytes: int) -> Iterator[bytes]:
    read = 0
    while True:
        found = _CHUNK.fullmatch(_line(wire))
        if found is None:
            raise UpstreamFailed(NONSENSE)
        size = int(found[1], 16)
        if not size:
            break
        read += size
        if read > max_bytes:
            raise UpstreamFailed(too_large(max_bytes))
        yield from _exactly(wire, size)
        if _line(wire):
            raise UpstreamFailed(NONSENSE)
    for _ in range(MAX_HEADERS):
        if not _line(wire):
            return
    raise UpstreamFailed(NONSENSE)


def _inflated(pieces: Iterator[bytes], max_bytes: int) -> bytes:
    """gzip, with one member or several, or deflate, with its header or (as some servers do) without."""
    whole = bytearray()
    decoder: zlib._Decompress | None = None
    members = 0
    for piece in pieces:
        rest = piece
        while rest:
            if decoder is None or decoder.eof:
                if decoder is not None and not rest.startswith(b"\x1f"):
                    break  # Padding behind the last member.
                members += 1
                if members > _MAX_MEMBERS:  # Empty ones by the hundred thousand cost seconds and say nothing.
                    raise UpstreamFailed("The page cannot be decompressed.")
                decoder = zlib.decompressobj(_window(rest))
            try:
                whole += decoder.decompress(rest, max_bytes + 1 - len(whole))
            except zlib.error:
                raise UpstreamFailed("The page cannot be decompressed.") from None
            if len(whole) > max_bytes:
                raise UpstreamFailed(too_large(max_bytes))
            rest = decoder.unused_data if decoder.eof else decoder.unconsumed_tail
    if decoder is not None and not decoder.eof:
        raise UpstreamFailed(BROKEN)
    return bytes(whole)


def _window(start: bytes) -> int:
    """What zlib is to expect: a gzip or a zlib header, or neither."""
    is_zlib = start[0] & 0x0F == 8 and (len(start) < 2 or (start[0] << 8 | start[1]) % 31 == 0)
    return 47 if is_zlib or start[0] == 0x1F else -15
