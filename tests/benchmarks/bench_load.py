"""
Bench load: many pages dropped at once, and what those who ask meanwhile notice of it.

    python -m tests.benchmarks.bench_load [--pages 5000] [--drops 1]

On a local stack of its own, with the demo knowledge in it. Printed are the rate of the ingest beside what
two processes that do nothing but embed reach on the same pages a moment before; how long replies take before,
while nothing else is done and during the ingest, at 1 and at 4 in flight; and the memory of the stack's
processes. With `--drops 3` the same number of *other* pages comes three times over: what grows is a leak.
"""

import argparse
import contextlib
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.local.aws import Clients
from tests.benchmarks.bench_ingest import page
from tests.e2e.running import RunningStack

QUESTIONS = Path("infra/local/demo/questions.jsonl")

FLIGHTS = (1, 4)
SETTLE_SECONDS = 900
_SAMPLE = 400
"""Passages each process embeds to find the limit: some six seconds."""

_EMBED_ALONE = """
import json, sys, time
from candor.adapters.embedded_embedder import EmbeddedEmbedder
from tests.benchmarks.bench_load import passages_of
embedder = EmbeddedEmbedder(sys.argv[1])
passages = passages_of(int(sys.argv[2]), int(sys.argv[3]))[: int(sys.argv[4])]
embedder.embed_passages(passages[:8])
print("ready", flush=True)
sys.stdin.readline()
started, busy = time.perf_counter(), time.process_time()
embedder.embed_passages(passages)
rate, cost = len(passages) / (time.perf_counter() - started), (time.process_time() - busy) / len(passages)
print(rate, cost, flush=True)
"""


def pages_of(pages: int, seed: int) -> list[dict[str, str]]:
    rng = random.Random(seed)
    return [
        {**page(rng, number), "url": f"https://load.example/{seed}/{number:05}"} for number in range(pages)
    ]


def passages_of(pages: int, seed: int) -> list[Any]:
    """What the pages are cut into, as the stack does it."""
    from candor.adapters.memory_documents import MemoryDocuments
    from candor.adapters.memory_jobs import MemoryJobs
    from candor.chunking import chunk
    from candor.documents import Draft

    documents = MemoryDocuments(jobs=MemoryJobs(), changed=lambda _: None)
    rows = (
        (documents.put(Draft(url=one["url"], title=one["title"], text=one["text"]))[0], one["text"])
        for one in pages_of(pages, seed)
    )
    return [passage for row, text in rows for passage in chunk(row, text)]


def embedding_alone(models: Path, pages: int, seed: int, processes: int) -> tuple[float, float]:
    """
    Passages a second of so many processes that embed at the same time, and do nothing else; and the seconds
    of CPU that one passage takes them.
    """
    environment = {**os.environ, "PYTHONPATH": f".{os.pathsep}layers/core"}
    arguments = [str(models), str(min(pages, _SAMPLE)), str(seed), str(_SAMPLE)]
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", _EMBED_ALONE, *arguments],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(processes)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline().strip() == "ready"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("\n")
        worker.stdin.flush()
    told = [tuple(map(float, worker.communicate()[0].split())) for worker in workers]
    return sum(rate for rate, _ in told), statistics.fmean(cost for _, cost in told)


@dataclass(kw_only=True)
class Asking:
    """Clients that ask one question after the other, and how long each reply took."""

    stack: RunningStack
    questions: list[str]
    milliseconds: list[float] = field(default_factory=list)
    errors: int = 0

    def ask(self) -> None:
        body = {"query": random.choice(self.questions)}
        started = time.perf_counter()
        reply = self.stack.api("POST", "/v1/reply/generate", body)
        self.milliseconds.append((time.perf_counter() - started) * 1000)
        self.errors += reply.status >= 400

    def while_(self, goes_on: Callable[[], bool], *, flight: int) -> None:
        def one(_: int) -> None:
            while goes_on():
                self.ask()

        with ThreadPoolExecutor(flight) as pool:
            list(pool.map(one, range(flight)))

    def times(self, requests: int, *, flight: int) -> None:
        left = iter(range(requests))
        lock = threading.Lock()

        def more() -> bool:
            with lock:
                return next(left, None) is not None

        self.while_(more, flight=flight)

    @property
    def p50(self) -> float:
        return statistics.median(self.milliseconds)

    @property
    def p95(self) -> float:
        return statistics.quantiles(self.milliseconds, n=20)[18]


