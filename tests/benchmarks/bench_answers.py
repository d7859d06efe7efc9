"""
Answer quality: `python -m tests.benchmarks.bench_answers [--kb FILE … --questions FILE …] [-v]`.

Without arguments: the demo knowledge, with questions nothing was fitted on. Pages are cut, embedded and
indexed as the product does it, every question is asked, and each answer is compared with the facts it must
hold. `-v` lists what went wrong, `-vv` every answer. `--near-misses` asks each answerable question once more
with the pages that answer it hidden.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from candor.adapters.memory_answers import MemoryAnswers
from candor.answering import Answer, Decision, Question
from candor.answering.evidence import EmbeddedLikeness
from candor.answering.service import Answering
from tests.benchmarks.knowledge import DEMO_PAGES, HELD_OUT, Asked, Knowledge, knowledge, questions


@dataclass(frozen=True, kw_only=True, slots=True)
class Asking:
    """One question asked."""

    asked: Asked
    answer: Answer
    hidden: bool
    milliseconds: float

    @property
    def answered(self) -> bool:
        return self.answer.decision is Decision.PASS

    @property
    def answerable(self) -> bool:
        return self.asked.answerable and not self.hidden

    @property
    def right(self) -> bool:
        return self.answered and self.asked.answerable and self.asked.right(self.answer.text)


def asking(base: Knowledge, answering: Answering, asked: Asked, *, hidden: bool) -> Asking:
    base.hide(asked.expected_urls if hidden else ())
    started = time.perf_counter()
    answer = answering.answer(Question(text=asked.text, history=asked.history))
    return Asking(
        asked=asked, answer=answer, hidden=hidden, milliseconds=1000 * (time.perf_counter() - started)
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kb", type=Path, nargs="+", default=list(DEMO_PAGES))
    parser.add_argument("--questions", type=Path, nargs="+", default=[HELD_OUT])
    parser.add_argument("--state", type=Path, help="keep the index here for the next run")
    parser.add_argument("--near-misses", action="store_true")
    parser.add_argument("-v", "--verbose", action="count", default=0)
    options = parser.parse_args(arguments)

    with tempfile.TemporaryDirectory() as folder:
        base = knowledge(options.kb, options.state or Path(folder))
        print(f"{len(base.urls)} pages, {base.passages} passages")
        answering = Answering(
            retrieval=base.retrieval, snapshots=MemoryAnswers(), likeness=EmbeddedLikeness(base.embedder)
        )
        answering.answer(Question(text="Is the model loaded?"))
        asked = questions(options.questions)
        results = [asking(base, answering, each, hidden=False) for each in asked]
        if options.near_misses:
            results += [asking(base, answering, each, hidden=True) for each in asked if each.answerable]
    report(results, verbose=options.verbose)
    return 0


def report(results: Sequence[Asking], *, verbose: int) -> None:
    answerable = [each for each in results if each.answerable]
    unanswerable = [each for each in results if not each.answerable]
    right = [each for each in answerable if each.right]
    wrong = [each for each in results if each.answered and not each.right] + [
        each for each in unanswerable if each.answered and each.right
    ]
    refused = [each for each in unanswerable if not each.answered]
    silent = [each for each in answerable if not each.answered]
    cited = [
        any(citation.source_url in each.asked.expected_urls for citation in each.answer.citations)
        for each in answerable
        if each.answered
    ]
    spent = sorted(each.milliseconds for each in results) or [0.0]
    words = [len(each.answer.text.split()) for each in results if each.answered]
    holding = [each for each in answerable if _holds_facts(each)]
    rows = (
        ("answered and right", _share(len(right), len(answerable)), "of the answerable"),
        ("answered and wrong", _share(len(wrong), len(results)), "of all"),
        ("  of them unanswerable", _share(len(unanswerable) - len(refused), len(unanswerable)), ""),
        ("refused, rightly", _share(len(refused), len(unanswerable)), "of the unanswerable"),
        ("refused, wrongly", _share(len(silent), len(answerable)), "of the answerable"),
        ("right pages found", _share(len(holding), len(answerable)), "of the answerable, among 8 passages"),
        ("citation precision", _share(sum(cited), len(cited)), "cite a page that has the answer"),
        ("calibration error", f"{calibration_error(results):20.3f}", "of the answered"),
        ("words of an answer", f"{statistics.fmean(words) if words else 0:20.0f}", "mean"),
        (
            "ms, p50 and p95",
            f"{statistics.median(spent):12.0f} {spent[int(0.95 * (len(spent) - 1))]:7.0f}",
            "",
        ),
    )
    for name, value, of in rows:
        print(f"{name:24} {value:20}  {of}")
    for each in results:
        bad = each in wrong or each in silent
        if verbose >= 2 or (verbose and bad):
            _show(each, "WRONG" if each in wrong else "SILENT" if each in silent else "ok")


def _holds_facts(each: Asking) -> bool:
    """Whether a page that answers was among what was found, whatever was made of it."""
    return any(shown["source_url"] in each.asked.expected_urls for shown in each.answer.debug["evidence"])


def calibration_error(results: Sequence[Asking], *, bins: int = 5) -> float:
    """
    Expected calibration error over equal-width bins of confidence (Naeini et al., 2015).

    The confidence is that the written answer is right, so an answer withheld counts as a prediction
    that it is not; answers without a computed confidence (0 or 1: shortcuts) are left out.
    """
    rows = [
        (each.answer.confidence, float(each.answerable and each.asked.right(each.answer.text)))
        for each in results
        if each.answered and 0.0 < each.answer.confidence < 1.0
    ]
    error = 0.0
    for number in range(bins):
        inside = [row for row in rows if number / bins <= row[0] < (number + 1) / bins]
        if inside:
            gap = statistics.fmean(row[0] for row in inside) - statistics.fmean(row[1] for row in inside)
            error += abs(gap) * len(inside) / len(rows)
    return error


def _share(part: int, whole: int) -> str:
    return f"{part:4d} / {whole:<4d} {part / whole:6.1%}" if whole else f"{part:4d} / 0         "


def _show(each: Asking, verdict: str) -> None:
    hidden = " (its pages hidden)" if each.hidden else ""
    print(f"\n## {verdict} {each.asked.id}{hidden} {each.answer.decision} {each.answer.confidence:.2f}")
    print(f"Q: {each.asked.text}")
    print(f"A: {each.answer.text}")
    print(f"   cites {[citation.source_url for citation in each.answer.citations]}")
    if not each.right and each.answerable:
        missing = [
            group for group in each.asked.key_facts if not each.asked.right(each.answer.text) and group
        ]
        print(f"   wanted {missing} from {list(each.asked.expected_urls)}")
    features = each.answer.debug.get("features", {})
    print(
        "   " + " ".join(f"{name}={value:.2f}" for name, value in features.items()),
        each.answer.debug["notes"],
    )


if __name__ == "__main__":
    sys.exit(main())
