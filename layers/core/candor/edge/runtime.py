"""
Runtime: a client of the Lambda Runtime API that sends an answer while it is being made.

Lambda's own runtime for Python sends answers whole. A function that streams is started by the wrapper
`layers/core/stream` (AWS_LAMBDA_EXEC_WRAPPER), which puts this in its place; one runtime serves AWS and one's
own machine. What is sent is what API Gateway's RESPONSE_STREAM reads: a JSON prelude with status and headers,
eight NULs, the body in chunks. An answer that is there as a whole goes the same way.
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming
"""

import base64
import http.client
import importlib
import json
import os
import select
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final, Protocol

_VERSION: Final = "/2018-06-01/runtime"
_END_OF_PRELUDE: Final = b"\0" * 8
_STREAMING: Final = {
    "Lambda-Runtime-Function-Response-Mode": "streaming",
    "Transfer-Encoding": "chunked",
    "Content-Type": "application/vnd.awslambda.http-integration-response",
    "Trailer": "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body",
}

Handler = Callable[[dict[str, Any], "Context"], Mapping[str, Any]]


class Body(Protocol):
    """An answer that is being made."""

    def __iter__(self) -> Iterator[bytes]: ...

    def leave(self) -> None:
        """Nobody reads any more. From any thread, at any time."""
        ...

    def close(self) -> None:
        """The same, and wait until nothing is done for it any more."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """What a handler may know of its invocation."""

    aws_request_id: str
    invoked_function_arn: str
    deadline_ms: int
    function_name: str
    function_version: str
    memory_limit_in_mb: str

    def get_remaining_time_in_millis(self) -> int:
        return max(0, self.deadline_ms - int(time.time() * 1000))


class RuntimeApi:
    """What Lambda asks of a runtime: fetch an invocation, answer it, fetch the next."""

    def __init__(self, address: str) -> None:
        self._address = address

    def next(self) -> tuple[dict[str, Any], Mapping[str, str]]:
        """The next event, whenever it comes, and what is said about it in headers."""
        asking = http.client.HTTPConnection(self._address)
        asking.request("GET", f"{_VERSION}/invocation/next")
        answer = asking.getresponse()
        event = json.loads(answer.read())
        asking.close()
        return event, dict(answer.headers)

    def cannot_start(self, error: BaseException) -> None:
        self._post("/init/error", _told(error), {"Lambda-Runtime-Function-Error-Type": _kind(error)})

    def failed(self, request_id: str, error: BaseException) -> None:
        """In place of an answer."""
        headers = {"Lambda-Runtime-Function-Error-Type": _kind(error)}
        self._post(f"/invocation/{request_id}/error", _told(error), headers)

    def answer(self, request_id: str) -> "Sending":
        """Begin to answer."""
        connection = http.client.HTTPConnection(self._address)
        connection.putrequest("POST", f"{_VERSION}/invocation/{request_id}/response")
        for name, value in _STREAMING.items():
            connection.putheader(name, value)
        connection.endheaders()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return Sending(connection)

    def _post(self, path: str, body: bytes, headers: Mapping[str, str]) -> None:
        connection = http.client.HTTPConnection(self._address)
        connection.request("POST", _VERSION + path, body, {"Content-Type": "application/json", **headers})
        connection.getresponse().read()
        connection.close()


class Sending:
    """An answer on its way, chunk by chunk. Methods raise `OSError` when nobody takes it any more."""

    def __init__(self, connection: http.client.HTTPConnection) -> None:
        self._connection = connection

    def send(self, data: bytes) -> None:
        if data:  # An empty chunk would be the last one.
            self._connection.send(b"%x\r\n%s\r\n" % (len(data), data))

    def end(self, error: BaseException | None = None) -> None:
        trailer = b""
        if error is not None:
            trailer = b"Lambda-Runtime-Function-Error-Type: %s\r\n" % _kind(error).encode()
            trailer += b"Lambda-Runtime-Function-Error-Body: %s\r\n" % base64.b64encode(_told(error))
        self._connection.send(b"0\r\n" + trailer + b"\r\n")
        self._connection.getresponse().read()

    def close(self) -> None:
        self._connection.close()

    def watch(self, gone: Callable[[], None]) -> Callable[[], None]:
        """
        Call `gone` once the other side has closed. Returns what ends the watch.

        Nothing is said there before the answer has ended, so whatever can be read is the end. Without it a
        reader who has left would be noticed at the next word only, and a model may be silent for long.
        """
        other_side = self._connection.sock
        wake, ended = socket.socketpair()

        def look() -> None:
            with wake:
                readable, _, _ = select.select([other_side, wake], [], [])
                if wake not in readable:
                    gone()

        thread = threading.Thread(target=look, name="watch", daemon=True)
        thread.start()

        def end() -> None:
            ended.close()
            thread.join()

        return end


def serve_one(api: RuntimeApi, handler: Handler) -> None:
    """Fetch an invocation and answer it."""
    event, said = api.next()
    request_id = said["Lambda-Runtime-Aws-Request-Id"]
    if trace_id := said.get("Lambda-Runtime-Trace-Id"):
        os.environ["_X_AMZN_TRACE_ID"] = trace_id
    try:
        result = handler(event, _context(request_id, said))
        prelude, body = _parts(result)
    except Exception as error:  # noqa: BLE001 - whatever it is, Lambda is told, and this process goes on
        traceback.print_exc()
        api.failed(request_id, error)
        return
    try:
        with closing(api.answer(request_id)) as sending:
            sending.send(prelude)
            sending.end(_send(sending, body))
    except (OSError, http.client.HTTPException):
        pass  # Whoever asked has left: that is no failure of ours, and the next one waits.
    finally:
        if not isinstance(body, bytes):
            body.close()


def _send(sending: Sending, body: Body | bytes) -> Exception | None:
    """Send all of it, or what there is until it fails, which is returned: the status has been sent before."""
    if isinstance(body, bytes):
        sending.send(body)
        return None
    end_watch = sending.watch(body.leave)
    try:
        for part in body:
            sending.send(part)
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001 - Lambda is told at the end of the answer
        traceback.print_exc()
        return error
    finally:
        end_watch()
    return None


def _parts(result: Mapping[str, Any]) -> tuple[bytes, Body | bytes]:
    """The prelude and the body of what a handler returned."""
    names = ("statusCode", "headers", "multiValueHeaders", "cookies")
    prelude = json.dumps({name: result[name] for name in names if result.get(name)}).encode()
    body = result.get("body") or ""
    if isinstance(body, str):
        body = base64.b64decode(body) if result.get("isBase64Encoded") else body.encode()
    return prelude + _END_OF_PRELUDE, body


def _context(request_id: str, said: Mapping[str, str]) -> Context:
    return Context(
        aws_request_id=request_id,
        invoked_function_arn=said.get("Lambda-Runtime-Invoked-Function-Arn", ""),
        deadline_ms=int(said.get("Lambda-Runtime-Deadline-Ms", 0)),
        function_name=os.environ.get("AWS_LAMBDA_FUNCTION_NAME", ""),
        function_version=os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        memory_limit_in_mb=os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", ""),
    )


def _told(error: BaseException) -> bytes:
    """What Lambda logs and hands to whoever invoked it by hand: no message, it may quote a customer."""
    return json.dumps({"errorType": _kind(error), "errorMessage": "See the log.", "stackTrace": []}).encode()


def _kind(error: BaseException) -> str:
    return type(error).__name__


def main() -> None:
    """Serve for ever the handler that `_HANDLER` names."""
    api = RuntimeApi(os.environ["AWS_LAMBDA_RUNTIME_API"])
    try:
        sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
        module, _, name = os.environ["_HANDLER"].rpartition(".")
        handler: Handler = getattr(importlib.import_module(module.replace("/", ".")), name)
    except BaseException as error:
        api.cannot_start(error)
        raise
    while True:
        serve_one(api, handler)


if __name__ == "__main__":
    main()
