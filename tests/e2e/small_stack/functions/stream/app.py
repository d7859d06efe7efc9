"""Stream: each word of the body, one by one."""

import json
import threading
from collections.abc import Iterator
from typing import Any


class Words:
    """A body that is made while it is sent."""

    def __init__(self, words: list[str]) -> None:
        self._words = words
        self._left = threading.Event()
        self._ended = False

    def __iter__(self) -> Iterator[bytes]:
        for word in self._words:
            if word == "BREAK":
                self._ended = True
                raise RuntimeError("told to break off")
            yield f"data: {word}\n\n".encode()
            if self._left.wait(0.2):
                return
        self._ended = True

    def leave(self) -> None:
        self._left.set()

    def close(self) -> None:
        self._left.set()
        if not self._ended:
            told = {"level": "INFO", "message": "a reader has left"}
            print(json.dumps(told), flush=True)  # noqa: T201 - the log is where a test sees it.


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    words = json.loads(event["body"])["text"].split()
    if words[0] == "FAIL":
        raise RuntimeError("told to fail")
    if words[0] == "WHOLE":
        return {"statusCode": 201, "headers": {"Content-Type": "text/plain"}, "body": "whole"}
    return {"statusCode": 200, "headers": {"Content-Type": "text/event-stream"}, "body": Words(words)}