class Processes(threading.Thread):
    """The resident memory and CPU of a stack's processes, looked at twice a second."""

    def __init__(self, group: int) -> None:
        super().__init__(daemon=True)
        self._group = group
        self._ended = threading.Event()
        self.peak = 0.0

    def run(self) -> None:
        while not self._ended.wait(0.5):
            self.peak = max(self.peak, sum(self.now().values()))

    def cpu(self) -> float:
        """Seconds of CPU that its processes have taken; those that are gone are forgotten."""
        ticks = 0
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError, ValueError):
                if os.getpgid(int(folder.name)) == self._group:
                    ticks += sum(map(int, (folder / "stat").read_text().rsplit(")", 1)[1].split()[11:13]))
        return ticks / os.sysconf("SC_CLK_TCK")

    def now(self) -> dict[str, float]:
        """Megabytes by what a process does, several of one kind together."""
        found: dict[str, float] = defaultdict(float)
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if os.getpgid(int(folder.name)) != self._group:
                    continue
                pages = int((folder / "statm").read_text().split()[1])
                command = (folder / "cmdline").read_text()
            except (OSError, ValueError):
                continue
            name = "cloud and front"
            if "ministack-lambda-" in command:
                name = command.split("ministack-lambda-", 1)[1].split("/")[0].rsplit("-", 1)[0]
            found[name] += pages * os.sysconf("SC_PAGE_SIZE") / 1e6
        return dict(found)

    def end(self) -> None:
        self._ended.set()
        self.join()


class Drop:
    """Pages put into the bucket as one file, and how far the stack has come with them."""

    def __init__(self, stack: RunningStack, pages: int, seed: int) -> None:
        self._stack = stack
        self.pages = pages
        self._key = f"source/load-{seed}.json"
        body = json.dumps({"source": "load", "pages": pages_of(pages, seed)}).encode()
        self.started = time.perf_counter()
        Clients(stack.aws)("s3").put_object(
            Bucket=stack.outputs["SourceBucket"], Key=self._key, Body=body, ContentType="application/json"
        )

    def job(self) -> dict[str, Any]:
        jobs = self._stack.admin("GET", "/v1/admin/jobs?page_size=20").json["items"]
        found: dict[str, Any] = next((job for job in jobs if self._key in json.dumps(job)), {})
        return found

    def progress(self) -> tuple[int, bool, int]:
        """Pages that are searchable, whether all is over, and how many failed."""
        job = self.job()
        told = job.get("progress") or {}
        over = job.get("status") in ("succeeded", "failed", "cancelled")
        return int(told.get("done") or 0), over, int(told.get("failed") or 0)


@dataclass(kw_only=True)
class Stretch:
    """A part of the ingest: who asked meanwhile, how many pages became searchable in how many seconds."""

    flight: int
    asking: Asking
    pages: int = 0
    seconds: float = 0.0
    cpu: float = 0.0


def follow(
    drop: Drop, stack: RunningStack, questions: list[str], processes: Processes
) -> tuple[list[Stretch], int]:
    """Ask nothing for a third of the pages, then one by one, then four at a time; failed pages at the end."""
    flights = (0, *FLIGHTS)
    stretches = []
    done, over, failed = 0, False, 0
    while done == 0 and not over:
        time.sleep(0.1)
        done, over, failed = drop.progress()
    at = time.perf_counter()
    for number, flight in enumerate(flights, start=1):
        stretch = Stretch(flight=flight, asking=Asking(stack=stack, questions=questions))
        goal = drop.pages if number == len(flights) else drop.pages * number // len(flights)
        begun, busy, going = done, processes.cpu(), threading.Event()
        thread = threading.Thread(
            target=lambda stretch=stretch, going=going: stretch.asking.while_(
                lambda: not going.is_set(), flight=stretch.flight
            )
        )
        if flight:
            thread.start()
        while done < goal and not over:
            time.sleep(0.5)
            done, over, failed = drop.progress()
            if time.perf_counter() - drop.started > SETTLE_SECONDS:
                raise TimeoutError(f"{done} of {drop.pages} pages after {SETTLE_SECONDS} s")
        going.set()
        if flight:
            thread.join()
        now = time.perf_counter()
        stretch.pages, stretch.seconds, at = done - begun, now - at, now
        stretch.cpu = processes.cpu() - busy
        stretches.append(stretch)
    while not over:
        time.sleep(0.2)
        done, over, failed = drop.progress()
    return stretches, failed


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pages", type=int, default=5000, help="of one drop (5000)")
    parser.add_argument("--drops", type=int, default=1, help="one after the other, each with new pages (1)")
    parser.add_argument("--requests", type=int, default=100, help="replies measured at rest, a row (100)")
    options = parser.parse_args()
    # Asked to stop, it must take its stack along: that has a process group of its own.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory() as folder:
        stack = RunningStack(Path(folder), DEMO="1", RATE_LIMIT_REQUESTS="0")
        try:
            stack.start()
            measure(stack, pages=options.pages, drops=options.drops, requests=options.requests)
        finally:
            stack.kill()


