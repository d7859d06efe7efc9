"""Chat stream: a message to the assistant, and the answer told while it is written."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from candor import wiring
from candor.answering.telling import Telling, blocks
from candor.conversations.replying import Replying
from candor.edge.gate import Gate, may_debug
from candor.edge.http import Api, Call
from candor.edge.models.answers import CitationReply, DebugQuery
from candor.edge.models.chat import DoneEvent, SendBody
from candor.edge.observability import logger, observed
from candor.edge.streams import EventStream


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    gate: Gate
    replying: Replying
    beat_seconds: float = 15.0


@cache
def service() -> Service:
    return Service(
        gate=wiring.gate(), replying=wiring.replying(), beat_seconds=wiring.app().stream_beat_seconds
    )


api = Api("chat_stream", gate=lambda: service().gate, beat_seconds=lambda: service().beat_seconds)


@api.stream("POST", "/v1/conversations/{id}/messages:stream")
def send_message(call: Call, stream: EventStream) -> Sequence[tuple[str, object]]:
    body: SendBody = call.body
    asked: DebugQuery = call.query
    replying = service().replying
    heard = replying.hear(
        call.path["id"],
        body.content,
        principal=call.principal,
        customer=call.customer,
        trace_id=call.trace_id,
        key=call.headers.get("idempotency-key", ""),
    )
    # The message is kept: from here on there is something to wait for.
    stream.begin()
    telling = Telling(stream.send, listening=lambda: stream.listening)
    told = replying.reply(heard, tell=telling)
    answer = told.answer
    logger.info(
        "decided",
        extra={
            "conversation_id": heard.message.conversation_id,
            "answer_id": answer.message_id,
            "decision": str(answer.decision),
            "citations": len(answer.citations),
        },
    )
    debug = may_debug(call.principal, asked=asked.debug)
    last: tuple[tuple[str, object], ...] = (
        ("citations", [CitationReply.of(citation) for citation in answer.citations]),
        ("done", DoneEvent.of(told, trace_id=call.trace_id, debug=debug)),
    )
    telling.finish(answer.content)
    for kind, data in last:
        stream.send(kind, data)
    return [*(("content", block) for block in blocks(answer.content)), *last]


def prepare() -> None:
    """Begun in a moment and not in three seconds: that is what a stream is for."""
    service()
    wiring.rehearse()


handler = observed(api, build=prepare)
