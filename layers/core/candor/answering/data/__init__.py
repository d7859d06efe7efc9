"""Data: word lists, patterns and fixed sentences of answering, as files one can review; read on first use."""

import json
from functools import cache
from pathlib import Path
from typing import Any


@cache
def data(name: str) -> dict[str, Any]:
    """The object in `<name>.json` beside this module."""
    loaded: dict[str, Any] = json.loads((Path(__file__).parent / f"{name}.json").read_text("utf-8"))
    return loaded
