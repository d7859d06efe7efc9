"""Listening: a receiver of webhooks on loopback, which checks signatures by a few lines of its own."""

import hashlib
import hmac
from typing import Any

from tests.doubles.loopback import Loopback, Reply, Request


class Listener(Loopback):
    """Takes deliveries; `answers` are given in turn, the last one for ever."""

    def __init__(self, *answers: Reply, secret: str = "", port: int = 0) -> None:
        super().__init__(port=port)
        self.secret = secret
        self.answers = list(answers) or [Reply(status=204, body=b"")]

    @property
    def origin(self) -> str:
        return self.url.removeprefix("http://")

    @property
    def heard(self) -> list[dict[str, Any]]:
        """The bodies that came, in order."""
        return [request.json() for request in self.requests]

    def reply(self, request: Request) -> Reply:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def is_signed(self, request: Request) -> bool:
        """As anybody would write it after reading the documentation."""
        parts = dict(part.split("=", 1) for part in request.headers["x-candor-signature"].split(","))
        signed = parts["t"].encode() + b"." + request.body
        expected = hmac.new(self.secret.encode(), signed, hashlib.sha256).hexdigest()
        return hmac.compare_digest(expected, parts["v1"])
