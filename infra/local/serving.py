"""Serving: an ASGI application on a port of this machine, and a clear word when the port is taken."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

GRACE_SECONDS = 1.5
"""How long a stop waits for requests under way."""


class PortTaken(Exception):
    """Somebody else listens there. The text is the sentence to show."""


class Listener:
    """A bound socket: from here on nobody else can take the port."""

    def __init__(self, port: int, *, setting: str, host: str = "127.0.0.1") -> None:
        """Raises `PortTaken`, naming the setting that moves it."""
        self.port = port
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((host, port))
        except OSError as error:
            self._socket.close()
            raise PortTaken(
                f"Port {port} is taken by another program: stop it, or set {setting} to a free port, "
                f"for example `make run {setting}={port + 1}`."
            ) from error

    def close(self) -> None:
        self._socket.close()

    async def serve(self, application: Application, stop: asyncio.Event) -> None:
        """Answer until `stop` is set, then let the requests under way end."""
        config = Config()
        # A copy: hypercorn closes what it is given, and a number closed twice may be somebody else's by then.
        config.bind = [f"fd://{os.dup(self._socket.fileno())}"]
        config.keep_alive_timeout = 75
        config.graceful_timeout = GRACE_SECONDS
        config.shutdown_timeout = GRACE_SECONDS
        config.h11_max_incomplete_size = 64 * 1024
        config.loglevel = "ERROR"
        config.errorlog = None
        # "asgi" says what the callable is; without it hypercorn would guess from its signature.
        await serve(application, config, shutdown_trigger=stop.wait, mode="asgi")


async def answer_lifespan(receive: Receive, send: Send) -> None:
    """Say yes to the server's start and stop: ours are done elsewhere."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def read_body(receive: Receive, *, limit: int | None = None) -> bytes | None:
    """
    The request's body; None once it is longer than `limit`. Raises `ConnectionError` when the client has
    gone.
    """
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError("the client closed the connection")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if limit is not None and size > limit:
            return None
        if not message.get("more_body"):
            return b"".join(parts)
