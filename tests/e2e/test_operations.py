"""What the stack counts: exact after a kill, and the same by dashboard, to Prometheus and by answer."""

import json
import time
import urllib.error
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from tests.doubles.numbers import Samples, read_metrics, sample
from tests.doubles.openai import OpenAIDouble
from tests.e2e.running import Reply, RunningStack
from tests.waiting import one_day, until

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

PAGE = {
    "url": "https://counted.example/quokkas",
    "title": "Quokka insurance",
    "raw_text": "A quokka is insured for 12 days. The insurance of a quokka costs €77.00, paid by card.",
}
QUESTIONS = (
    "For how many days is a quokka insured?",
    "What does the insurance of a quokka cost?",
    "How deep is the Mariana Trench?",
    "hello",
)


@dataclass
class Told:
    """What was asked, and what was answered, in that order: between the two lies what a kill may cost."""

    sent: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)

    def ask(self, what: str, call: Callable[[], Reply]) -> Reply | None:
        self.sent[what] += 1
        try:
            reply = call()
        except (OSError, urllib.error.URLError, HTTPException):
            return None  # The stack was killed meanwhile.
        if reply.status != 200:
            return None
        self.done[what] += 1
        decided = reply.json.get("decision") or reply.json.get("message", {}).get("decision")
        if decided:
            self.done[decided] += 1
        return reply


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Iterator[RunningStack]:
    """A stack of its own: nobody else's requests are in its numbers."""
    running = RunningStack(
        tmp_path_factory.mktemp("counted"), MODEL_CACHE=str(model_cache), RATE_LIMIT_REQUESTS="0"
    )
    running.start()
    document = running.api("POST", "/v1/documents", PAGE).json["id"]
    until(lambda: running.api("GET", f"/v1/documents/{document}").json["status"] == "indexed")
    yield running
    running.kill()


@pytest.fixture(scope="module")
def told(counted: RunningStack) -> Told:
    """Two hundred mixed requests, and the stack killed in the middle of them, once at rest and once not."""
    told = Told()
    mixed(counted, told, range(60), at_once=3)
    counted.kill()
    counted.start()
    with ThreadPoolExecutor(1) as beside:
        working = beside.submit(mixed, counted, told, range(60, 130), at_once=3)
        until(lambda: sum(told.done.values()) > 130 or working.done(), seconds=240)
        counted.kill()
        working.result()
    counted.start()
    mixed(counted, told, range(130, 200), at_once=3)
    return told


def mixed(stack: RunningStack, told: Told, numbers: range, *, at_once: int) -> None:
    def one(number: int) -> None:
        question = QUESTIONS[number % len(QUESTIONS)]
        match number % 5:
            case 0 | 1:
                told.ask("reply", lambda: stack.api("POST", "/v1/reply/generate", {"query": question}))
            case 2:
                told.ask("reply", lambda: stack.api("POST", "/api/v1/query", {"query": question}))
            case 3:
                opened = {"source_type": "livechat", "source_id": str(number)}
                talk = told.ask("talk", lambda: stack.api("POST", "/v1/conversations", opened))
                if talk is not None:
                    path = f"/v1/conversations/{talk.json['id']}/messages"
                    told.ask("message", lambda: stack.api("POST", path, {"content": question}))
            case _:
                stack_is_there(lambda: stack.api("GET", "/v1/documents"))

    with ThreadPoolExecutor(at_once) as threads:
        list(threads.map(one, numbers))


def stack_is_there(call: Callable[[], Reply]) -> None:
    try:
        call()
    except (OSError, HTTPException):
        return


def stats(stack: RunningStack) -> dict[str, Any]:
    found: dict[str, Any] = stack.admin("GET", "/v1/dashboard/stats?window=7d").json
    return found


def metrics(stack: RunningStack) -> Samples:
    return read_metrics(stack.admin("GET", "/v1/metrics").body.decode())


