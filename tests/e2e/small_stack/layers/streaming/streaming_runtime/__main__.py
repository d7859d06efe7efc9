"""Streaming runtime: the least of a Lambda Runtime API client that sends its response in chunks."""

import base64
import http.client
import importlib
import json
import os
import sys

API = os.environ["AWS_LAMBDA_RUNTIME_API"]
BASE = "/2018-06-01/runtime"
HEADERS = {
    "Lambda-Runtime-Function-Response-Mode": "streaming",
    "Transfer-Encoding": "chunked",
    "Content-Type": "application/vnd.awslambda.http-integration-response",
    "Trailer": "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body",
}


def main() -> None:
    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    function = importlib.import_module(os.environ["_HANDLER"].split(".")[0])
    while True:
        asking = http.client.HTTPConnection(API)
        asking.request("GET", f"{BASE}/invocation/next")
        asked = asking.getresponse()
        event = json.loads(asked.read())
        answer(function, event, asked.headers["Lambda-Runtime-Aws-Request-Id"])


def answer(function: object, event: object, request_id: str) -> None:
    sending = http.client.HTTPConnection(API)
    sending.putrequest("POST", f"{BASE}/invocation/{request_id}/response")
    for name, value in HEADERS.items():
        sending.putheader(name, value)
    sending.endheaders()
    prelude = {"statusCode": 200, "headers": {"Content-Type": "text/event-stream"}}
    trailer = b""
    try:
        send(sending, json.dumps(prelude).encode() + b"\0" * 8)
        for part in function.stream(event):  # type: ignore[attr-defined]
            send(sending, part)
    except (BrokenPipeError, ConnectionError):
        return
    except RuntimeError as error:
        body = json.dumps({"errorType": "RuntimeError", "errorMessage": str(error)}).encode()
        trailer = b"Lambda-Runtime-Function-Error-Type: RuntimeError\r\n"
        trailer += b"Lambda-Runtime-Function-Error-Body: " + base64.b64encode(body) + b"\r\n"
    sending.send(b"0\r\n" + trailer + b"\r\n")
    sending.getresponse().read()


def send(sending: http.client.HTTPConnection, data: bytes) -> None:
    sending.send(b"%x\r\n%s\r\n" % (len(data), data))


main()
