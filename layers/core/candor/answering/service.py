"""Service: one question from beginning to end."""

import logging
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from candor.answering import asking
from candor.answering.asking import Wish
from candor.answering.citing import citations_of
from candor.answering.cleaning import clean
from candor.answering.deciding import Thresholds, ambiguous, decide, features, probability, topics
from candor.answering.evidence import Inquiry, Likeness, inquire, source
from candor.answering.extracting import Extract, extract
from candor.answering.facts import links
from candor.answering.models import Model, Usage, prompt_version
from candor.answering.phrases import phrase
from candor.answering.snapshots import Answers, Shown, Snapshot
from candor.answering.values import Answer, Citation, Decision, Question, Turn
from candor.answering.verifying import Report
from candor.answering.writing import CONTRADICTED, Written, by_extract, by_model
from candor.errors import CandorError, Unavailable
from candor.language import detect, script_of
from candor.redaction import masked
from candor.retrieval import Found
from candor.search import ANYTHING, Where

logger = logging.getLogger(__name__)

_PASSAGES = 20
"""Found for one question: the first few are written from, the rest tell what is known at all."""

_SEARCH_SECONDS = 3.0

_DOUBT = 0.85
"""What two pages that contradict each other leave of the confidence."""


class Finding(Protocol):
    """What `candor.retrieval.Retrieval` does."""

    def find(
        self,
        question: str,
        *,
        limit: int = ...,
        where: Where = ...,
        deadline_seconds: float = ...,
        previous: str | None = ...,
    ) -> Found: ...


class Shortcuts(Protocol):
    """Answers an administrator has written for certain questions."""

    def answer(self, text: str) -> str | None:
        """The fixed answer for this message, or None."""
        ...


