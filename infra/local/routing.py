"""Routing: which function a request belongs to, as API Gateway would say."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from infra.template import Route

_OF_A_NAME: Final = re.compile(r"(%(?:2[Ff]|25))")


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    route: Route | None
    methods: tuple[str, ...]
    """What the path takes when `route` is None; empty when there is no such path."""


class Routes:
    """The template's routes. A literal part wins over a variable, a variable over a greedy one."""

    def __init__(self, routes: Iterable[Route]) -> None:
        by_path: dict[str, dict[str, Route]] = {}
        for route in routes:
            by_path.setdefault(route.path, {})[route.method] = route
        self._paths = [
            (_pattern(path), methods)
            for path, methods in sorted(by_path.items(), key=lambda item: _rank(item[0]))
        ]

    def match(self, method: str, path: str) -> Match:
        """The most particular path that fits decides, even when it does not take the method."""
        fitting = [methods for pattern, methods in self._paths if pattern.fullmatch(path)]
        for methods in fitting:
            if method in methods:
                return Match(route=methods[method], methods=tuple(sorted(methods)))
        taken = {name for methods in fitting for name in methods}
        # A path that knows nothing but preflights is a net for browsers, not a route.
        return Match(route=None, methods=tuple(sorted(taken)) if taken - {"OPTIONS"} else ())


def as_sent(raw_path: bytes) -> str:
    """
    A path decoded, but for the slashes and percent signs that belong to a name: `a%2Fb` is one part of it.

    So a REST API hands it over; the functions that take other systems' names decode the rest themselves.
    """
    parts = _OF_A_NAME.split(raw_path.decode("ascii", "replace"))
    return "".join(part if _OF_A_NAME.fullmatch(part) else unquote(part) for part in parts)


def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"(\{[^}]+\})", path)
    return re.compile("".join(_part(part) for part in parts))


def _part(part: str) -> str:
    if not part.startswith("{"):
        return re.escape(part)
    return ".+" if part.endswith("+}") else "[^/]+"


def _rank(path: str) -> tuple[int, int, str]:
    return path.count("+}"), path.count("{"), path
