"""
Streaming: runs functions whose template event says `RESPONSE_STREAM`.

The embedded AWS routes and authorises such a request, and then posts its event to the front instead of to a
worker. Here the event goes to a process that speaks the Lambda Runtime API, as on AWS: the function's
AWS_LAMBDA_EXEC_WRAPPER is started with AWS_LAMBDA_RUNTIME_API set, asks for the next invocation and sends a
chunked response, which starts with a JSON prelude (`statusCode`, `headers`) and eight NULs.
"""

import asyncio
import base64
import contextlib
import json
import os
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_END_OF_PRELUDE = b"\0" * 8
_LINGER_SECONDS = 5.0
"""
How long a function may go on once its client has left: to keep what it has said so far, which takes a busy
machine a second.
"""

_IDLE_KEPT = 2
"""Processes of one function that wait for the next request; more are started when needed."""


Log = Callable[[str, str], None]
"""Takes a function's name and a line it wrote."""


class StreamFailed(Exception):
    """The function raised, ran out of time or died; the text is for the log."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Runtime:
    """What starts one function's processes."""

    name: str
    code: Path
    handler: str
    layers: tuple[Path, ...]
    environment: Mapping[str, str]
    timeout: int
    memory: int
    arn: str

    def command(self) -> list[str]:
        """
        The exec wrapper, found in the layer that `/opt` stands for, before the interpreter it is to replace.
        """
        interpreter = [
            sys.executable,
            "-u",
            "-c",
            "raise SystemExit('this function has no runtime that streams')",
        ]
        wrapper = self.environment.get("AWS_LAMBDA_EXEC_WRAPPER", "")
        for layer in self.layers:
            file = layer / wrapper.removeprefix("/opt/")
            if wrapper and file.is_file():
                return ["/bin/bash", str(file), *interpreter]
        return interpreter

    def variables(self, *, api: str) -> dict[str, str]:
        paths = [str(layer / "python" if (layer / "python").is_dir() else layer) for layer in self.layers]
        return {
            **os.environ,
            **self.environment,
            "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", ""))),
            "PYTHONPATH": os.pathsep.join(paths),
            "AWS_LAMBDA_RUNTIME_API": api,
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_FUNCTION_NAME": self.name,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.memory),
            "LAMBDA_TASK_ROOT": str(self.code),
            "_HANDLER": self.handler,
        }


