"""Wiring of conversations: what is said, what is answered, and what is forgotten."""

from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

from candor import settings
from candor.wiring.answers import answering, snapshots
from candor.wiring.environment import app, stores
from candor.wiring.exports import export_queue
from candor.wiring.gatehouse import sessions
from candor.wiring.knowledge import jobs
from candor.wiring.operations import meter

if TYPE_CHECKING:
    from candor.conversations.access import Access
    from candor.conversations.replying import Replying
    from candor.conversations.service import Conversing
    from candor.erasing import Erasing, ErasureDesk


@cache
def conversations() -> "Access":
    """The talks, and for how long they are kept."""
    from candor.adapters.dynamodb_conversations import DynamoConversations
    from candor.conversations.access import Access
    from candor.statistics.counting import CountedConversations

    store = DynamoConversations(settings.need(stores().conversations_table, "CONVERSATIONS_TABLE"))
    # Beyond a century it is for good, and no calendar reaches.
    days = app().conversation_ttl_days if app().conversation_ttl_days <= 36_500 else 0
    return Access(
        store=CountedConversations(store, meter()),
        keep=timedelta(days=days) if days else None,
    )


@cache
def conversing() -> "Conversing":
    from candor.conversations.service import Conversing
    from candor.wiring.learning import proposing

    return Conversing(access=conversations(), proposing=proposing())


@cache
def replying() -> "Replying":
    from candor.conversations.replying import Replying

    return Replying(access=conversations(), answering=answering(), snapshots=snapshots())


@cache
def erasure_desk() -> "ErasureDesk":
    from candor.erasing import ErasureDesk

    return ErasureDesk(jobs=jobs(), queue=export_queue())


@cache
def erasing() -> "Erasing":
    from candor.erasing import Erasing
    from candor.wiring.integrations import inbox
    from candor.wiring.tickets import keeping

    return Erasing(
        access=conversations(),
        answers=snapshots(),
        sessions=sessions(),
        proposals=keeping(),
        letters=inbox(),
        jobs=jobs(),
        queue=export_queue(),
    )
