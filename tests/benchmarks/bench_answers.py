"""
Answer quality: `python -m tests.benchmarks.bench_answers [--kb FILE … --questions FILE …] [-v]`.

Without arguments: the demo knowledge, with questions nothing was fitted on. Pages are cut, embedded and
indexed as the product does it, every question is asked, and each answer is compared with the facts it must
hold: once without a model, once with one that reads attentively (what retrieval, verifying and deciding lose
of a perfect reply), and once with one that makes things up (what they let through).

Below, what the confidence says beside what is true of answers given at any confidence, and its calibration
error. `-v` lists what went wrong, `-vv` every answer. `--near-misses` asks each answerable question once more
with the pages that answer it hidden. `--after QUESTION` asks what has no history of its own after that one,
as in a talk that changes its subject. `--thresholds` prints what other thresholds would do.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from candor.adapters.memory_answers import MemoryAnswers
from candor.answering import Answer, Decision, Question, Turn
from candor.answering.deciding import PASS_FROM, Thresholds
from candor.answering.evidence import EmbeddedLikeness
from candor.answering.models import Model
from candor.answering.policy import Policy
from candor.answering.service import Answering
from tests.benchmarks.knowledge import (
    DEMO_PAGES,
    DEMO_TALKS,
    HELD_OUT,
    TALKS,
    Asked,
    Knowledge,
    knowledge,
    questions,
)
from tests.doubles.answering import writers
from tests.doubles.reading_models import AttentiveModel, CarelessModel


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


def _asked_after(before: str, reply: Answer, asked: Asked) -> Asked:
    """The question as the next one of a talk, unless it has one of its own."""
    talk = (Turn(role="user", content=before), Turn(role="assistant", content=reply.text))
    return replace(asked, history=asked.history or talk)


def asking(
    base: Knowledge, answering: Answering, asked: Asked, *, hidden: bool, model: Model | None
) -> Asking:
    base.hide([*base.foreign(asked), *(asked.expected_urls if hidden else ())])
    if isinstance(model, AttentiveModel):
        model.wanted = asked.key_facts if asked.answerable and not hidden else ()
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
    parser.add_argument("--questions", type=Path, nargs="+", default=[HELD_OUT, TALKS, DEMO_TALKS])
    parser.add_argument("--state", type=Path, help="keep the index here for the next run")
    parser.add_argument("--near-misses", action="store_true")
    parser.add_argument("--after", metavar="QUESTION", help="what was asked before, in a talk")
    parser.add_argument("--thresholds", action="store_true")
    parser.add_argument("--pass-from", type=float, default=PASS_FROM, help="confidence to answer from")
    parser.add_argument("-v", "--verbose", action="count", default=0)
    options = parser.parse_args(arguments)

    asked = questions(options.questions)
    models: dict[str, Model | None] = {
        "extractive": None,
        "attentive model": AttentiveModel(),
        "careless model": CarelessModel(),
    }
    results: dict[str, list[Asking]] = {}
    given: dict[str, list[Asking]] = {}
    """What is answered when everything is, for the confidence alone."""
    with tempfile.TemporaryDirectory() as folder:
        base = knowledge(options.kb, options.state or Path(folder))
        print(f"{len(base.urls)} pages, {base.passages} passages, {len(asked)} questions")
        likeness = EmbeddedLikeness(base.embedder)
        for name, model in models.items():
            chosen, willing = (
                Answering(
                    retrieval=base.retrieval,
                    snapshots=MemoryAnswers(),
                    likeness=likeness,
                    models=writers(model),
                    policies=policy,
                )
                for policy in (
                    lambda: Policy(thresholds=Thresholds(answer=options.pass_from)),
                    lambda: Policy(thresholds=Thresholds(answer=0.0, ask=0.0)),
                )
            )
            first = chosen.answer(Question(text=options.after or "Is the model loaded?"))
            if options.after:
                asked = [_asked_after(options.after, first, each) for each in asked]
            plan = [(each, False) for each in asked]
            if options.near_misses:
                plan += [(each, True) for each in asked if each.answerable]
            results[name] = [asking(base, chosen, each, hidden=hidden, model=model) for each, hidden in plan]
            given[name] = [asking(base, willing, each, hidden=hidden, model=model) for each, hidden in plan]
    columns = {name: figures(some) for name, some in results.items()}
    for name, some in given.items():
        columns[name]["calibration error"] = (
            f"{calibration_error(some):.3f}",
            "all, answered at any confidence",
        )
    print(f"{'':22}" + "".join(f"{name:>20}" for name in columns) + "   of")
    for row, (_, of) in columns["extractive"].items():
        print(f"{row:22}" + "".join(f"{column[row][0]:>20}" for column in columns.values()) + f"   {of}")
    _reliability(given)
    if options.thresholds:
        _curve(given["extractive"])
    if options.verbose:
        for each in results["extractive"]:
            _show(each, everything=options.verbose >= 2)
    return 0


def figures(results: Sequence[Asking]) -> dict[str, tuple[str, str]]:
    """Each figure by name, as text, with what it is a share of."""
    answerable = [each for each in results if each.answerable]
    unanswerable = [each for each in results if not each.answerable]
    talks = [each for each in answerable if each.asked.history]
    wrong = [each for each in results if _verdict(each) == "WRONG"]
    refused = [each for each in unanswerable if not each.answered]
    silent = [each for each in answerable if not each.answered]
    asks = [each for each in results if each.answer.decision is Decision.ASK_USER]
    cited = [
        any(citation.source_url in each.asked.expected_urls for citation in each.answer.citations)
        for each in answerable
        if each.answered
    ]
    spent = sorted(each.milliseconds for each in results) or [0.0]
    words = [len(each.answer.text.split()) for each in results if each.answered]
    return {
        "answered and right": (
            _share(sum(each.right for each in answerable), len(answerable)),
            "the answerable",
        ),
        "answered and wrong": (_share(len(wrong), len(results)), "all"),
        "  of them unanswerable": (
            _share(len(unanswerable) - len(refused), len(unanswerable)),
            "the unanswerable",
        ),
        "refused, rightly": (_share(len(refused), len(unanswerable)), "the unanswerable"),
        "refused, wrongly": (_share(len(silent), len(answerable)), "the answerable"),
        "asked back": (_share(len(asks), len(results)), "all"),
        "later turns right": (
            _share(sum(each.right for each in talks), len(talks)),
            "the answerable with a history",
        ),
        "right pages found": (
            _share(sum(_holds_facts(each) for each in answerable), len(answerable)),
            "the answerable, among 8 passages",
        ),
        "citation precision": (
            _share(sum(cited), len(cited)),
            "the answered: cite a page that has the answer",
        ),
        "calibration error": ("", ""),
        "words of an answer": (f"{statistics.fmean(words) if words else 0:.0f}", "mean"),
        "ms, p50": (f"{statistics.median(spent):.0f}", ""),
        "ms, p95": (f"{spent[int(0.95 * (len(spent) - 1))]:.0f}", ""),
    }


def _verdict(each: Asking) -> str:
    if each.answered:
        return "ok" if each.right and each.answerable else "WRONG"
    return "SILENT" if each.answerable else "ok"


def _curve(results: Sequence[Asking]) -> None:
    """What each threshold would do, of questions that were all answered."""
    answerable = [each for each in results if each.answerable]
    others = [each for each in results if not each.answerable]
    print("\nthreshold   right, of the answerable   wrong, of all   refused, of the unanswerable")
    for step in range(20):
        threshold = step / 20
        given = [each for each in results if each.answered and each.answer.confidence >= threshold]
        right = sum(_verdict(each) == "ok" for each in given)
        kept = sum(each in given for each in others)
        print(
            f"{threshold:9.2f}   {right / max(1, len(answerable)):24.1%}   "
            f"{(len(given) - right) / max(1, len(results)):13.1%}   {1 - kept / max(1, len(others)):28.1%}"
        )


def _reliability(given: Mapping[str, Sequence[Asking]]) -> None:
    """Predicted and right, by confidence, whatever the thresholds: what is fitted should lie on a line."""
    print(f"\n{'confidence':12}" + "".join(f"{name + ': told, right, of':>32}" for name in given))
    for low in (0.0, 0.2, 0.4, 0.6, 0.8):
        row = f"{low:.1f} – {low + 0.2:.1f}   "
        for some in given.values():
            inside = [pair for pair in _predictions(some) if low <= min(pair[0], 0.999) < low + 0.2]
            told = statistics.fmean(pair[0] for pair in inside) if inside else 0.0
            right = statistics.fmean(pair[1] for pair in inside) if inside else 0.0
            row += f"{f'{told:.2f}  {right:.2f}  {len(inside):4d}' if inside else '-':>32}"
        print(row)


def _predictions(results: Sequence[Asking]) -> list[tuple[float, float]]:
    """The confidence of each written answer, and whether it is right; fixed replies (0 or 1) are left out."""
    return [
        (each.answer.confidence, float(each.answerable and each.asked.right(each.answer.text)))
        for each in results
        if each.answered and 0.0 < each.answer.confidence < 1.0
    ]


def _holds_facts(each: Asking) -> bool:
    """Whether a page that answers was among what was found, whatever was made of it."""
    return any(shown["source_url"] in each.asked.expected_urls for shown in each.answer.debug["evidence"])


def calibration_error(results: Sequence[Asking], *, bins: int = 5) -> float:
    """
    Expected calibration error over equal-width bins of confidence (Naeini et al., 2015).

    Of answers given whatever their confidence: those of a real run are the confident ones alone.
    """
    rows = _predictions(results)
    error = 0.0
    for number in range(bins):
        inside = [row for row in rows if number / bins <= row[0] < (number + 1) / bins]
        if inside:
            gap = statistics.fmean(row[0] for row in inside) - statistics.fmean(row[1] for row in inside)
            error += abs(gap) * len(inside) / len(rows)
    return error


def _share(part: int, whole: int) -> str:
    return f"{part} / {whole}  {part / whole:6.1%}" if whole else "-"


def _show(each: Asking, *, everything: bool) -> None:
    verdict = _verdict(each)
    if verdict == "ok" and not everything:
        return
    hidden = " (its pages hidden)" if each.hidden else ""
    print(f"\n## {verdict} {each.asked.id}{hidden} {each.answer.decision} {each.answer.confidence:.2f}")
    print(f"Q: {each.asked.text}")
    print(f"A: {each.answer.text}")
    print(f"   cites {[citation.source_url for citation in each.answer.citations]}")
    if not each.right and each.answerable:
        print(f"   wanted {[list(group) for group in each.asked.key_facts]} from {each.asked.expected_urls}")
    features = each.answer.debug.get("features", {})
    print(
        "   " + " ".join(f"{name}={value:.2f}" for name, value in features.items()),
        each.answer.debug["notes"],
    )


if __name__ == "__main__":
    sys.exit(main())