@dataclass(slots=True)
class _Record:
    """What is known so far about one run, for the answer's debug view and its snapshot."""

    model: str = "extractive"
    features: Mapping[str, float] = field(default_factory=dict)
    report: Report = field(default_factory=Report)
    usage: Usage = field(default_factory=Usage)
    found: Found | None = None
    search_error: str | None = None
    notes: list[str] = field(default_factory=list)
    timings: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Outcome:
    decision: Decision
    text: str
    confidence: float
    citations: tuple[Citation, ...] = ()
    followups: tuple[str, ...] = ()


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
        model: Model | None = None,
        fallback_model: Model | None = None,
        snapshots: Answers,
        likeness: Likeness | None = None,
        shortcuts: Shortcuts | None = None,
        app_name: str = "Candor",
        house_rules: str = "",
        thresholds: Thresholds | None = None,
        where: Where = ANYTHING,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        budget_seconds: float = 20.0,
    ) -> None:
        self._retrieval = retrieval
        self._model = model
        self._fallback = fallback_model
        self._snapshots = snapshots
        self._likeness = likeness
        self._shortcuts = shortcuts
        self._app_name = app_name
        self._house_rules = house_rules
        self._thresholds = thresholds or Thresholds()
        self._where = where
        self._clock = clock
        self._budget = budget_seconds

    def answer(self, question: Question) -> Answer:
        """One question, one answer, one snapshot; at most two model calls, all within the budget."""
        began = time.perf_counter()
        text = masked(_bare(question.text))
        history = tuple(
            Turn(role=turn.role, content=masked(_bare(turn.content))) for turn in question.history
        )
        language = _language(question, text, history)
        record = _Record()
        outcome = self._shortcut(text, language, record) or self._researched(
            text, history, language, record, ends=began + self._budget
        )
        record.timings["total"] = round(1000 * (time.perf_counter() - began), 1)
        return self._kept(question, text, history, language, record, outcome)

    def _shortcut(self, text: str, language: str, record: _Record) -> _Outcome | None:
        """Messages that need no search."""
        fixed = self._shortcuts.answer(text) if self._shortcuts is not None else None
        if fixed:
            record.notes.append("shortcut")
            return _Outcome(Decision.PASS, clean(fixed, _all_hosts(fixed)), 1.0)
        wish = asking.wish(text)
        if wish is None:
            return None
        record.notes.append(f"wish: {wish.value}")
        needs_person = wish in (Wish.PERSON, Wish.ACTION)
        decision = Decision.ESCALATE if needs_person else Decision.ASK_USER
        return _Outcome(decision, phrase(wish.value, language), 1.0 if wish is not Wish.ACTION else 0.0)

    def _researched(
        self, text: str, history: Sequence[Turn], language: str, record: _Record, *, ends: float
    ) -> _Outcome:
        if asking.vague(text, history=history, language=language):
            return _Outcome(Decision.ASK_USER, phrase("nothing", language), 0.0)
        previous = None
        if history and asking.leans_on_history(text, language=language):
            previous = asking.before(history)
        try:
            record.found = self._retrieval.find(
                text,
                limit=_PASSAGES,
                where=self._where,
                deadline_seconds=min(_SEARCH_SECONDS, self._budget / 3),
                previous=previous,
            )
        except CandorError as error:
            # Whatever kind of failure: the asker gets a person instead of an error.
            logger.warning("search failed", extra={"error": type(error).__name__})
            record.search_error = str(error)
            return _Outcome(Decision.ESCALATE, phrase("down", language), 0.0)
        record.timings.update({f"search_{name}": spent for name, spent in record.found.timings_ms.items()})
        if not record.found.hits:
            return _Outcome(Decision.ESCALATE, phrase("unknown", language), 0.0)
        inquiry = inquire(
            text,
            context=previous or "",
            reply=asking.replied(history) if previous else "",
            language=language,
            sources=[
                source(hit.passage, score=hit.score, cosine=hit.cosine, bm25=hit.bm25)
                for hit in record.found.hits
            ],
            degraded=bool(record.found.degraded),
            likeness=self._likeness,
        )
        return self._written(inquiry, history, record, ends=ends)

    def _written(
        self, inquiry: Inquiry, history: Sequence[Turn], record: _Record, *, ends: float
    ) -> _Outcome:
        started = time.perf_counter()
        extracted = extract(inquiry)
        record.timings["extract"] = round(1000 * (time.perf_counter() - started), 1)
        if extracted is None:
            return _Outcome(Decision.ESCALATE, phrase("unknown", inquiry.language), 0.0)
        written: Written | None = None
        if self._model is not None:
            started = time.perf_counter()
            written = by_model(
                inquiry,
                history,
                models=[model for model in (self._model, self._fallback) if model is not None],
                app_name=self._app_name,
                house_rules=self._house_rules,
                ends=ends,
            )
            record.timings["model"] = round(1000 * (time.perf_counter() - started), 1)
            record.usage = written.usage
            record.notes.extend(written.notes)
            record.report = written.report
        kind = "model"
        if written is None or not (written.text or written.asks or written.declines):
            kind = "extractive"
            written = by_extract(inquiry, extracted)
            record.notes.extend(written.notes)
            record.report = written.report if self._model is None else record.report
        else:
            record.model = written.model
        started = time.perf_counter()
        record.features = features(inquiry, extracted, verified=written.report.share)
        confidence = probability(record.features, model=kind, measured=inquiry.likeness is not None)
        record.timings["decide"] = round(1000 * (time.perf_counter() - started), 1)
        if CONTRADICTED in written.notes:
            confidence *= _DOUBT
        return self._decided(inquiry, extracted, written, confidence, asked=asking.asked_back(history))

    def _decided(
        self, inquiry: Inquiry, extracted: Extract, written: Written, confidence: float, *, asked: bool
    ) -> _Outcome:
        language = inquiry.language
        if written.asks and not written.text and not asked:
            return _Outcome(Decision.ASK_USER, written.asks, min(confidence, 0.5))
        if written.declines or not written.text:
            return _Outcome(Decision.ESCALATE, phrase("unknown", language), min(confidence, 0.3))
        unclear = not asked and ambiguous(inquiry, extracted)
        decision = decide(confidence, ambiguous=unclear, thresholds=self._thresholds)
        if decision is Decision.PASS:
            citations = citations_of(inquiry, written)
            if citations:
                return _Outcome(Decision.PASS, written.text, confidence, citations)
            decision = Decision.ESCALATE
        if decision is Decision.ASK_USER:
            choices = topics(inquiry, extracted)
            if len(choices) >= 2:
                hosts: frozenset[str] = frozenset()
                shown = tuple(clean(choice, hosts) for choice in choices)
                listed = "\n".join(f"- {choice}" for choice in shown)
                return _Outcome(
                    Decision.ASK_USER, f"{phrase('which', language)}\n\n{listed}", confidence, (), shown
                )
        return _Outcome(Decision.ESCALATE, phrase("unknown", language), confidence)

    def _kept(
        self,
        question: Question,
        text: str,
        history: tuple[Turn, ...],
        language: str,
        record: _Record,
        outcome: _Outcome,
    ) -> Answer:
        found = record.found
        now = self._clock()
        answer_id = _new_id(now)
        evidence = tuple(
            Shown.of(hit.passage, score=hit.score, cosine=hit.cosine, bm25=hit.bm25)
            for hit in (found.hits[:8] if found else ())
        )
        confidence = round(outcome.confidence, 4)
        snapshot = Snapshot(
            answer_id=answer_id,
            created_at=now,
            question=text,
            history=history,
            language=language,
            principal=question.principal,
            external_user_id=question.external_user_id,
            trace_id=question.trace_id,
            conversation_id=question.conversation_id,
            text=outcome.text,
            decision=outcome.decision,
            confidence=confidence,
            citations=outcome.citations,
            followup_questions=outcome.followups,
            evidence=evidence,
            model=record.model,
            prompt_version=prompt_version(self._house_rules),
            features={name: round(value, 4) for name, value in record.features.items()},
            verification=record.report.as_dict(),
            llm_calls=record.usage.calls,
            input_tokens=record.usage.input_tokens,
            output_tokens=record.usage.output_tokens,
            cost_usd=record.usage.cost_usd,
            degraded=tuple(found.degraded)
            if found
            else ("keywords", "vectors")
            if record.search_error
            else (),
            timings_ms=record.timings,
        )
        try:
            self._snapshots.keep(snapshot)
        except Unavailable:
            # The asker still gets the answer; what is lost is only its record.
            logger.warning("snapshot lost", extra={"answer_id": answer_id})
            record.notes.append("snapshot not stored")
        return Answer(
            answer_id=answer_id,
            decision=outcome.decision,
            text=outcome.text,
            citations=outcome.citations,
            followup_questions=outcome.followups,
            confidence=confidence,
            debug=_debug(snapshot, record),
            created_at=now,
        )


