"""Hooks: what a start does once the stack is up, through the same doors as anybody else."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from infra.local.api import Api, ApiRefused
from infra.local.aws import Clients

ADMIN_ROUTE = ("POST", "/v1/admin/users")

_BATCH = 10
"""Messages of one SendMessageBatch."""


def create_first_admin(base_url: str, credentials: Mapping[str, str]) -> bool:
    """
    Make the first admin over the API, with the key of this state folder.

    True when it was made; False when it was there already. Raises `OSError` when the API refuses or does not
    answer.
    """
    user = {
        "username": credentials["ADMIN_USERNAME"],
        "password": credentials["ADMIN_PASSWORD"],
        "role": "admin",
    }
    try:
        Api(base_url, credentials).post(ADMIN_ROUTE[1], user, admin=True)
    except ApiRefused as error:
        if error.status == 409:
            return False
        raise
    return True


def after_restart(endpoint: str, outputs: Mapping[str, str]) -> Mapping[str, int]:
    """
    Queue what a kill left undone, and say how much.

    The table's stream does not outlive the process: a row that was still on its way to the index queue is
    found by being pending. An object whose notification was cut off is found by having no job since it was
    written. Both consumers take a message twice without harm, so a doubt is settled by queueing.
    """
    clients = Clients(endpoint)
    done = {"documents": 0, "files": 0}
    if {"DocumentsTable", "IndexQueueUrl"} <= outputs.keys():
        ids = _pending(clients("dynamodb"), outputs["DocumentsTable"])
        bodies = [json.dumps({"document_id": document_id}) for document_id in ids]
        done["documents"] = _send(clients("sqs"), outputs["IndexQueueUrl"], bodies)
    if "ExportQueueUrl" in outputs:
        # The word about a change may have been lost with the stream; one export more costs little.
        wanted = [{"changed_at": ""}, {"kind": "reconcile_tickets"}]
        _send(clients("sqs"), outputs["ExportQueueUrl"], [json.dumps(each) for each in wanted])
    if {"SourceBucket", "SourceQueueUrl", "JobsTable"} <= outputs.keys():
        unread = list(_unread(clients, outputs["SourceBucket"], outputs["JobsTable"]))
        done["files"] = _send(
            clients("sqs"), outputs["SourceQueueUrl"], [_notification(*file) for file in unread]
        )
    return done


def beat(endpoint: str, outputs: Mapping[str, str]) -> bool:
    """
    Let the schedules be put in order now instead of at their next heartbeat.

    On AWS the first heartbeat comes with the deploy; the emulator's comes when its time is up, and it forgets
    with each stop when that was.
    """
    if "KeepTimeFunction" not in outputs:
        return False
    payload = json.dumps({"heartbeat": True}).encode()
    Clients(endpoint)("lambda").invoke(
        FunctionName=outputs["KeepTimeFunction"], InvocationType="Event", Payload=payload
    )
    return True


def _pending(dynamodb: Any, table: str) -> list[str]:
    """Ids in the sparse index: only rows that wait are in it, so a scan of it is short."""
    pages = dynamodb.get_paginator("scan").paginate(
        TableName=table, IndexName="pending", ProjectionExpression="document_id"
    )
    try:
        return [item["document_id"]["S"] for page in pages for item in page["Items"]]
    except ClientError as error:
        if "ValidationException" in str(error):
            return []  # A template without that index has nothing to wait.
        raise


def _unread(clients: Clients, bucket: str, jobs: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Objects under source/ that no job has taken up since they were written."""
    taken: dict[str, str] = {}
    names = {"#subject": "subject", "#created": "created_at"}
    scan = clients("dynamodb").get_paginator("scan")
    for page in scan.paginate(
        TableName=jobs, ProjectionExpression="#subject, #created", ExpressionAttributeNames=names
    ):
        for item in page["Items"]:
            subject = item.get("subject", {}).get("S", "").removeprefix("source/")
            taken[subject] = max(taken.get(subject, ""), item.get("created_at", {}).get("S", ""))
    for page in clients("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="source/"):
        for found in page.get("Contents", ()):
            key = found["Key"]
            # S3 keeps whole seconds; a job made in the same second was made after the object.
            if (
                not key.endswith("/")
                and taken.get(key.removeprefix("source/"), "") < found["LastModified"].isoformat()
            ):
                yield bucket, found


def _notification(bucket: str, found: Mapping[str, Any]) -> str:
    """The message S3 itself would have sent."""
    record = {
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "s3": {
            "bucket": {"name": bucket},
            "object": {"key": found["Key"], "size": found["Size"], "eTag": found["ETag"].strip('"')},
        },
    }
    return json.dumps({"Records": [record]})


def _send(sqs: Any, queue: str, bodies: list[str]) -> int:
    for start in range(0, len(bodies), _BATCH):
        batch = bodies[start : start + _BATCH]
        entries = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(batch)]
        failed = sqs.send_message_batch(QueueUrl=queue, Entries=entries).get("Failed")
        if failed:
            raise OSError(f"the queue refused {len(failed)} messages: {failed[0].get('Message')}")
    return len(bodies)
