"""Keeping: what one run has found out, kept with its answer, and shown to who may look behind it."""

import logging
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import zip_longest
from typing import Any

from candor.answering.budgets import Tier
from candor.answering.models import Usage, prompt_version
from candor.answering.policy import Policy
from candor.answering.snapshots import Answers, Shown, Snapshot
from candor.answering.values import Answer, Citation, Decision, Question, Tell, Turn
from candor.answering.verifying import INSTRUCTIONS, Report, leaks
from candor.errors import Unavailable
from candor.retrieval import Found, FoundPassage

logger = logging.getLogger(__name__)

_SHOWN = 8
"""Passages kept with an answer."""

_TELLING = 4
"""Words in a row that show a rule of the house to who has not written it."""


@dataclass(slots=True, kw_only=True)
class Run:
    """One question on its way, and what is known about it so far."""

    policy: Policy
    ends: float
    """A moment of `time.perf_counter`."""
    text: str = ""
    """The question, masked."""
    history: tuple[Turn, ...] = ()
    language: str = "en"
    tell: Tell | None = None
    """Who hears of the answer while it is written."""
    shown: "Outcome | None" = None
    """What has been told of it already."""
    tier: Tier | None = None
    """What it may cost; None: no model had to be thought of."""
    standalone: str = ""
    """The question as it was looked up, where it leant on the talk."""
    slots: Mapping[str, str] = field(default_factory=dict)
    """What the asker has named, by slot."""
    flags: list[str] = field(default_factory=list)
    """What is odd about the question."""
    parts: list[dict[str, Any]] = field(default_factory=list)
    """Of a message with several questions: each, and what became of it."""
    model: str = "extractive"
    features: Mapping[str, float] = field(default_factory=dict)
    report: Report = field(default_factory=Report)
    usage: Usage = field(default_factory=Usage)
    searched: bool = False
    hits: tuple[FoundPassage, ...] = ()
    degraded: tuple[str, ...] = ()
    generation: str = ""
    embedder: str = ""
    search_error: str | None = None
    notes: list[str] = field(default_factory=list)
    timings: dict[str, float] = field(default_factory=dict)

    def note_found(self, found: Found, hits: Sequence[FoundPassage]) -> None:
        """What was found for a question, or for one more of a message."""
        known = {hit.passage.passage_id for hit in self.hits}
        new = [hit for hit in hits if hit.passage.passage_id not in known]
        # Of each question the best come first.
        self.hits = tuple(each for pair in zip_longest(self.hits, new) for each in pair if each is not None)
        self.searched = True
        self.degraded = tuple(dict.fromkeys((*self.degraded, *found.degraded)))
        self.generation, self.embedder = found.generation, found.embedder
        for name, spent in found.timings_ms.items():
            self.timings[f"search_{name}"] = round(self.timings.get(f"search_{name}", 0.0) + spent, 2)

    def spend(self, name: str, started: float) -> None:
        """Milliseconds since a moment of `time.perf_counter`, added to what this took so far."""
        spent = 1000 * (time.perf_counter() - started)
        self.timings[name] = round(self.timings.get(name, 0.0) + spent, 1)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is said, and why it may be."""

    decision: Decision
    text: str
    confidence: float
    citations: tuple[Citation, ...] = ()
    followups: tuple[str, ...] = ()


def kept(question: Question, run: Run, outcome: Outcome, *, answers: Answers, now: datetime) -> Answer:
    """The answer, its snapshot stored. A store that fails costs the record, not the answer."""
    answer_id = _new_id(now)
    confidence = round(outcome.confidence, 4)
    snapshot = Snapshot(
        answer_id=answer_id,
        created_at=now,
        question=run.text,
        history=run.history,
        language=run.language,
        principal=question.principal,
        external_user_id=question.external_user_id,
        trace_id=question.trace_id,
        conversation_id=question.conversation_id,
        text=outcome.text,
        decision=outcome.decision,
        confidence=confidence,
        citations=outcome.citations,
        followup_questions=outcome.followups,
        evidence=tuple(
            Shown.of(hit.passage, score=hit.score, cosine=hit.cosine, bm25=hit.bm25)
            for hit in run.hits[:_SHOWN]
        ),
        model=run.model,
        prompt_version=prompt_version(run.policy.house_rules),
        settings_version=run.policy.version,
        features={name: round(value, 4) for name, value in run.features.items()},
        verification=_discreet(run.report, run.policy.house_rules),
        llm_calls=run.usage.calls,
        input_tokens=run.usage.input_tokens,
        output_tokens=run.usage.output_tokens,
        cost_usd=run.usage.cost_usd,
        spending={
            name: {
                "calls": spent.calls,
                "input": spent.input_tokens,
                "output": spent.output_tokens,
                "cost_usd": spent.cost_usd,
            }
            for name, spent in run.usage.by_model.items()
        },
        degraded=("keywords", "vectors") if run.search_error else run.degraded,
        timings_ms=run.timings,
        notes=(*run.flags, *run.notes),
    )
    try:
        answers.keep(snapshot)
    except Unavailable:
        # The asker still gets the answer; what is lost is only its record.
        logger.warning("snapshot lost", extra={"answer_id": answer_id})
        run.notes.append("snapshot not stored")
    return Answer(
        answer_id=answer_id,
        decision=outcome.decision,
        text=outcome.text,
        citations=outcome.citations,
        followup_questions=outcome.followups,
        confidence=confidence,
        debug=_debug(snapshot, run),
        created_at=now,
    )


def _debug(snapshot: Snapshot, run: Run) -> dict[str, Any]:
    """What an administrator may see. Never the instructions to the model."""
    searched = run.searched or run.search_error is not None
    return {
        "trace_id": snapshot.trace_id,
        "model": snapshot.model,
        "settings_version": snapshot.settings_version,
        "tier": run.tier.value if run.tier is not None else None,
        "question": {
            "language": run.language,
            **({"standalone": run.standalone} if run.standalone else {}),
            **({"slots": dict(run.slots)} if run.slots else {}),
            **({"flags": list(run.flags)} if run.flags else {}),
            **({"parts": list(run.parts)} if run.parts else {}),
        },
        "retrieval": {
            "keywords": searched and "keywords" not in snapshot.degraded,
            "vectors": searched and "vectors" not in snapshot.degraded,
            "degraded": list(snapshot.degraded),
            "hits": len(run.hits),
            "generation": run.generation,
            "embedder": run.embedder,
            **({"error": run.search_error} if run.search_error else {}),
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
        "notes": list(run.notes),
        "timings_ms": dict(snapshot.timings_ms),
        "llm_calls": snapshot.llm_calls,
        "llm_tokens": {"input": snapshot.input_tokens, "output": snapshot.output_tokens},
        "cost_usd": snapshot.cost_usd,
    }


def _discreet(report: Report, house_rules: str) -> dict[str, object]:
    """What was verified; of sentences that repeat a company's own rules, only that they were dropped."""
    findings = [
        replace(finding, reasons=(INSTRUCTIONS,))
        if not finding.supported and leaks(finding.text, house_rules, words=_TELLING)
        else finding
        for finding in report.findings
    ]
    return Report(findings=tuple(findings)).as_dict()


def _new_id(now: datetime) -> str:
    """A ULID: 48 bits of milliseconds, 80 random bits, sortable by time."""
    value = (int(now.timestamp() * 1000) << 80) | secrets.randbits(80)
    alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    return "".join(alphabet[(value >> shift) & 31] for shift in range(125, -5, -5))
