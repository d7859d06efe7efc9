"""
HTTP connections: opened to addresses that were checked, and kept for a while.

A name is looked up once; every address it stands for must be public; the connection goes to one of those
by number, with the name in TLS's server name and in the certificate. What the name says a moment later
does not matter.
"""

import socket
import ssl
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from candor.adapters.http_exchange import Wire
from candor.addresses import Address, is_public
from candor.errors import Malformed, UpstreamFailed

Resolve = Callable[[str, int], Sequence[str]]
"""Name and port to IP addresses, the best one first; `OSError` when there are none."""

Dial = Callable[[str, int, float], socket.socket]
"""IP address, port and seconds to an open connection; `OSError` otherwise."""

_Server = tuple[str, str, int]
"""Scheme, host and port."""

_MAX_ADDRESSES: Final = 8
"""Of one host: every one is checked, this many are tried."""
_IDLE_SECONDS: Final = 15.0
_IDLE_PER_ORIGIN: Final = 4
_IDLE_IN_ALL: Final = 32
_NAMES_KEPT: Final = 512
_NAME_SECONDS: Final = 30.0

_NOT_PUBLIC: Final = "The host does not exist or is not public: not an address we may fetch."
"""One sentence for both, so that nobody can ask us which names our network knows."""


def look_up(host: str, port: int) -> Sequence[str]:
    """The addresses of a name, as the machine's own resolver orders them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def dial(ip: str, port: int, seconds: float) -> socket.socket:
    """A connection to an address that is a number: nothing is looked up again."""
    connection = socket.socket(socket.AF_INET6 if ":" in ip else socket.AF_INET, socket.SOCK_STREAM)
    try:
        connection.settimeout(seconds)
        connection.connect((ip, port))
        # A request is one small write: waiting for more of it is pure delay.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        connection.close()
        raise
    return connection


class Connections:
    """Where connections come from, and go to when they can be used again. Safe to share between threads."""

    def __init__(
        self, *, connect_seconds: float, resolve: Resolve, dial: Dial, tls: ssl.SSLContext | None
    ) -> None:
        self._connect_seconds = connect_seconds
        self._names = _Names(resolve)
        self._dial = dial
        self._tls = tls
        self._lock = threading.Lock()
        self._idle = _Idle()

    def check(self, address: Address) -> None:
        """`Malformed` unless every address of the host is one we may connect to."""
        self._checked(address, time.monotonic() + self._connect_seconds)

    def kept(self, address: Address) -> Wire | None:
        """A connection to the same server that is still open."""
        return self._idle.take(_server(address))

    def keep(self, address: Address, wire: Wire) -> None:
        self._idle.put(_server(address), wire)

    def _checked(self, address: Address, deadline: float) -> Sequence[str]:
        """Where the host may be connected to; `Malformed` unless every one of its addresses is public."""
        found = self._names.look_up(address.host, address.port, deadline)
        if not found or not (address.allowed or all(map(is_public, found))):
            raise Malformed(_NOT_PUBLIC)
        return found

    def open(self, address: Address, deadline: float) -> Wire:
        """A new connection; `Malformed` as `check`, `UpstreamFailed` when there is none to be had."""
        latest = min(deadline, time.monotonic() + self._connect_seconds)
        candidates = self._checked(address, latest)[:_MAX_ADDRESSES]
        refused = False
        for number, ip in enumerate(candidates):
            left = latest - time.monotonic()
            if left <= 0:
                break
            # One that swallows packets leaves time for those behind it.
            seconds = left / (len(candidates) - number)
            try:
                return Wire(self._secured(self._dial(ip, address.port, seconds), address, latest))
            except TimeoutError:
                continue
            except ssl.SSLCertVerificationError:
                raise UpstreamFailed("The server's certificate is not valid for this host.") from None
            except (OSError, ValueError):
                refused = True
        if refused:
            raise UpstreamFailed("The server does not accept a connection.")
        raise UpstreamFailed("The server did not answer in time.")

    def _secured(self, connection: socket.socket, address: Address, latest: float) -> socket.socket:
        if address.scheme == "http":
            return connection
        try:
            # Time-outs of a handshake count for the whole of it.
            connection.settimeout(max(latest - time.monotonic(), 0.001))
            return self._context().wrap_socket(connection, server_hostname=address.host)
        except BaseException:
            connection.close()
            raise

    def _context(self) -> ssl.SSLContext:
        with self._lock:
            if self._tls is None:
                # Reading the machine's certificates takes 20 ms: once, and only for https.
                self._tls = ssl.create_default_context()
            return self._tls


class _Names:
    """Looks names up, under a deadline, and remembers for half a minute: a crawl asks for one host only."""

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve
        self._known: OrderedDict[tuple[str, int], tuple[float, Sequence[str]]] = OrderedDict()
        self._lock = threading.Lock()

    def look_up(self, host: str, port: int, deadline: float) -> Sequence[str]:
        """Nothing for a name that nobody knows, or not in time."""
        now = time.monotonic()
        with self._lock:
            until, found = self._known.get((host, port), (0.0, ()))
        if now < until:
            return found
        found = self._asked(host, port, deadline - now)
        with self._lock:
            if found:
                self._known[host, port] = (now + _NAME_SECONDS, found)
            while len(self._known) > _NAMES_KEPT:
                self._known.popitem(last=False)
        return found

    def _asked(self, host: str, port: int, seconds: float) -> Sequence[str]:
        # The machine's resolver cannot be told how long it may take: it is asked on a thread of its own.
        answer: list[Sequence[str]] = []

        def ask() -> None:
            try:
                answer.append(list(self._resolve(host, port)))
            except (OSError, UnicodeError):
                answer.append(())

        thread = threading.Thread(target=ask, daemon=True, name="look-up")
        thread.start()
        thread.join(max(seconds, 0.0))
        return answer[0] if answer else ()


class _Idle:
    """Connections that can be used again, the freshest first."""

    def __init__(self) -> None:
        self._wires: OrderedDict[_Server, list[Wire]] = OrderedDict()
        self._lock = threading.Lock()
        # Sockets that nobody holds any more are closed, not left to the collector and its warnings.
        weakref.finalize(self, _close, self._wires)

    def take(self, server: _Server) -> Wire | None:
        while True:
            with self._lock:
                wires = self._wires.get(server)
                if wires is None:
                    return None
                wire = wires.pop()
                if not wires:
                    del self._wires[server]
            # By the clock on the wall: the other one may stand still while a sandbox is frozen.
            if abs(time.time() - wire.idle_since) < _IDLE_SECONDS and wire.is_quiet():
                return wire
            wire.close()

    def put(self, server: _Server, wire: Wire) -> None:
        wire.idle_since = time.time()
        with self._lock:
            wires = self._wires.setdefault(server, [])
            self._wires.move_to_end(server)
            wires.append(wire)
            too_many = wires[:-_IDLE_PER_ORIGIN]
            del wires[:-_IDLE_PER_ORIGIN]
            if sum(map(len, self._wires.values())) > _IDLE_IN_ALL:
                too_many += self._wires.popitem(last=False)[1]
        for old in too_many:
            old.close()


def _close(wires: Mapping[_Server, Sequence[Wire]]) -> None:
    for wire in (wire for several in wires.values() for wire in several):
        wire.close()


def _server(address: Address) -> _Server:
    return address.scheme, address.host, address.port