def _debug(snapshot: Snapshot, record: _Record) -> dict[str, Any]:
    """What an administrator may see. Never the instructions to the model."""
    searched = record.found is not None or record.search_error is not None
    return {
        "trace_id": snapshot.trace_id,
        "model": snapshot.model,
        "retrieval": {
            "keywords": searched and "keywords" not in snapshot.degraded,
            "vectors": searched and "vectors" not in snapshot.degraded,
            "degraded": list(snapshot.degraded),
            "hits": len(record.found.hits) if record.found else 0,
            "generation": record.found.generation if record.found else "",
            "embedder": record.found.embedder if record.found else "",
            **({"error": record.search_error} if record.search_error else {}),
        },
        "evidence": [
            {
                "chunk_id": shown.passage_id,
                "document_id": shown.document_id,
                "title": shown.title,
                "source_url": shown.url,
                "score": shown.score,
                "cosine": shown.cosine,
                "bm25": shown.bm25,
            }
            for shown in snapshot.evidence
        ],
        "verification": dict(snapshot.verification),
        "features": dict(snapshot.features),
        "notes": list(record.notes),
        "timings_ms": dict(snapshot.timings_ms),
        "llm_calls": snapshot.llm_calls,
        "llm_tokens": {"input": snapshot.input_tokens, "output": snapshot.output_tokens},
        "cost_usd": snapshot.cost_usd,
    }


def _bare(text: str) -> str:
    """Without what no store or model takes: NUL and lone surrogates."""
    return text.replace("\x00", "").encode("utf-8", "ignore").decode("utf-8").strip()


def _language(question: Question, text: str, history: Sequence[Turn]) -> str:
    """The one asked for, else that of the question, else that of the talk, else English."""
    if question.language:
        return question.language.lower()[:2]
    for said in (text, *(turn.content for turn in reversed(history) if turn.role == "user")):
        found = detect(said)
        if found != "und":
            return found
        if greeted := asking.greeted_in(said):
            return greeted
    return "ru" if script_of(text) == "cyrillic" else "en"


def _all_hosts(text: str) -> frozenset[str]:
    """An administrator's own answer may link wherever it does."""
    return frozenset(links(text))


def _new_id(now: datetime) -> str:
    """A ULID: 48 bits of milliseconds, 80 random bits, sortable by time."""
    value = (int(now.timestamp() * 1000) << 80) | secrets.randbits(80)
    alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    return "".join(alphabet[(value >> shift) & 31] for shift in range(125, -5, -5))
