"""Answer messages: what other systems' customers wrote is answered, and told where it came from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from candor import wiring
from candor.edge.observability import observed
from candor.edge.queue import Deferral, Graveyard, consume_batch
from candor.inbox.attending import Attending
from candor.messages import MessageToAnswer


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    attending: Attending
    graveyard: Graveyard
    deferral: Deferral


@cache
def service() -> Service:
    return Service(
        attending=wiring.attending(),
        graveyard=wiring.message_graveyard(),
        deferral=wiring.deferral(),
    )


def answer_messages(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """An SQS batch of messages to answer: those of one chat are answered together."""

    def attend(messages: Sequence[MessageToAnswer]) -> Mapping[int, BaseException]:
        return service().attending.attend(messages)

    return consume_batch(
        event,
        context,
        MessageToAnswer,
        attend,
        graveyard=service().graveyard,
        deferral=service().deferral,
    )


handler = observed(answer_messages, build=service)
