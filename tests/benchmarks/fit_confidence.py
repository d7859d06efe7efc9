"""
Fits the confidence from data of this repository: `python -m tests.benchmarks.fit_confidence [--write]`.

Every question is asked with all thresholds at 0, so that each gets an answer, right or wrong; those of a
trade twice, with and without the other trades' pages beside their own. Each answerable one is asked once
more with the pages that answer it hidden (a near-miss), and once with all pages of its company hidden (a
stranger). A logistic regression with known signs (more coverage cannot make an answer worse) and an L2
penalty is fitted to "the answer holds all its key facts".
Printed: the reliability table (all rows of a trade left out of its own fit, of the demo's companies all rows
of a question), the calibration error, what each threshold would do, and the coefficients. `--write` stores
them; two runs store the same.
"""

import argparse
import json
import math
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from candor.adapters.memory_answers import MemoryAnswers
from candor.answering import Question
from candor.answering.data import __file__ as data_file
from candor.answering.deciding import FEATURES, Thresholds
from candor.answering.evidence import EmbeddedLikeness, Likeness
from candor.answering.policy import Policy
from candor.answering.service import Answering
from tests.benchmarks.knowledge import Asked, Knowledge, development

SIGNS = {
    "likeness": 1, "strength": 1, "share": 1, "covered": 1, "margin": 1, "lead": 1,
    "unknown_names": -1, "absent_names": -1, "absent_places": -1, "odd_numbers": -1, "covered_abroad": 1,
    "unmet": -1, "unlisted": -1, "unheard": -1, "astray": -1, "unpriced": -1, "degraded": -1, "verified": 1,
}  # fmt: skip
"""Features whose direction is known beforehand; the others may go either way."""

_GIVEN = {"astray": -3.0, "unpriced": -3.0, "degraded": -0.4, "verified": 1.5}
"""
Constant in this data (a price is found where one is asked, no talk leaves its subject, both engines answer,
extracts verify), so set by judgement.
"""

_AT_MOST = {"unknown_names": -3.0, "absent_names": -1.0, "absent_places": -1.5, "unlisted": -4.0}
"""
Bounds set by judgement: a dozen of these questions name what no page knows, too few to learn from, and what
is told of another company's product, or of another country, is the kind of wrong answer that is believed.
"""

_WEIGHTS = {"plain": 1.0, "near-miss": 0.5, "stranger": 0.25}
"""Of the rows: hiding pages makes more unanswerable questions than people ask."""

_MODEL_BONUS, _MODEL_VERIFIED = 2.0, 4.0
_OF_MODELS = {"verified": _MODEL_VERIFIED, "unpriced": 0.0}
"""
For answers a model wrote, by judgement too: it has read the passages and chosen to answer, which lifts
the odds, and what verification dropped of its text lowers them more than it does for an extract. At 2.0 and
a threshold of .6 a model that is taken in by every neighbouring page has a third of the demo's unanswerable
questions answered and six of ten of the trades' near-misses; one that is taken in by each seventh, as good
ones are, one in twenty-two and one in twelve.
"""


@dataclass(frozen=True, slots=True)
class Row:
    group: str
    """The company asked, or else the question: its rows are left out together."""
    kind: str
    """`plain`, `near-miss` or `stranger`."""
    values: tuple[float, ...]
    right: bool
    answerable: bool


