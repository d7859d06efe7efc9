"""How often a server is asked for one question, also by models that do not know it yet."""

from collections.abc import Iterator, Sequence

import pytest

from candor.adapters.openai_model import OpenAIModel
from candor.answering.policy import Policy
from candor.answering.values import Decision, Question, Turn
from tests.doubles.answering import Desk, said
from tests.doubles.loopback import Reply, Request
from tests.doubles.openai import Mode, OpenAIDouble, _error

SENTENCE = ("You can ask for a refund within 30 days of the first order.", [1])
QUESTION = "Within how many days can I ask for a refund of the first order?"
TALK = (Turn(role="user", content=QUESTION), Turn(role="assistant", content="Within 30 days."))


class Particular(OpenAIDouble):
    """Knows no structured output, no `temperature`, not the newer limit, and complains of one at a time."""

    def reply(self, request: Request) -> Reply:
        body = request.json()
        for name in ("response_format", "temperature", "max_completion_tokens"):
            if name in body and body[name] != {"type": "json_object"}:
                return _error(400, f"Unsupported parameter: {name}", "invalid_request_error")
        return super().reply(request)


@pytest.fixture
def server() -> Iterator[Particular]:
    with Particular() as double:
        double.says = lambda chat: said(SENTENCE)
        yield double


@pytest.fixture
def models(server: Particular) -> Iterator[Sequence[OpenAIModel]]:
    found = [
        OpenAIModel(model=name, api_key="k", base_url=server.base_url, prices={})
        for name in ("main", "fallback", "economy")
    ]
    yield found
    for each in found:
        each.close()


@pytest.mark.parametrize("mode", [Mode.OK, Mode.MALFORMED, Mode.LIMITED, Mode.EMPTY])
@pytest.mark.parametrize(
    "asked",
    [
        Question(text=QUESTION),
        Question(text="And how long does it take?", history=TALK),
        Question(text=f"{QUESTION} How do I open a port in the firewall?"),
    ],
    ids=["one", "follow-up", "several"],
)
def test_a_server_that_has_to_be_learnt_is_asked_no_more_than_twice_a_question(
    server: Particular, models: Sequence[OpenAIModel], asked: Question, mode: Mode
) -> None:
    main, fallback, economy = models
    desk = Desk(model=main, fallback=fallback, economy=economy, policy=Policy(routes_by_task=True))
    server.mode = mode

    counts = []
    for _ in range(5):
        before = len(server.requests)
        answer = desk.answering.answer(asked)
        counts.append(len(server.requests) - before)
        assert answer.debug["llm_calls"] == counts[-1]

    assert max(counts) <= 2
    assert answer.decision in (Decision.PASS, Decision.ESCALATE, Decision.ASK_USER)
