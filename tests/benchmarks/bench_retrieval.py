"""
Retrieval quality: `python -m tests.benchmarks.bench_retrieval --data DIR`.

DIR is a BEIR folder (corpus.jsonl, queries.jsonl, qrels/test.tsv) or a folder of such folders. Documents
are cut, embedded and indexed as the product does it, and ranked by their best passage. The last row is
what the product does.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import mean, quantiles

from candor.adapters.embedded_embedder import EmbeddedEmbedder
from candor.adapters.embedded_keywords import EmbeddedKeywords
from candor.adapters.embedded_vectors import EmbeddedVectors
from candor.retrieval import Retrieval
from candor.search import Embedder, KeywordIndex, Passage, VectorIndex
from tests.benchmarks.beir import Collection, collections, documents_of, ndcg, recall, reciprocal_rank

_DEPTH = 100
_RRF_K = 60

Ranked = Callable[[str], Sequence[Passage]]


class EverythingServed:
    """A `Truth` that serves the first version of everything."""

    def served_versions(self, document_ids: Iterable[str]) -> Mapping[str, int]:
        return dict.fromkeys(document_ids, 1)


def indexed(
    collection: Collection, folder: Path, embedder: Embedder
) -> tuple[EmbeddedKeywords, EmbeddedVectors]:
    """The collection's two indexes, built if the folder does not hold them yet."""
    keywords = EmbeddedKeywords(folder / collection.name)
    vectors = EmbeddedVectors(folder / collection.name, embedder.dimensions)
    if next(vectors.stored(), None) is None:
        passages = collection.passages()
        started = time.perf_counter()
        keywords.put(passages)
        by_words = time.perf_counter() - started
        embedded = embedder.embed_passages(passages)
        embedding = time.perf_counter() - started - by_words
        vectors.put(passages, embedded)
        total = time.perf_counter() - started
        print(
            f"{collection.name}: {len(passages)} passages; BM25 {len(passages) / by_words:,.0f}/s, "
            f"embedder {len(passages) / embedding:,.0f}/s, all {len(passages) / total:,.0f}/s"
        )
    return keywords, vectors


def rankings(keywords: KeywordIndex, vectors: VectorIndex, embedder: Embedder) -> dict[str, Ranked]:
    """Every way of ranking that is compared, by name."""

    def by_words(question: str) -> list[Passage]:
        return [hit.passage for hit in keywords.search(question, limit=_DEPTH)]

    def by_meaning(question: str) -> list[Passage]:
        return [hit.passage for hit in vectors.search(embedder.embed_question(question), limit=_DEPTH)]

    def reciprocal_rank_fusion(question: str) -> list[Passage]:
        scores: dict[Passage, float] = {}
        for found in (by_words(question), by_meaning(question)):
            for place, passage in enumerate(found):
                scores[passage] = scores.get(passage, 0.0) + 1 / (_RRF_K + place + 1)
        return sorted(scores, key=scores.__getitem__, reverse=True)

    retrieval = Retrieval(keywords=keywords, vectors=vectors, embedder=embedder, truth=EverythingServed())

    def exact_fusion(question: str) -> list[Passage]:
        return [hit.passage for hit in retrieval.find(question, limit=_DEPTH, deadline_seconds=30).hits]

    return {
        "BM25": by_words,
        "vectors": by_meaning,
        "RRF": reciprocal_rank_fusion,
        "exact fusion": exact_fusion,
    }


def measure(collection: Collection, ranked: Ranked) -> list[float]:
    """The means of the measures in `_COLUMNS`, over the collection's questions."""
    rows: list[tuple[float, ...]] = []
    times: list[float] = []
    for question in list(collection.questions.values())[:5]:
        ranked(question)
    for question_id, question in collection.questions.items():
        started = time.perf_counter()
        found = documents_of(ranked(question))
        times.append(1000 * (time.perf_counter() - started))
        judged = collection.judgements[question_id]
        rows.append(
            (
                ndcg(found, judged),
                recall(found, judged, 10),
                recall(found, judged, 50),
                reciprocal_rank(found, judged),
                float(reciprocal_rank(found, judged, 1)),
            )
        )
    percentiles = quantiles(times, n=100)
    return [*(mean(column) for column in zip(*rows, strict=True)), percentiles[49], percentiles[98]]


_COLUMNS = ("nDCG@10", "Recall@10", "Recall@50", "MRR@10", "hit@1", "ms p50", "ms p99")


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="a BEIR folder, or a folder of them")
    parser.add_argument("--backend", choices=["embedded"], default="embedded")
    parser.add_argument("--state", type=Path, help="keep indexes and model here, and use them again")
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args(arguments)

    found = collections(asked.data)
    if not found:
        parser.error(f"no corpus.jsonl in {asked.data} or right below it")
    with _state(asked.state) as state:
        embedder = EmbeddedEmbedder(state / "models", threads=asked.threads)
        for collection in found:
            keywords, vectors = indexed(collection, state, embedder)
            size = f"{len(collection.documents)} documents, {len(collection.questions)} questions"
            print(f"\n{collection.name}: {size}")
            print(f"{'':14}" + "".join(f"{column:>11}" for column in _COLUMNS))
            for name, ranked in rankings(keywords, vectors, embedder).items():
                *quality, p50, p99 = measure(collection, ranked)
                cells = [f"{value:.4f}" for value in quality] + [f"{p50:.1f}", f"{p99:.1f}"]
                print(f"{name:14}" + "".join(f"{cell:>11}" for cell in cells))
    return 0


@contextmanager
def _state(kept: Path | None) -> Iterator[Path]:
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept
    else:
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
