"""Probes: the cheapest call that shows a service of AWS, or a model, to be there."""

import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any

from candor.errors import Unavailable
from candor.search import Embedder, KeywordIndex, VectorIndex


def table_probe(table_name: str, key: str) -> Callable[[], None]:
    """Reads a row that is not there: half a read unit, and the same permission the API uses."""

    def probe() -> None:
        _asked(
            "The database does not answer.",
            lambda: _client("dynamodb").get_item(TableName=table_name, Key={key: {"S": "health"}}),
        )

    return probe


def tables_probe(reading: Callable[[], None], table_names: Sequence[str]) -> Callable[[], None]:
    """
    Whether one of them can be read, and all of them are there.

    Only the one is read: to look whether a table works is no reason to be let into it.
    """

    def probe() -> None:
        reading()
        for name in table_names:
            _asked(f"The table {name} does not answer.", partial(_ask_table, name))

    return probe


def _ask_table(name: str) -> None:
    status = _client("dynamodb").describe_table(TableName=name)["Table"]["TableStatus"]
    if status not in ("ACTIVE", "UPDATING"):
        raise Unavailable(f"The table {name} is {str(status).lower()}.")


def bucket_probe(bucket: str) -> Callable[[], None]:
    def probe() -> None:
        _asked("The source bucket does not answer.", lambda: _client("s3").head_bucket(Bucket=bucket))

    return probe


def queues_probe(queues: Mapping[str, str]) -> Callable[[], None]:
    """Asks each queue, given by name and address; the sentence names the first that does not answer."""

    def probe() -> None:
        for name, url in queues.items():
            _asked(f"The {name} queue does not answer.", partial(_ask_queue, url))

    return probe


def _ask_queue(url: str) -> None:
    _client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])


def keywords_probe(keywords: KeywordIndex) -> Callable[[], None]:
    def probe() -> None:
        keywords.search("health", limit=1)

    return probe


def vectors_probe(vectors: VectorIndex, embedder: Embedder) -> Callable[[], None]:
    def probe() -> None:
        # Any direction will do; asking the embedder for one would cost money.
        vectors.search([1.0] + [0.0] * (embedder.dimensions - 1), limit=1)

    return probe


def model_probe(base_url: str, api_key: str) -> Callable[[], None]:
    """Asks for the list of models. A server that has none (404) is there all the same."""

    def probe() -> None:
        request = urllib.request.Request(  # noqa: S310 - the operator's own address
            base_url.rstrip("/") + "/models", headers={"Authorization": f"Bearer {api_key}"}
        )
        try:
            with urllib.request.urlopen(request, timeout=2.5):  # noqa: S310 - the operator's own address
                return
        except urllib.error.HTTPError as error:
            error.close()
            if error.code in (401, 403):
                raise Unavailable("The model refuses our key.") from None
            if error.code >= 500:
                raise Unavailable("The model's server fails.") from None
        except (OSError, ValueError):
            raise Unavailable("The model does not answer.") from None

    return probe


@cache
def _client(service: str) -> Any:
    import boto3
    from botocore.config import Config

    config = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 1})
    make: Callable[..., Any] = boto3.client
    return make(service, config=config)


def _asked(sentence: str, ask: Callable[[], object]) -> None:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        ask()
    except (BotoCoreError, ClientError) as error:
        raise Unavailable(sentence) from error
