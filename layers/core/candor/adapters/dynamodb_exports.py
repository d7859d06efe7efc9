"""Export marks in DynamoDB: one row an export, in the table of the configuration."""

from collections.abc import Callable
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from candor.errors import Unavailable

_PARTITION = "exports"


def _client() -> Any:
    return boto3.client(
        "dynamodb",
        config=Config(connect_timeout=2, read_timeout=4, retries={"max_attempts": 2, "mode": "standard"}),
    )


class DynamoExportMarks:
    """`ExportMarks` in one table, keys `pk` and `sk`. Connects at the first call."""

    def __init__(self, table_name: str, *, client: Callable[[], Any] = _client) -> None:
        self._table = table_name
        self._make_client = client
        self._made: Any = None

    def want(self, name: str, changed_at: str) -> None:
        try:
            self._client.update_item(
                TableName=self._table,
                Key=_key(name),
                UpdateExpression="SET wanted_at = :at",
                # Times in UTC of one shape: their order is that of their letters.
                ConditionExpression="attribute_not_exists(wanted_at) OR wanted_at < :at",
                ExpressionAttributeValues={":at": {"S": changed_at}},
            )
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") != "ConditionalCheckFailedException":
                raise Unavailable("The database is not available right now.") from error
        except BotoCoreError as error:
            raise Unavailable("The database is not available right now.") from error

    def wanted(self, name: str) -> str:
        try:
            answer = self._client.get_item(TableName=self._table, Key=_key(name), ConsistentRead=True)
        except (BotoCoreError, ClientError) as error:
            raise Unavailable("The database is not available right now.") from error
        return str(answer.get("Item", {}).get("wanted_at", {}).get("S", ""))

    @property
    def _client(self) -> Any:
        if self._made is None:
            self._made = self._make_client()
        return self._made


def _key(name: str) -> dict[str, Any]:
    return {"pk": {"S": _PARTITION}, "sk": {"S": name}}
