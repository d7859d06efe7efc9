"""
Bench stream: when a streamed answer is there, beside when the model had written it.

    python -m tests.benchmarks.bench_stream [--requests 40] [--pause 0.02]

A local stack of its own answers from the demo knowledge, with a model that writes a piece every `--pause`
seconds. "Added" is what stands between the model and the reader: the search and all else before the model is
asked, and then the reading, verifying and sending of its first sentence. Answers that are not given, because
the evidence is too weak for any, are a row of their own: of those nothing of the model's is ever shown, and
what is measured is when the reader is told so.
"""

import argparse
import json
import re
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from candor.answering.hearing import Hearing
from tests.doubles.answering import said
from tests.doubles.openai import Chat, OpenAIDouble
from tests.e2e.running import RunningStack
from tests.e2e.test_streaming import Client
from tests.waiting import until

QUESTIONS = Path("infra/local/demo/questions.jsonl")


def main() -> None:
    parser = argparse.ArgumentParser(description="When the first words of a streamed answer are there.")
    parser.add_argument("--requests", type=int, default=40, help="answers (40)")
    parser.add_argument("--pause", type=float, default=0.02, help="seconds before each of the model's pieces")
    options = parser.parse_args()

    lines = QUESTIONS.read_text(encoding="utf-8").splitlines()
    questions = [str(json.loads(line)["question"]) for line in lines]
    with tempfile.TemporaryDirectory() as folder, OpenAIDouble() as model:
        model.says = _first_passage
        stack = RunningStack(
            Path(folder),
            DEMO="1",
            RATE_LIMIT_REQUESTS="0",
            OPENAI_API_KEY="sk-bench-0123456789",
            OPENAI_BASE_URL=model.base_url,
            LLM_MODEL="double",
        )
        stack.start()
        try:
            client = Client(stack)
            for question in questions[:4]:
                client.send(client.open(), question)
            model.pause = options.pause
            _row(client, model, (questions * options.requests)[: options.requests])
        finally:
            stack.stop()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Heard:
    """One answer that the model was asked for, in seconds since its question was sent."""

    given: bool
    taken_back: bool
    first_byte: float
    model_asked: float
    written: float
    """The model's first sentence."""
    ended: float
    """The model's last word."""
    shown: float


def _row(client: Client, model: OpenAIDouble, questions: list[str]) -> None:
    told = [each for question in questions if (each := _ask(client, model, question)) is not None]
    given = [each for each in told if each.given]
    refused = [each for each in told if not each.given]
    early = sum(each.shown < each.ended for each in given)
    print(f"{len(questions)} questions, the model was asked for {len(told)} answers: {len(given)} were given")
    print(f"{'':56} {'p50 ms':>8} {'p95 ms':>8}")
    for name, times in (
        ("asked until the first byte of the stream", [each.first_byte for each in told]),
        ("asked until the model is asked", [each.model_asked for each in told]),
        ("given: first sentence written until it is shown", [each.shown - each.written for each in given]),
        (
            "given: added in all to the model's own first sentence",
            [each.model_asked + each.shown - each.written for each in given],
        ),
        (
            "not given: first sentence written until this is told",
            [each.shown - each.written for each in refused],
        ),
    ):
        if len(times) > 1:
            cuts = statistics.quantiles(times, n=20, method="inclusive")
            print(f"{name:56} {1000 * cuts[9]:8.1f} {1000 * cuts[18]:8.1f}")
    print(f"given and shown before the model had ended: {early} of {len(given)}")
    print(f"shown and taken back: {sum(each.taken_back for each in told)} of {len(told)}")


def _ask(client: Client, model: OpenAIDouble, question: str) -> _Heard | None:
    """None where no sentence of the model's was waited for."""
    model.begun, model.ended, model.written = [], [], []
    talk = client.open()
    asked = time.monotonic()
    heard = client.send(talk, question)
    kinds = [kind for kind, _ in heard.events]
    written = _first_sentence(model)
    if written is None or "content" not in kinds:
        return None
    until(lambda: model.ended, seconds=5)  # Of an answer cut short the server learns at its next word.
    return _Heard(
        given=heard.done["decision"] == "PASS",
        taken_back=_took_back(heard.events),
        first_byte=heard.lines[0][0] - asked,
        model_asked=model.begun[0] - asked,
        written=written - asked,
        ended=model.ended[0] - asked,
        shown=heard.first("content") - asked,
    )


def _took_back(events: Sequence[tuple[str, Any]]) -> bool:
    """Whether words that stood there do no longer. Under a heading, with several questions, they do."""
    shown = ""
    for kind, data in events:
        if kind == "replace" and shown not in data:
            return True
        shown = data if kind == "replace" else shown + data if kind == "content" else shown
    return False


def _first_sentence(model: OpenAIDouble) -> float | None:
    """When the model had written a whole one."""
    hearing = Hearing(passages=8)
    for at, event in model.written:
        data = event.removeprefix(b"data: ").strip()
        choices = json.loads(data)["choices"] if data != b"[DONE]" else []
        if choices and hearing.hear(choices[0]["delta"].get("content") or ""):
            return at
    return None


def _first_passage(chat: Chat) -> str:
    """The sentences of the first passage, so that there is something to go on writing."""
    shown = re.search(r'<passage number="1"[^>]*>\n.*?\n(.*?)\n</passage>', chat.text, re.S)
    text = shown[1] if shown else ""
    sentences = [each.strip() for each in re.split(r"(?<=[.!?])\s+|\n+", text) if len(each.split()) > 3]
    return said(*[(each, [1]) for each in sentences[:8]])


if __name__ == "__main__":
    main()
