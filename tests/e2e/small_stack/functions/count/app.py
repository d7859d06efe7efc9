"""Count: adds to a row and sends a message; mirrors a request; fails when told to."""

import json
import os
import sys
from typing import Any

import boto3

WORD = "first"


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    sys.stderr.write(json.dumps({"level": "INFO", "message": "called", "method": event["httpMethod"]}) + "\n")
    if event["path"] == "/fail":
        raise RuntimeError("told to fail")
    if not event.get("pathParameters"):
        size = int((event.get("queryStringParameters") or {}).get("size", 0))
        return answer({"method": event["httpMethod"], "word": WORD, "filler": "x" * size})
    key = {"name": {"S": event["pathParameters"]["name"]}}
    table = boto3.client("dynamodb")
    if event["httpMethod"] == "POST":
        row = table.update_item(
            TableName=os.environ["TABLE"],
            Key=key,
            UpdateExpression="ADD n :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
            ReturnValues="ALL_NEW",
        )["Attributes"]
        boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE_URL"], MessageBody=row["n"]["N"])
    else:
        row = table.get_item(TableName=os.environ["TABLE"], Key=key, ConsistentRead=True).get("Item")
    return answer({"n": int(row["n"]["N"]) if row else 0})


def answer(body: dict[str, Any]) -> dict[str, Any]:
    return {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": json.dumps(body)}
