"""
Bench consistency: 500 changes of 50 documents through the API, an index down for a minute, and questions.

    python -m tests.benchmarks.bench_consistency [--changes 500] [--down 60] [--engine embedded|opensearch]

On a local stack of its own. First the stack has nothing else to do: how long after a change was acknowledged
does the answer follow it? Then eight clients change, rename, delete and recreate documents while two ask.
In the middle the index of words takes nothing: the embedded one is locked, an OpenSearch process is stopped.

An answer is *stale* when it quotes what had been replaced before the question was asked: a later text had
been quoted already, or the deletion had been acknowledged. None may be. In the end reconcile finds nothing,
and every answer quotes the last text written.
"""

import argparse
import contextlib
import fcntl
import os
import random
import re
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.opensearch.server import node, reason_missing
from tests.benchmarks.bench_durability import reconcile
from tests.e2e.running import Reply, RunningStack
from tests.ports import free_port

PAGES = 50
WRITERS = 8
READERS = 2
SETTLE_SECONDS = 300

_TITLE = re.compile(r"edition (\d+)$")
_TEXT = re.compile(r"text (\d+) of this page")


@dataclass(frozen=True, kw_only=True)
class State:
    """What a page was made at one time: `edition` is in its title, `text` in its text; None: deleted."""

    edition: int
    text: int | None
    acknowledged: float


@dataclass
class Page:
    number: int
    document_id: str = ""
    states: list[State] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    """One change at a time: the order of two at once nobody could tell."""
    texts: dict[int, int] = field(default_factory=dict)
    """Which text belongs to which edition."""
    seen: list[tuple[int, float]] = field(default_factory=list)
    """Editions, and when an answer with them had come back."""

    @property
    def url(self) -> str:
        return f"https://bench.example/halls/{self.number}"

    @property
    def question(self) -> dict[str, str]:
        return {"query": f"Which code opens hall Kalmar{self.number:02}?"}

    def title(self, edition: int) -> str:
        return f"Hall Kalmar{self.number:02}, edition {edition}"

    def text(self, number: int) -> str:
        code = number * 7919 % 9000 + 1000
        return f"Hall Kalmar{self.number:02} is opened with the code {code}, says text {number} of this page."

    def gone_or_replaced(self, edition: int, moment: float) -> str:
        """Why nothing of this edition may be quoted any more by a question asked at that moment."""
        for state in list(self.states):
            if state.edition > edition and state.text is None and state.acknowledged < moment:
                return f"edition {state.edition} had deleted it"
        for later, at in list(self.seen):
            if later > edition and at < moment:
                return f"edition {later} had been quoted"
        return ""


class Bench:
    def __init__(self, stack: RunningStack, *, changes: int) -> None:
        self._stack = stack
        self._changes = changes
        self._pages = [Page(number) for number in range(PAGES)]
        self._editions = iter(range(1, 10**9))
        self._lock = threading.Lock()
        self.done = 0
        self.refused: list[str] = []
        self.stale: list[str] = []
        self.questions = self.quoting = 0
        self.over = threading.Event()

    # Changing

    def put(self, page: Page) -> int:
        edition = self._next()
        page.texts[edition] = edition
        body = {"url": page.url, "title": page.title(edition), "raw_text": page.text(edition)}
        reply = self._send("POST", "/v1/documents", body)
        page.document_id = reply.json["id"]
        page.states.append(State(edition=edition, text=edition, acknowledged=time.monotonic()))
        return edition

    def rename(self, page: Page) -> int:
        edition = self._next()
        text = page.states[-1].text
        assert text is not None
        page.texts[edition] = text
        self._send("PATCH", f"/v1/documents/{page.document_id}", {"title": page.title(edition)})
        page.states.append(State(edition=edition, text=text, acknowledged=time.monotonic()))
        return edition

    def delete(self, page: Page) -> int:
        edition = self._next()
        self._send("DELETE", f"/v1/documents/{page.document_id}", None)
        page.states.append(State(edition=edition, text=None, acknowledged=time.monotonic()))
        return edition

    def change(self, rng: random.Random) -> None:
        page = rng.choice(self._pages)
        with page.lock:
            alive = bool(page.states) and page.states[-1].text is not None
            kinds: list[Callable[[Page], int]] = [self.put, self.put, self.rename, self.delete]
            (rng.choice(kinds) if alive else self.put)(page)

    def _next(self) -> int:
        with self._lock:
            return next(self._editions)

    def _send(self, method: str, path: str, body: Any) -> Reply:
        reply = self._stack.admin(method, path, body)
        if reply.status >= 400:
            raise RuntimeError(f"{method} {path}: {reply.status} {reply.body!r}")
        return reply

    # Asking

    def ask(self, page: Page) -> int | None:
        """The edition of the page that the answer quotes, after a look whether it might."""
        began = time.monotonic()
        reply = self._stack.api("POST", "/v1/reply/generate", page.question)
        ended = time.monotonic()
        with self._lock:
            self.questions += 1
        if reply.status != 200:
            self.refused.append(f"{reply.status} {reply.body[:200]!r}")
            return None
        own = None
        for citation in reply.json["citations"]:
            quoted = self._pages[int(citation["source_url"].rsplit("/", 1)[1])]
            edition = int(_TITLE.search(citation["title"])[1])  # type: ignore[index]
            with self._lock:
                self.quoting += 1
            if reason := quoted.gone_or_replaced(edition, began):
                self.stale.append(f"{citation['title']}: {reason}")
            for text in _TEXT.findall(citation["quote"]):
                if int(text) != quoted.texts[edition]:
                    self.stale.append(f"{citation['title']} with text {text}")
            quoted.seen.append((edition, ended))
            own = edition if quoted is page else own
        return own

    def seconds_until_fresh(self, changes: int) -> list[float]:
        """One change at a time, while nothing else is done: from its acknowledgement to the answer."""
        rng = random.Random(3)
        seconds = []
        for page in rng.choices(self._pages, k=changes):
            edition = rng.choice([self.put, self.rename])(page)
            acknowledged = page.states[-1].acknowledged
            while self.ask(page) != edition:
                if time.monotonic() - acknowledged > SETTLE_SECONDS:
                    raise TimeoutError(f"{page.title(edition)} is not quoted after {SETTLE_SECONDS} s")
                time.sleep(0.005)
            seconds.append(time.monotonic() - acknowledged)
        return seconds

    # All of it

    def fill(self) -> None:
        for page in self._pages:
            self.put(page)
        self.follow()

    def follow(self) -> float:
        """Wait until every answer quotes the last edition, or nothing of a deleted page; seconds it took."""
        started = time.monotonic()
        for page in self._pages:
            last = page.states[-1]
            wanted = last.edition if last.text is not None else None
            while self.ask(page) != wanted:
                if time.monotonic() - started > SETTLE_SECONDS:
                    raise TimeoutError(
                        f"page {page.number} is not at edition {wanted} after {SETTLE_SECONDS} s"
                    )
                time.sleep(0.1)
        return time.monotonic() - started

    def live(self, *, down: Callable[[float], None], seconds: float) -> None:
        """The index is down from the first third of the changes on; the changes go on over all that time."""
        per_writer = self._changes // WRITERS
        begun = threading.Event()
        pause = 1.5 * seconds / per_writer

        def write(number: int) -> None:
            rng = random.Random(number)
            for _ in range(per_writer):
                self.change(rng)
                with self._lock:
                    self.done += 1
                if self.done > self._changes / 4:
                    begun.set()
                time.sleep(rng.uniform(0, 2 * pause))

        def read(number: int) -> None:
            rng = random.Random(100 + number)
            while not self.over.is_set():
                self.ask(rng.choice(self._pages))

        def fail() -> None:
            begun.wait()
            down(seconds)

        with ThreadPoolExecutor(WRITERS + READERS + 1) as pool:
            readers = [pool.submit(read, number) for number in range(READERS)]
            others = [pool.submit(fail), *(pool.submit(write, number) for number in range(WRITERS))]
            try:
                for other in others:
                    other.result()
            finally:
                begun.set()
                self.over.set()
            for reader in readers:
                reader.result()


