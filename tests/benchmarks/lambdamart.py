"""
LambdaMART in numpy: gradient-boosted regression trees that learn an order from judged lists.

C. Burges, "From RankNet to LambdaRank to LambdaMART: An Overview", 2010. Small and plain: features are cut
into quantile bins, trees grow level by level, and leaves take a Newton step.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Node = Any
"""`[feature, threshold, left, right]`, left when the feature is ≤ the threshold; or the leaf's number."""

_BINS = 48
_DEPTH_OF_MEASURE = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Lists:
    """Judged lists, one behind the other."""

    features: NDArray[np.float64]
    """[rows, features]"""
    grades: NDArray[np.float64]
    start: NDArray[np.float64]
    """The score each row begins with: trees learn what to add."""
    ends: Sequence[int]
    """Where each list ends."""
    weights: Sequence[float]
    """How much each list counts."""


def train(
    lists: Lists,
    *,
    trees: int,
    depth: int = 3,
    rate: float = 0.1,
    least_rows: int = 200,
    shrink: float = 5.0,
    seed: int = 0,
) -> list[Node]:
    """`shrink` pulls leaves towards 0; each tree sees seven tenths of the features, drawn by `seed`."""
    chance = np.random.default_rng(seed)
    cuts = [_cuts(column) for column in lists.features.T]
    binned = np.stack(
        [np.searchsorted(cut, column) for cut, column in zip(cuts, lists.features.T, strict=True)]
    )
    scores = lists.start.copy()
    forest: list[Node] = []
    for _ in range(trees):
        gradient, curvature = _lambdas(lists, scores)
        usable = np.flatnonzero(chance.random(len(cuts)) < 0.7)
        grown = _Growing(binned, cuts, gradient, curvature, usable, rate, least_rows, shrink)
        rows = np.arange(len(scores))
        tree, step = grown.node(rows, depth)
        forest.append(tree)
        scores += step
    return forest


def apply(forest: Sequence[Node], features: NDArray[np.float64]) -> NDArray[np.float64]:
    total = np.zeros(len(features))
    for tree in forest:
        _walk(tree, features, np.arange(len(features)), total)
    return total


def _walk(
    node: Node, features: NDArray[np.float64], rows: NDArray[np.int64], total: NDArray[np.float64]
) -> None:
    if not isinstance(node, list):
        total[rows] += node
        return
    left = features[rows, node[0]] <= node[1]
    _walk(node[2], features, rows[left], total)
    _walk(node[3], features, rows[~left], total)


def _cuts(column: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.unique(np.quantile(column, np.linspace(0, 1, _BINS + 1)[1:-1]).round(4))


def _lambdas(lists: Lists, scores: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For each row, how much further up it wants to go, weighed by the nDCG that would change."""
    gradient = np.zeros_like(scores)
    curvature = np.zeros_like(scores)
    begin = 0
    for end, weight in zip(lists.ends, lists.weights, strict=True):
        rows = slice(begin, end)
        begin = end
        grades, mine = lists.grades[rows], scores[rows]
        if grades.max() == grades.min():
            continue
        places = np.empty(len(mine))
        places[np.argsort(-mine, kind="stable")] = np.arange(len(mine))
        discount = np.where(places < _DEPTH_OF_MEASURE, 1 / np.log2(places + 2), 0.0)
        best = np.sort(grades)[::-1][:_DEPTH_OF_MEASURE]
        ideal = float((best / np.log2(np.arange(len(best)) + 2)).sum())
        better = grades[:, None] > grades[None, :]
        gain = np.abs((grades[:, None] - grades[None, :]) * (discount[:, None] - discount[None, :])) / ideal
        wrong = 1 / (1 + np.exp(np.clip(mine[:, None] - mine[None, :], -30, 30)))
        push = np.where(better, gain * wrong, 0.0) * weight
        steep = push * (1 - wrong)
        gradient[rows] = push.sum(axis=1) - push.sum(axis=0)
        curvature[rows] = steep.sum(axis=1) + steep.sum(axis=0)
    return gradient, curvature


@dataclass(frozen=True)
class _Growing:
    binned: NDArray[np.int64]
    cuts: list[NDArray[np.float64]]
    gradient: NDArray[np.float64]
    curvature: NDArray[np.float64]
    usable: NDArray[np.int64]
    rate: float
    least_rows: int
    shrink: float

    def node(self, rows: NDArray[np.int64], depth: int) -> tuple[Node, NDArray[np.float64]]:
        """The tree over these rows, and what it adds to each row of all."""
        step = np.zeros(self.binned.shape[1])
        split = self._best_split(rows) if depth else None
        if split is None:
            value = self.rate * self.gradient[rows].sum() / (self.curvature[rows].sum() + self.shrink)
            step[rows] = round(float(value), 5)
            return round(float(value), 5), step
        feature, place = split
        goes_left = self.binned[feature, rows] <= place
        left, step_left = self.node(rows[goes_left], depth - 1)
        right, step_right = self.node(rows[~goes_left], depth - 1)
        return [int(feature), float(self.cuts[feature][place]), left, right], step_left + step_right

    def _best_split(self, rows: NDArray[np.int64]) -> tuple[int, int] | None:
        gradient, curvature = self.gradient[rows], self.curvature[rows]
        whole = gradient.sum() ** 2 / (curvature.sum() + self.shrink)
        best: tuple[float, tuple[int, int] | None] = (1e-6, None)
        for feature in self.usable:
            bins, size = self.binned[feature, rows], len(self.cuts[feature]) + 1
            if size < 2:
                continue
            g = np.cumsum(np.bincount(bins, gradient, size))[:-1]
            h = np.cumsum(np.bincount(bins, curvature, size))[:-1]
            n = np.cumsum(np.bincount(bins, minlength=size))[:-1]
            won = (
                g**2 / (h + self.shrink)
                + (gradient.sum() - g) ** 2 / (curvature.sum() - h + self.shrink)
                - whole
            )
            won[(n < self.least_rows) | (len(rows) - n < self.least_rows)] = -np.inf
            place = int(np.argmax(won))
            if won[place] > best[0]:
                best = float(won[place]), (int(feature), place)
        return best[1]
