"""SQS: messages sent so that each one is durable, a worker's dead-letter queue, pauses before a retry."""

import random
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from candor.errors import Unavailable
from candor.messages import MAX_DELAY_SECONDS, Message

_AT_ONCE = 10
_ATTEMPTS = 5
_MAX_BYTES = 200_000
"""Of one batch. SQS takes 256 KiB with everything around it."""

_UNSAYABLE = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What SQS refuses in a text: all that XML does."""


def _client() -> Any:
    return boto3.client(
        "sqs",
        config=Config(connect_timeout=2, read_timeout=5, retries={"max_attempts": 2, "mode": "standard"}),
    )


class SqsQueue:
    """A `Queue`, and a graveyard for what another queue's worker can never do. Connects at the first call."""

    def __init__(self, url: str, *, client: Callable[[], Any] = _client) -> None:
        self._url = url
        self._make_client = client
        self._made: Any = None

    def send(self, *messages: Message, delay_seconds: int = 0) -> None:
        delay = min(max(0, delay_seconds), MAX_DELAY_SECONDS)
        entries: list[dict[str, Any]] = []
        size = 0
        for number, message in enumerate(messages):
            body = message.to_json()
            if entries and (len(entries) == _AT_ONCE or size + len(body.encode()) > _MAX_BYTES):
                self._send_all(entries)
                entries, size = [], 0
            entries.append({"Id": str(number), "MessageBody": body, "DelaySeconds": delay})
            size += len(body.encode())
        if entries:
            self._send_all(entries)

    def bury(
        self,
        body: str,
        *,
        reason: str,
        message_id: str,
        kind: str = "",
        first_received_at: str = "",
        receive_count: int = 0,
    ) -> None:
        """Keep a message with the sentence that says why it was given up."""
        said = {
            "Reason": _sayable(reason)[:1_000] or "unknown",
            "OriginalMessageId": message_id,
            "Kind": kind,
            "FirstReceivedAt": first_received_at,
            "ReceiveCount": str(receive_count) if receive_count else "",
        }
        # An attribute without a value is refused.
        attributes = {
            name: {"DataType": "String", "StringValue": value} for name, value in said.items() if value
        }
        try:
            self._client.send_message(QueueUrl=self._url, MessageBody=body, MessageAttributes=attributes)
        except (BotoCoreError, ClientError) as error:
            raise Unavailable("The queue is not available right now.") from error

    def _send_all(self, entries: list[dict[str, Any]]) -> None:
        """A batch may succeed in part: only what failed is sent again."""
        left = entries
        for attempt in range(_ATTEMPTS):
            try:
                answer = self._client.send_message_batch(QueueUrl=self._url, Entries=left)
            except (BotoCoreError, ClientError) as error:
                raise Unavailable("The queue is not available right now.") from error
            failed = {entry["Id"] for entry in answer.get("Failed", ())}
            left = [entry for entry in left if entry["Id"] in failed]
            if not left:
                return
            time.sleep(random.uniform(0, 0.05 * 2**attempt))  # noqa: S311 - spreads retries, guards nothing
        raise Unavailable("The queue did not take every message.")

    @property
    def _client(self) -> Any:
        if self._made is None:
            self._made = self._make_client()
        return self._made


class SqsDeferral:
    """A `Deferral` for every queue whose messages this function gets, known by the ARN in its events."""

    def __init__(self, *, client: Callable[[], Any] = _client) -> None:
        self._make_client = client
        self._made: Any = None
        self._urls: dict[str, str] = {}

    def defer(self, queue_arn: str, pauses: Mapping[str, int]) -> None:
        receipts = list(pauses)
        try:
            url = self._url_of(queue_arn)
            for start in range(0, len(receipts), _AT_ONCE):
                entries = [
                    {"Id": str(number), "ReceiptHandle": receipt, "VisibilityTimeout": pauses[receipt]}
                    for number, receipt in enumerate(receipts[start : start + _AT_ONCE])
                ]
                # A receipt that has run out fails alone, and its message is visible already.
                self._client.change_message_visibility_batch(QueueUrl=url, Entries=entries)
        except (BotoCoreError, ClientError) as error:
            raise Unavailable("The queue is not available right now.") from error

    def _url_of(self, queue_arn: str) -> str:
        if queue_arn not in self._urls:
            *_, account, name = queue_arn.split(":")
            found = self._client.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)
            self._urls[queue_arn] = found["QueueUrl"]
        return self._urls[queue_arn]

    @property
    def _client(self) -> Any:
        if self._made is None:
            self._made = self._make_client()
        return self._made


def _sayable(text: str) -> str:
    return _UNSAYABLE.sub("\ufffd", text)