def rows_of(base: Knowledge, asked: Sequence[Asked], likeness: Likeness | None) -> list[Row]:
    answering = Answering(
        retrieval=base.retrieval,
        snapshots=MemoryAnswers(),
        likeness=likeness,
        policies=lambda: Policy(thresholds=Thresholds(answer=0.0, ask=0.0), several_questions=False),
    )
    found = []
    answerable = [each for each in asked if each.answerable]
    plan: list[tuple[Asked, str, Sequence[str]]] = []
    # A company of a trade is asked by itself, a small collection, and once more among the others.
    for others in (base.foreign, lambda _: ()) if any(each.company for each in asked) else (base.foreign,):
        plan += [(each, "plain", others(each)) for each in asked]
        plan += [(each, "near-miss", [*others(each), *each.expected_urls]) for each in answerable]
    plan += [(each, "stranger", base.own(each)) for each in answerable]
    for each, kind, hidden in plan:
        base.hide(hidden)
        answer = answering.answer(Question(text=each.text, history=each.history))
        values = answer.debug["features"]
        if kind != "plain" and each.right(answer.text):
            continue  # Another page answers it too: neither a near-miss nor a plain question.
        if values:
            right = kind == "plain" and each.answerable and each.right(answer.text)
            found.append(
                Row(
                    group=each.company or each.id,
                    kind=kind,
                    values=tuple(values[feature] for feature in FEATURES),
                    right=right,
                    answerable=kind == "plain" and each.answerable,
                )
            )
    return found


def fitted(rows: Sequence[Row], *, penalty: float, steps: int = 1500) -> tuple[float, list[float]]:
    """Intercept and weights by projected gradient descent with momentum; weights of a wrong sign stay 0."""
    import numpy as np

    x = np.array([row.values for row in rows])
    y = np.array([float(row.right) for row in rows])
    counts = np.array([_WEIGHTS[row.kind] for row in rows])
    counts /= counts.mean()
    centre, spread = x.mean(0), x.std(0) + 1e-6
    z = (x - centre) / spread
    weights, speed = np.zeros(z.shape[1]), np.zeros(z.shape[1])
    mean = (counts * y).mean()
    intercept = math.log((mean + 1e-3) / (1 - mean + 1e-3))
    free = np.array([feature not in _GIVEN for feature in FEATURES])
    signs = np.array([SIGNS.get(feature, 0) for feature in FEATURES])
    most = np.array([_AT_MOST.get(feature, math.inf) for feature in FEATURES]) * spread
    for _ in range(steps):
        predicted = 1 / (1 + np.exp(-(z @ weights + intercept)))
        gradient = z.T @ (counts * (predicted - y)) / len(y) + penalty * weights / len(y)
        speed = 0.9 * speed - 0.1 * gradient
        weights = (weights + speed) * free
        weights[(signs > 0) & (weights < 0)] = 0.0
        weights[(signs < 0) & (weights > 0)] = 0.0
        weights = np.minimum(weights, most)
        intercept -= 0.3 * float((counts * (predicted - y)).mean())
    real = weights / spread
    return float(intercept - real @ centre), [float(weight) for weight in real]


def predicted(row: Row, model: tuple[float, list[float]]) -> float:
    total = model[0] + sum(weight * value for weight, value in zip(model[1], row.values, strict=True))
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))


def left_out(rows: Sequence[Row], *, penalty: float, folds: int) -> list[float]:
    """Each row's probability by a model that has not seen its question."""
    groups = sorted({row.group for row in rows})
    part = {group: number % folds for number, group in enumerate(groups)}
    found = [0.0] * len(rows)
    for number in range(folds):
        model = fitted([row for row in rows if part[row.group] != number], penalty=penalty)
        for index, row in enumerate(rows):
            if part[row.group] == number:
                found[index] = predicted(row, model)
    return found