def test_every_answer_that_was_told_is_counted_once(counted: RunningStack, told: Told) -> None:
    shown, at_once = stats(counted), 3

    answers, sent = shown["metrics"]["answers"], told.sent["reply"] + told.sent["message"]
    done = told.done["reply"] + told.done["message"]
    assert done >= 100
    # What was under way when the stack was killed may have been counted, and its answer never told.
    assert done <= answers <= done + at_once <= sent + at_once
    assert sum(shown["decisions"].values()) == answers
    for decision, count in shown["decisions"].items():
        assert told.done[decision] <= count <= told.done[decision] + at_once
    assert told.done["talk"] <= shown["conversations"] <= told.done["talk"] + at_once
    said = 2 * told.done["message"]
    assert said <= shown["messages"] <= said + 2 * at_once


def test_the_answers_that_were_kept_are_those_that_were_counted(counted: RunningStack, told: Told) -> None:
    days = [point["at"][:10] for point in stats(counted)["series"] if point["answers"]]
    kept = sum(counted.admin("GET", f"/v1/admin/answers?day={day}").json["total"] for day in days)

    # An answer is kept, then counted: of those a kill met in between one more is kept than counted.
    assert stats(counted)["metrics"]["answers"] <= kept <= stats(counted)["metrics"]["answers"] + 3


def test_prometheus_and_the_dashboard_say_the_same(counted: RunningStack, told: Told) -> None:
    found, shown = metrics(counted), stats(counted)

    assert sample(found, "answers_total") == shown["metrics"]["answers"]
    for decision, count in shown["decisions"].items():
        assert sample(found, "decisions_total", decision=decision) == count
    assert sample(found, "conversations_total") == shown["conversations"]
    assert sample(found, "answer_duration_seconds_count") == shown["metrics"]["answers"]
    assert shown["latency_ms"]["p95"] >= shown["latency_ms"]["p50"] > 0
    assert 0 < shown["retrieval_hit_rate"] < 1
    assert sample(found, "queue_messages", queue="index", state="waiting") == 0
    route = {"function": "replies", "method": "POST", "route": "/v1/reply/generate"}
    assert 0 < sample(found, "requests_total", **route, status="2xx") <= told.sent["reply"] + 3
    assert {part: sample(found, "scrape_failures", part=part) for part in ("queues", "jobs", "alerts")} == {
        "queues": 0, "jobs": 0, "alerts": 0
    }  # fmt: skip


def test_a_replay_counts_for_nothing_and_finds_what_changed(counted: RunningStack, told: Told) -> None:
    one_day(seconds=60)
    trace = "counted-replay-1"
    counted.api("POST", "/v1/reply/generate", {"query": QUESTIONS[1]}, X_Trace_Id=trace)
    [answer] = [
        item for item in counted.admin("GET", "/v1/admin/answers").json["items"] if item["trace_id"] == trace
    ]
    path, before = f"/v1/admin/answers/{answer['id']}", stats(counted)["metrics"]["answers"]

    same = counted.admin("POST", f"{path}/replay").json
    changed = {**PAGE, "raw_text": PAGE["raw_text"].replace("€77.00", "€88.00")}
    document = counted.api("POST", "/v1/documents", changed).json["id"]
    until(lambda: counted.api("GET", f"/v1/documents/{document}").json["status"] == "indexed")
    other = counted.admin("POST", f"{path}/replay").json
    [since] = counted.admin("GET", path).json["since"]

    assert same["changed"] == []
    assert {"text", "citations", "evidence"} <= set(other["changed"])
    assert "77.00" in other["then"]["answer"]
    assert "88.00" in other["now"]["answer"]
    assert (since["version_then"], since["version_now"], since["changed"]) == (1, 2, True)
    assert stats(counted)["metrics"]["answers"] == before
    assert counted.admin("GET", f"/v1/admin/answers/{other['now']['id']}").status == 404
    counted.admin("DELETE", f"/v1/documents/{document}")
    [since] = counted.admin("GET", path).json["since"]
    assert since["deleted"] is True


