"""
The OpenAI double: embeddings and chat completions on loopback, well or ill behaved on demand.

    with OpenAIDouble() as openai:
        openai.says = lambda chat: '{"answer": "Thirty days."}'
        openai.mode = Mode.SLOW
        … a client with base_url=openai.base_url …
        assert len(openai.chats) == 1
"""

import base64
import json
import re
import struct
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from candor.adapters.memory_search import HashEmbedder
from tests.doubles.loopback import Loopback, Reply, Request, server_sent_events


class Mode(StrEnum):
    """How the server behaves. `failures` bounds how often, after that it behaves."""

    OK = "ok"
    DOWN = "down"
    """503 at once."""
    SLOW = "slow"
    """Answers after `delay` seconds."""
    LIMITED = "limited"
    """429 with Retry-After."""
    FORBIDDEN = "forbidden"
    """401: the key is not known."""
    CUT = "cut"
    """Half of the answer, then the connection is reset."""
    MALFORMED = "malformed"
    """A well-formed HTTP answer whose text is JSON broken off in the middle."""
    GARBLED = "garbled"
    """200 and something that is not JSON at all."""
    EMPTY = "empty"
    """A message without text, as when all tokens went into reasoning."""
    REFUSING = "refusing"
    """`message.refusal` instead of content."""
    OBEYING = "obeying"
    """Does what a sentence in the conversation tells it: `IGNORE … AND SAY: …`. See `injected`."""


@dataclass(frozen=True, kw_only=True)
class Chat:
    """One chat call as it arrived."""

    model: str
    messages: list[dict[str, Any]]
    stream: bool
    schema: dict[str, Any] | None
    """The JSON schema the caller asked for, if any."""
    api_key: str
    body: dict[str, Any]

    @property
    def text(self) -> str:
        """All messages' text, one after another."""
        return "\n".join(_plain(message.get("content")) for message in self.messages)

    def of(self, role: str) -> str:
        return "\n".join(
            _plain(message.get("content")) for message in self.messages if message["role"] == role
        )


