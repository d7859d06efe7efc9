"""A web in memory: sites whose pages say what they are, and the reader that believes them."""

import hashlib
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urljoin, urlsplit

from candor.errors import Malformed, UpstreamFailed
from candor.fetching import MAX_BYTES, TOTAL_SECONDS, Fetched
from candor.sources.web_pages import Kind, WebPage


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What an address answers; `failures` are taken first, one a request (0: the connection breaks)."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    failures: tuple[int, ...] = ()


def page(text: str = "", *links: str, title: str = "", **more: Any) -> Answer:
    """A page with this text and these links; `kind`, `canonical`, `target`, `doc_type` as in `WebPage`."""
    said = {"text": text, "title": title or text[:20] or "Nothing", "links": links, **more}
    return Answer(body=json.dumps(said).encode())


def moved(to: str, status: int = 301) -> Answer:
    return Answer(status=status, headers={"location": to})


def read(body: bytes, *, url: str, headers: Mapping[str, str]) -> WebPage:
    """`read_page` for the pages of this web."""
    said = json.loads(body)
    text = str(said["text"])
    joined = {name: urljoin(url, said[name]) for name in ("canonical", "target") if said.get(name)}
    return WebPage(
        url=url,
        kind=Kind(said.get("kind", "content" if text else "empty")),
        title=str(said["title"]),
        text=text,
        links=tuple(urljoin(url, link) for link in said["links"]),
        doc_type=str(said.get("doc_type", "other")),
        text_hash=hashlib.sha256(text.encode()).hexdigest() if text else "",
        **joined,
    )


class Web:
    """A `Fetcher` of what `pages` holds, by address. Every page has an ETag unless `etags` is False."""

    def __init__(self, pages: Mapping[str, Answer] | None = None) -> None:
        self.pages: dict[str, Answer] = dict(pages or {})
        self.etags = True
        self.requests: list[str] = []
        """Every address asked for, in order."""
        self.not_modified = 0
        self.sent = 0
        self._lock = threading.Lock()

    def check(self, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not (parts.hostname or "").endswith(".test"):
            raise Malformed("That is not an address we may fetch.")
        return url

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
        passed: list[str] = []
        while True:
            answer = self._answer(self.check(url))
            target = answer.headers.get("location", "")
            if not (follow and target):
                break
            passed.append(url)
            url = urljoin(url, target)
            if len(passed) > 5:
                raise UpstreamFailed("It redirects too often.")
        mark = f'"{hashlib.sha256(answer.body).hexdigest()[:16]}"'
        with self._lock:
            if self.etags and answer.status == 200 and etag == mark:
                self.not_modified += 1
                return Fetched(url=url, status=304, redirects=tuple(passed))
            self.sent += len(answer.body)
        given = {**({"etag": mark} if self.etags else {}), **answer.headers}
        return Fetched(
            url=url, status=answer.status, headers=given, body=answer.body, redirects=tuple(passed)
        )

    def _answer(self, url: str) -> Answer:
        with self._lock:
            self.requests.append(url)
            answer = self.pages.get(url, Answer(status=404))
            if answer.failures:
                self.pages[url] = replace(answer, failures=answer.failures[1:])
                if answer.failures[0] == 0:
                    raise UpstreamFailed("The connection broke.")
                return Answer(status=answer.failures[0], headers=answer.headers)
            return answer
