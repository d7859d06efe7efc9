"""Console: what a person reads in the terminal, one line for each thing that happened."""

import json
import logging
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

_UNPACKED = re.compile(r"[^\s\"]*/ministack-lambda-[^/]+/(?:layer_\d+/python|code)/")
"""Where a worker's code lies: a new folder for each."""

_WORKER_BROKEN = re.compile(r"Warm worker execution error for (\S+): (.*)", re.DOTALL)
"""A worker that could not be started, an import error for one, logs nothing by itself."""

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
        """While stopping, things break off in the middle and say so; nobody needs to know."""

    def say(self, text: str = "") -> None:
        """A line without a time: banners and answers."""
        with self._lock:
            print(text, file=self._out, flush=True)

    def log(self, text: str) -> None:
        if self.quiet:
            return
        self.say(f"{time.strftime('%H:%M:%S')}  {text}")

    def request(self, method: str, path: str, status: int, milliseconds: float, function: str) -> None:
        """`path` comes without its query: that may hold what nobody else should read."""
        by = f"  {function}" if function else ""
        self.log(f"{method:6} {printable(path)} {status} {milliseconds:.0f} ms{by}")

    def invocation(self, name: str, _request_id: str, text: str, failed: bool, milliseconds: int) -> None:
        """What a function logged, each line cut down to what is new in it; and how it failed."""
        lines = text.splitlines()
        for line in lines:
            self.written(name, line)
        if failed and text:
            self.log(f"  {self.functions.get(name, name)}: FAILED after {milliseconds} ms: {failure(lines)}")

    def record(self, logger: str, message: str) -> None:
        """What a library logged at its own wish."""
        found = _WORKER_BROKEN.match(message) if logger == "lambda" else None
        if found:
            name = self.functions.get(found[1], found[1])
            self.log(f"  {name}: FAILED before it began: {printable(found[2])[:_LONGEST]}")
        else:
            self.log(f"  {logger}: {printable(message)[:_LONGEST]}")

    def take_over_logging(self) -> None:
        """Make the libraries' errors lines like all others; ministack has set up the root logger by now."""
        root = logging.getLogger()
        for handler in list(root.handlers):
            root.removeHandler(handler)
        root.addHandler(_Records(self))
        root.setLevel(logging.ERROR)
        for name in ("samtranslator", "hypercorn.access"):
            logging.getLogger(name).setLevel(logging.CRITICAL)

    def written(self, name: str, line: str) -> None:
        """One line that a function wrote."""
        shown = condensed(line, level=self._level)
        if shown:
            self.log(f"  {self.functions.get(name, name)}: {shown}")


class _Records(logging.Handler):
    def __init__(self, console: Console) -> None:
        # A failed invocation is told by `Console.invocation`, so warnings about it are not.
        super().__init__(logging.ERROR)
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        self._console.record(record.name, record.getMessage())


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
    if name == "INFO" and {"route", "status"} <= fields.keys():
        return None  # An answered request: the front has a line of its own for it.
    rest = " ".join(f"{key}={_value(value)}" for key, value in fields.items() if key not in _BOILERPLATE)
    reason = fields.get("exception", "")
    cause = f" ({str(reason).strip().splitlines()[-1]})" if reason else ""
    text = f"{'' if name == 'INFO' else name + ' '}{fields['message']}{cause}{' ' + rest if rest else ''}"
    return printable(_UNPACKED.sub("", text))[:_LONGEST]


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
