"""Fetching: the one door to the network. Nothing else opens an address that somebody gave us."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

MAX_REDIRECTS: Final = 5
MAX_BYTES: Final = 5_000_000
"""Of a body, after decompression."""

CONNECT_SECONDS: Final = 5.0
TOTAL_SECONDS: Final = 15.0

USER_AGENT: Final = "CandorBot"
"""What robots.txt calls us; the header adds the version."""

_WANTED: Final = frozenset(
    (
        "", "application/ecmascript", "application/gzip", "application/javascript", "application/json",
        "application/octet-stream", "application/pdf", "application/x-gzip", "application/x-javascript",
        "application/x-pdf", "application/xml", "binary/octet-stream",
    )
)  # fmt: skip
_SUFFIXES: Final = ("+xml", "+json")


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetched:
    """An answer to one request. Any status: what it means is the caller's to say."""

    url: str
    """Where the body came from: after the redirects that were followed."""
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in small letters. Several of one name are joined by a comma; cookies stand on a line each."""
    body: bytes = b""
    """Decompressed. Empty for 304, and for a kind of content that was not asked for."""
    redirects: tuple[str, ...] = ()
    """The addresses passed through before `url`, the first one asked for first."""

    @property
    def content_type(self) -> str:
        """Without its parameters, in small letters; blank when the server names none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().casefold()


def is_wanted(content_type: str) -> bool:
    """Whether a body of this kind is read at all: text, pages, scripts, data, PDF, and what is not said."""
    kind = content_type.partition(";")[0].strip().casefold()
    if kind.startswith("image/"):  # Also those that are XML.
        return False
    return kind in _WANTED or kind.startswith("text/") or kind.endswith(_SUFFIXES)


class Fetcher(Protocol):
    """Fetches addresses, each checked before anything is sent, and each redirect again."""

    def check(self, url: str) -> str:
        """
        The address as it would be asked for; `Malformed`, with a sentence, for one nobody may fetch.

        Resolves the name: a host that does not exist, or that is not public, is refused here too.
        """
        ...

    def fetch(
        self,
        url: str,
        *,
        follow: bool = True,
        etag: str = "",
        last_modified: str = "",
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        content: bytes | None = None,
        reads: bool = True,
        max_bytes: int = MAX_BYTES,
        total_seconds: float = TOTAL_SECONDS,
    ) -> Fetched:
        """
        GET an address; with `form` POST it, as a page's form would; with `content` POST that, of the kind
        that the caller's header `content-type` says. With `etag` or `last_modified` the answer may be a 304.
        Unless it `reads`, the answer is its status and headers, and no body is waited for.

        With `follow` redirects are followed, each through the same door, at most `MAX_REDIRECTS`; without,
        a redirect is an answer like any other; after a POST it always is. `Malformed` for an address nobody
        may fetch, also where a redirect leads to one; `UpstreamFailed` for a loop, a body that is too large,
        a time-out, a broken connection or answer.
        """
        ...


class Browser(Protocol):
    """A real browser, for pages that are empty without their scripts."""

    def render(
        self,
        url: str,
        *,
        total_seconds: float = 30.0,
        headers: Mapping[str, str] | None = None,
        allows: Callable[[str], bool] | None = None,
    ) -> Fetched:
        """
        The page as it stands when its scripts have run: its HTML as the body, its own final address.

        `headers` (a session's cookie) go along with every request to the page's own server, and to no other;
        with `allows`, nothing of that server is asked for but what it allows.
        Every request of the page goes through the same door. `Malformed` and `UpstreamFailed` as `Fetcher`;
        `Unavailable` where there is no browser.
        """
        ...