@contextlib.contextmanager
def embedded(folder: Path) -> Iterator[tuple[RunningStack, Callable[[float], None]]]:
    stack = RunningStack(folder / "state", RATE_LIMIT_REQUESTS="0")

    def down(seconds: float) -> None:
        [lock] = (folder / "state" / "store").glob("words-*/*.lock")
        with lock.open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            time.sleep(seconds)

    yield stack, down


@contextlib.contextmanager
def opensearch(folder: Path) -> Iterator[tuple[RunningStack, Callable[[float], None]]]:
    if reason := reason_missing():
        raise SystemExit(f"OpenSearch cannot run here: {reason}")
    data = folder / "opensearch"
    data.mkdir()
    with node(data, port=free_port(), memory="512m") as server:
        cache = str(folder / "models")
        stack = RunningStack(
            folder / "state", OPENSEARCH_HOST=server.url, MODEL_CACHE=cache, RATE_LIMIT_REQUESTS="0"
        )

        def down(seconds: float) -> None:
            os.kill(server.pid, signal.SIGSTOP)
            try:
                time.sleep(seconds)
            finally:
                os.kill(server.pid, signal.SIGCONT)

        yield stack, down


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--changes", type=int, default=500)
    parser.add_argument("--down", type=float, default=60.0, help="seconds an index is down (60)")
    parser.add_argument("--fresh", type=int, default=40, help="changes measured one by one (40)")
    parser.add_argument("--engine", choices=("embedded", "opensearch"), default="embedded")
    options = parser.parse_args()
    engine = embedded if options.engine == "embedded" else opensearch
    # Asked to stop, it must take its stack along: that has a process group of its own.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory() as folder, engine(Path(folder)) as (stack, down):
        try:
            stack.start()
            measure(stack, down, options)
        finally:
            stack.kill()


def measure(stack: RunningStack, down: Callable[[float], None], options: argparse.Namespace) -> None:
    bench = Bench(stack, changes=options.changes)
    bench.fill()
    seconds = bench.seconds_until_fresh(options.fresh)
    p95 = statistics.quantiles(seconds, n=20)[18]
    print(f"{'until an answer follows, at rest':44}{statistics.median(seconds):8.2f} s p50 {p95:8.2f} s p95")
    asked = bench.questions
    bench.live(down=down, seconds=options.down)
    print(f"{'changes':44}{bench.done:8}")
    print(f"{'questions meanwhile':44}{bench.questions - asked:8}")
    print(f"{'until all answers follow, afterwards':44}{bench.follow():8.2f} s")
    print(f"{'quotations looked at':44}{bench.quoting:8}")
    print(f"{'stale':44}{len(bench.stale):8}  {bench.stale[:3] or ''}")
    print(f"{'questions refused':44}{len(bench.refused):8}  {bench.refused[:2] or ''}")
    print(f"{'reconcile':20}{reconcile(stack)}")


if __name__ == "__main__":
    main()
