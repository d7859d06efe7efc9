"""
Search speed: `python -m tests.benchmarks.bench_search --passages 100000`.

Synthetic passages of 120 words (English ones, by Zipf) and clustered vectors in the embedded engine, then
whole searches: embed the question, both indexes, fusion, truth. Also: filtered, a cold
process until its first answer, a put into the full index, and how much the int8 first pass misses.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import quantiles
from typing import Any

import numpy as np

from candor.adapters.embedded_embedder import EmbeddedEmbedder
from candor.adapters.embedded_keywords import EmbeddedKeywords
from candor.adapters.embedded_vectors import EmbeddedVectors
from candor.adapters.minilm import DIMENSIONS, WORDS, prepare
from candor.retrieval import Retrieval
from candor.search import ANYTHING, Passage, Where
from tests.benchmarks.bench_retrieval import EverythingServed

_KINDS = ("policy", "tos", "faq", "howto", "pricing", "conversation", "other")
_PUT_AT_ONCE = 10_000
_COLD = """
import sys, time
started = time.perf_counter()
from pathlib import Path
from tests.benchmarks.bench_search import opened
retrieval = opened(Path(sys.argv[1]), Path(sys.argv[2]), 1)
found = retrieval.find(sys.argv[3], deadline_seconds=30)
assert found.hits and not found.degraded
print(1000 * (time.perf_counter() - started))
"""


class Words:
    """English words, as rare as a language's words are, and directions as clustered as its meanings."""

    def __init__(self, models: Path) -> None:
        self._chance = random.Random(7)
        self._numbers = np.random.default_rng(7)
        listed = (prepare(models).parent / WORDS).read_text(encoding="utf-8").splitlines()
        self._vocabulary = [word for word in listed if word.isascii() and word.isalpha() and len(word) > 2]
        self._chance.shuffle(self._vocabulary)
        self._cumulative = np.cumsum(1 / (np.arange(len(self._vocabulary)) + 3.0)).tolist()
        self._centres = self._numbers.standard_normal((500, DIMENSIONS)).astype(np.float32)

    def text(self, words: int) -> str:
        return " ".join(self._chance.choices(self._vocabulary, cum_weights=self._cumulative, k=words))

    def vectors(self, count: int) -> Any:
        """[count, dimensions] float32, each of length 1."""
        near = self._centres[self._numbers.integers(0, len(self._centres), count)]
        found = near + self._numbers.standard_normal((count, DIMENSIONS)).astype(np.float32)
        return found / np.linalg.norm(found, axis=1, keepdims=True)

    def passages(self, start: int, count: int) -> Iterator[Passage]:
        for number in range(start, start + count):
            yield Passage(
                document_id=f"d{number // 5}", version=1, ordinal=number % 5, title=self.text(6), path="",
                text=self.text(120), url="https://example.com", doc_type=_KINDS[number % len(_KINDS)],
                source=f"crawl{number % 20}", language="en",
            )  # fmt: skip


def opened(index: Path, models: Path, threads: int) -> Retrieval:
    return Retrieval(
        keywords=EmbeddedKeywords(index),
        vectors=EmbeddedVectors(index, DIMENSIONS),
        embedder=EmbeddedEmbedder(models, threads=threads),
        truth=EverythingServed(),
    )


def build(index: Path, words: Words, count: int) -> None:
    keywords, vectors = EmbeddedKeywords(index), EmbeddedVectors(index, DIMENSIONS)
    by_words = by_meaning = 0.0
    for start in range(0, count, _PUT_AT_ONCE):
        passages = list(words.passages(start, min(_PUT_AT_ONCE, count - start)))
        directions = words.vectors(len(passages))
        begun = time.perf_counter()
        keywords.put(passages)
        between = time.perf_counter()
        vectors.put(passages, directions)
        by_words += between - begun
        by_meaning += time.perf_counter() - between
    size = sum(file.stat().st_size for file in index.rglob("*") if file.is_file())
    print(
        f"built {count:,}: BM25 {count / by_words:,.0f}/s, vectors {count / by_meaning:,.0f}/s, "
        f"{size / 1e6:,.0f} MB"
    )


def timed(retrieval: Retrieval, questions: Sequence[str], where: Where) -> None:
    parts: dict[str, list[float]] = {}
    for question in questions:
        for name, spent in retrieval.find(question, where=where, deadline_seconds=30).timings_ms.items():
            parts.setdefault(name, []).append(spent)
    p50, p99 = (quantiles(parts["total"], n=100)[at] for at in (49, 98))
    each = ", ".join(
        f"{name} {quantiles(spent, n=2)[0]:.1f}" for name, spent in parts.items() if name != "total"
    )
    print(f"{'filtered' if where != ANYTHING else 'search':10} p50 {p50:.1f} ms, p99 {p99:.1f} ms   ({each})")


def recall_of_first_pass(index: Path, words: Words) -> float:
    """Share of the true nearest 50 that a search finds."""
    vectors = EmbeddedVectors(index, DIMENSIONS)
    view = vectors._fresh()
    assert view is not None
    found = 0
    questions = words.vectors(50)
    for question in questions:
        exact = view.exact @ question
        exact[view.dead] = -1.0
        fiftieth = np.partition(exact, -50)[-50]
        found += sum(hit.score >= fiftieth - 1e-6 for hit in vectors.search(question, limit=50))
    return found / (50 * len(questions))


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-n", "--passages", type=int, default=100_000)
    parser.add_argument("--questions", type=int, default=300)
    parser.add_argument("--threads", type=int, default=1, help="of the embedding model")
    parser.add_argument("--state", type=Path, help="keep index and model here, and use them again")
    asked = parser.parse_args(arguments)

    with tempfile.TemporaryDirectory() as temporary:
        state = asked.state or Path(temporary)
        index, models = state / f"search-{asked.passages}", state / "models"
        words = Words(models)
        if not index.exists():
            build(index, words, asked.passages)
        # The embedder keeps the last questions' vectors: each is asked once.
        questions, others = (
            [f"How do I {words.text(random.Random(n).randint(5, 12))}?" for n in range(asked.questions)]
            for _ in range(2)
        )
        retrieval = opened(index, models, asked.threads)
        for _ in range(20):
            retrieval.find(f"How do I {words.text(8)}?", deadline_seconds=60)
        timed(retrieval, questions, ANYTHING)
        kept = Where(doc_types=frozenset({"faq"}), statuses=frozenset({"approved"}))
        timed(retrieval, others, kept)

        cold = [
            float(
                subprocess.run(
                    [sys.executable, "-c", _COLD, str(index), str(models), question],
                    capture_output=True, text=True, check=True,
                ).stdout
            )
            for question in questions[:5]
        ]  # fmt: skip
        print(f"cold       {json.dumps([round(ms) for ms in cold])} ms from interpreter to first answer")
        keywords, vectors = EmbeddedKeywords(index), EmbeddedVectors(index, DIMENSIONS)
        puts = []
        for number in range(20):
            few = list(words.passages(10**9 + 5 * number, 5))
            started = time.perf_counter()
            keywords.put(few)
            vectors.put(few, words.vectors(5))
            puts.append(1000 * (time.perf_counter() - started))
        print(f"put of 5   p50 {quantiles(puts, n=2)[0]:.0f} ms, most {max(puts):.0f} ms, both indexes")
        print(f"recall@50 of the int8 first pass {recall_of_first_pass(index, words):.4f}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
