"""
A learned ranker, tried: `python -m tests.benchmarks.train_ranker --data DIR --state DIR`.

For each collection below DIR, LambdaMART over `FEATURES` is trained on all the others and scored on it,
beside the fusion it starts from. It earns a place in the product when it wins on the mean and loses
nowhere by more than .005; on three collections it does not. Give it more of them, and it may.
"""

import argparse
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from statistics import mean
from typing import Final

import numpy as np
from numpy.typing import NDArray

from candor.adapters.embedded_embedder import EmbeddedEmbedder
from candor.analysis import passage_terms, query_groups
from candor.retrieval import FoundPassage, Retrieval
from candor.search import Passage
from tests.benchmarks.beir import Collection, Judgements, collections, ndcg
from tests.benchmarks.bench_retrieval import EverythingServed, indexed
from tests.benchmarks.lambdamart import Lists, Node, apply, train

_RANKED: Final = 30
"""Candidates that are ranked anew; those behind stay where they are."""

_START: Final = 20.0
"""What fusion's score is worth in the forest's: high, so that trees correct it and do not replace it."""

_MOST_LOST: Final = 0.005

FEATURES: Final = (
    "fused", "cosine_scaled", "bm25_scaled", "cosine", "cosine_rank", "bm25_rank", "coverage",
    "rare_coverage", "heading_coverage", "heading_rare_coverage", "heading_precision", "bigrams", "window",
    "first", "words", "question_words",
)  # fmt: skip
"""Names, in order, of what `features` tells of each candidate."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """One question's candidates."""

    judgements: Judgements
    documents: list[str]
    features: NDArray[np.float64]
    """[at most `_RANKED`, features]"""


def judged(collection: Collection, retrieval: Retrieval) -> list[Judged]:
    found: list[Judged] = []
    for question_id, question in collection.questions.items():
        hits = retrieval.find(question, limit=100, deadline_seconds=60).hits
        found.append(
            Judged(
                judgements=collection.judgements[question_id],
                documents=[hit.passage.document_id for hit in hits],
                features=np.array(features(question, hits[:_RANKED])),
            )
        )
    return found


def quality(lists: Sequence[Judged], forest: Sequence[Node]) -> float:
    """Mean nDCG@10 over documents, each at the place of its best passage."""
    values: list[float] = []
    for one in lists:
        scores = _START * one.features[:, 0] + apply(forest, one.features)
        order = np.argsort(-scores, kind="stable")
        documents = [*(one.documents[i] for i in order), *one.documents[_RANKED:]]
        values.append(ndcg(list(dict.fromkeys(documents)), one.judgements))
    return mean(values)


def together(collections: Sequence[Sequence[Judged]]) -> Lists:
    """Each collection weighs the same, however many questions it has."""
    rows = [(one, 1000 / len(lists)) for lists in collections for one in lists]
    matrix = np.concatenate([one.features for one, _ in rows])
    grades = [one.judgements.get(id_, 0) for one, _ in rows for id_ in one.documents[: len(one.features)]]
    return Lists(
        features=matrix,
        grades=np.array(grades, dtype=np.float64),
        start=_START * matrix[:, 0],
        ends=np.cumsum([len(one.features) for one, _ in rows]).tolist(),
        weights=[weight for _, weight in rows],
    )


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="a folder of BEIR folders")
    parser.add_argument(
        "--state", type=Path, required=True, help="keep indexes and model here, and use them again"
    )
    parser.add_argument("--trees", type=int, default=40)
    asked = parser.parse_args(arguments)

    embedder = EmbeddedEmbedder(asked.state / "models", threads=2)
    lists: dict[str, list[Judged]] = {}
    for collection in collections(asked.data):
        keywords, vectors = indexed(collection, asked.state, embedder)
        truth = EverythingServed()
        retrieval = Retrieval(keywords=keywords, vectors=vectors, embedder=embedder, truth=truth)
        lists[collection.name] = judged(collection, retrieval)

    won: list[float] = []
    print(f"{'held out':14}{'fusion':>10}{'ranker':>10}")
    for name, own in lists.items():
        others = [other for other_name, other in lists.items() if other_name != name]
        forest = train(together(others), trees=asked.trees, rate=0.05, least_rows=500, shrink=100.0)
        fused, ranked = quality(own, []), quality(own, forest)
        won.append(ranked - fused)
        print(f"{name:14}{fused:10.4f}{ranked:10.4f}")
    earns = mean(won) > 0 and min(won) > -_MOST_LOST
    print(f"mean difference {mean(won):+.4f}: {'it earns its place' if earns else 'fusion stays alone'}")
    return 0


