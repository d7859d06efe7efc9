"""Our runtime for functions that stream, in a process of its own, on the local Runtime API."""

import asyncio
import textwrap
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from infra.local.streaming import Runtime, StreamFailed, Streams

CORE = Path(__file__).resolve().parents[2] / "layers" / "core"

HANDLER = """
import base64, os, time

class Body:
    def __init__(self, parts, lingers=0.0):
        self.parts, self.lingers, self.gone = parts, lingers, False
    def __iter__(self):
        for part in self.parts:
            if self.gone:
                return
            if part == b"RAISE":
                raise RuntimeError("a customer's words")
            yield part
            time.sleep(0.05)
    def leave(self):
        self.gone = True
    def close(self):
        self.gone = True
        time.sleep(self.lingers)

def handler(event, context):
    want = event["want"]
    if want == "raise":
        raise RuntimeError("a customer's words")
    if want == "nothing":
        return {"statusCode": 204, "headers": {"X-A": "b"}}
    if want == "binary":
        body = base64.b64encode(bytes(range(256))).decode()
        return {"statusCode": 200, "isBase64Encoded": True, "body": body}
    if want == "context":
        left = context.get_remaining_time_in_millis()
        told = [context.function_name, context.memory_limit_in_mb, 0 < left <= 30000]
        told += [context.invoked_function_arn, len(context.aws_request_id), os.getpid()]
        return {"statusCode": 200, "body": " ".join(map(str, told))}
    if want == "break":
        return {"statusCode": 200, "body": Body([b"a", b"RAISE", b"b"])}
    if want == "empty":
        return {"statusCode": 200, "body": Body([b"", b"a", b""])}
    return {"statusCode": 200, "headers": {"X-A": "b"}, "multiValueHeaders": {"X-C": ["d", "e"]},
            "body": Body([b"%d " % n for n in range(int(want))], event.get("lingers", 0.0))}
"""


def runtime(folder: Path, code: str = HANDLER, *, timeout: int = 30) -> Runtime:
    (folder / "app.py").write_text(textwrap.dedent(code), encoding="utf-8")
    return Runtime(
        name="streaming",
        code=folder,
        handler="app.handler",
        layers=(CORE,),
        environment={"AWS_LAMBDA_EXEC_WRAPPER": "/opt/stream"},
        timeout=timeout,
        memory=128,
        arn="arn:aws:lambda:us-east-1:000000000000:function:streaming",
    )


def running(
    of: Runtime, do: Callable[[Callable[..., AsyncIterator[Any]]], Coroutine[Any, Any, Any]]
) -> tuple[Any, list[str]]:
    """What `do` returns, and what the function logged."""
    log: list[str] = []

    async def run() -> Any:
        streams = Streams(lambda name, line: log.append(line))
        await streams.replace({"Streaming": of})
        try:
            return await do(lambda want, **more: streams.run("Streaming", {"want": want, **more}))
        finally:
            await streams.stop()

    return asyncio.run(run()), log


async def whole(parts: AsyncIterator[Any]) -> tuple[dict[str, Any], bytes]:
    prelude, *rest = [part async for part in parts]
    return prelude, b"".join(rest)


def test_answers_made_while_they_are_sent_and_answers_that_are_there_go_the_same_way(tmp_path: Path) -> None:
    async def ask(run: Callable[..., AsyncIterator[Any]]) -> list[tuple[dict[str, Any], bytes]]:
        return [await whole(run(want)) for want in ("3", "nothing", "binary", "empty", "context")]

    (made, nothing, binary, empty, context), _ = running(runtime(tmp_path), ask)

    headers = {"headers": {"X-A": "b"}, "multiValueHeaders": {"X-C": ["d", "e"]}}
    assert made == ({"statusCode": 200, **headers}, b"0 1 2 ")
    assert nothing == ({"statusCode": 204, "headers": {"X-A": "b"}}, b"")
    assert binary[1] == bytes(range(256))
    assert empty[1] == b"a"
    assert context[1].split()[:5] == [
        b"streaming",
        b"128",
        b"True",
        b"arn:aws:lambda:us-east-1:000000000000:function:streaming",
        b"36",
    ]


def test_a_function_that_raises_is_reported_without_its_words_and_answers_the_next(tmp_path: Path) -> None:
    async def ask(run: Callable[..., AsyncIterator[Any]]) -> list[Any]:
        said: list[Any] = []
        for want in ("raise", "break", "context", "context"):
            try:
                said.append(await whole(run(want)))
            except StreamFailed as failed:
                said.append(str(failed))
        return said

    (raised, broken, *after), log = running(runtime(tmp_path), ask)

    for failed in (raised, broken):
        assert "RuntimeError" in failed
        assert "customer" not in failed
    assert any("Traceback" in line for line in log)
    assert after[0][1].split()[-1] == after[1][1].split()[-1]


@pytest.mark.parametrize("code", ["import nothing_of_that_name", "x = 1"])
def test_a_function_that_cannot_be_loaded_fails_at_once(tmp_path: Path, code: str) -> None:
    async def ask(run: Callable[..., AsyncIterator[Any]]) -> str:
        with pytest.raises(StreamFailed) as caught:
            await whole(run("1"))
        return str(caught.value)

    failed, log = running(runtime(tmp_path, code, timeout=30), ask)

    assert failed
    assert any("Error" in line for line in log)


def test_who_leaves_ends_the_answer_and_the_process_goes_on_if_it_ends_in_time(tmp_path: Path) -> None:
    async def ask(run: Callable[..., AsyncIterator[Any]]) -> list[bytes]:
        pids = [(await whole(run("context")))[1].split()[-1]]
        for lingers in (0.0, 60.0):
            parts = run("500", lingers=lingers)
            seen = [await anext(parts), await anext(parts)]
            assert len(seen) == 2
            await parts.aclose()  # type: ignore[attr-defined]
            pids.append((await whole(run("context")))[1].split()[-1])
        return pids

    (first, after_quick, after_slow), _ = running(runtime(tmp_path), ask)

    assert after_quick == first
    assert after_slow != first


def test_a_function_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    async def ask(run: Callable[..., AsyncIterator[Any]]) -> str:
        with pytest.raises(StreamFailed) as caught:
            await whole(run("500"))
        return str(caught.value)

    failed, _ = running(runtime(tmp_path, timeout=1), ask)

    assert "timed out" in failed


def test_a_process_that_was_prepared_has_built_its_service_before_anybody_asks(tmp_path: Path) -> None:
    built = """
        import os
        from candor.edge.observability import observed

        PHASE = "init"
        built = []

        def handler(event, context):
            return {"statusCode": 200, "body": f"{built} {os.getpid()}"}

        def build():
            built.append(PHASE)
            print("built", os.getpid(), flush=True)

        handler = observed(handler, build=build)
        PHASE = "asked"
    """
    log: list[str] = []

    async def run() -> tuple[str, bytes]:
        streams = Streams(lambda name, line: log.append(line))
        await streams.replace({"Streaming": runtime(tmp_path, built)})
        try:
            await streams.prepare()
            await streams.prepare()
            while not any(line.startswith("built") for line in log):
                await asyncio.sleep(0.02)
            before = " ".join(log)
            return before, (await whole(streams.run("Streaming", {})))[1]
        finally:
            await streams.stop()

    before, answer = asyncio.run(run())

    assert answer.startswith(b"['init'] ")
    assert before == f"built {answer.split()[-1].decode()}"
