"""
Fits how sections are ranked: `python -m tests.benchmarks.fit_sections [--write]`.

For each answerable question all sections of the passages found are listed, and which of them hold the key
facts. A conditional logit ("which of these is it?", McFadden 1974) with an L2 penalty is fitted, once with
the likeness of pieces measured and once without. Printed, ten-fold cross-validated: how often the first
section, and one of the first three, holds the most facts, with the mean reciprocal rank.
"""

import argparse
import dataclasses
import json
import re
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from candor.answering.condensing import by_rules
from candor.answering.data import __file__ as data_file
from candor.answering.evidence import EmbeddedLikeness, Inquiry, inquire, source
from candor.answering.rating import candidates_of, rate
from candor.answering.sections import FEATURES, Section, sections_of
from tests.benchmarks.knowledge import Asked, Knowledge, development

UNMEASURED = tuple(name for name in FEATURES if name not in ("likeness", "second"))

_PENALTY, _STEPS, _FOLDS = 3.0, 400, 10


@dataclass(frozen=True, slots=True)
class Choice:
    """One question: the values of each section, and what share of the facts it holds."""

    values: Any
    held: Any


def inquiries_of(base: Knowledge, asked: Sequence[Asked]) -> list[tuple[Asked, Inquiry]]:
    likeness = EmbeddedLikeness(base.embedder)
    found = []
    for each in asked:
        if not each.answerable or not each.key_facts:
            continue
        condensed = by_rules(each.text, each.history, language=each.language)
        base.hide(base.foreign(each))
        hits = base.retrieval.find(condensed.text, limit=20, previous=condensed.context or None).hits
        sources = [source(hit.passage, score=hit.score, cosine=hit.cosine, bm25=hit.bm25) for hit in hits]
        inquiry = inquire(
            condensed.text,
            context=condensed.context,
            language=each.language,
            sources=sources,
            likeness=likeness,
        )
        found.append((each, inquiry))
    return found


def choice(asked: Asked, inquiry: Inquiry, names: Sequence[str]) -> Choice:
    import numpy as np

    candidates = candidates_of(inquiry)
    rate(inquiry, candidates)
    sections = sections_of(inquiry, candidates)
    return Choice(
        values=np.array([[section.values[name] for name in names] for section in sections]),
        held=np.array([_held(asked, inquiry, section) for section in sections]),
    )


def _held(asked: Asked, inquiry: Inquiry, section: Section) -> float:
    if inquiry.sources[section.source].passage.url not in asked.expected_urls:
        return 0.0
    text = " ".join(each.unit.text for each in section.units)
    held = [any(re.search(fact, text, re.I) for fact in group) for group in asked.key_facts]
    return sum(held) / len(held)


def fitted(choices: Sequence[Choice]) -> Any:
    """Weights by gradient descent with momentum, on standardised values."""
    import numpy as np

    every = np.concatenate([each.values for each in choices])
    centre, spread = every.mean(0), every.std(0) + 1e-6
    usable = [
        ((each.values - centre) / spread, _target(each.held)) for each in choices if each.held.max() >= 0.5
    ]
    weights, speed = np.zeros(every.shape[1]), np.zeros(every.shape[1])
    for _ in range(_STEPS):
        gradient = _PENALTY * weights / len(usable)
        for values, target in usable:
            odds = values @ weights
            shares = np.exp(odds - odds.max())
            gradient += values.T @ (shares / shares.sum() - target) / len(usable)
        speed = 0.9 * speed - 0.15 * gradient
        weights = weights + speed
    return weights / spread


def _target(held: Any) -> Any:
    """All of those that hold most, and a quarter as much each that holds half."""
    import numpy as np

    wanted = np.where(held >= max(0.5, held.max()), 1.0, 0.25 * (held >= 0.5))
    return wanted / wanted.sum()


def report(choices: Sequence[Choice]) -> str:
    import numpy as np

    first, three, ranks = [], [], []
    for fold in range(_FOLDS):
        weights = fitted([each for n, each in enumerate(choices) if n % _FOLDS != fold])
        for each in choices[fold::_FOLDS]:
            order = np.argsort(-(each.values @ weights))
            best = each.held[order] >= max(0.5, each.held.max())
            first.append(bool(best[0]))
            three.append(bool(best[:3].any()))
            ranks.append(1 / (1 + best.argmax()) if best.any() else 0.0)
    return f"first {np.mean(first):.3f}  first three {np.mean(three):.3f}  MRR {np.mean(ranks):.3f}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--state", type=Path, help="keep the indexes here for the next run")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args(arguments)

    with tempfile.TemporaryDirectory() as folder:
        inquiries = [
            inquiry
            for base, asked in development(options.state or Path(folder))
            for inquiry in inquiries_of(base, asked)
        ]
        stored: dict[str, Any] = {}
        for key, names in (("measured", FEATURES), ("unmeasured", UNMEASURED)):
            choices = []
            for asked, inquiry in inquiries:
                if key == "unmeasured":
                    inquiry = dataclasses.replace(inquiry, likeness=None)
                choices.append(choice(asked, inquiry, names))
            print(f"{key:10} {len(choices)} questions, cross-validated: {report(choices)}")
            weights = dict(zip(names, fitted(choices), strict=True))
            stored[key] = {name: round(float(weights.get(name, 0.0)), 3) for name in FEATURES}
    stored["about"] = (
        f"Fitted by tests/benchmarks/fit_sections.py: {len(inquiries)} answerable questions on the demo "
        "knowledge and five trades."
    )
    print(json.dumps(stored, indent=1))
    if options.write:
        path = Path(data_file).parent / "sections.json"
        path.write_text(json.dumps(stored, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
