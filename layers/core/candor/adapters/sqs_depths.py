"""Depths in SQS: how much lies in each queue, asked of all at once."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from candor.errors import Unavailable
from candor.statistics.values import Depth

_AT_ONCE = 8


def _client() -> Any:
    config = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 1})
    return boto3.client("sqs", config=config)


class SqsDepths:
    """`Depths` of these queues, given by name and address. Connects at the first call."""

    def __init__(self, queues: Mapping[str, str], *, client: Callable[[], Any] = _client) -> None:
        self._queues = dict(queues)
        self._make_client = client
        self._made: Any = None

    def depths(self) -> Mapping[str, Depth]:
        if self._made is None:
            self._made = self._make_client()
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            return dict(zip(self._queues, threads.map(self._depth, self._queues.values()), strict=True))

    def _depth(self, url: str) -> Depth:
        names = ["Messages", "MessagesNotVisible", "MessagesDelayed"]
        try:
            answer = self._made.get_queue_attributes(
                QueueUrl=url, AttributeNames=[f"ApproximateNumberOf{name}" for name in names]
            )
        except (BotoCoreError, ClientError) as error:
            raise Unavailable("The queue is not available right now.") from error
        waiting, held, later = (int(answer["Attributes"].get(f"ApproximateNumberOf{n}", 0)) for n in names)
        return Depth(waiting=waiting + later, in_flight=held)
