"""Handing over: what is said when a person is asked for, and what is not said where one is answering."""

import uuid
from datetime import datetime

from candor.answering.phrases import phrase
from candor.answering.snapshots import Snapshot
from candor.answering.values import Answer, Decision, Question
from candor.conversations.persons import language_of
from candor.conversations.values import Message, Speaker
from candor.redaction import masked


def handed_over(question: Question, now: datetime) -> tuple[Answer, Snapshot]:
    """That a person will answer: told without search or model, and to be kept as any other answer is."""
    language = language_of(question.text, before=[turn.content for turn in reversed(question.history)])
    answer = Answer(
        answer_id=str(uuid.uuid4()),
        decision=Decision.ESCALATE,
        text=phrase("person", language),
        citations=(),
        followup_questions=(),
        confidence=1.0,
        debug={"trace_id": question.trace_id, "notes": ["wish: person"], "llm_calls": 0},
        created_at=now,
    )
    snapshot = Snapshot(
        answer_id=answer.answer_id,
        created_at=now,
        question=masked(question.text),
        language=language,
        principal=question.principal,
        external_user_id=question.external_user_id,
        trace_id=question.trace_id,
        conversation_id=question.conversation_id,
        text=answer.text,
        decision=answer.decision,
        confidence=answer.confidence,
        model="none",
        prompt_version="",
    )
    return answer, snapshot


def silence(heard: Message) -> Message:
    """What is told where a person owns the conversation: no text, and nothing that is kept."""
    return Message(
        conversation_id=heard.conversation_id,
        message_id=str(uuid.uuid4()),
        number=0,
        speaker=Speaker.ASSISTANT,
        content="",
        created_at=heard.created_at,
        trace_id=heard.trace_id,
        decision=Decision.ESCALATE,
        confidence=0.0,
    )
