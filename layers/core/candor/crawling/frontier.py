"""
Frontier: every page a crawl knows of, and what has become of it.

One value for the whole job, changed by comparing and swapping it: a page enters once, is finished once, and
is counted once, whatever is delivered twice, out of order, or killed half-way. It holds short hashes, not
addresses: 2,000 pages are 60 KB, and the addresses travel in the messages.
"""

import base64
import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any, Final

MAX_ERRORS: Final = 100
_MAX_REASON: Final = 200
_MAX_URL: Final = 500
_MAX_HOPS: Final = 10


def key_for(text: str) -> str:
    """Eleven characters for an address or a text. 64 bits: one chance in 10^13 that two of 2,000 meet."""
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


class Outcome(StrEnum):
    """What has become of a page."""

    WAITING = ""
    KEPT = "kept"
    """A document, or what would be one."""
    DUPLICATE = "duplicate"
    """Says what another page says, under a lesser address."""
    CANONICAL = "canonical"
    """Names another page as the one to be read."""
    REDIRECT = "redirect"
    OFF_SITE = "off_site"
    GONE = "gone"
    NOINDEX = "noindex"
    SOFT_404 = "soft_404"
    LOGIN = "login"
    EMPTY = "empty"
    UNREADABLE = "unreadable"
    DISALLOWED = "disallowed"
    TRAP = "trap"
    LIMIT = "limit"
    """Not looked at, or not kept: `max_pages` was reached."""
    OTHER_SOURCE = "other_source"
    """Its document was written by a person or came from a file: left alone."""
    ERROR = "error"


class Written(StrEnum):
    """What was done to a kept page's document."""

    NOTHING = ""
    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


_UNFETCHED = (Outcome.DISALLOWED, Outcome.TRAP)
"""What is finished without a request."""


@dataclass(slots=True, kw_only=True)
class Entry:
    """One page of a crawl."""

    outcome: Outcome = Outcome.WAITING
    depth: int = 0
    length: int = 0
    """Of its address."""
    asks: bool = False
    """Its address has a query."""
    listed: bool = False
    """A sitemap names it."""
    wanted: bool = False
    """Another page calls it canonical."""
    known: bool = False
    """It had a document before this crawl."""
    text: str = ""
    fold: str = ""
    """Equal for addresses that are one page by their spelling."""
    target: str = ""
    """The entry it points to: where it redirects, or what it calls canonical."""
    written: Written = Written.NOTHING
    round: int = 0
    """How often it has been looked at once more."""


_DEFAULTS = asdict(Entry())


