"""Loopback servers: the ground our doubles of other people's services stand on."""

import json
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a client sent. Header names are in small letters."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body) if self.body else {}


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What it gets back: `body` whole, or `chunks` one by one; `cut` ends the connection half-way."""

    status: int = 200
    body: Any = None
    """Bytes go as they are, anything else as JSON."""
    headers: dict[str, str] = field(default_factory=dict)
    chunks: Iterable[bytes] | None = None
    delay: float = 0.0
    cut: bool = False


class Loopback:
    """A server of one in-process service on a free port of 127.0.0.1; a context manager."""

    def __init__(self, *, port: int = 0) -> None:
        """`port`: 0 for any that is free."""
        self.requests: list[Request] = []
        """Everything that arrived, in order."""
        self.sat_out = 0
        """How many waits lasted to their end. None did as long as every client gave up before."""
        self.clock: Callable[[], float] = time.time
        """What its answers are dated by."""
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.daemon_threads = True
        self._server.loopback = self  # type: ignore[attr-defined]
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def reply(self, request: Request) -> Reply:
        """What to answer; the subclass's one duty."""
        return Reply(body={})

    def wait(self, seconds: float) -> None:
        """Sleep, but not past the end of the test."""
        if not self._closing.wait(seconds):
            self.sat_out += 1


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        # A client that goes away between two requests is nothing to report.
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        pass

    def date_time_string(self, timestamp: float | None = None) -> str:
        loopback: Loopback = self.server.loopback  # type: ignore[attr-defined]
        return super().date_time_string(loopback.clock() if timestamp is None else timestamp)

    def _serve(self) -> None:
        loopback: Loopback = self.server.loopback  # type: ignore[attr-defined]
        parts = urlsplit(self.path)
        request = Request(
            method=self.command,
            path=parts.path,
            query=parse_qs(parts.query),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(int(self.headers.get("content-length") or 0)),
        )
        loopback.requests.append(request)
        reply = loopback.reply(request)
        if reply.delay:
            loopback.wait(reply.delay)
        try:
            self._send(reply)
        except OSError:  # The client has given up, which is what some tests are about.
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = _serve  # noqa: N815 - the base class names them.

    def _send(self, reply: Reply) -> None:
        if reply.chunks is not None:
            self._send_chunks(reply)
            return
        is_raw = isinstance(reply.body, bytes)
        body = reply.body if is_raw else json.dumps(reply.body, ensure_ascii=False).encode()
        self.send_response(reply.status)
        for name, value in {"Content-Type": "application/json", **reply.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        self.wfile.write(body[: len(body) // 2] if reply.cut else body)
        if reply.cut:
            self._reset()

    def _send_chunks(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for chunk in reply.chunks or ():
            self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            self.wfile.flush()
        if reply.cut:
            self._reset()
        else:
            self.wfile.write(b"0\r\n\r\n")

    def _reset(self) -> None:
        """End the connection the hard way: the client reads a reset, not an end."""
        self.wfile.flush()
        time.sleep(0.02)  # What was written arrives first.
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


def server_sent_events(payloads: Iterable[Any], *, pause: float = 0.0, done: bool = True) -> Iterator[bytes]:
    """A stream of `data:` lines, ended by `[DONE]` as OpenAI ends it."""
    for payload in payloads:
        if pause:
            time.sleep(pause)
        yield f"data: {json.dumps(payload, ensure_ascii=False)}\n\n".encode()
    if done:
        yield b"data: [DONE]\n\n"
