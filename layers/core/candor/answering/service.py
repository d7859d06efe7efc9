"""Service: one question from beginning to end."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

from candor.answering import asking, condensing, slots
from candor.answering.asking import Kind
from candor.answering.budgets import Budget, Tier, Unlimited
from candor.answering.citing import citations_of
from candor.answering.cleaning import clean
from candor.answering.condensing import Condensed
from candor.answering.deciding import Thresholds, ambiguous, decide, topics
from candor.answering.evidence import Inquiry, Likeness
from candor.answering.keeping import Outcome, Run, kept
from candor.answering.models import Model
from candor.answering.phrases import phrase
from candor.answering.policy import Policies, Policy
from candor.answering.several import DOUBT, Part, by_evidence, by_sentences, joined, replied
from candor.answering.snapshots import Answers
from candor.answering.splitting import Parts, split
from candor.answering.studying import Finding, Studied, Studying
from candor.answering.understanding import courtesy, own_hosts, read
from candor.answering.values import Answer, Decision, Question, Tell, Turn
from candor.answering.verifying import Report
from candor.answering.words import fold, tokens
from candor.answering.writing import CONTRADICTED, Written, by_extract, by_model
from candor.errors import CandorError
from candor.search import ANYTHING, Where

logger = logging.getLogger(__name__)

Models = Callable[[Tier], Sequence[Model]]
"""Who may write: the main model and its fallback, the economy model, or nobody."""

_CALLS = 2
"""To models, of one question."""

_TO_CONDENSE = 4.0
"""Seconds, and no more than a quarter of what is left: the answer is still to be written."""


class Shortcuts(Protocol):
    """Answers an administrator has written for certain questions."""

    def answer(self, text: str) -> str | None:
        """The fixed answer for this message, or None."""
        ...


class Answering:
    """
    Answers questions from the evidence, or says that it cannot.

    `answer` raises nothing on account of a search engine, model or store that fails: the decision
    falls instead. Without a model, or when nothing of its text survives verification, the answer is
    made of the evidence's own sentences.
    """

    def __init__(
        self,
        *,
        retrieval: Finding,
        snapshots: Answers,
        policies: Policies = Policy,
        models: Models = lambda _: (),
        budget: Budget | None = None,
        shortcuts: Shortcuts | None = None,
        likeness: Likeness | None = None,
        where: Where = ANYTHING,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        budget_seconds: float = 20.0,
        told_seconds: float = 60.0,
    ) -> None:
        """`told_seconds` in place of `budget_seconds` where the answer is told while it is written."""
        self._studying = Studying(retrieval=retrieval, likeness=likeness, where=where, seconds=budget_seconds)
        self._snapshots = snapshots
        self._policies = policies
        self._models = models
        self._budget = budget or Unlimited()
        self._shortcuts = shortcuts
        self._clock = clock
        self._seconds = budget_seconds
        self._told_seconds = told_seconds

    def answer(self, question: Question, *, tell: Tell | None = None) -> Answer:
        """
        One question, one answer, one snapshot; at most two model calls, all within the budget.

        `tell` is told the answer while it is written, as far as it may be shown: only what a model writes,
        for all else is there at once. Once it raises `Left`, what was told is the answer.
        """
        began = time.perf_counter()
        seconds = self._seconds if tell is None else self._told_seconds
        run = Run(policy=self._policies(), ends=began + seconds, tell=tell)
        read(question, run)
        outcome = self._shortcut(run) or self._answered(run)
        self._budget.spend(run.usage)
        run.spend("total", began)
        return kept(question, run, outcome, answers=self._snapshots, now=self._clock())

    def _shortcut(self, run: Run) -> Outcome | None:
        """What an administrator has written for this message."""
        fixed = self._shortcuts.answer(run.text) if self._shortcuts is not None else None
        if not fixed:
            return None
        run.notes.append("shortcut")
        return Outcome(Decision.PASS, clean(fixed, own_hosts(fixed)), 1.0)

    def _answered(self, run: Run) -> Outcome:
        whole = Parts(asked=(run.text,))
        parts = split(run.text, language=run.language) if run.policy.several_questions else whole
        several = len(parts.asked) > 1 and not all(map(asking.orders, parts.asked))
        if said := courtesy(run, several=several):
            return said
        run.slots = slots.heard(run.text, run.history, run.policy.slots)
        try:
            outcome = self._several(run, parts) if several else self._one(run)
            return _after_what_was_told(run, _once(run, outcome))
        except CandorError as error:
            # Whatever kind of failure: the asker gets a person instead of an error.
            logger.warning("search failed", extra={"error": type(error).__name__})
            run.search_error = str(error)
            return Outcome(Decision.ESCALATE, phrase("down", run.language), 0.0)

    def _one(self, run: Run) -> Outcome:
        if asking.vague(run.text, talk=condensing.asked(run.history), language=run.language):
            return self._asked_again(run)
        studied = self._studying.study(run.text, self._condensed(run), run)
        if studied.extracted is None:
            return Outcome(Decision.ESCALATE, phrase("unknown", run.language), 0.0)
        if _may_ask(run) and (choice := slots.open_slot(studied.hits, run.slots, run.policy.slots)):
            run.notes.append(f"slot: {choice[0]}")
            return _which(f"which_{choice[0]}", choice[1], run.language, 0.5)
        return self._written(studied, run)

    def _asked_again(self, run: Run) -> Outcome:
        """Too little was said to look anything up."""
        decision = Decision.ASK_USER if _may_ask(run) else Decision.ESCALATE
        said = "nothing" if decision is Decision.ASK_USER else "unknown"
        return Outcome(decision, phrase(said, run.language), 0.0)

    def _condensed(self, run: Run) -> Condensed:
        """The question as it stands without the talk: by a model, where one may and can, else by rules."""
        language = run.language
        found = condensing.by_rules(
            run.text, run.history, language=language, domain_terms=run.policy.domain_terms
        )
        if run.policy.condenses_with_model and condensing.leans(run.text, run.history, language=language):
            model = self._condenser(run)
            started = time.perf_counter()
            left = run.ends - started
            if model is not None and left > 1.0:
                text, usage, note = condensing.by_model(
                    run.text,
                    run.history,
                    model=model,
                    language=language,
                    seconds=min(_TO_CONDENSE, left / 4),
                )
                run.usage += usage
                run.notes.append(note or f"{model.name} condensed")
                run.spend("condense", started)
                # Returned as it was it may stand alone, or the model saw no more in it than the rules do.
                found = Condensed(text=text) if text and fold(text) != fold(run.text) else found
        run.standalone = found.text if found.text != run.text else ""
        return found

    def _condenser(self, run: Run) -> Model | None:
        """Who makes a question stand alone: the economy model, if steps are routed by what they need."""
        tier = self._tier(run)
        if tier is Tier.EXTRACTIVE:
            return None
        able = [*(self._models(Tier.ECONOMY) if run.policy.routes_by_task else ()), *self._models(tier)]
        return able[0] if able else None

    def _several(self, run: Run, parts: Parts) -> Outcome:
        """Each question from its own evidence; what needs a person, too, is said to."""
        studied: list[Studied] = []
        told: tuple[Turn, ...] = run.history
        refused: set[int] = set()
        for number, asked in enumerate(parts.asked):
            if asking.orders(asked):
                refused.add(number)
                continue
            condensed = condensing.by_rules(
                asked, told, language=run.language, domain_terms=run.policy.domain_terms
            )
            studied.append(self._studying.study(asked, condensed, run))
            told = (*told, Turn(role="user", content=asked))
        able = [each for each in studied if each.extracted is not None]
        found, as_written = self._parts(run, able) if able else ([], "")
        known = iter(found)
        answered = iter(
            next(known) if each.extracted is not None else Part(asked=each.asked) for each in studied
        )
        whole = [
            Part(asked=asked) if number in refused else next(answered)
            for number, asked in enumerate(parts.asked)
        ]
        run.parts = [part.debug for part in whole]
        weakest = min(
            (part for part in whole if part.features), key=lambda part: part.confidence, default=None
        )
        run.features = weakest.features or {} if weakest else {}
        return replied(whole, parts.more, language=run.language, as_written=as_written)

    def _parts(self, run: Run, studied: Sequence[Studied]) -> tuple[list[Part], str]:
        """What may be said to each question, and the model's text that answers all of them."""
        thresholds = run.policy.thresholds
        joint = joined(studied)
        promising = [_promising(each, thresholds) for each in studied]
        hopeless = not any(likely(Report()) for likely in promising)
        written = self._by_model(
            joint, run, lambda found: all(likely(found) for likely in promising), hopeless=hopeless
        )
        if written is not None and (written.sentences or written.declines):
            run.model = written.model
            return by_sentences(studied, joint, written, thresholds), written.text
        return [by_evidence(each, thresholds) for each in studied], ""

    def _by_model(
        self, inquiry: Inquiry, run: Run, may_tell: Callable[[Report], bool], *, hopeless: bool
    ) -> Written | None:
        """What a model writes with the calls that are left; None where nobody may write."""
        models = self._writers(run)
        if not models:
            return None
        started = time.perf_counter()
        written = by_model(
            inquiry,
            run.history,
            models=models,
            app_name=run.policy.app_name,
            house_rules=run.policy.house_rules,
            ends=run.ends,
            tell=run.tell,
            may_tell=may_tell,
            hopeless=hopeless,
            most_calls=_CALLS - run.usage.calls,
        )
        run.spend("model", started)
        run.usage += written.usage
        run.notes.extend(written.notes)
        run.report = written.report
        if shown := written.shown:
            run.shown = Outcome(Decision.ESCALATE, shown.text, 0.0, citations_of(inquiry, shown))
        return written

    def _writers(self, run: Run) -> Sequence[Model]:
        """Who may write this answer."""
        if not run.policy.writes_with_model or run.usage.calls >= _CALLS:
            return ()
        tier = self._tier(run)
        return () if tier is Tier.EXTRACTIVE else self._models(tier)

    def _tier(self, run: Run) -> Tier:
        """What this question may cost: asked once, and only where a model might be."""
        if run.tier is None:
            run.tier = self._budget.tier()
            if run.tier is not Tier.FULL:
                run.notes.append(f"budget: {run.tier.value}")
        return run.tier

    def _written(self, studied: Studied, run: Run) -> Outcome:
        inquiry, extracted = studied.inquiry, studied.extracted
        assert extracted is not None
        promising = _promising(studied, run.policy.thresholds)
        written = self._by_model(inquiry, run, promising, hopeless=not promising(Report()))
        kind = "model"
        if written is None or not (written.text or written.asks or written.declines):
            kind = "extractive"
            asked_model = written is not None
            written = by_extract(inquiry, extracted)
            run.notes.extend(written.notes)
            run.report = run.report if asked_model else written.report
        else:
            run.model = written.model
        started = time.perf_counter()
        run.features = studied.features(verified=written.report.share)
        confidence = studied.confidence(run.features, kind=kind)
        run.spend("decide", started)
        if CONTRADICTED in written.notes:
            confidence *= DOUBT
        return _decided(studied, written, confidence, run)