@dataclass(slots=True, kw_only=True)
class Frontier:
    """
    The pages of one job. Changed in memory and saved whole; `revision` says which state was read.

    `seeded`: the first pages are all in. The crawl is complete when that is so and nothing waits.
    """

    job_id: str
    revision: int = 0
    seeded: bool = False
    entries: dict[str, Entry] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    """Addresses and reasons, the first `MAX_ERRORS`."""
    fetched: int = 0
    """Requests for pages."""
    received: int = 0
    """Bytes of their bodies."""
    rendered: int = 0
    cut: bool = False
    """Something was left out because of a limit."""
    paused_until: float = 0.0
    moved_at: float = 0.0
    completed_at: float = 0.0
    rounds: int = 0
    """How often pages were opened again after all had been finished."""
    closing: bool = False
    """The pages are final, and `withdrawn` and `held` say what is being done for them."""
    held: int = 0
    """Documents that are not withdrawn, because too many pages failed alike at once."""
    withdrawn: dict[str, int] = field(default_factory=dict)
    """How many documents are withdrawn, by the outcome of their pages."""

    def add(
        self,
        url: str,
        *,
        depth: int,
        limit: int,
        listed: bool = False,
        wanted: bool = False,
        known: bool = False,
        outcome: Outcome = Outcome.WAITING,
    ) -> bool:
        """
        A page was found. True if it is to be visited and nobody has been sent to it yet.

        A page that was finished and is now found nearer to the start is visited again: what it links to was
        perhaps too far away before. So the depth of every page is its true one, in whatever order they come.
        """
        key = key_for(url)
        entry = self.entries.get(key)
        if entry is None:
            if len(self.entries) >= 2 * limit or (outcome == Outcome.WAITING and self._visits() >= limit):
                self.cut = True
                return False
            self.entries[key] = Entry(
                outcome=outcome,
                depth=depth,
                length=len(url),
                asks="?" in url,
                listed=listed,
                wanted=wanted,
                known=known,
            )
            return outcome == Outcome.WAITING
        entry.listed |= listed
        entry.wanted |= wanted
        entry.known |= known
        if depth >= entry.depth or entry.outcome in _UNFETCHED:
            return False
        entry.depth = depth
        if entry.outcome in (Outcome.WAITING, Outcome.LIMIT, Outcome.ERROR):
            return False
        self.reopen(key)
        return True

    def admits(self, entry: Entry, max_pages: int) -> bool:
        """
        Whether a page may still be kept. Pages that have a document already go before new ones.
        """
        used = len(set(self.groups().values()))
        if entry.known:
            return used < max_pages
        reserved = sum(1 for one in self.entries.values() if one.known and not one.text and not one.outcome)
        return used + reserved < max_pages

    def claim(self, key: str, *, text: str, fold: str, max_pages: int) -> Outcome:
        """
        A page has this text: KEPT if it is to have the document, DUPLICATE if a better one has, else LIMIT.

        Claiming again changes nothing. What is decided here is provisional: `winners` has the last word.
        """
        entry = self.entries[key]
        entry.text = entry.fold = ""
        rivals = [
            other
            for other, one in self.entries.items()
            if other != key
            and one.outcome in (Outcome.WAITING, Outcome.KEPT)
            and one.text
            and (one.text == text or one.fold == fold)
        ]
        if not rivals and not self.admits(entry, max_pages):
            self.cut = True
            return Outcome.LIMIT
        entry.text, entry.fold = text, fold
        return (
            Outcome.KEPT if all(self.rank(key) < self.rank(other) for other in rivals) else Outcome.DUPLICATE
        )

    def rank(self, key: str) -> tuple[bool, bool, bool, int, int, str]:
        """
        The smaller the better an address: called canonical, no query, in a sitemap, near the start, short.

        Sitemaps name addresses with leftover queries, whose plain form every link on the site leads to.
        """
        entry = self.entries[key]
        return (not entry.wanted, entry.asks, not entry.listed, entry.depth, entry.length, key)

    def is_done(self, key: str, *, depth: int, round: int) -> bool:
        """
        Whether nothing is left to do for a message about this page.

        The message that opens a page again may come before that has been saved: it says so itself.
        """
        entry = self.entries.get(key)
        return entry is not None and bool(entry.outcome) and depth >= entry.depth and round <= entry.round

    def settle(
        self,
        key: str,
        outcome: Outcome,
        *,
        target: str = "",
        written: Written = Written.NOTHING,
        round: int = 0,
    ) -> None:
        """A page is finished. The first word about what was written to its document stands."""
        entry = self.entries[key]
        entry.outcome, entry.target, entry.round = outcome, target, max(entry.round, round)
        if outcome not in (Outcome.KEPT, Outcome.DUPLICATE):
            entry.text = entry.fold = ""
        if not entry.written:
            entry.written = written

    def reopen(self, key: str) -> None:
        entry = self.entries[key]
        entry.outcome, entry.target = Outcome.WAITING, ""
        self.completed_at = 0.0

    def fail(self, url: str, reason: str) -> None:
        """Remember why a page could not be had."""
        if url[:_MAX_URL] in self.errors or len(self.errors) < MAX_ERRORS:
            self.errors[url[:_MAX_URL]] = reason[:_MAX_REASON]

    @property
    def waiting(self) -> int:
        return sum(1 for entry in self.entries.values() if not entry.outcome)

    @property
    def complete(self) -> bool:
        return self.seeded and not self.waiting

    def count(self, *outcomes: Outcome) -> int:
        return sum(1 for entry in self.entries.values() if entry.outcome in outcomes)

    def groups(self) -> Mapping[str, str]:
        """Pages that hold a text, each with the page its group is called after."""
        leader: dict[str, str] = {}
        by_mark: dict[str, str] = {}

        def root(key: str) -> str:
            while leader[key] != key:
                key = leader[key]
            return key

        for key, entry in self.entries.items():
            if not entry.text or entry.outcome not in (Outcome.WAITING, Outcome.KEPT, Outcome.DUPLICATE):
                continue
            leader[key] = key
            for mark in ("t" + entry.text, "f" + entry.fold):
                if mark in by_mark:
                    leader[root(by_mark[mark])] = key
                by_mark[mark] = key
        return {key: root(key) for key in leader}

    def winners(self) -> frozenset[str]:
        """Of each group of pages that say the same, the one with the best address."""
        best: dict[str, str] = {}
        for key, group in self.groups().items():
            if group not in best or self.rank(key) < self.rank(best[group]):
                best[group] = key
        return frozenset(best.values())

    def leads_somewhere(self, key: str) -> bool:
        """Whether the page that this one points to, by however many hops, stands for it."""
        for _ in range(_MAX_HOPS):
            entry = self.entries.get(self.entries[key].target)
            if entry is None:
                return False
            if entry.outcome not in (Outcome.CANONICAL, Outcome.REDIRECT):
                return entry.outcome in (Outcome.KEPT, Outcome.DUPLICATE, Outcome.LIMIT, Outcome.NOINDEX)
            key = self.entries[key].target
        return False

    def _visits(self) -> int:
        return sum(1 for entry in self.entries.values() if entry.outcome not in _UNFETCHED)

    def to_bytes(self) -> bytes:
        plain = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("revision", "entries")}
        plain["entries"] = {key: _slim(entry) for key, entry in self.entries.items()}
        return zlib.compress(json.dumps(plain, ensure_ascii=False, separators=(",", ":")).encode(), 1)

    @classmethod
    def from_bytes(cls, packed: bytes, *, revision: int) -> "Frontier":
        plain: dict[str, Any] = json.loads(zlib.decompress(packed))
        entries = {key: _entry(slim) for key, slim in plain.pop("entries").items()}
        return cls(**plain, entries=entries, revision=revision)


def _slim(entry: Entry) -> dict[str, Any]:
    """Without what is as usual: an eighth of the bytes."""
    return {name: getattr(entry, name) for name, usual in _DEFAULTS.items() if getattr(entry, name) != usual}


def _entry(slim: Mapping[str, Any]) -> Entry:
    entry = Entry(**slim)
    entry.outcome, entry.written = Outcome(entry.outcome), Written(entry.written)
    return entry
