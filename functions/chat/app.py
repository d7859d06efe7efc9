"""Chat: conversations with customers, answered by the assistant until a person takes over."""

from dataclasses import dataclass
from functools import cache
from urllib.parse import unquote

from candor import wiring
from candor.conversations.replying import Replying
from candor.conversations.service import Conversing
from candor.edge.gate import Gate, may_debug
from candor.edge.http import Api, Call
from candor.edge.models.admin import AcceptedReply
from candor.edge.models.answers import DebugQuery
from candor.edge.models.chat import (
    ConversationQuery,
    ConversationReply,
    ConversationsQuery,
    ConversationsReply,
    DescribeBody,
    FeedbackBody,
    FeedbackReply,
    OpenBody,
    SendBody,
    SentReply,
    WholeConversationReply,
)
from candor.edge.observability import logger, observed
from candor.edge.wire import customer_of
from candor.erasing import ErasureDesk
from candor.errors import Fault, Invalid


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    gate: Gate
    conversing: Conversing
    replying: Replying
    erasure: ErasureDesk


@cache
def service() -> Service:
    return Service(
        gate=wiring.gate(),
        conversing=wiring.conversing(),
        replying=wiring.replying(),
        erasure=wiring.erasure_desk(),
    )


api = Api("chat", gate=lambda: service().gate)


@api.view("GET", "/v1/conversations")
def list_conversations(call: Call) -> ConversationsReply:
    query: ConversationsQuery = call.query
    found, total = service().conversing.list(
        call.principal,
        page=query.page,
        page_size=query.page_size,
        source_type=query.source_type,
        source_id=query.source_id or None,
    )
    items = [ConversationReply.of(conversation) for conversation in found]
    return ConversationsReply(items=items, total=total, page=query.page, page_size=query.page_size)


@api.view("POST", "/v1/conversations")
def open_conversation(call: Call) -> ConversationReply:
    body: OpenBody = call.body
    opened = service().conversing.open(
        principal=call.principal,
        source_type=body.source_type,
        source_id=body.source_id,
        metadata=body.metadata or {},
        customer=call.customer,
    )
    return ConversationReply.of(opened)


@api.view("GET", "/v1/conversations/{id}")
def show_conversation(call: Call) -> WholeConversationReply:
    query: ConversationQuery = call.query
    found = service().conversing.show(
        call.path["id"], call.principal, page=query.page, page_size=query.page_size
    )
    return WholeConversationReply.whole(found, query, debug=may_debug(call.principal, asked=query.debug))


@api.view("PATCH", "/v1/conversations/{id}")
def describe_conversation(call: Call) -> ConversationReply:
    body: DescribeBody = call.body
    return ConversationReply.of(service().conversing.describe(call.path["id"], call.principal, body.metadata))


@api.view("DELETE", "/v1/conversations/{id}")
def delete_conversation(call: Call) -> None:
    service().conversing.delete(call.path["id"], call.principal)


@api.view("POST", "/v1/conversations/{id}/messages")
def send_message(call: Call) -> SentReply:
    body: SendBody = call.body
    asked: DebugQuery = call.query
    told = service().replying.send(
        call.path["id"],
        body.content,
        principal=call.principal,
        customer=call.customer,
        trace_id=call.trace_id,
        key=call.headers.get("idempotency-key", ""),
    )
    logger.info(
        "decided",
        extra={
            "conversation_id": told.heard.conversation_id,
            "answer_id": told.answer.message_id,
            "decision": str(told.answer.decision),
            "citations": len(told.answer.citations),
        },
    )
    debug = may_debug(call.principal, asked=asked.debug)
    return SentReply.of(told, trace_id=call.trace_id, debug=debug)


@api.view("POST", "/v1/conversations/{id}/messages/{message_id}/feedback")
def rate_answer(call: Call) -> FeedbackReply:
    body: FeedbackBody = call.body
    message_id = call.path["message_id"]
    proposed = service().conversing.rate(
        call.path["id"], message_id, call.principal, rating=body.stars, comment=body.comment or ""
    )
    return FeedbackReply(message_id=message_id, rating=body.stars, proposed=proposed is not None)


@api.view("POST", "/v1/conversations/{id}/takeover")
def take_over(call: Call) -> ConversationReply:
    return ConversationReply.of(service().conversing.take_over(call.path["id"], call.principal))


@api.view("POST", "/v1/conversations/{id}/release")
def release(call: Call) -> ConversationReply:
    return ConversationReply.of(service().conversing.release(call.path["id"], call.principal))


@api.view("DELETE", "/v1/admin/end-users/{external_user_id}")
def erase_customer(call: Call) -> AcceptedReply:
    # REST APIs hand over what stands in the path as it was sent.
    loc = ("path", "external_user_id")
    named = customer_of(unquote(call.path["external_user_id"]), loc=loc)
    if named is None:
        raise Invalid("The external_user_id is blank: name the customer.", [Fault(loc=loc, msg="is blank")])
    job = service().erasure.begin(named, created_by=call.principal.principal_id)
    return AcceptedReply.of(job)


handler = observed(api, build=service)
