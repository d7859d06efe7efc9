"""Operations' models: whether it works."""

from typing import Literal

from candor.edge.models import Reply


class ChecksReply(Reply):
    """`ok`, or a sentence that says what is wrong."""

    dynamodb: str
    s3: str
    queues: str
    search: str
    vectors: str
    model: str


class HealthReply(Reply):
    status: Literal["healthy", "degraded"]
    version: str
    checks: ChecksReply


class ShortHealthReply(Reply):
    status: Literal["ok", "degraded"]
    service: str
