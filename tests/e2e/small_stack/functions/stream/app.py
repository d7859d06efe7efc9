"""Stream: each word of the body, one by one."""

import json
import time
from collections.abc import Iterator
from typing import Any


def stream(event: dict[str, Any]) -> Iterator[bytes]:
    for word in json.loads(event["body"])["text"].split():
        if word == "BREAK":
            raise RuntimeError("told to break off")
        yield f"data: {word}\n\n".encode()
        time.sleep(0.2)
