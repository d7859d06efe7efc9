"""Robots: what a site lets us fetch, and how fast (RFC 9309)."""

import math
import re
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import quote, urlsplit

from candor.fetching import USER_AGENT

MAX_BYTES: Final = 500 * 1024
"""As much of the file as is read: the RFC asks for this much at least, and nobody needs more."""

_LINE = re.compile(r"\r\n|\r|\n")
_TOKEN = re.compile(r"\*(?=\s|$)|[A-Za-z_-]+")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_RULES: Final = {"allow": True, "disallow": False}


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One line: whether addresses that begin like `pattern` may be fetched."""

    allowed: bool
    pattern: str

    def matches(self, path: str) -> bool:
        """Whether the pattern fits the beginning of the path; `*` is anything, `$` at the end is the end."""
        pattern, to_the_end = self.pattern, self.pattern.endswith("$")
        first, *others = (pattern[:-1] if to_the_end else pattern).split("*")
        if not path.startswith(first):
            return False
        at = len(first)
        if not others:
            return not to_the_end or at == len(path)
        # Piece by piece instead of a regular expression: `*a*a*a*…` must not take forever.
        last = others.pop() if to_the_end else ""
        for piece in others:
            found = path.find(piece, at)
            if found < 0:
                return False
            at = found + len(piece)
        return not to_the_end or (len(path) - at >= len(last) and path.endswith(last))


@dataclass(frozen=True, kw_only=True, slots=True)
class Robots:
    """A site's robots.txt as far as it concerns us."""

    rules: tuple[Rule, ...] = ()
    crawl_delay: float = 0.0
    """Seconds between requests; 0 when the site names none."""
    sitemaps: tuple[str, ...] = ()
    reachable: bool = True
    """False when the server failed to say: nothing may be fetched, and nothing is to be concluded from that."""  # noqa: E501

    @classmethod
    def of(cls, status: int, body: bytes = b"") -> Self:
        """
        From the answer to `/robots.txt` after its redirects; status 0 when there was none.

        There is no such file (4xx, and redirects without end): all is allowed. The server fails: nothing is.
        """
        if 200 <= status < 300:
            return cls._read(body)
        return cls(reachable=300 <= status < 500)

    @classmethod
    def _read(cls, body: bytes) -> Self:
        ours = USER_AGENT.casefold()
        rules: dict[str, list[Rule]] = {ours: [], "*": []}
        delays: dict[str, float] = {}
        named: set[str] = set()
        sitemaps: list[str] = []
        group: set[str] = set()
        naming = False
        text = body[:MAX_BYTES].decode("utf-8-sig", "replace").replace("\x00", "")
        for line in _LINE.split(text):
            key, colon, value = line.partition("#")[0].partition(":")
            key, value = key.strip().casefold(), value.strip()
            if not colon:
                continue
            if key == "sitemap":
                # Of no group, and in the middle of one it does not end it.
                if value.lower().startswith(("http://", "https://")):
                    sitemaps.append(value)
            elif key in ("user-agent", "useragent", "user agent"):
                if not naming:
                    group = set()
                naming = True
                token = _TOKEN.match(value)
                if token and token[0].casefold() in rules:
                    group.add(token[0].casefold())
                    named.add(token[0].casefold())
            elif key in _RULES:
                naming = False
                pattern = _plain(value, pattern=True)
                for agent in group if pattern else ():
                    rules[agent].append(Rule(allowed=_RULES[key], pattern=pattern))
            elif key in ("crawl-delay", "crawldelay"):
                # No record of the RFC's, but meant as one: the next `User-agent` begins another group.
                naming = False
                for agent in group:
                    delays.setdefault(agent, _seconds(value))
        agent = ours if ours in named else "*"
        return cls(
            rules=tuple(rules[agent]),
            crawl_delay=delays.get(agent, 0.0),
            sitemaps=tuple(dict.fromkeys(sitemaps)),
        )

    def allows(self, url: str) -> bool:
        """Whether we may fetch the address: the longest rule that fits decides, of two equal ones `Allow`."""
        if not self.reachable:
            return False
        parts = urlsplit(url)
        path = parts.path or "/"
        if path == "/robots.txt":
            return True
        path = _plain(f"{path}?{parts.query}" if parts.query else path, pattern=False)
        fitting = [(len(rule.pattern), rule.allowed) for rule in self.rules if rule.matches(path)]
        return max(fitting)[1] if fitting else True


def _plain(text: str, *, pattern: bool) -> str:
    """
    A path in the one form in which paths and patterns are compared, octet by octet (RFC 9309, 2.2.2).

    A `*` or `$` of an address is escaped, as it is in a pattern that means the letter itself.
    """
    if not pattern:
        text = text.replace("*", "%2A").replace("$", "%24")
    text = _ESCAPE.sub(_unescaped, text)
    return quote(text, safe="!$&'()*+,;=:@/?-._~%[]", errors="replace")


def _unescaped(match: re.Match[str]) -> str:
    letter = chr(int(match[1], 16))
    plain = letter.isascii() and (letter.isalnum() or letter in "-._~")
    return letter if plain else match[0].upper()


def _seconds(value: str) -> float:
    try:
        seconds = float(value.replace(",", ".").split()[0])
    except (ValueError, IndexError):
        return 0.0
    return seconds if math.isfinite(seconds) and seconds > 0 else 0.0