def report(rows: Sequence[Row], probabilities: Sequence[float]) -> None:
    pairs = list(zip(rows, probabilities, strict=True))
    print(f"{len(rows)} rows, {sum(row.right for row in rows)} right; each row left out of its own fit")
    brier = statistics.fmean((p - row.right) ** 2 for row, p in pairs)
    right = [p for row, p in pairs if row.right]
    wrong = [p for row, p in pairs if not row.right]
    above = statistics.fmean((a > b) + 0.5 * (a == b) for a in right for b in wrong)
    print(f"AUROC {above:.3f}  Brier {brier:.3f}  ECE {_calibration_error(pairs):.3f}")
    print("\nconfidence   rows  predicted  right")
    for low in (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9):
        inside = [(row, p) for row, p in pairs if low <= p < low + 0.1 or (low == 0.9 and p == 1.0)]
        if inside:
            mean = statistics.fmean(p for _, p in inside)
            share = statistics.fmean(row.right for row, _ in inside)
            print(f"{low:.1f} – {low + 0.1:.1f}  {len(inside):5d}  {mean:9.2f}  {share:.2f}")
    print(
        "\nthreshold  right, of the answerable   wrong, of all   refused: unanswerable  near-miss  stranger"
    )
    plain = [each for each in pairs if each[0].kind == "plain"]
    answerable = [each for each in plain if each[0].answerable]
    refusable = (
        [p for row, p in plain if not row.answerable],
        [p for row, p in pairs if row.kind == "near-miss"],
        [p for row, p in pairs if row.kind == "stranger"],
    )
    for threshold in (0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8):
        good = sum(p >= threshold and row.right for row, p in answerable)
        bad = sum(p >= threshold and not row.right for row, p in plain)
        refused = [sum(p < threshold for p in some) / max(1, len(some)) for some in refusable]
        print(
            f"{threshold:9.2f}  {good / len(answerable):24.1%}   {bad / len(plain):13.1%}   "
            f"{refused[0]:21.1%}  {refused[1]:9.1%}  {refused[2]:8.1%}"
        )


def _calibration_error(pairs: Sequence[tuple[Row, float]], *, bins: int = 10) -> float:
    """Expected calibration error: the mean gap of predicted and right, over ten bins of equal width."""
    error = 0.0
    for number in range(bins):
        inside = [(p, row.right) for row, p in pairs if number <= min(bins * p, bins - 1e-9) < number + 1]
        if inside:
            gap = statistics.fmean(p for p, _ in inside) - statistics.fmean(right for _, right in inside)
            error += abs(gap) * len(inside) / len(pairs)
    return error


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--state", type=Path, help="keep the indexes here for the next run")
    parser.add_argument("--penalty", type=float, default=4.0)
    parser.add_argument("--folds", type=int, default=1_000_000, help="fewer than questions: faster, coarser")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args(arguments)

    stored: dict[str, object] = {}
    count = 0
    with tempfile.TemporaryDirectory() as folder:
        sets = development(options.state or Path(folder))
        for suffix, measured in (("", True), (", unmeasured", False)):
            rows = [
                row
                for base, asked in sets
                for row in rows_of(base, asked, EmbeddedLikeness(base.embedder) if measured else None)
            ]
            count = count or len(rows)
            folds = min(options.folds, len({row.group for row in rows}))
            print(f"\n# extractive{suffix}")
            report(rows, left_out(rows, penalty=options.penalty, folds=folds))
            stored |= coefficients(rows, penalty=options.penalty, suffix=suffix)
    stored["about"] = (
        f"Fitted by tests/benchmarks/fit_confidence.py: {sum(len(asked) for _, asked in sets)} questions on "
        f"the demo knowledge and five trades, {count} rows with near-misses and strangers."
    )
    print("\n" + json.dumps(stored, indent=1))
    if options.write:
        path = Path(data_file).parent / "confidence.json"
        path.write_text(json.dumps(stored, indent=1) + "\n", "utf-8")
    return 0


def coefficients(rows: Sequence[Row], *, penalty: float, suffix: str) -> dict[str, object]:
    """Those of an extract, and those of an answer a model wrote from the same evidence."""
    intercept, weights = fitted(rows, penalty=penalty)
    named = {
        feature: _GIVEN.get(feature, round(weight, 3))
        for feature, weight in zip(FEATURES, weights, strict=True)
    }
    # Every row of this data has verified = 1, so its weight is taken back from the intercept.
    own = round(intercept - _GIVEN["verified"], 3)
    models = round(own + _GIVEN["verified"] - _MODEL_VERIFIED + _MODEL_BONUS, 3)
    return {
        f"extractive{suffix}": {"intercept": own, "weights": named},
        f"model{suffix}": {"intercept": models, "weights": {**named, **_OF_MODELS}},
    }


if __name__ == "__main__":
    sys.exit(main())
