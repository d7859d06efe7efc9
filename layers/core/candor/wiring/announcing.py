"""Wiring of announcing: what is kept and started is told to webhooks, where this function is told of any."""

from functools import cache
from typing import TYPE_CHECKING

from candor import settings
from candor.wiring.environment import stores

if TYPE_CHECKING:
    from candor.answering.snapshots import Answers
    from candor.edge.queue import Graveyard
    from candor.jobs import Jobs
    from candor.messages import Queue
    from candor.webhooks.announcing import Announcer
    from candor.webhooks.store import Hooks


@cache
def hooks() -> "Hooks":
    from candor.adapters.dynamodb_hooks import DynamoHooks

    return DynamoHooks(settings.need(stores().config_table, "CONFIG_TABLE"))


@cache
def webhook_queue() -> "Queue":
    from candor.adapters.sqs import SqsQueue

    return SqsQueue(settings.need(stores().webhook_queue_url, "WEBHOOK_QUEUE_URL"))


@cache
def webhook_graveyard() -> "Graveyard":
    from candor.adapters.sqs import SqsQueue

    return SqsQueue(settings.need(stores().webhook_dlq_url, "WEBHOOK_DLQ_URL"))


def announced_answers(answers: "Answers") -> "Answers":
    """The same, told to webhooks."""
    if (announcer := _announcer()) is None:
        return answers
    from candor.webhooks.announcing import AnnouncedAnswers

    return AnnouncedAnswers(answers, announcer)


def announced_jobs(jobs: "Jobs") -> "Jobs":
    """The same, their ends told to webhooks."""
    if (announcer := _announcer()) is None:
        return jobs
    from candor.webhooks.announcing import AnnouncedJobs

    return AnnouncedJobs(jobs, announcer)


@cache
def _announcer() -> "Announcer | None":
    """None in a function that neither answers nor starts jobs: it has no such queue."""
    if not (stores().webhook_queue_url and stores().config_table):
        return None
    from candor.webhooks.announcing import Announcer

    return Announcer(hooks=hooks(), queue=webhook_queue())
