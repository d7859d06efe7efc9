"""
AWS for tests: tables, queue and bucket as the template defines them, in whatever the environment points to.

Names are new each time: the tests of one contract share a running server.
"""

import os
import subprocess
import sys
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3

from tests.waiting import until


@contextmanager
def ministack(folder: Path, port: int) -> Iterator[str]:
    """The embedded AWS of `make run`, empty, on loopback. Yields its address."""
    environment = {
        **os.environ,
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": "127.0.0.1",
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "PERSIST_STATE": "0",
        "TMPDIR": str(folder),
    }
    environment.pop("AWS_ENDPOINT_URL", None)
    url = f"http://127.0.0.1:{port}"
    log = (folder / "ministack.log").open("wb")
    command = [str(Path(sys.executable).with_name("ministack"))]
    server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:

        def answers() -> bool:
            try:
                with urllib.request.urlopen(f"{url}/_ministack/health", timeout=30):
                    return True
            except OSError:
                if server.poll() is not None:
                    raise RuntimeError((folder / "ministack.log").read_text()[-2_000:]) from None
                return False

        until(answers)
        yield url
    finally:
        server.terminate()
        server.wait(60)
        log.close()


def _name(kind: str) -> str:
    return f"{kind}-{uuid.uuid4().hex[:12]}"


def _key(name: str, kind: str) -> dict[str, str]:
    return {"AttributeName": name, "KeyType": kind}


def _index(name: str, hash_key: str, range_key: str, projection: dict[str, Any]) -> dict[str, Any]:
    keys = [_key(hash_key, "HASH"), _key(range_key, "RANGE")]
    return {"IndexName": name, "KeySchema": keys, "Projection": projection}


def _strings(*names: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "AttributeType": "S"} for name in names]


def create_documents_table() -> str:
    """The table's name."""
    from candor.adapters.document_rows import LISTED

    name = _name("documents")
    listed = {"ProjectionType": "INCLUDE", "NonKeyAttributes": LISTED}
    keys = {"ProjectionType": "KEYS_ONLY"}
    boto3.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=_strings("document_id", "list_shard", "created_at", "source_shard", "pending"),
        KeySchema=[_key("document_id", "HASH")],
        GlobalSecondaryIndexes=[
            _index("by_created", "list_shard", "created_at", listed),
            _index("by_source", "source_shard", "document_id", keys),
            _index("pending", "pending", "document_id", keys),
        ],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    return name


def create_jobs_table() -> str:
    """The table's name."""
    name = _name("jobs")
    boto3.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=_strings("job_id", "list_shard", "created_at"),
        KeySchema=[_key("job_id", "HASH")],
        GlobalSecondaryIndexes=[_index("by_created", "list_shard", "created_at", {"ProjectionType": "ALL"})],
    )
    return name


def create_bucket() -> str:
    """The bucket's name."""
    name = _name("sources")
    boto3.client("s3").create_bucket(Bucket=name)
    return name


def create_queue() -> str:
    """The queue's url."""
    url: str = boto3.client("sqs").create_queue(QueueName=_name("work"))["QueueUrl"]
    return url