def _decided(studied: Studied, written: Written, confidence: float, run: Run) -> Outcome:
    inquiry, extracted, language = studied.inquiry, studied.extracted, run.language
    assert extracted is not None
    if written.asks and not written.text and _may_ask(run):
        return Outcome(Decision.ASK_USER, written.asks, min(confidence, 0.5))
    if written.declines or not written.text:
        return Outcome(Decision.ESCALATE, phrase("unknown", language), min(confidence, 0.3))
    unclear = _may_ask(run) and ambiguous(inquiry, extracted)
    decision = decide(confidence, ambiguous=unclear, thresholds=run.policy.thresholds)
    if decision is Decision.PASS:
        citations = citations_of(inquiry, written)
        if citations:
            return Outcome(Decision.PASS, written.text, confidence, citations)
    if decision is Decision.ASK_USER:
        choices = topics(inquiry, extracted)
        if len(choices) >= 2:
            return _which("which", choices, language, confidence)
    return Outcome(Decision.ESCALATE, phrase("unknown", language), confidence)


_SAME = 0.7
"""The share of its letters from which an answer is the one before."""

_A_SENTENCE = 3
"""Words; of fewer ("PayPal") what was said before is told more closely."""


def _once(run: Run, outcome: Outcome) -> Outcome:
    """
    The outcome; a person, where it would say the same once more to somebody who asks nothing.

    "I did that", "no mail has come": he has read it, and it was of no help.
    """
    asks = "?" in run.text or asking.kinds(run.text)[0] is not Kind.OTHER
    few = len(tokens(run.text)) < _A_SENTENCE
    if asks or few or outcome.decision is not Decision.PASS or not run.history:
        return outcome
    known = set(asking.replied(run.history).splitlines())
    if sum(len(line) for line in outcome.text.splitlines() if line in known) < _SAME * len(outcome.text):
        return outcome
    run.notes.append("the same as before")
    return Outcome(Decision.ESCALATE, phrase("again", run.language), min(outcome.confidence, 0.3))


