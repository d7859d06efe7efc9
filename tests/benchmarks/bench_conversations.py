"""
Bench conversations: many who talk at once, and whether anything of it is lost, doubled or out of order.

    python -m tests.benchmarks.bench_conversations [--senders 24] [--conversations 200] [--turns 3]
                                                   [--url http://127.0.0.1:8000 --key …]

Twice: all senders in one conversation, and each conversation with a sender of its own. Without `--url` a
local stack of its own is started in a temporary folder, with the demo knowledge in it. Ends with 1 when a
message was lost, doubled, out of order, or not answered by exactly one answer.
"""

import argparse
import http.client
import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.e2e.running import RunningStack

QUESTIONS = Path("infra/local/demo/questions.jsonl")


@dataclass(kw_only=True)
class Client:
    """Keeps one connection for each thread."""

    url: str
    key: str
    _threads: threading.local = field(default_factory=threading.local)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        sent = {"X-API-Key": self.key, "Content-Type": "application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        said = None if body is None else json.dumps(body)
        for _ in range(2):
            connection = getattr(self._threads, "connection", None)
            if connection is None:
                connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=120)
                self._threads.connection = connection
            try:
                connection.request(method, path, said, sent)
                response = connection.getresponse()
                text = response.read()
            except (http.client.RemoteDisconnected, ConnectionError):
                # It had been idle for too long. Messages carry a key: twice is once.
                self._threads.connection = None
                continue
            return response.status, json.loads(text) if text else None
        raise ConnectionError(f"{self.url} does not answer")


@dataclass(frozen=True, kw_only=True)
class Sent:
    """One message, and what came back for it."""

    text: str
    status: int
    user_message_id: str
    answer_id: str
    took: float
    tries: int


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Conversations under load: nothing lost, doubled or disordered."
    )
    parser.add_argument("--senders", type=int, default=24, help="at once in one conversation (24)")
    parser.add_argument("--conversations", type=int, default=200, help="at once (200)")
    parser.add_argument(
        "--turns", type=int, default=3, help="messages of each sender, one after the other (3)"
    )
    parser.add_argument("--url", help="a running stack; without it one is started")
    parser.add_argument("--key", default="", help="its API key")
    options = parser.parse_args()

    with _stack(options.url, options.key) as client:
        one = _run(client, "one conversation", [_opened(client)] * options.senders, options.turns)
        with ThreadPoolExecutor(max_workers=8) as pool:
            talks = list(pool.map(lambda _: _opened(client), range(options.conversations)))
        many = _run(client, f"{len(talks)} conversations", talks, options.turns)
    sys.exit(1 if one or many else 0)


@contextmanager
def _stack(url: str | None, key: str) -> Iterator[Client]:
    if url:
        yield Client(url=url, key=key)
        return
    with tempfile.TemporaryDirectory() as folder:
        stack = RunningStack(Path(folder), DEMO="1", RATE_LIMIT_REQUESTS="0")
        stack.start()
        try:
            yield Client(url=stack.base_url, key=stack.credentials["API_KEY"])
        finally:
            stack.stop()


def _opened(client: Client) -> str:
    status, talk = client.call("POST", "/v1/conversations", {"source_type": "livechat", "source_id": "bench"})
    assert status == 200, talk
    return str(talk["id"])


def _run(client: Client, title: str, talks: Sequence[str], turns: int) -> int:
    """Everybody at once; how much was wrong afterwards."""
    questions = [json.loads(line)["question"] for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]
    ready = threading.Barrier(len(talks))

    def talk(sender: int) -> list[Sent]:
        ready.wait()
        said = [
            f"{questions[(sender * turns + turn) % len(questions)]} ({sender}.{turn})"
            for turn in range(turns)
        ]
        return [
            _send(client, talks[sender], text, key=f"{talks[sender]}-{sender}-{turn}")
            for turn, text in enumerate(said)
        ]

    began = time.perf_counter()
    with ThreadPoolExecutor(max_workers=len(talks)) as pool:
        results = list(pool.map(talk, range(len(talks))))
    lasted = time.perf_counter() - began
    took = sorted(sent.took for sender in results for sent in sender)
    answers = len({sent.answer_id for sender in results for sent in sender})
    tried = sum(sent.tries - 1 for sender in results for sent in sender)
    print(
        f"{title}: {len(talks)} senders, {len(took)} messages in {lasted:.1f} s, {answers} answers, "
        f"{tried} asked again; p50 {1000 * statistics.median(took):.0f} ms, "
        f"p95 {1000 * took[int(0.95 * (len(took) - 1))]:.0f} ms, slowest {1000 * took[-1]:.0f} ms"
    )
    wrong = _wrong(client, talks, results)
    for sentence in wrong[:10]:
        print(f"  WRONG: {sentence}")
    print(f"  lost, doubled, out of order or unanswered: {len(wrong)}")
    return len(wrong)


def _send(client: Client, talk: str, text: str, *, key: str) -> Sent:
    """Once, or again under the same key when the server asks for it."""
    began = time.perf_counter()
    path, tries = f"/v1/conversations/{talk}/messages", 0
    answer: Any = None
    status = 503
    while status in (409, 429, 503) and tries < 20:
        time.sleep(1 if tries else 0)
        status, answer = client.call("POST", path, {"content": text}, Idempotency_Key=key)
        tries += 1
    message = answer["message"] if status == 200 else {}
    return Sent(
        text=text,
        status=status,
        user_message_id=str(answer.get("user_message_id")),
        answer_id=str(message.get("message_id")),
        took=time.perf_counter() - began,
        tries=tries,
    )


def _wrong(client: Client, talks: Sequence[str], results: Sequence[Sequence[Sent]]) -> list[str]:
    wrong: list[str] = []
    for talk in dict.fromkeys(talks):
        messages = _messages(client, talk)
        place = {message["id"]: number for number, message in enumerate(messages)}
        if len(place) != len(messages):
            wrong.append(f"{talk}: an id stands there twice")
        times = [message["created_at"] for message in messages]
        if times != sorted(times):
            wrong.append(f"{talk}: not in order of time")
        own = [result for sender, result in enumerate(results) if talks[sender] == talk]
        sent = sorted(each.text for result in own for each in result)
        kept = sorted(message["content"] for message in messages if message["role"] == "user")
        wrong += [f"{talk}: lost or doubled: {text}" for text in set(sent) ^ set(kept)]
        if len(kept) != len(sent):
            wrong.append(f"{talk}: {len(sent)} sent, {len(kept)} kept")
        told = {message["id"] for message in messages if message["role"] == "assistant"}
        if told != {each.answer_id for result in own for each in result}:
            wrong.append(f"{talk}: answers that nobody was told, or told and not kept")
        for result in own:
            wrong += [f"{talk}: {each.status} for {each.text}" for each in result if each.status != 200]
            places = [place.get(each.user_message_id, -1) for each in result]
            if places != sorted(places) or -1 in places:
                wrong.append(f"{talk}: a sender's messages are out of order: {places}")
            wrong += [
                f"{talk}: answered before it was asked: {each.text}"
                for each, at in zip(result, places, strict=True)
                if place.get(each.answer_id, -1) < at
            ]
    return wrong


def _messages(client: Client, talk: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for page in range(1, 1_000):
        status, whole = client.call("GET", f"/v1/conversations/{talk}?page={page}&page_size=100")
        assert status == 200, whole
        found += whole["messages"]
        if len(found) >= whole["messages_total"]:
            break
    return found


if __name__ == "__main__":
    main()
