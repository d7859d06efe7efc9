"""Integrations: other systems are told what happens here, and their customers' messages come in."""

from dataclasses import dataclass
from functools import cache
from urllib.parse import unquote

from candor import wiring
from candor.bitrix24.receiving import Bitrix24Receiving
from candor.conversations.access import Access
from candor.conversations.values import Message
from candor.edge.gate import Gate
from candor.edge.http import Api, Call, Reply
from candor.edge.models.integrations import (
    HookBody,
    HookChangeBody,
    HookReply,
    NewHookReply,
    PingReply,
    PlainAcceptedReply,
    PlainBody,
    PlainQuery,
    PlainReply,
    ReceivedReply,
)
from candor.edge.observability import logger, observed
from candor.edge.wire import customer_of
from candor.errors import NotFound
from candor.inbox.receiving import Receiving
from candor.inbox.values import KEPT, Incoming, Source, State, inbox_id_of
from candor.signing import HEADER
from candor.webhooks.service import Webhooks
from candor.whmcs.notes.receiving import WhmcsReceiving

WAIT_SECONDS = 25.0
"""API Gateway gives up after 29."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    gate: Gate
    webhooks: Webhooks
    receiving: Receiving
    conversations: Access
    bitrix24: Bitrix24Receiving
    whmcs: WhmcsReceiving


@cache
def service() -> Service:
    return Service(
        gate=wiring.gate(),
        webhooks=wiring.webhooks(),
        receiving=wiring.receiving(),
        conversations=wiring.conversations(),
        bitrix24=wiring.bitrix24_receiving(),
        whmcs=wiring.whmcs_receiving(),
    )


api = Api("integrations", gate=lambda: service().gate)


@api.view("GET", "/v1/admin/webhooks")
def list_webhooks(call: Call) -> list[HookReply]:
    return [HookReply.of(hook) for hook in service().webhooks.all()]


@api.view("POST", "/v1/admin/webhooks")
def add_webhook(call: Call) -> NewHookReply:
    body: HookBody = call.body
    hook, secret = service().webhooks.add(
        url=body.url, events=body.events, secret=body.secret, enabled=body.enabled
    )
    return NewHookReply.made(hook, secret)


@api.view("GET", "/v1/admin/webhooks/{id}")
def show_webhook(call: Call) -> HookReply:
    return HookReply.of(service().webhooks.get(call.path["id"]))


@api.view("PUT", "/v1/admin/webhooks/{id}")
def change_webhook(call: Call) -> HookReply:
    body: HookChangeBody = call.body
    changed = service().webhooks.change(
        call.path["id"], url=body.url, events=body.events, secret=body.secret, enabled=body.enabled
    )
    return HookReply.of(changed)


@api.view("DELETE", "/v1/admin/webhooks/{id}")
def remove_webhook(call: Call) -> None:
    service().webhooks.remove(call.path["id"])


@api.view("POST", "/v1/admin/webhooks/{id}/test")
def ping_webhook(call: Call) -> PingReply:
    return PingReply(event_id=service().webhooks.ping(call.path["id"]))


@api.view("POST", "/v1/integrations/plain")
def take_message(call: Call) -> Reply | PlainAcceptedReply:
    body: PlainBody = call.body
    asked: PlainQuery = call.query
    now = service().conversations.clock()
    kept, duplicate = service().receiving.accept(
        Incoming(
            inbox_id=_inbox_id(call, body.message_id),
            source=Source.PLAIN,
            principal=call.principal.principal_id,
            chat_id=body.chat_id,
            message_id=body.message_id,
            text=body.text,
            user=customer_of(body.user or "", loc=("body", "user")) or call.customer,
            trace_id=call.trace_id,
            created_at=now,
            expires_at=now + KEPT,
        )
    )
    if asked.wait:
        kept = service().receiving.settled(kept.inbox_id, seconds=WAIT_SECONDS)
    logger.info("accepted", extra={"inbox_id": kept.inbox_id, "duplicate": duplicate})
    reply = PlainAcceptedReply.accepting(kept, _answer_to(kept), duplicate=duplicate)
    if asked.wait and kept.state is not State.PENDING:
        return Reply(status=200, body=reply)
    return reply


@api.view("GET", "/v1/integrations/plain/{message_id}")
def show_message(call: Call) -> PlainReply:
    # REST APIs hand over what stands in the path as it was sent.
    message_id = unquote(call.path["message_id"])
    kept = service().receiving.inbox.get(_inbox_id(call, message_id))
    return PlainReply.of(kept, _answer_to(kept))


@api.view("POST", "/v1/integrations/bitrix24")
def take_bitrix24_event(call: Call) -> ReceivedReply:
    received = service().bitrix24.receive(
        call.raw_body, call.headers.get("content-type", ""), trace_id=call.trace_id
    )
    return ReceivedReply(accepted=received.accepted, duplicate=received.duplicate, reason=received.reason)


@api.view("POST", "/v1/integrations/whmcs")
def take_ticket(call: Call) -> ReceivedReply:
    received = service().whmcs.receive(
        call.raw_body, call.headers.get(HEADER.casefold(), ""), trace_id=call.trace_id
    )
    return ReceivedReply(accepted=received.accepted, duplicate=received.duplicate, reason=received.reason)


def _inbox_id(call: Call, message_id: str) -> str:
    """Under the caller's own name: nobody finds what another key has sent."""
    return inbox_id_of(Source.PLAIN, call.principal.principal_id, message_id)


def _answer_to(incoming: Incoming) -> Message | None:
    """Read where it lies: what was erased or has aged away there is not told here."""
    if not incoming.answer_id:
        return None
    conversations = service().conversations
    try:
        answer = conversations.store.find(incoming.conversation_id, incoming.answer_id)
    except NotFound:
        return None
    return None if conversations.is_over(answer.expires_at) or not answer.content else answer


handler = observed(api, build=service)
