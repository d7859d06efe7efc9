"""
Ingest: how fast pages are read, chunked and made searchable, beside the embedder's own speed.

    python tests/benchmarks/bench_ingest.py [--pages 200] [--embedder embedded|hash]

In one process, with the embedded engine in a folder of its own and documents in memory, so that what is
measured is ours: reading, chunking, both indexes and the steps between them.
"""

import argparse
import json
import random
import tempfile
import time
from collections.abc import Sequence

from candor.adapters.embedded_embedder import EmbeddedEmbedder
from candor.adapters.embedded_keywords import EmbeddedKeywords
from candor.adapters.embedded_vectors import EmbeddedVectors
from candor.adapters.memory_documents import MemoryDocuments
from candor.adapters.memory_jobs import MemoryJobs
from candor.adapters.memory_search import HashEmbedder
from candor.adapters.memory_storage import MemoryObjects, MemoryQueue
from candor.chunking import chunk
from candor.indexing.service import Indexing
from candor.ingesting import Ingesting
from candor.messages import ObjectChanged
from candor.search import Embedder
from tests.doubles.knowledge import no_tickets

BATCH = 10
"""Documents of one SQS batch."""

_SUBJECTS = (
    "server",
    "mailbox",
    "domain",
    "backup",
    "certificate",
    "panel",
    "database",
    "invoice",
    "plan",
    "ticket",
)
_VERBS = ("open", "change", "restore", "order", "renew", "cancel", "move", "delete", "create", "check")
_MORE = ("nightly", "hosted", "private", "public", "second", "shared", "expired", "new", "default", "weekly")


def page(rng: random.Random, number: int) -> dict[str, str]:
    """A page of help as people write it: headings, prose, steps, a table."""

    def sentence() -> str:
        verb, first, second = rng.choice(_VERBS), rng.choice(_SUBJECTS), rng.choice(_SUBJECTS)
        return (
            f"To {verb} the {rng.choice(_MORE)} {first} you need the {second}, "
            f"which takes {rng.randint(1, 90)} minutes and can be undone for {rng.randint(2, 30)} days."
        )

    parts: list[str] = []
    for section in range(rng.randint(2, 6)):
        parts.append(f"## {rng.choice(_VERBS).title()} the {rng.choice(_SUBJECTS)} {section}")
        parts.append(" ".join(sentence() for _ in range(rng.randint(3, 9))))
        if rng.random() < 0.5:
            parts.append("\n".join(f"{n}. {sentence()}" for n in range(1, rng.randint(3, 6))))
        if rng.random() < 0.2:
            rows = [f"| {rng.choice(_SUBJECTS)} {n} | {rng.randint(1, 99)}.99 |" for n in range(6)]
            parts.append("\n".join(["| Plan | Price |", "| --- | --- |", *rows]))
    return {"url": f"https://example.com/{number}", "title": f"How to {number}", "text": "\n\n".join(parts)}


def timed(label: str, items: int, seconds: float, rows: list[tuple[str, str]]) -> None:
    rows.append((label, f"{items / seconds:10,.0f} /s   ({items:,} in {seconds:.2f} s)"))


def main(arguments: Sequence[str] | None = None) -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--pages", type=int, default=200)
    options.add_argument("--embedder", choices=("embedded", "hash"), default="embedded")
    chosen = options.parse_args(arguments)
    rows: list[tuple[str, str]] = []
    rng = random.Random(7)
    body = json.dumps({"pages": [page(rng, number) for number in range(chosen.pages)]}).encode()

    with tempfile.TemporaryDirectory() as folder:
        embedder: Embedder = (
            HashEmbedder() if chosen.embedder == "hash" else EmbeddedEmbedder(f"{folder}/models")
        )
        embedder.embed_question("warm up")
        objects, jobs, ids = MemoryObjects(), MemoryJobs(), list[str]()
        documents = MemoryDocuments(jobs=jobs, changed=ids.append)
        ingesting = Ingesting(
            documents=documents, tickets=no_tickets, jobs=jobs, objects=objects, queue=MemoryQueue()
        )
        indexing = Indexing(
            documents=documents,
            keywords=EmbeddedKeywords(f"{folder}/words"),
            vectors=EmbeddedVectors(f"{folder}/vectors", embedder.dimensions),
            embedder=embedder,
        )

        objects.put("source/pages.json", body)
        started = time.perf_counter()
        ingesting.changed(
            ObjectChanged(key="source/pages.json", removed=False, sequencer="1"), remaining=lambda: 1e9
        )
        timed("read: pages", chosen.pages, time.perf_counter() - started, rows)

        started = time.perf_counter()
        passages = [
            passage for row in documents.all() for passage in chunk(row, documents.contents(row).text)
        ]
        timed("chunk: passages", len(passages), time.perf_counter() - started, rows)

        started = time.perf_counter()
        for start in range(0, len(passages), 256):
            embedder.embed_passages(passages[start : start + 256])
        alone = time.perf_counter() - started
        timed(f"embed alone ({embedder.name}): passages", len(passages), alone, rows)

        started = time.perf_counter()
        for start in range(0, len(ids), BATCH):
            failures = indexing.index_many(ids[start : start + BATCH])
            assert not failures, failures
        whole = time.perf_counter() - started
        timed("index, all steps: pages", chosen.pages, whole, rows)
        timed("index, all steps: passages", len(passages), whole, rows)

    for label, value in rows:
        print(f"{label:48}{value}")
    print(f"{'indexing takes, of embedding alone':48}{whole / alone:10.2f} x")


if __name__ == "__main__":
    main()
