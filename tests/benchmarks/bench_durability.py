"""
Durability benchmark: kill the whole local stack in the middle of an ingest, again and again, and count what
is lost.

    python -m tests.benchmarks.bench_durability --pages 2000 --kills 10

Pages go in by three doors (POST /v1/admin/ingest, POST /v1/documents, files dropped into the bucket). What
the API or S3 acknowledged must be there at the end: once, and found by a question about it. What was not
acknowledged is sent again.
"""

import argparse
import json
import random
import signal
import sys
import tempfile
import threading
import time
import urllib.error
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.local.aws import Clients
from tests.e2e.running import RunningStack

BATCH = 20
_SETTLE_SECONDS = 600
_GONE = (OSError, ClientError, BotoCoreError, ValueError)
"""What a killed stack looks like from outside, the reply cut in half included."""


def page(number: int) -> dict[str, str]:
    return {
        "url": f"https://bench.example/cabinets/{number:05}",
        "title": f"Cabinet Kalmar-{number:05}",
        "raw_text": f"Cabinet Kalmar-{number:05} stands in hall {number % 40}. "
        f"It is opened with the pin {(number * 7919) % 9000 + 1000}, which is changed every quarter.",
        "doc_type": "howto",
    }


class Ingest:
    """Sends pages until all are acknowledged, through kills."""

    def __init__(self, stack: RunningStack, pages: int) -> None:
        self._stack = stack
        self._left = list(range(pages))
        self._lock = threading.Lock()
        self.acknowledged: set[int] = set()
        self.running = threading.Event()
        """Cleared while the stack is down, so that nobody waits for time-outs."""
        self.done = threading.Event()

    def run(self) -> None:
        doors = (self._by_batch, self._one_by_one, self._by_file)
        with ThreadPoolExecutor(len(doors)) as pool:
            list(pool.map(self._work, doors))
        self.done.set()

    def _work(self, door: Callable[[list[int]], Iterator[int]]) -> None:
        while numbers := self._take():
            self.running.wait()
            try:
                for number in door(numbers):
                    self.acknowledged.add(number)
                    numbers.remove(number)
            except _GONE:
                time.sleep(0.2)
            finally:
                with self._lock:
                    self._left.extend(numbers)

    def _take(self) -> list[int]:
        with self._lock:
            taken, self._left = self._left[:BATCH], self._left[BATCH:]
        return taken

    def _by_batch(self, numbers: list[int]) -> Iterator[int]:
        reply = self._stack.admin("POST", "/v1/admin/ingest", {"documents": [page(n) for n in numbers]})
        if reply.status in (200, 202):
            yield from list(numbers)
        else:
            raise OSError(f"ingest answered {reply.status}")

    def _one_by_one(self, numbers: list[int]) -> Iterator[int]:
        for number in list(numbers):
            reply = self._stack.admin("POST", "/v1/documents", page(number))
            if reply.status not in (200, 201):
                raise OSError(f"documents answered {reply.status}")
            yield number

    def _by_file(self, numbers: list[int]) -> Iterator[int]:
        pages = [{("text" if k == "raw_text" else k): v for k, v in page(n).items()} for n in numbers]
        name = f"source/bench-{numbers[0]:05}-{time.time_ns()}.json"
        body = json.dumps({"source": name.removesuffix(".json"), "pages": pages}).encode()
        Clients(self._stack.aws)("s3").put_object(
            Bucket=self._stack.outputs["SourceBucket"], Key=name, Body=body
        )
        yield from list(numbers)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pages", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--sample", type=int, default=200, help="how many pages are asked for at the end")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--template", type=Path, help="another template than the project's")
    chosen = parser.parse_args()
    random.seed(chosen.seed)
    # Asked to stop, it must take its stack along: that has a process group of its own.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory() as folder:
        stack = RunningStack(
            Path(folder), template=chosen.template, RATE_LIMIT_REQUESTS="0", LOG_LEVEL="WARNING"
        )
        try:
            measure(stack, pages=chosen.pages, kills=chosen.kills, sample=chosen.sample, seed=chosen.seed)
        finally:
            stack.kill()