def measure(stack: RunningStack, *, pages: int, drops: int, requests: int) -> None:
    questions = [json.loads(line)["question"] for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]
    settle(stack)
    assert stack.process is not None
    processes = Processes(stack.process.pid)
    processes.start()
    print(f"{pages} pages at once, {os.cpu_count()} cores")
    rest = dict(_at_rest(stack, questions, requests))
    print(f"{'memory at rest':44}{sum(processes.now().values()):10.0f} MB")
    models = stack.state / "store" / "models"
    for number in range(1, drops + 1):
        limit, cost = embedding_alone(models, pages, number, processes=os.cpu_count() or 1)
        passages = len(passages_of(pages, number))
        drop = Drop(stack, pages, number)
        stretches, failed = follow(drop, stack, questions, processes)
        seconds = time.perf_counter() - drop.started
        print(f"\ndrop {number}: {pages} pages, {passages} passages in {seconds:.1f} s, {failed} failed")
        print(f"{'embedding alone':44}{limit:10.1f} passages/s")
        print(f"{'all of it, asked questions included':44}{passages / seconds:10.1f} passages/s")
        for stretch in stretches:
            rate = stretch.pages / stretch.seconds * passages / pages
            label = f"ingest, {stretch.flight} in flight" if stretch.flight else "ingest, nobody asks"
            print(f"{label:44}{rate:10.1f} passages/s = {rate / limit:.2f} of embedding alone")
        alone = stretches[0]
        spent = alone.cpu / alone.pages * pages / passages
        print(
            f"{'CPU of a passage, nobody asks':44}{spent * 1000:10.1f} ms, {cost / spent:.2f} of it embedding"
        )
        print(f"{'replies':20}{'p50 ms':>9}{'p95 ms':>9}{'number':>8}{'errors':>8}  p95, times that at rest")
        for stretch in stretches:
            if flight := stretch.flight:
                _say(f"{flight} in flight, rest", rest[flight])
                times = stretch.asking.p95 / rest[flight].p95
                _say(f"{flight} in flight, ingest", stretch.asking, f"{times:10.1f}")
        settle(stack)
        print(f"{'memory at its most':44}{processes.peak:10.0f} MB")
        print(f"{'memory afterwards':44}{sum(processes.now().values()):10.0f} MB")
        for name, megabytes in sorted(processes.now().items(), key=lambda pair: -pair[1]):
            print(f"    {name:40}{megabytes:10.0f} MB")
    processes.end()


def _at_rest(stack: RunningStack, questions: list[str], requests: int) -> Iterator[tuple[int, Asking]]:
    for flight in FLIGHTS:
        Asking(stack=stack, questions=questions).times(20, flight=flight)  # Cold workers are no rest.
        asking = Asking(stack=stack, questions=questions)
        asking.times(requests, flight=flight)
        yield flight, asking


def _say(label: str, asking: Asking, more: str = "") -> None:
    number = len(asking.milliseconds)
    print(f"{label:20}{asking.p50:9.1f}{asking.p95:9.1f}{number:8}{asking.errors:8}{more}")


def settle(stack: RunningStack) -> None:
    """Wait until nothing is being done: no job under way, nothing pending twice in a row."""
    calm = 0
    ends = time.monotonic() + SETTLE_SECONDS
    while calm < 3 and time.monotonic() < ends:
        jobs = stack.admin("GET", "/v1/admin/jobs?page_size=20").json["items"]
        busy = not jobs or any(job["status"] in ("queued", "running") for job in jobs)
        calm = 0 if busy else calm + 1
        time.sleep(0.3)


if __name__ == "__main__":
    main()