def test_health_looks_at_every_table_and_queue(counted: RunningStack) -> None:
    well = {
        "status": "healthy",
        "version": counted.call("GET", "/v1/health").json["version"],
        "checks": dict.fromkeys(("dynamodb", "s3", "queues", "search", "vectors", "model"), "ok"),
    }

    # A part that takes longer than it is waited for, on a busy machine, is well a moment later.
    until(lambda: counted.call("GET", "/v1/health").json == well)


@pytest.fixture
def paying(tmp_path: Path, model_cache: Path) -> Iterator[tuple[RunningStack, OpenAIDouble]]:
    """A stack whose answers a model writes, for tokens that are counted."""
    with OpenAIDouble() as openai:
        openai.says = lambda chat: json.dumps(
            {
                "sentences": [{"text": "A quokka is insured for 12 days.", "passages": [1]}],
                "decision": "PASS",
                "question_back": "",
                "missing": "",
            }
        )
        running = RunningStack(
            tmp_path / "paying",
            MODEL_CACHE=str(model_cache),
            RATE_LIMIT_REQUESTS="0",
            OPENAI_API_KEY="sk-paying-0123456789",
            OPENAI_BASE_URL=openai.base_url,
            LLM_MODEL="gpt-5-mini",
            LLM_MODEL_ECONOMY="gpt-5-nano",
        )
        running.start()
        document = running.api("POST", "/v1/documents", PAGE).json["id"]
        until(
            lambda: running.api("GET", f"/v1/documents/{document}").json["status"] == "indexed", seconds=120
        )
        yield running, openai
        running.kill()


def test_a_days_tokens_go_from_the_model_to_the_economy_to_quotes(
    paying: tuple[RunningStack, OpenAIDouble],
) -> None:
    stack, openai = paying
    one_day(seconds=240)

    def ask() -> dict[str, Any]:
        debug: dict[str, Any] = stack.admin("POST", "/v1/reply/generate", {"query": QUESTIONS[0]}).json[
            "debug"
        ]
        return debug

    first = ask()
    each = sum(first["llm_tokens"].values())
    assert (first["model"], first["llm_calls"]) == ("gpt-5-mini", 1)
    assert each > 0
    assert first["cost_usd"] > 0

    stack.admin("PUT", "/v1/admin/config/limits", {"llm_tokens_per_day": 10 * each, "llm_economy_share": 0.5})
    time.sleep(5.5)  # Until every function knows: asking meanwhile would spend the whole day's tokens.
    until(lambda: ask()["model"] == "gpt-5-nano")
    assert [alert["id"] for alert in stats(stack)["alerts"]] == ["llm-budget-economy"]
    with ThreadPoolExecutor(24) as threads:
        list(threads.map(lambda _: ask(), range(24)))
    last = ask()

    assert (last["model"], last["llm_calls"]) == ("extractive", 0)
    [alert] = stats(stack)["alerts"]
    assert (alert["id"], alert["times"]) == ("llm-budget-used-up", 1)
    found, calls = metrics(stack), len(openai.chats)
    assert sample(found, "llm_calls_total", model="gpt-5-mini") >= 1
    assert calls == sum(sample(found, "llm_calls_total", model=name) for name in ("gpt-5-mini", "gpt-5-nano"))
    assert 10 * each <= sample(found, "llm_tokens_today") <= (10 + 24) * each
    assert sample(found, "llm_tokens_today") == sum(stats(stack)["tokens"].values())
    assert (stats(stack)["cost_unknown"], stats(stack)["token_cost_usd"] > 0) == (False, True)

    stack.admin("PUT", "/v1/admin/config/limits", {"llm_tokens_per_day": 0})
    until(lambda: ask()["model"] == "gpt-5-mini")
    until(lambda: ask() and stats(stack)["alerts"] == [])
