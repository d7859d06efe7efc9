"""
Bench crawl: a website crawled through the whole local stack, and crawled again unchanged.

    python -m tests.benchmarks.bench_crawl [--pages 300]

The site is a server of ours on loopback, its pages help articles of about 300 words. `crawled` is until the
last page is stored, with indexing going on beside it on the same cores; `ended` until the job says so, which
waits a few seconds for what is not searchable yet. A first small crawl starts the workers, as any earlier use
would have. The ratio of the second run to the first is what compares between machines; pages a second do not.
"""

import argparse
import hashlib
import random
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.e2e.running import RunningStack

_MARGIN = 10
_WORDS = (
    "server backup invoice domain mailbox certificate traffic region snapshot kernel panel disk restore",
    "transfer renewal upgrade refund ticket address network firewall memory quota migration support customer",
    "account payment nightly monthly yearly record name zone cluster balance limit",
)


class Site:
    """`pages` articles that link each other, each with an ETag; `/` lists some, and no sitemap helps."""

    def __init__(self, pages: int) -> None:
        self.pages = dict(_site(pages))
        self.requests = self.bytes = 0
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                site._answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def origin(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        body = self.pages.get(urlsplit(request.path).path)
        mark = f'"{hashlib.md5(body or b"", usedforsecurity=False).hexdigest()}"'
        status = 404 if body is None else 304 if request.headers.get("If-None-Match") == mark else 200
        sent = body if status == 200 and body else b""
        self.requests += 1
        self.bytes += len(sent)
        head = f"HTTP/1.1 {status} .\r\nContent-Type: text/html; charset=utf-8\r\nETag: {mark}\r\n"
        request.wfile.write(f"{head}Content-Length: {len(sent)}\r\n\r\n".encode() + sent)


def _site(pages: int) -> list[tuple[str, bytes]]:
    rng = random.Random(7)
    paths = [f"/help/{number // 20}/article-{number}" for number in range(pages)]
    made = [("/", _page("Help", "Everything there is to know.", paths[:: max(1, pages // 30)], rng))]
    for number, path in enumerate(paths):
        near = [paths[(number + step) % pages] for step in (1, 2, 3, 5, 8)] + rng.sample(
            paths, min(10, pages)
        )
        made.append((path, _page(f"Article {number}", f"Its number is {number}.", near, rng)))
    return made


def _page(title: str, first: str, links: list[str], rng: random.Random) -> bytes:
    words = " ".join(_WORDS).split()

    def sentence() -> str:
        return " ".join(rng.choices(words, k=rng.randrange(8, 18))).capitalize() + "."

    parts = [f"<h1>{title}</h1><p>{first}</p>"]
    for section in range(3):
        texts = "".join(f"<p>{' '.join(sentence() for _ in range(3))}</p>" for _ in range(2))
        items = "".join(f"<li>{sentence()}</li>" for _ in range(2))
        parts.append(f"<h2>{sentence()[:-1]} {section}</h2>{texts}<ul>{items}</ul>")
    menu = "".join(f'<li><a href="{link}">{link.rsplit("/", 1)[-1]}</a></li>' for link in links)
    return (
        f"<!doctype html><html lang=en><head><title>{title} | Bench</title></head><body>"
        f"<nav><ul>{menu}</ul></nav><main><article>{''.join(parts)}</article></main>"
        "<footer>Imprint, privacy, terms</footer></body></html>"
    ).encode()


def _crawl(stack: RunningStack, site: Site, pages: int) -> tuple[float, dict[str, Any]]:
    before = site.requests, site.bytes
    started = time.monotonic()
    body = {"base_url": f"http://{site.origin}/", "max_pages": min(500, pages + _MARGIN), "max_depth": 10}
    reply = stack.admin("POST", "/v1/documents/crawl-website", body)
    assert reply.status == 202, reply.body
    while True:
        job = stack.admin("GET", f"/v1/admin/jobs/{reply.json['job_id']}").json
        if job["status"] not in ("queued", "running"):
            break
        time.sleep(0.1)
    seconds = time.monotonic() - started
    result = job["result"]
    result["requests"], result["received"] = site.requests - before[0], site.bytes - before[1]
    return seconds, {**result, "status": job["status"]}


def main() -> None:
    parser = argparse.ArgumentParser(description="A website crawled twice through the local stack.")
    parser.add_argument("--pages", type=int, default=300, help="of the site, 490 at most (300)")
    options = parser.parse_args()

    site = Site(options.pages)
    with tempfile.TemporaryDirectory() as folder:
        stack = RunningStack(Path(folder), RATE_LIMIT_REQUESTS="0", FETCH_ALLOWED_ORIGINS=site.origin)
        stack.start()
        try:
            _crawl(stack, site, 20 - _MARGIN)
            rows = [(name, *_crawl(stack, site, options.pages)) for name in ("first", "second")]
        finally:
            stack.stop()
    print(f"{options.pages} pages")
    columns = ("crawled s", "pages/s", "ended s", "requests", "bytes", "written", "to come")
    print(f"{'run':8} {'status':10} " + " ".join(f"{column:>10}" for column in columns))
    for name, seconds, result in rows:
        crawled = result["seconds"]
        written = result["created"] + result["updated"] + result["gone"]
        print(
            f"{name:8} {result['status']:10} {crawled:10.2f} {result['pages_crawled'] / crawled:10.1f} "
            f"{seconds:10.2f} {result['requests']:10} {result['received']:10} {written:10} "
            f"{result['not_yet_searchable']:10}"
        )
    (_, first, _), (_, second, _) = rows
    print(f"the second run took {second / first:.2f} of the first")


if __name__ == "__main__":
    main()
