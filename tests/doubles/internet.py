"""A small internet: names, public addresses, and the loopback servers that stand behind them."""

import socket
from collections.abc import Iterator, Sequence

from candor.adapters.http_fetcher import HttpFetcher
from tests.doubles.web_server import WebServer

PUBLIC, OTHER_PUBLIC, PRIVATE = "93.184.216.34", "151.101.1.69", "10.0.0.7"


class Internet:
    """Names and addresses of a small world; every public address is one of our loopback servers."""

    def __init__(self) -> None:
        self.names: dict[str, Sequence[str] | Iterator[Sequence[str]]] = {}
        self.servers: dict[str, WebServer] = {}
        self.asked: list[str] = []
        self.dialled: list[str] = []

    def resolve(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        found = self.names.get(host, ())
        if isinstance(found, Iterator):
            found = next(found)
        if not found:
            raise socket.gaierror(-2, "Name or service not known")
        return found

    def dial(self, ip: str, port: int, seconds: float) -> socket.socket:
        self.dialled.append(ip)
        if ip not in self.servers:
            raise ConnectionRefusedError
        return socket.create_connection(("127.0.0.1", self.servers[ip].port), seconds)

    def fetcher(self, **more: object) -> HttpFetcher:
        return HttpFetcher(version="1.2", resolve=self.resolve, dial=self.dial, **more)  # type: ignore[arg-type]


def local(server: WebServer, *others: WebServer, **more: float) -> HttpFetcher:
    return HttpFetcher(version="1.2", allowed_origins=[s.origin for s in (server, *others)], **more)  # type: ignore[arg-type]