class _Process:
    """One execution environment: a child process and the Runtime API it talks to."""

    def __init__(self, runtime: Runtime, log: Log) -> None:
        self._runtime = runtime
        self._log = log
        self._reading: asyncio.Task[None] | None = None
        self._events: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        self._output: asyncio.Queue[bytes | StreamFailed | None] = asyncio.Queue()
        self._server: asyncio.Server | None = None
        self._child: asyncio.subprocess.Process | None = None
        self._connections: set[asyncio.StreamWriter] = set()
        self._asks = asyncio.Event()
        """Set while it waits for the next invocation."""
        self._answering: asyncio.StreamWriter | None = None

    @property
    def alive(self) -> bool:
        return self._child is not None and self._child.returncode is None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self._child = await asyncio.create_subprocess_exec(
            *self._runtime.command(),
            env=self._runtime.variables(api=f"127.0.0.1:{port}"),
            cwd=self._runtime.code,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        self._reading = asyncio.create_task(self._read_log())

    async def _read_log(self) -> None:
        assert self._child is not None
        assert self._child.stdout is not None
        async for line in self._child.stdout:
            self._log(self._runtime.name, line.decode(errors="replace").rstrip())

    async def invoke(self, event: Any) -> AsyncIterator[bytes]:
        """The response as it comes. Raises `StreamFailed`."""
        assert self._child is not None
        self._output = asyncio.Queue()
        self._events.put_nowait((str(uuid.uuid4()), event))
        ends = time.monotonic() + self._runtime.timeout
        died = asyncio.ensure_future(self._child.wait())
        try:
            while True:
                part = asyncio.ensure_future(self._output.get())
                left = max(0.0, ends - time.monotonic())
                await asyncio.wait({part, died}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
                if not part.done():
                    part.cancel()
                    raise StreamFailed(
                        "the process ended" if died.done() else f"timed out ({self._runtime.timeout} s)"
                    )
                output = part.result()
                if output is None:
                    return
                if isinstance(output, StreamFailed):
                    raise output
                yield output
        finally:
            died.cancel()

    async def let_go(self) -> bool:
        """Take no more of the answer under way. Whether the process has put up with it in time."""
        if self._answering is not None:
            self._answering.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._asks.wait(), _LINGER_SECONDS)
        return self._asks.is_set()

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for connection in self._connections:
            connection.close()
        if self._child is not None and self._child.returncode is None:
            self._child.kill()
            await self._child.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        try:
            while True:
                await self._answer(reader, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # The child went away, or was sent away.
        finally:
            self._connections.discard(writer)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        path = first.split(" ")[1]
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if path.endswith("/invocation/next"):
            self._asks.set()
            request_id, event = await self._events.get()
            self._asks.clear()
            body = json.dumps(event).encode()
            deadline = int((time.time() + self._runtime.timeout) * 1000)
            writer.write(
                f"HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: {request_id}\r\n"
                f"Lambda-Runtime-Deadline-Ms: {deadline}\r\n"
                f"Lambda-Runtime-Invoked-Function-Arn: {self._runtime.arn}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
                + body
            )
            return
        if path.endswith("/response") and headers.get("transfer-encoding") == "chunked":
            self._answering = writer
            try:
                await self._take_chunks(reader)
            finally:
                self._answering = None
        else:
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            if path.endswith("/response"):
                self._output.put_nowait(body)
                self._output.put_nowait(None)
            else:
                self._output.put_nowait(StreamFailed(_message(body)))
        writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")

    async def _size_of_chunk(self, reader: asyncio.StreamReader) -> int:
        line = await reader.readline()
        if not line.endswith(b"\n"):
            raise ConnectionError("the answer ended in the middle")
        return int(line.split(b";")[0], 16)

    async def _take_chunks(self, reader: asyncio.StreamReader) -> None:
        while size := await self._size_of_chunk(reader):
            self._output.put_nowait(await reader.readexactly(size))
            await reader.readexactly(2)
        failed: StreamFailed | None = None
        while (line := await reader.readline()) not in (b"\r\n", b""):
            name, _, value = line.decode("latin-1").partition(":")
            if name.lower() == "lambda-runtime-function-error-body":
                failed = StreamFailed(_message(base64.b64decode(value.strip())))
            elif name.lower() == "lambda-runtime-function-error-type":
                failed = failed or StreamFailed(value.strip())
        self._output.put_nowait(failed)


class Streams:
    """The streaming functions, by logical id."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._runtimes: dict[str, Runtime] = {}
        self._idle: dict[str, list[_Process]] = {}
        self._all: set[_Process] = set()

    def __contains__(self, name: str) -> bool:
        return name in self._runtimes

    async def replace(self, runtimes: Mapping[str, Runtime]) -> None:
        """Use these from the next request on; processes of the old code end when they are idle."""
        self._runtimes = dict(runtimes)
        idle, self._idle = self._idle, {}
        for process in [process for processes in idle.values() for process in processes]:
            await self._end(process)

    async def prepare(self) -> None:
        """Start a process of each function that has none, so that the first request need not wait for it."""
        for name, runtime in self._runtimes.items():
            if self._idle.get(name):
                continue
            process = await self._started(runtime)
            if self._runtimes.get(name) is runtime:
                self._idle.setdefault(name, []).append(process)
            else:
                await self._end(process)

    async def run(self, name: str, event: Any) -> AsyncIterator[dict[str, Any] | bytes]:
        """First the prelude as a dict, then the body in pieces. Raises `StreamFailed`."""
        runtime = self._runtimes[name]
        process = await self._take(name, runtime)
        buffered, prelude_seen, whole = b"", False, False
        try:
            async for part in process.invoke(event):
                if prelude_seen:
                    yield part
                    continue
                buffered += part
                head, marker, rest = buffered.partition(_END_OF_PRELUDE)
                if marker:
                    prelude_seen = True
                    yield json.loads(head)
                    if rest:
                        yield rest
            if not prelude_seen:
                raise StreamFailed("the function sent no prelude")
            whole = True
        finally:
            # A client that left in the middle leaves the function something to keep, and then it goes on.
            whole = whole or await process.let_go()
            if whole and self._runtimes.get(name) is runtime and len(self._idle.get(name, ())) < _IDLE_KEPT:
                self._idle.setdefault(name, []).append(process)
            else:
                await self._end(process)

    async def stop(self) -> None:
        for process in list(self._all):
            await self._end(process)

    async def _take(self, name: str, runtime: Runtime) -> _Process:
        while self._idle.get(name):
            process = self._idle[name].pop()
            if process.alive:
                return process
            await self._end(process)
        return await self._started(runtime)

    async def _started(self, runtime: Runtime) -> _Process:
        process = _Process(runtime, self._log)
        self._all.add(process)
        await process.start()
        return process

    async def _end(self, process: _Process) -> None:
        self._all.discard(process)
        await process.stop()


def _message(body: bytes) -> str:
    try:
        error = json.loads(body)
        return f"{error.get('errorType', 'Error')}: {error.get('errorMessage', '')}"
    except (ValueError, AttributeError):
        return body[:300].decode(errors="replace")
