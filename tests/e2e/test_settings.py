"""What an operator tunes, on the running stack: one function is told, every other one follows."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from candor.config.service import SEEN_AFTER_SECONDS
from tests.doubles.openai import Chat, OpenAIDouble
from tests.e2e.running import RunningStack
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

C = "/v1/admin/config"
WITHIN = SEEN_AFTER_SECONDS + 1
"""The promise, and a moment for two clocks to meet."""

PAGE = {
    "url": "https://lab.example/kiln",
    "title": "Kiln hours",
    "raw_text": "## Kiln hours\nThe kiln in the workshop fires at 1,240 degrees on Tuesdays and Fridays. "
    "A piece must dry for ten days before it is fired. Members book the kiln two weeks ahead.",
}
QUESTION = "How many days must a piece dry before it is fired in the kiln?"
SENTENCE = "A piece must dry for ten days before it is fired."


def says(chat: Chat) -> str:
    sentences = [{"text": SENTENCE, "passages": [1]}]
    return json.dumps({"sentences": sentences, "decision": "PASS", "question_back": "", "missing": ""})


@pytest.fixture(scope="module")
def running(
    tmp_path_factory: pytest.TempPathFactory, model_cache: Path, model: OpenAIDouble
) -> Iterator[RunningStack]:
    """A stack of its own: what is tuned here would change the others' journeys."""
    host = model.base_url.removeprefix("http://").removesuffix("/v1")
    running = RunningStack(
        tmp_path_factory.mktemp("tuned"),
        MODEL_CACHE=str(model_cache),
        FETCH_ALLOWED_ORIGINS=host,
        APP_NAME="Workshop",
        RATE_LIMIT_REQUESTS="0",
    )
    model.says = says
    running.start()
    made = running.admin("POST", "/v1/documents", PAGE).json
    until(lambda: running.api("GET", f"/v1/documents/{made['id']}").json["status"] == "indexed")
    yield running
    running.stop()


def put(running: RunningStack, path: str, body: dict[str, Any]) -> dict[str, Any]:
    reply = running.admin("PUT", f"{C}/{path}", body)
    assert reply.status == 200, reply.body
    answer: dict[str, Any] = reply.json
    return answer


def asked(running: RunningStack, *, admin: bool = False) -> dict[str, Any]:
    call = running.admin if admin else running.api
    reply = call("POST", "/v1/reply/generate", {"query": QUESTION})
    assert reply.status == 200, reply.body
    answer: dict[str, Any] = reply.json
    return answer


def followed(true: Callable[[], bool]) -> None:
    until(true, seconds=WITHIN)


def test_a_name_that_is_changed_is_everybodys_within_five_seconds(running: RunningStack) -> None:
    def named() -> tuple[str, str, str]:
        health = running.call("GET", "/health").json["service"]
        source = running.api("POST", "/api/v1/query", {"query": QUESTION}).json["source"]
        return health, source, running.call("GET", "/openapi.json").json["info"]["title"]

    assert named() == ("Workshop API", "Workshop Assistant", "Workshop API")

    put(running, "app_name", {"value": "Ada"})

    followed(lambda: named() == ("Ada API", "Ada Assistant", "Ada API"))
    put(running, "app_name", {"value": ""})
    followed(lambda: named()[0] == "Workshop API")


def test_a_model_that_is_named_writes_the_next_answers(running: RunningStack, model: OpenAIDouble) -> None:
    assert asked(running, admin=True)["debug"]["model"] == "extractive"
    secret, words = "sk-of-the-double-0001", "You are the kiln keeper.\n- Never say 'oven'."
    running.unspeakable |= {secret}

    shown = put(running, "llm", {"llm_base_url": model.base_url, "llm_model": "one", "llm_api_key": secret})
    put(running, "system-prompt", {"value": words})

    assert (shown["llm_api_key"], shown["writes"]) == ("…0001", ["one"])
    followed(lambda: asked(running, admin=True)["debug"]["model"] == "one")
    until(lambda: (asked(running), "kiln keeper" in model.chats[-1].of("system"))[1], seconds=WITHIN)
    chat = model.chats[-1]
    assert (chat.api_key, chat.model) == (secret, "one")
    assert words in chat.of("system")
    assert "support team" in chat.of("system")
    for answer in (asked(running), asked(running, admin=True)):
        assert SENTENCE in answer["answer"]
        assert "kiln keeper" not in json.dumps(answer)
        assert secret not in json.dumps(answer)

    put(running, "archi", {"writes_with_model": False})
    followed(lambda: asked(running, admin=True)["debug"]["model"] == "extractive")
    running.admin("POST", f"{C}/rollback", {"version": 0})


def test_limits_follow_and_are_lifted_again(running: RunningStack) -> None:
    def status() -> int:
        return running.api("GET", "/v1/documents").status

    assert {status() for _ in range(5)} == {200}

    put(running, "limits", {"rate_limit_requests": 2})

    # Three at each look: a function that knows by now refuses the third, however few there were before.
    followed(lambda: 429 in {status() for _ in range(3)})
    assert running.admin("GET", "/v1/documents").status == 200
    put(running, "limits", {"rate_limit_requests": ""})
    followed(lambda: status() == 200)


def test_changes_of_two_sections_at_once_are_both_there(running: RunningStack) -> None:
    before = running.admin("GET", C).json["version"]
    changes = [("brand", "greeting"), ("prompts", "custom_prompt_rules"), ("limits", "llm_tokens_per_day")]

    def change(name: str) -> None:
        for value in ("1", "2", "3", "4"):
            # Whoever meets the others too often is asked to try again.
            while (status := running.admin("PUT", f"{C}/{name}", {"value": value}).status) != 200:
                assert status == 409

    with ThreadPoolExecutor(len(changes)) as pool:
        list(pool.map(change, [name for _, name in changes]))

    whole = running.admin("GET", C).json
    assert [str(whole[section][name]) for section, name in changes] == ["4", "4", "4"]
    assert whole["version"] == before + 12
    assert running.admin("POST", f"{C}/rollback", {"version": before}).status == 200


def test_what_is_tuned_outlives_a_kill(running: RunningStack) -> None:
    put(running, "greeting", {"value": "Good day."})
    before = running.admin("GET", C).json

    running.kill()
    running.start()

    assert running.admin("GET", C).json == before