def measure(stack: RunningStack, *, pages: int, kills: int, sample: int, seed: int) -> None:
    print(f"{pages} pages, {kills} kills, seed {seed}")
    print(f"start {stack.start():.1f} s")
    ingest = Ingest(stack, pages)
    ingest.running.set()
    thread = threading.Thread(target=ingest.run, daemon=True)
    thread.start()
    print(f"{'kill':>4} {'after s':>8} {'acknowledged':>13} {'restart s':>10}")
    for number in range(1, kills + 1):
        after = random.uniform(0.3, 6.0)
        time.sleep(after)
        ingest.running.clear()
        stack.kill()
        acknowledged = len(ingest.acknowledged)
        restart = stack.start()
        ingest.running.set()
        print(f"{number:>4} {after:>8.1f} {acknowledged:>13} {restart:>10.1f}", flush=True)
    if not ingest.done.wait(_SETTLE_SECONDS):
        print(f"only {len(ingest.acknowledged)} pages were acknowledged in {_SETTLE_SECONDS} s")
    settled = settle(stack)
    listed = Counter(item["source_url"] for item in documents(stack))
    acknowledged = {page(number)["url"] for number in ingest.acknowledged}
    unfound = [number for number in random.sample(sorted(ingest.acknowledged), min(sample, len(acknowledged)))
               if not found(stack, number)]  # fmt: skip
    print()
    print(f"{'acknowledged':28}{len(acknowledged):>7}")
    print(f"{'  missing':28}{len(acknowledged - listed.keys()):>7}")
    print(f"{'  twice':28}{sum(count > 1 for count in listed.values()):>7}")
    print(f"{'  not indexed':28}{settled:>7}")
    print(f"{'  not found, of the sample':28}{len(unfound):>7}  {unfound[:5] if unfound else ''}")
    print(f"{'reconcile':28}{reconcile(stack)}")


def documents(stack: RunningStack) -> Iterator[dict[str, Any]]:
    number = 1
    while True:
        reply = stack.admin("GET", f"/v1/documents?page={number}&page_size=100").json
        yield from reply["items"]
        if number * 100 >= reply["total"]:
            return
        number += 1


def settle(stack: RunningStack) -> int:
    """Wait until every document is indexed; how many are not in the end."""
    ends = time.monotonic() + _SETTLE_SECONDS
    started = time.monotonic()
    while True:
        waiting = sum(item["status"] != "indexed" for item in documents(stack))
        if waiting == 0 or time.monotonic() > ends:
            print(f"settled in {time.monotonic() - started:.0f} s")
            return waiting
        time.sleep(1)


def found(stack: RunningStack, number: int) -> bool:
    """Whether a question about the page finds it; what is then made of it is another benchmark's matter."""
    wanted = page(number)["url"]
    question = {"query": f"Which pin opens cabinet Kalmar-{number:05}?"}
    reply = stack.admin("POST", "/v1/reply/generate", question)
    evidence = reply.json["debug"]["evidence"] if reply.status == 200 else []
    return any(passage["source_url"] == wanted for passage in evidence)


def reconcile(stack: RunningStack) -> str:
    """The reconciling job's own result: what it had to put right."""
    try:
        job = stack.admin("POST", "/v1/admin/reconcile", {}).json
        ends = time.monotonic() + _SETTLE_SECONDS
        while job.get("status") not in ("succeeded", "failed", "cancelled") and time.monotonic() < ends:
            time.sleep(0.5)
            job = stack.admin("GET", f"/v1/admin/jobs/{job.get('job_id') or job['id']}").json
        return f"{job.get('status')} {json.dumps(job.get('result'))}"
    except (urllib.error.URLError, ValueError, KeyError) as error:
        return f"could not be asked: {error}"


if __name__ == "__main__":
    main()
