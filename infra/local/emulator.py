"""
Emulator: ministack in this process, its memory on disk.

It serves the AWS API on one port. What it acknowledges has been journaled first, whoever asked: workers are
processes that speak HTTP to the same port.
"""

import asyncio
import json
import os
import re
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

from infra.local.aws import ACCOUNT, REGION
from infra.local.durability import Durability
from infra.local.privates import Privates
from infra.local.serving import Application, Listener, Message, Receive, Scope, Send, answer_lifespan

_READS = (
    "Get",
    "List",
    "Describe",
    "BatchGet",
    "Query",
    "Scan",
    "Receive",
    "Lookup",
    "Search",
    "Test",
    "Select",
)
_NOT_KEPT = ("Encrypt", "Decrypt", "ReEncrypt", "GenerateDataKey", "Sign", "Verify", "Publish", "PutEvents")
"""Requests that change nothing worth keeping."""

_ROWS = ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems", "ExecuteStatement",
         "ExecuteTransaction", "BatchExecuteStatement")  # fmt: skip
_MESSAGES = ("SendMessage", "SendMessageBatch", "DeleteMessage", "DeleteMessageBatch", "PurgeQueue",
             "ChangeMessageVisibility", "ChangeMessageVisibilityBatch")  # fmt: skip
"""Requests whose outcome the journal takes by itself."""

_NOT_PASSED_ON = (
    "AWS_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "PYTHONDONTWRITEBYTECODE",
)
"""Variables of a developer's shell that would lead workers to another account, or make them slow."""

_STATE_OF = {"events": "eventbridge"}
"""Where a service's name in a signature is not ministack's."""

_CREDENTIAL = re.compile(rb"Credential=[^/]*/[^/]*/[^/]*/([^/]*)/aws4_request")


def set_environment(state: Path, *, port: int, auth: bool) -> None:
    """What ministack and its workers read. It must be set before ministack is imported."""
    scratch = state / "tmp"
    # Neither it nor its workers ever clean up after themselves.
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    for name in _NOT_PASSED_ON:
        os.environ.pop(name, None)
    os.environ.update(
        GATEWAY_PORT=str(port),
        BIND_HOST="127.0.0.1",
        MINISTACK_HOST="127.0.0.1",
        SFTP_ENABLED="0",
        IOT_MTLS_ENABLED="0",
        AUTH="true" if auth else "false",
        PERSIST_STATE="1",
        STATE_DIR=str(state / "aws"),
        S3_PERSIST="1",
        S3_DATA_DIR=str(state / "s3"),
        TMPDIR=str(scratch),
        LAMBDA_WARM_TTL_SECONDS="900",
        LOG_LEVEL="WARNING",
        AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}",
        AWS_ACCESS_KEY_ID=ACCOUNT,
        AWS_SECRET_ACCESS_KEY="test",  # noqa: S106 - the emulator takes any.
        AWS_REGION=REGION,
        AWS_DEFAULT_REGION=REGION,
        POWERTOOLS_TRACE_DISABLED="1",
        AWS_SAM_LOCAL="true",
        PYTHONUNBUFFERED="1",
    )


class Emulator:
    """The embedded AWS of one state folder."""

    def __init__(self, state: Path, listener: Listener, *, auth: bool) -> None:
        set_environment(state, port=listener.port, auth=auth)
        self._listener = listener
        self.privates = Privates()
        self._durability = Durability(state, self.privates, port=listener.port)
        self._ministack = _Lifespan(self.privates.application)
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.replayed = 0

    async def start(self) -> bool:
        """Load, replay, listen. True when there was something to load: a restart."""
        folder = self._durability.prepare()
        self.privates.load_from(folder)
        self.privates.hold_poller()
        await self._ministack.start()
        self.privates.loaded()
        self.replayed = self._durability.replay()
        self._durability.watch()
        self.privates.track_deliveries()
        self.privates.return_batches_of_the_dead()
        self.privates.let_go_of_delivered_changes()
        self.privates.read_policies_once()
        self.privates.release_poller()
        self._tasks = [
            asyncio.create_task(self._listener.serve(self.application, self._stop)),
            asyncio.create_task(self._durability.keep()),
        ]
        return folder is not None

    async def checkpoint(self) -> None:
        await self._durability.checkpoint()

    async def stop(self, *, save: bool = True) -> None:
        """End the workers, save everything unless told not to, close the port."""
        self._stop.set()
        server, keeper = self._tasks
        keeper.cancel()
        await asyncio.to_thread(self.privates.stop_workers)
        await asyncio.gather(server, keeper, return_exceptions=True)
        if save and self._durability.whole:
            await self._durability.checkpoint(final=True)
        self._durability.close()
        await self._ministack.stop()

    async def application(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ministack's application; no reply of it starts before what it tells is on disk."""
        if scope["type"] == "lifespan":
            await answer_lifespan(receive, send)
            return
        if scope["type"] != "http":
            await self.privates.application(scope, receive, send)
            return
        service, operation = _asked(scope)

        async def when_durable(message: Message) -> None:
            if message["type"] == "http.response.start":
                if message["status"] < 400:
                    await self._note(scope, service, operation)
                await self._durability.commit()
            await send(message)

        await self.privates.application(scope, receive, when_durable)

    async def _note(self, scope: Scope, service: str, operation: str) -> None:
        if scope["method"] in ("GET", "HEAD", "OPTIONS") or scope["path"].startswith("/_"):
            return
        if service == "s3" or not service:
            await self._durability.deliveries()
            # An object lies on disk by itself, or is gone from there; what is said about a bucket does not.
            if is_bucket_setting(scope):
                await self._durability.configured()
        elif operation in _ROWS or operation in _MESSAGES or operation.startswith((*_READS, *_NOT_KEPT)):
            return
        elif service in ("dynamodb", "sqs"):
            await self._durability.configured()
        elif not scope["path"].endswith("/invocations") and service not in (
            "logs",
            "monitoring",
            "sts",
            "execute-api",
        ):
            self._durability.service_changed(_STATE_OF.get(service, service))


class _Lifespan:
    """Drives an ASGI application's start and stop by hand, so that ours can come between."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._to: asyncio.Queue[Message] = asyncio.Queue()
        self._from: asyncio.Queue[Message] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        run: Callable[..., Awaitable[None]] = self._application
        self._task = asyncio.ensure_future(run({"type": "lifespan"}, self._to.get, self._from.put))
        await self._ask("startup")

    async def stop(self) -> None:
        await self._ask("shutdown")
        if self._task is not None:
            await self._task

    async def _ask(self, what: str) -> None:
        await self._to.put({"type": f"lifespan.{what}"})
        answer = await self._from.get()
        if answer["type"] != f"lifespan.{what}.complete":
            raise RuntimeError(f"ministack did not finish its {what}: {json.dumps(answer, default=str)}")


def is_bucket_setting(scope: Scope) -> bool:
    """Whether a request to S3 is about a bucket itself: `POST /bucket?delete` removes objects, and is not."""
    path = scope["path"].strip("/")
    names = scope["query_string"].decode("latin-1").partition("&")[0].partition("=")[0]
    return path != "" and "/" not in path and names != "delete"


def _asked(scope: Scope) -> tuple[str, str]:
    """The service a request was signed for, and the operation its header names."""
    service, operation = "", ""
    for name, value in scope["headers"]:
        if name == b"authorization" and (found := _CREDENTIAL.search(value)):
            service = found[1].decode()
        elif name == b"x-amz-target":
            operation = value.decode().rsplit(".", 1)[-1]
    return service, operation
