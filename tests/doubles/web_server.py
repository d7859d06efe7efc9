"""A web server that does as it is told: well, badly, slowly, or not at all."""

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Self


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request as it came. Header names are in small letters."""

    path: str
    headers: dict[str, str]
    connection: int
    """Counts from 0: which connection it came on."""
    method: str = "GET"
    body: bytes = b""


class Conversation:
    """What a page may do with the connection that asked for it."""

    def __init__(self, server: "WebServer", connection: socket.socket, asked: Asked) -> None:
        self._server = server
        self._socket = connection
        self.asked = asked
        self.over = False
        """Whether the connection is closed after this answer."""

    def write(self, data: bytes) -> None:
        self._socket.sendall(data)

    def wait(self, seconds: float) -> None:
        """Sleep, but not past the end of the test."""
        self._server.closing.wait(seconds)

    @property
    def unwanted(self) -> bool:
        return self._server.closing.is_set()

    def drip(self, data: bytes, *, pause: float = 0.05) -> None:
        """A byte at a time, until the other side has had enough."""
        for byte in data:
            if self.unwanted:
                return
            self.write(bytes([byte]))
            self.wait(pause)

    def reset(self) -> None:
        """End the connection the hard way: the other side reads a reset, not an end."""
        self.wait(0.05)  # What was written arrives first.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()
        self.over = True

    def hang_up(self) -> None:
        self.over = True


Page = bytes | Callable[[Conversation], None]
"""The bytes of an answer, its head included, or what writes them."""


def answer(
    body: bytes = b"",
    *,
    status: str = "200 OK",
    content_type: str = "text/html; charset=utf-8",
    **headers: str,
) -> bytes:
    """A well-formed answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {content_type}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def moved(location: str, *, status: str = "302 Found") -> bytes:
    return answer(status=status, Location=location)


@dataclass
class WebServer:
    """On a free port of 127.0.0.1; a context manager. A path without a page is a 404."""

    pages: Mapping[str, Page] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None

    def __post_init__(self) -> None:
        self.asked: list[Asked] = []
        self.connections = 0
        """How many were opened, whatever came of them."""
        self.told: list[str] = []
        """The pages that were written to their end: whoever got less did not wait for it."""
        self.closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def origin(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http{'s' if self.tls else ''}://{self.origin}"

    @property
    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        # A close alone leaves a thread that is accepting where it is.
        for connection in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while not self.closing.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            number = self.connections
            self.connections += 1
            self._open.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection, number), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        try:
            if self.tls is not None:
                connection = self.tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            with connection, connection.makefile("rb") as reader:
                while self._answer(connection, reader, number):
                    pass
        except (OSError, ValueError):  # The client has had enough, or the test is over.
            pass

    def _answer(self, connection: socket.socket, reader: object, number: int) -> bool:
        line = reader.readline()  # type: ignore[attr-defined]
        if len(line.split()) != 3:  # The end, or something that speaks another protocol.
            return False
        headers = {}
        while header := reader.readline().strip():  # type: ignore[attr-defined]
            name, _, value = header.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        target = line.split()[1].decode("latin-1")
        body = reader.read(int(headers.get("content-length") or 0))  # type: ignore[attr-defined]
        method = line.split()[0].decode("latin-1")
        asked = Asked(path=target, headers=headers, connection=number, method=method, body=body)
        self.asked.append(asked)
        page = self.pages.get(target, self.pages.get(target.partition("?")[0]))
        conversation = Conversation(self, connection, asked)
        if callable(page):
            page(conversation)
        else:
            conversation.write(page if page is not None else answer(b"Nothing here.", status="404 Not Found"))
        self.told.append(target)
        return not conversation.over
