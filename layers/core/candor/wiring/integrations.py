"""Wiring of integrations: webhooks out, messages of other systems in, and the ways back to them."""

from functools import cache
from typing import TYPE_CHECKING

from candor import settings
from candor.wiring.announcing import hooks, webhook_queue
from candor.wiring.answers import snapshots
from candor.wiring.configuration import alerts, checked_address, configuration, vault
from candor.wiring.conversations import conversations, replying
from candor.wiring.environment import stores
from candor.wiring.knowledge import jobs

if TYPE_CHECKING:
    from candor.bitrix24.receiving import Bitrix24Receiving
    from candor.edge.queue import Graveyard
    from candor.inbox.attending import Attending
    from candor.inbox.receiving import Receiving
    from candor.inbox.store import Inbox
    from candor.messages import Queue
    from candor.webhooks.delivering import Delivering
    from candor.webhooks.service import Webhooks
    from candor.whmcs.notes.channel import Notes
    from candor.whmcs.notes.receiving import WhmcsReceiving


@cache
def inbox() -> "Inbox":
    from candor.adapters.dynamodb_inbox import DynamoInbox

    return DynamoInbox(settings.need(stores().inbox_table, "INBOX_TABLE"))


@cache
def message_queue() -> "Queue":
    from candor.adapters.sqs import SqsQueue

    return SqsQueue(settings.need(stores().message_queue_url, "MESSAGE_QUEUE_URL"))


@cache
def message_graveyard() -> "Graveyard":
    from candor.adapters.sqs import SqsQueue

    return SqsQueue(settings.need(stores().message_dlq_url, "MESSAGE_DLQ_URL"))


@cache
def webhooks() -> "Webhooks":
    """Where administrators make and change them."""
    from candor.webhooks.service import Webhooks

    return Webhooks(
        hooks=hooks(),
        vault=vault(),
        queue=webhook_queue(),
        alerts=alerts(),
        check_address=checked_address,
    )


@cache
def delivering() -> "Delivering":
    """What tells them."""
    from candor.webhooks.delivering import Delivering
    from candor.webhooks.happenings import Happenings
    from candor.wiring.web import fetcher

    return Delivering(
        hooks=hooks(),
        happenings=Happenings(
            answers=snapshots(), jobs=jobs(), conversations=conversations().store, correspondence=inbox()
        ),
        claims=inbox(),
        vault=vault(),
        fetcher=fetcher(),
        queue=webhook_queue(),
        alerts=alerts(),
    )


@cache
def receiving() -> "Receiving":
    """The way in, whoever writes."""
    from candor.inbox.receiving import Receiving

    return Receiving(inbox=inbox(), queue=message_queue())


@cache
def bitrix24_receiving() -> "Bitrix24Receiving":
    from candor.bitrix24.receiving import Bitrix24Receiving

    return Bitrix24Receiving(
        configuration=configuration(), receiving=receiving(), vault=vault(), alerts=alerts()
    )


@cache
def whmcs_receiving() -> "WhmcsReceiving":
    from candor.whmcs.notes.receiving import WhmcsReceiving

    return WhmcsReceiving(configuration=configuration(), receiving=receiving())


@cache
def attending() -> "Attending":
    """What answers, and tells the answers where they belong."""
    from candor.bitrix24.channel import Bitrix24Channel
    from candor.inbox.attending import Attending
    from candor.inbox.values import Source
    from candor.whmcs.notes.channel import WhmcsNotesChannel
    from candor.wiring.web import fetcher

    return Attending(
        inbox=inbox(),
        access=conversations(),
        replying=replying(),
        channels={
            Source.BITRIX24: Bitrix24Channel(
                configuration=configuration(), fetcher=fetcher(), vault=vault(), alerts=alerts()
            ),
            Source.WHMCS: WhmcsNotesChannel(open_notes=_open_notes, alerts=alerts()),
        },
    )


def _open_notes() -> "Notes":
    """By the API of the WHMCS settings, which may have changed since the last note."""
    from candor.whmcs.site.reading import open_api
    from candor.wiring.helpdesk import opening
    from candor.wiring.web import fetcher

    return open_api(opening().access({"area": "admin"}), fetcher())