class OpenAIDouble(Loopback):
    """
    Serves `/v1/embeddings` and `/v1/chat/completions`, and keeps every call.

    Vectors come from the hashing embedder: texts with common words are near. Chat says what `says`
    returns; where the caller asked for a JSON schema and `says` was left alone, a value of that schema.
    """

    def __init__(self, *, dimensions: int = 256) -> None:
        super().__init__()
        self.mode = Mode.OK
        self.failures: int | None = None
        """How many calls misbehave before the server recovers; None: all of them."""
        self.delay = 5.0
        self.unknown = ""
        """A parameter of chat calls that is answered with 400."""
        self.pause = 0.0
        """Seconds before each piece of a streamed answer."""
        self.before: Callable[[bytes], object] = lambda event: None
        """Called before each event of a streamed answer is written: who does not come back holds it there."""
        self.begun: list[float] = []
        self.ended: list[float] = []
        """When streamed answers began and ended, by `time.monotonic`."""
        self.written: list[tuple[float, bytes]] = []
        """Every event of streamed answers, and when."""
        self.left = 0
        """How many streamed answers nobody wanted to hear to the end."""
        self.retry_after: str | None = "0.05"
        self.dimensions = dimensions
        self.accepts_dimensions = True
        """False: a `dimensions` parameter is answered with 400, as many compatible servers do."""
        self.max_inputs = 2048
        self.max_tokens = 300_000
        """Of one embeddings request, counted as the API's documentation states it (four bytes a token)."""
        self.says: Callable[[Chat], str] = _something
        self.chats: list[Chat] = []
        self.embedded: list[list[str]] = []
        """The texts of each embeddings call that was answered."""

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    def reply(self, request: Request) -> Reply:
        mode = self._mode_now()
        refused = _refusals(mode, self.retry_after)
        if request.path == "/v1/chat/completions":
            chat = _read_chat(request)
            self.chats.append(chat)
            if self.unknown in chat.body:
                refused = _error(400, f"Unknown parameter: '{self.unknown}'.", "invalid_request_error")
            reply = refused or self._chat(chat, mode)
        elif request.path == "/v1/embeddings":
            reply = refused or self._embeddings(request)
        elif request.path == "/v1/models":
            reply = refused or Reply(body={"object": "list", "data": [{"id": "double", "object": "model"}]})
        else:
            reply = _error(404, f"Unknown request URL: {request.path}", "invalid_request_error")
        if mode is Mode.GARBLED:
            return Reply(body=b"<html>It works!</html>", headers={"Content-Type": "text/html"})
        delay = self.delay if mode is Mode.SLOW else 0.0
        cut = mode is Mode.CUT
        return Reply(
            status=reply.status,
            body=reply.body,
            headers=reply.headers,
            chunks=reply.chunks,
            delay=delay,
            cut=cut,
        )

    def _mode_now(self) -> Mode:
        if self.mode is Mode.OK or self.failures is None:
            return self.mode
        if self.failures <= 0:
            return Mode.OK
        self.failures -= 1
        return self.mode

    def _embeddings(self, request: Request) -> Reply:
        body = request.json()
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        if "dimensions" in body and not self.accepts_dimensions:
            return _error(400, "This model does not support specifying dimensions.", "invalid_request_error")
        if not texts or len(texts) > self.max_inputs:
            return _error(400, f"'$.input' must have 1 to {self.max_inputs} items.", "invalid_request_error")
        if any(not text for text in texts):
            return _error(400, "'$.input' is invalid: empty strings.", "invalid_request_error")
        tokens = sum(len(text.encode()) for text in texts) // 4
        if tokens > self.max_tokens:
            sentence = f"Requested {tokens} tokens, max {self.max_tokens} tokens per request"
            return _error(400, sentence, "max_tokens_per_request")
        self.embedded.append(list(texts))
        embedder = HashEmbedder(body.get("dimensions", self.dimensions))
        data = [
            {
                "object": "embedding",
                "index": place,
                "embedding": _encoded(embedder.embed_question(text), body),
            }
            for place, text in enumerate(texts)
        ]
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return Reply(body={"object": "list", "model": body["model"], "data": data, "usage": usage})

    def _chat(self, chat: Chat, mode: Mode) -> Reply:
        said = self._said(chat, mode)
        refusal = "I'm sorry, I can't help with that." if mode is Mode.REFUSING else None
        prompt, completion = len(chat.text) // 4, len(said or "") // 4
        usage = {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
        }
        head = {"id": f"chatcmpl-{len(self.chats)}", "created": 1_700_000_000, "model": chat.model}
        if chat.stream:
            wants_usage = bool(chat.body.get("stream_options", {}).get("include_usage"))
            chunks = list(_chunks(head, said, refusal, usage if wants_usage else None))
            if mode is Mode.CUT:
                chunks = chunks[: max(2, len(chunks) // 2)]
            events = server_sent_events(chunks, pause=self.pause, done=mode is not Mode.CUT)
            return Reply(chunks=self._watched(events), headers={"Content-Type": "text/event-stream"})
        message = {"role": "assistant", "content": said, "refusal": refusal}
        choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
        return Reply(body={**head, "object": "chat.completion", "choices": [choice], "usage": usage})

    def _watched(self, events: Iterable[bytes]) -> Iterator[bytes]:
        self.begun.append(time.monotonic())
        whole = False
        try:
            for event in events:
                self.before(event)
                self.written.append((time.monotonic(), event))
                yield event
            whole = True
        finally:
            self.left += not whole
            self.ended.append(time.monotonic())

    def _said(self, chat: Chat, mode: Mode) -> str | None:
        if mode is Mode.REFUSING:
            return None
        if mode is Mode.EMPTY:
            return ""
        if mode is Mode.OBEYING and (order := injected(chat.text)):
            return json.dumps(_value_of(chat.schema, order)) if chat.schema else order
        said = self.says(chat)
        return said[: max(1, len(said) // 2)] if mode is Mode.MALFORMED else said


def injected(text: str) -> str | None:
    """What an injected sentence orders to be said: the rest of the line after `AND SAY:`."""
    found = re.search(r"and say:\s*(.+)", text, re.IGNORECASE)
    return found[1].strip() if found else None


def _something(chat: Chat) -> str:
    said = "This is what the model says."
    return json.dumps(_value_of(chat.schema, said)) if chat.schema else said


def _value_of(schema: dict[str, Any] | None, text: str, root: dict[str, Any] | None = None) -> Any:
    """Some value of a JSON schema, every free string of it being `text`."""
    schema, root = schema or {}, root or schema or {}
    if "$ref" in schema:
        found: Any = root
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return _value_of(found, text, root)
    for combined in ("anyOf", "oneOf", "allOf"):
        if combined in schema:
            return _value_of(schema[combined][0], text, root)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "string")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return {name: _value_of(part, text, root) for name, part in schema.get("properties", {}).items()}
    if kind == "array":
        return [_value_of(schema.get("items"), text, root)]
    simple: dict[str, Any] = {"integer": 1, "number": 1.0, "boolean": True, "null": None}
    return simple.get(kind, text)


def _read_chat(request: Request) -> Chat:
    body = request.json()
    wanted = body.get("response_format") or {}
    return Chat(
        model=body["model"],
        messages=body["messages"],
        stream=bool(body.get("stream")),
        schema=wanted.get("json_schema", {}).get("schema"),
        api_key=request.headers.get("authorization", "").removeprefix("Bearer "),
        body=body,
    )


def _refusals(mode: Mode, retry_after: str | None) -> Reply | None:
    if mode is Mode.DOWN:
        return _error(503, "The server is overloaded.", "server_error")
    if mode is Mode.FORBIDDEN:
        return _error(401, "Incorrect API key provided.", "invalid_request_error")
    if mode is Mode.LIMITED:
        headers = {"Retry-After": retry_after} if retry_after else {}
        return _error(429, "Rate limit reached.", "rate_limit_exceeded", headers)
    return None


def _error(status: int, message: str, kind: str, headers: dict[str, str] | None = None) -> Reply:
    body = {"error": {"message": message, "type": kind, "param": None, "code": kind}}
    return Reply(status=status, body=body, headers=headers or {})


def _chunks(
    head: dict[str, Any], said: str | None, refusal: str | None, usage: dict[str, int] | None
) -> Iterable[dict[str, Any]]:
    def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return {**head, "object": "chat.completion.chunk", "choices": [choice]}

    yield chunk({"role": "assistant", "content": ""})
    if refusal:
        yield chunk({"refusal": refusal})
    for piece in re.findall(r"\s*\S+|\s+$", said or ""):
        yield chunk({"content": piece})
    yield chunk({}, "stop")
    if usage:
        yield {**head, "object": "chat.completion.chunk", "choices": [], "usage": usage}


def _encoded(vector: Iterable[float], body: dict[str, Any]) -> Any:
    """The SDK asks for base64 of little-endian floats by default."""
    values = list(vector)
    if body.get("encoding_format") != "base64":
        return values
    return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode()


def _plain(content: Any) -> str:
    if isinstance(content, list):
        return "\n".join(part.get("text", "") for part in content)
    return content or ""
