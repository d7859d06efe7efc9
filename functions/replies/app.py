"""Replies: answers to single questions, for help desks and for pages that ask on their own."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Protocol

from candor import wiring
from candor.answering.replaying import Replaying
from candor.answering.values import Answer, Question, Turn
from candor.edge.gate import Gate, may_debug
from candor.edge.http import Api, Call
from candor.edge.models.answers import (
    CitationReply,
    DebugQuery,
    QueryBody,
    QueryReply,
    ReplyBody,
    SuggestedReply,
)
from candor.edge.models.snapshots import (
    AnswerListed,
    AnswersQuery,
    AnswersReply,
    AnswerWhole,
    KeptAnswerReply,
    ReplayReply,
    SourceReply,
)
from candor.edge.observability import logger, observed
from candor.errors import Unavailable
from candor.redaction import masked
from candor.sessions import Sessions, customer_key, session_key


class Answering(Protocol):
    """From a question to an answer one can check."""

    def answer(self, question: Question) -> Answer: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    gate: Gate
    answering: Answering
    sessions: Sessions
    replaying: Replaying
    app_name: Callable[[], str]
    """As it is in force."""


@cache
def service() -> Service:
    return Service(
        gate=wiring.gate(),
        answering=wiring.answering(),
        sessions=wiring.sessions(),
        replaying=wiring.replaying(),
        app_name=wiring.app_name,
    )


api = Api("replies", gate=lambda: service().gate)


@api.view("POST", "/v1/reply/generate")
def generate(call: Call) -> SuggestedReply:
    body: ReplyBody = call.body
    history = tuple(Turn(role=turn.role, content=turn.content) for turn in body.conversation_history or ())
    answer = _answered(call, body.query, history=history, language=body.language)
    return SuggestedReply.of(answer, _debug(call, answer))


@api.view("POST", "/api/v1/query")
def query(call: Call) -> QueryReply:
    body: QueryBody = call.body
    session = body.session_id and session_key(
        principal_id=call.principal.principal_id, customer=call.customer, session_id=body.session_id
    )
    answer = _answered(call, body.query, history=_remembered(session))
    if session:
        try:
            service().sessions.remember(
                session,
                masked(body.query),
                answer.text,
                now=time.time(),
                customer=customer_key(call.customer) if call.customer else None,
            )
        except Unavailable:
            # The answer is there and has been paid for; only the next one will know less.
            logger.warning("not remembered")
    return QueryReply(
        query=body.query,
        response=answer.text,
        source=f"{service().app_name()} Assistant",
        decision=answer.decision,
        confidence=answer.confidence,
        citations=[CitationReply.of(citation) for citation in answer.citations],
        followup_questions=list(answer.followup_questions),
        session_id=body.session_id,
    )


@api.view("GET", "/v1/admin/answers")
def list_answers(call: Call) -> AnswersReply:
    query: AnswersQuery = call.query
    day = query.day or datetime.now(UTC).date()
    found, total = service().replaying.page(
        day, decision=query.decision, page=query.page, page_size=query.page_size
    )
    items = [AnswerListed.of(snapshot) for snapshot in found]
    return AnswersReply(items=items, total=total, page=query.page, page_size=query.page_size, day=day)


@api.view("GET", "/v1/admin/answers/{id}")
def show_answer(call: Call) -> KeptAnswerReply:
    snapshot, sources = service().replaying.show(call.path["id"])
    return KeptAnswerReply.shown(snapshot, [SourceReply.of(source) for source in sources])


@api.view("POST", "/v1/admin/answers/{id}/replay")
def replay_answer(call: Call) -> ReplayReply:
    replay = service().replaying.replay(call.path["id"], trace_id=call.trace_id)
    return ReplayReply(
        then=AnswerWhole.of(replay.then), now=AnswerWhole.of(replay.now), changed=list(replay.changed)
    )


def _remembered(session: str | None) -> tuple[Turn, ...]:
    if not session:
        return ()
    try:
        return tuple(service().sessions.turns(session, now=time.time()))
    except Unavailable:
        logger.warning("not remembered")
        return ()


def _answered(
    call: Call, text: str, *, history: tuple[Turn, ...] = (), language: str | None = None
) -> Answer:
    answer = service().answering.answer(
        Question(
            text=text,
            history=history,
            language=language,
            principal=call.principal.principal_id,
            external_user_id=call.customer,
            trace_id=call.trace_id,
        )
    )
    logger.info(
        "decided",
        extra={
            "answer_id": answer.answer_id,
            "decision": answer.decision.value,
            "confidence": round(answer.confidence, 3),
            "citations": len(answer.citations),
        },
    )
    return answer


def _debug(call: Call, answer: Answer) -> dict[str, Any]:
    asked: DebugQuery = call.query
    shown = dict(answer.debug) if may_debug(call.principal, asked=asked.debug) else {}
    return {**shown, "trace_id": call.trace_id}


handler = observed(api, build=service)
