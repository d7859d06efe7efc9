"""
Bench stream: when the first words of a streamed answer are there, beside when the model had written them.

    python -m tests.benchmarks.bench_stream [--requests 40] [--pause 0.02]

A local stack of its own answers from the demo knowledge, with a model that writes a piece every `--pause`
seconds. "Added" is what stands between the model and the reader: the search and all else before the model is
asked, and then the reading, verifying and sending of its first sentence.
"""

import argparse
import json
import re
import statistics
import tempfile
import time
from pathlib import Path

from candor.answering.hearing import Hearing
from tests.doubles.answering import said
from tests.doubles.openai import Chat, OpenAIDouble
from tests.e2e.running import RunningStack
from tests.e2e.test_streaming import Client

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


def _row(client: Client, model: OpenAIDouble, questions: list[str]) -> None:
    before: list[float] = []
    after: list[float] = []
    early = 0
    for question in questions:
        model.begun, model.ended, model.written = [], [], []
        talk = client.open()
        asked = time.monotonic()
        heard = client.send(talk, question)
        contents = [at for at, line in heard.lines if '"type":"content"' in line]
        written = _first_sentence(model)
        if not contents or written is None or contents[0] > model.ended[0] + 0.5:
            continue  # Nothing was told while it was written: an answer out of the evidence, or none.
        before.append(1000 * (model.begun[0] - asked))
        after.append(1000 * (contents[0] - written))
        early += contents[0] < model.ended[0]
    print(f"{len(questions)} questions, {len(after)} answered by the model as it wrote")
    print(f"{'':44} {'p50 ms':>8} {'p95 ms':>8}")
    for name, times in (
        ("asked until the model is asked", before),
        ("first sentence written until it is shown", after),
        ("added in all", [one + other for one, other in zip(before, after, strict=True)]),
    ):
        cuts = statistics.quantiles(times, n=20)
        print(f"{name:44} {cuts[9]:8.1f} {cuts[18]:8.1f}")
    print(f"shown before the model had ended: {early} of {len(after)}")


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