def _after_what_was_told(run: Run, outcome: Outcome) -> Outcome:
    """
    The outcome, nothing taken back: a sentence that was told stands, and the doubt comes after it.

    Only another answer takes its place. Somebody has read it, and a screen that says the contrary a moment
    later would make neither of the two believed.
    """
    shown = run.shown
    if shown is None or outcome.decision is Decision.PASS or outcome.citations:
        return outcome
    run.notes.append("more was told than can be given as the answer")
    rest = outcome.text if outcome.decision is Decision.ASK_USER else phrase("unsure", run.language)
    return replace(outcome, text=f"{shown.text}\n\n{rest}", citations=shown.citations)


def _may_ask(run: Run) -> bool:
    """A question back, but never two in a row."""
    return run.policy.asks_back and not asking.asked_back(run.history)


def _which(said: str, choices: Sequence[str], language: str, confidence: float) -> Outcome:
    """One question back, with what there is to choose from."""
    shown = tuple(clean(choice, frozenset()) for choice in choices)
    listed = "\n".join(f"- {choice}" for choice in shown)
    return Outcome(Decision.ASK_USER, f"{phrase(said, language)}\n\n{listed}", confidence, (), shown)


def _promising(studied: Studied, thresholds: Thresholds) -> Callable[[Report], bool]:
    """Whether, after the findings so far, what a model writes will be given as the answer."""
    known: dict[str, float] = {}

    def promising(found: Report) -> bool:
        if not known:
            known.update(studied.features())
        likely = {**known, "verified": found.share}
        return studied.confidence(likely, kind="model") >= thresholds.answer

    return promising
