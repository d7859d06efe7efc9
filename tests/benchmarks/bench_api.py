"""
Bench API: how long reply generation takes at 1 and at 8 in flight, beside a route that only says it is alive.

    python -m tests.benchmarks.bench_api [--requests 200] [--url http://127.0.0.1:8000 --key …]

Without `--url` a local stack of its own is started in a temporary folder, with the demo knowledge in it. The
ratio to `GET /health` in the same run is what compares between machines; milliseconds do not.
"""

import argparse
import contextlib
import http.client
import itertools
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

from tests.e2e.running import RunningStack

QUESTIONS = Path("infra/local/demo/questions.jsonl")
_CONNECTIONS = threading.local()


def main() -> None:
    parser = argparse.ArgumentParser(description="Latency of reply generation (extractive without a model).")
    parser.add_argument("--requests", type=int, default=200, help="per row of the table (200)")
    parser.add_argument("--url", help="a running stack; without it one is started")
    parser.add_argument("--key", default="", help="its API key")
    options = parser.parse_args()

    questions = [json.loads(line)["question"] for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]
    asked = [json.dumps({"query": question}).encode() for question in questions]
    with _stack(options.url, options.key) as (url, key):
        print(f"{options.requests} requests a row after as many before, {len(questions)} different questions")
        print(f"{'':28} {'in flight':>9} {'p50 ms':>8} {'p95 ms':>8} {'p99 ms':>8} {'/s':>7} {'errors':>7}")
        for flight in (1, 8):
            for method, path, bodies in (
                ("GET", "/health", [b""]),
                ("GET", "/v1/documents", [b""]),
                ("POST", "/v1/reply/generate", asked),
            ):
                _row(flight, options.requests, url, method, path, bodies, key)


@contextlib.contextmanager
def _stack(url: str | None, key: str) -> Iterator[tuple[str, str]]:
    if url:
        yield url, key
        return
    with tempfile.TemporaryDirectory() as folder:
        stack = RunningStack(Path(folder), DEMO="1", RATE_LIMIT_REQUESTS="0")
        stack.start()
        try:
            yield stack.base_url, stack.credentials["API_KEY"]
        finally:
            stack.stop()


def _row(flight: int, requests: int, url: str, method: str, path: str, bodies: list[bytes], key: str) -> None:
    turns = itertools.cycle(bodies)
    work = [next(turns) for _ in range(requests)]
    with ThreadPoolExecutor(flight) as pool:
        # All of them once before: as many workers as are needed run then, and have read what they keep. Cold
        # starts are measured by bench-search.
        list(pool.map(lambda body: _once(url, method, path, body, key), work))
        started = time.perf_counter()
        results = list(pool.map(lambda body: _once(url, method, path, body, key), work))
    seconds = time.perf_counter() - started
    times = [milliseconds for milliseconds, _ in results]
    p50, p95, p99 = (statistics.quantiles(times, n=100)[cut - 1] for cut in (50, 95, 99))
    rate = requests / seconds
    errors = sum(status >= 400 for _, status in results)
    print(f"{method + ' ' + path:28} {flight:9} {p50:8.1f} {p95:8.1f} {p99:8.1f} {rate:7.1f} {errors:7}")


def _once(url: str, method: str, path: str, body: bytes, key: str) -> tuple[float, int]:
    connection = getattr(_CONNECTIONS, "open", None)
    if connection is None:
        connection = _CONNECTIONS.open = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    started = time.perf_counter()
    connection.request(method, path, body or None, {"X-API-Key": key, "Content-Type": "application/json"})
    response = connection.getresponse()
    response.read()
    return (time.perf_counter() - started) * 1000, response.status


if __name__ == "__main__":
    main()
