"""Console: what a person reads in the terminal, one line for each thing that happened."""

import json
import re
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any, TextIO

_BOILERPLATE = frozenset(
    (
        "level", "message", "location", "timestamp", "service", "cold_start", "function_name", "function_arn",
        "function_memory_size", "function_request_id", "sampling_rate", "xray_trace_id", "exception",
        "exception_name", "stack_trace",
    )
)  # fmt: skip
"""Fields of a structured log line that say nothing new in a terminal."""

_LONGEST = 300
_SHOWN_LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}


class Console:
    """Writes lines, whole, from any thread."""

    def __init__(self, out: TextIO | None = None, *, level: str = "INFO") -> None:
        self._out = out or sys.stdout
        self._lock = threading.Lock()
        self._level = _SHOWN_LEVELS.get(level.upper(), 20)
        self.functions: Mapping[str, str] = {}
        """Folder names by physical function names."""
        self.quiet = False
        """While stopping, workers die in the middle of things and say so; nobody needs to know."""

    def say(self, text: str = "") -> None:
        """A line without a time: banners and answers."""
        with self._lock:
            print(text, file=self._out, flush=True)

    def log(self, text: str) -> None:
        self.say(f"{time.strftime('%H:%M:%S')}  {text}")

    def request(self, method: str, path: str, status: int, milliseconds: float, function: str) -> None:
        """`path` comes without its query: that may hold what nobody else should read."""
        by = f"  {function}" if function else ""
        self.log(f"{method:6} {printable(path)} {status} {milliseconds:.0f} ms{by}")

    def invocation(self, name: str, _request_id: str, text: str, failed: bool, milliseconds: int) -> None:
        """What a function logged, each line cut down to what is new in it; and how it failed."""
        if self.quiet:
            return
        lines = text.splitlines()
        for line in lines:
            self.written(name, line)
        if failed:
            self.log(f"  {self.functions.get(name, name)}: FAILED after {milliseconds} ms: {failure(lines)}")

    def written(self, name: str, line: str) -> None:
        """One line that a function wrote."""
        shown = condensed(line, level=self._level)
        if shown:
            self.log(f"  {self.functions.get(name, name)}: {shown}")


def condensed(line: str, *, level: int = 20) -> str | None:
    """
    One log line for people; None for what is for machines (metrics), below the level, or part of a traceback.
    """
    if not line.startswith("{"):
        return None
    try:
        fields: Any = json.loads(line)
    except ValueError:
        return None
    if not isinstance(fields, dict) or "_aws" in fields or "message" not in fields:
        return None
    name = str(fields.get("level", "INFO"))
    if _SHOWN_LEVELS.get(name, 20) < level:
        return None
    rest = " ".join(f"{key}={_value(value)}" for key, value in fields.items() if key not in _BOILERPLATE)
    reason = fields.get("exception", "")
    cause = f" ({str(reason).strip().splitlines()[-1]})" if reason else ""
    text = f"{'' if name == 'INFO' else name + ' '}{fields['message']}{cause}{' ' + rest if rest else ''}"
    return printable(text)[:_LONGEST]


def failure(lines: list[str]) -> str:
    """The error's own words out of what a worker wrote, and the last line of code that was ours."""
    words = next(
        (line for line in reversed(lines) if line.strip() and not line.startswith((" ", "{"))), "no message"
    )
    places = re.findall(r'File "([^"]*?(?:candor/|app\.py)[^"]*)", line (\d+)', "\n".join(lines))
    where = ""
    if places:
        file, number = places[-1]
        inside = file[file.find("candor/") :] if "candor/" in file else file.rsplit("/", 1)[-1]
        where = f"  ({inside}:{number})"
    return printable(words)[:_LONGEST] + where


def printable(text: str) -> str:
    """Without control characters: a path or a message must not be able to draw on the terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)


def _value(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