def features(question: str, candidates: Sequence[FoundPassage]) -> list[list[float]]:
    """One row for each candidate, in the order of `FEATURES`. All within this question's candidates."""
    groups = query_groups(question)
    held = [_analysed(candidate.passage) for candidate in candidates]
    bm25 = [candidate.bm25 or 0.0 for candidate in candidates]
    cosine = [candidate.cosine or 0.0 for candidate in candidates]
    bm25_scaled, cosine_scaled = _scaled(bm25), _scaled(cosine)
    bm25_rank, cosine_rank = _ranks(bm25), _ranks(cosine)
    rarity = [_rarity(group, held) for group in groups]

    rows: list[list[float]] = []
    for i, (candidate, passage) in enumerate(zip(candidates, held, strict=True)):
        in_body = [_first_of(group, passage) for group in groups]
        in_heading = [any(term in passage.heading for term in group) for group in groups]
        anywhere = [at is not None or above for at, above in zip(in_body, in_heading, strict=True)]
        firsts = [at for at in in_body if at is not None]
        rows.append(
            [
                candidate.score,
                cosine_scaled[i],
                bm25_scaled[i],
                cosine[i],
                cosine_rank[i],
                bm25_rank[i],
                _share(anywhere, None),
                _share(anywhere, rarity),
                _share(in_heading, None),
                _share(in_heading, rarity),
                sum(term in passage.heading for group in groups for term in group[:1])
                / max(1, len(passage.heading)),
                _share([_adjacent(a, b, passage) for a, b in pairwise(groups)], None),
                _window(groups, passage) / max(1, len(groups)),
                1 / (1 + min(firsts) / 20) if firsts else 0.0,
                math.log1p(passage.words),
                math.log1p(len(groups)),
            ]
        )
    return rows


@dataclass(frozen=True, kw_only=True, slots=True)
class _Analysed:
    heading: frozenset[str]
    positions: dict[str, list[int]]
    """Where each term of heading and text stands, the heading in front."""
    words: int


@lru_cache(maxsize=4096)
def _analysed(passage: Passage) -> _Analysed:
    heading = passage_terms(f"{passage.title}\n{passage.path}", passage.language)
    terms = heading + passage_terms(passage.text, passage.language)
    positions: dict[str, list[int]] = {}
    for position, term in enumerate(terms):
        positions.setdefault(term, []).append(position)
    return _Analysed(heading=frozenset(heading), positions=positions, words=len(terms) - len(heading))


def _first_of(group: tuple[str, ...], passage: _Analysed) -> int | None:
    return min((passage.positions[term][0] for term in group if term in passage.positions), default=None)


def _rarity(group: tuple[str, ...], held: Sequence[_Analysed]) -> float:
    """How few of the candidates hold the word: what all hold tells nothing between them."""
    holding = sum(any(term in passage.positions for term in group) for passage in held)
    return math.log((len(held) + 1) / (holding + 0.5))


def _share(yes: Sequence[bool], weights: Sequence[float] | None) -> float:
    if weights is None:
        return sum(yes) / max(1, len(yes))
    total = sum(weights)
    return (
        sum(weight for weight, held in zip(weights, yes, strict=True) if held) / total if total > 0 else 0.0
    )


def _adjacent(first: tuple[str, ...], second: tuple[str, ...], passage: _Analysed) -> bool:
    """Whether the second word follows the first, with at most one word (a stop word, say) between."""
    for a in first:
        for b in second:
            here, there = passage.positions.get(a), passage.positions.get(b)
            if here and there and any(position + gap in there for position in here for gap in (1, 2)):
                return True
    return False


def _window(groups: Sequence[tuple[str, ...]], passage: _Analysed, width: int = 16) -> int:
    """The most of the question's words that stand within `width` words of one another."""
    marks = sorted(
        (position, number)
        for number, group in enumerate(groups)
        for term in group
        for position in passage.positions.get(term, ())
    )
    best = start = 0
    inside: dict[int, int] = {}
    for position, number in marks:
        inside[number] = inside.get(number, 0) + 1
        while position - marks[start][0] > width:
            gone = marks[start][1]
            inside[gone] -= 1
            if not inside[gone]:
                del inside[gone]
            start += 1
        best = max(best, len(inside))
    return best


def _scaled(values: Sequence[float]) -> list[float]:
    low, high = min(values), max(values)
    return [(value - low) / ((high - low) or 1.0) for value in values]


def _ranks(values: Sequence[float]) -> list[float]:
    """1 for the best, ½ for the next, …"""
    order = sorted(range(len(values)), key=lambda i: -values[i])
    ranks = [0.0] * len(values)
    for rank, i in enumerate(order):
        ranks[i] = 1 / (1 + rank)
    return ranks


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
