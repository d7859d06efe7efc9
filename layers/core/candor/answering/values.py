"""Answering's values: what is asked, and what comes back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal


class Decision(StrEnum):
    PASS = "PASS"  # noqa: S105 - the contract's word for "answered"
    ASK_USER = "ASK_USER"
    ESCALATE = "ESCALATE"


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """One message of the talk so far."""

    role: Literal["user", "assistant"]
    content: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """What is asked, by whom, after what."""

    text: str
    history: tuple[Turn, ...] = ()
    """Oldest first, without `text` itself."""
    language: str | None = None
    """ISO 639-1 of the reply; None: that of the question."""
    principal: str = ""
    external_user_id: str | None = None
    trace_id: str = ""
    conversation_id: str = ""
    """Of which it is a part, if it is part of one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Citation:
    """The evidence of an answer: `quote` stands literally in that passage."""

    chunk_id: str
    document_id: str
    source_url: str
    doc_type: str
    title: str
    quote: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """
    What the asker gets. `text` is empty only where a person owns the conversation.

    `confidence` is the computed probability, 0..1, that the answer is right; `debug` is for admins.
    """

    answer_id: str
    decision: Decision
    text: str
    citations: tuple[Citation, ...]
    followup_questions: tuple[str, ...]
    confidence: float
    debug: Mapping[str, Any] = field(default_factory=dict)
    created_at: datetime


class Left(Exception):
    """Nobody listens any more. Who is told this writes no further; what was written is still an answer."""


Tell = Callable[[str], None]
"""
Told an answer while it is written: each time the whole text so far that may be shown, also when nothing has
been added. May raise `Left`. A text that does not begin with what was told before takes its place in the end.
"""
