"""Stream: each word of the body, one by one."""

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

times_left: list[float] = []
"""When a reader had gone."""


class Words:
    """A body that is made while it is sent."""

    def __init__(self, words: list[str]) -> None:
        self._words = words
        self._left = threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        for word in self._words:
            if word == "BREAK":
                raise RuntimeError("told to break off")
            yield f"data: {word}\n\n".encode()
            if self._left.wait(0.2):
                return

    def leave(self) -> None:
        self._left.set()
        times_left.append(time.monotonic())

    def close(self) -> None:
        self._left.set()


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    words = json.loads(event["body"])["text"].split()
    if words[0] == "FAIL":
        raise RuntimeError("told to fail")
    if words[0] == "WHOLE":
        return {"statusCode": 201, "headers": {"Content-Type": "text/plain"}, "body": str(len(times_left))}
    return {"statusCode": 200, "headers": {"Content-Type": "text/event-stream"}, "body": Words(words)}
