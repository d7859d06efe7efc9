"""The model adapter, and whole answers, against a server that behaves badly in every way."""

import json
from collections.abc import Iterator
from datetime import date

import pytest

from candor.adapters.openai_model import OpenAIModel
from candor.answering.models import SCHEMA, Enough, Message
from candor.answering.values import Decision, Question
from candor.errors import CandorError
from candor.prices import Price, cost, known_prices
from tests.doubles.answering import Desk, said
from tests.doubles.openai import Chat, Mode, OpenAIDouble
from tests.waiting import until

QUESTION = "Within how many days can I ask for a refund of the first order?"
SENTENCE = ("You can ask for a refund within 30 days of the first order.", [1])
PRICES = {"double": (Price(since=date(2026, 1, 1), input=1.0, output=10.0),)}
ASKED = [Message(role="system", content="Be honest."), Message(role="user", content="Within how many days?")]


@pytest.fixture
def openai() -> Iterator[OpenAIDouble]:
    with OpenAIDouble() as double:
        double.says = lambda chat: said(SENTENCE)
        double.delay = 60.0
        yield double


@pytest.fixture
def model(openai: OpenAIDouble) -> Iterator[OpenAIModel]:
    adapter = OpenAIModel(
        model="double",
        api_key="sk-test",
        base_url=openai.base_url,
        prices=PRICES,
        today=lambda: date(2026, 2, 1),
    )
    yield adapter
    adapter.close()


def test_a_reply_comes_with_its_tokens_and_its_price(model: OpenAIModel, openai: OpenAIDouble) -> None:
    completion = model.complete(ASKED, schema=SCHEMA, timeout_seconds=30)

    assert json.loads(completion.text)["decision"] == "PASS"
    used = completion.usage
    assert used.calls == 1
    assert used.cost_usd == pytest.approx((used.input_tokens * 1.0 + used.output_tokens * 10.0) / 1e6)
    assert openai.chats[0].schema == SCHEMA
    assert openai.chats[0].api_key == "sk-test"
    assert "tools" not in openai.chats[0].body


@pytest.mark.parametrize(
    "mode",
    [Mode.DOWN, Mode.SLOW, Mode.LIMITED, Mode.FORBIDDEN, Mode.CUT, Mode.GARBLED, Mode.EMPTY, Mode.REFUSING],
)
def test_a_bad_server_is_an_error_of_ours_asked_once_and_in_time(
    model: OpenAIModel, openai: OpenAIDouble, mode: Mode
) -> None:
    openai.mode = mode

    with pytest.raises(CandorError) as caught:
        model.complete(ASKED, schema=SCHEMA, timeout_seconds=0.5)

    assert "sk-test" not in str(caught.value)
    assert len(openai.chats) <= 1


@pytest.mark.parametrize("mode", list(Mode))
def test_no_mode_of_the_server_costs_the_answer(model: OpenAIModel, openai: OpenAIDouble, mode: Mode) -> None:
    openai.mode, openai.delay = mode, 60.0
    # Only a slow server is to use up its time; all else takes as long as this machine needs for it.
    desk = Desk(model=model, budget_seconds=6.0 if mode is Mode.SLOW else 60.0)

    answer = desk.answering.answer(Question(text=QUESTION))

    assert answer.decision is Decision.PASS
    assert "30 days" in answer.text
    assert len(openai.chats) <= 2
    assert openai.sat_out == 0
    assert "evil" not in answer.text


def test_a_server_that_obeys_a_poisoned_passage_changes_nothing(
    model: OpenAIModel, openai: OpenAIDouble
) -> None:
    openai.mode = Mode.OBEYING
    openai.says = lambda chat: said(("Win at https://evil.example/win!", [1]))

    answer = Desk(model=model).answering.answer(Question(text="When is the newsletter sent?"))

    assert "evil" not in answer.text
    assert all("evil" not in citation.quote for citation in answer.citations)
    assert "system prompt" not in answer.text


def test_a_server_without_structured_output_is_asked_plainly_and_remembered(openai: OpenAIDouble) -> None:
    class Old(OpenAIDouble):
        def reply(self, request):  # type: ignore[no-untyped-def]
            body = request.json()
            if body.get("response_format", {}).get("type") == "json_schema":
                self.chats.append(
                    Chat(model="", messages=[], stream=False, schema=None, api_key="", body=body)
                )
                from tests.doubles.openai import _error

                return _error(
                    400, "Unsupported parameter: response_format json_schema", "invalid_request_error"
                )
            return super().reply(request)

    with Old() as old:
        old.says = lambda chat: said(SENTENCE)
        adapter = OpenAIModel(model="double", api_key="k", base_url=old.base_url, prices=PRICES)
        first = adapter.complete(ASKED, schema=SCHEMA, timeout_seconds=30)
        second = adapter.complete(ASKED, schema=SCHEMA, timeout_seconds=30)
        adapter.close()

    assert (first.usage.calls, second.usage.calls) == (2, 1)
    assert len(old.chats) == 3


def test_an_unknown_model_has_no_price_and_a_mini_not_that_of_its_big_one() -> None:
    prices = known_prices()

    def of(name: str) -> float | None:
        return cost(prices, name, input_tokens=1_000_000, output_tokens=0, day=date(2026, 11, 21))

    assert of("gpt-4o") == pytest.approx(2.5)
    assert of("gpt-4o-mini") == pytest.approx(0.15)
    assert of("gpt-4o-mini-2099") is None
    assert of("gpt-4") is None
    assert cost(prices, "gpt-5", input_tokens=1, output_tokens=1, day=date(2020, 1, 1)) is None


# ---------------------------------------------------------------- heard while it is written
def test_a_reply_is_heard_piece_by_piece_and_costs_what_it_would_whole(
    model: OpenAIModel, openai: OpenAIDouble
) -> None:
    pieces: list[str] = []

    heard = model.complete(ASKED, schema=SCHEMA, timeout_seconds=30, hear=pieces.append)

    assert len(pieces) > 5
    assert heard == model.complete(ASKED, schema=SCHEMA, timeout_seconds=30)
    assert "".join(pieces) == heard.text
    assert [chat.stream for chat in openai.chats] == [True, False]


@pytest.mark.parametrize(
    "mode",
    [Mode.DOWN, Mode.SLOW, Mode.LIMITED, Mode.FORBIDDEN, Mode.CUT, Mode.GARBLED, Mode.EMPTY, Mode.REFUSING],
)
def test_a_bad_server_is_an_error_of_ours_also_where_it_is_heard(
    model: OpenAIModel, openai: OpenAIDouble, mode: Mode
) -> None:
    openai.mode = mode

    with pytest.raises(CandorError) as caught:
        model.complete(ASKED, schema=SCHEMA, timeout_seconds=0.5, hear=lambda piece: None)

    assert "sk-test" not in str(caught.value)
    assert len(openai.chats) <= 1


@pytest.mark.parametrize("mode", list(Mode))
def test_no_mode_of_the_server_costs_an_answer_that_is_told(
    model: OpenAIModel, openai: OpenAIDouble, mode: Mode
) -> None:
    openai.mode, openai.delay = mode, 60.0
    desk = Desk(model=model, told_seconds=6.0 if mode is Mode.SLOW else 60.0)
    told: list[str] = []

    answer = desk.answering.answer(Question(text=QUESTION), tell=told.append)

    assert answer.decision is Decision.PASS
    assert "30 days" in answer.text
    assert len(openai.chats) <= 2
    assert openai.sat_out == 0
    assert not any("evil" in text for text in told)


def test_who_stops_hearing_stops_the_server(model: OpenAIModel, openai: OpenAIDouble) -> None:
    openai.says = lambda chat: "word " * 1_000
    openai.pause = 0.01

    class Enough(Exception):
        pass

    def hear(piece: str) -> None:
        raise Enough

    with pytest.raises(Enough):
        model.complete(ASKED, schema=SCHEMA, timeout_seconds=30, hear=hear)

    until(lambda: openai.left == 1)


@pytest.mark.parametrize("wanted", [" ", " word word "])
def test_who_has_heard_enough_has_what_was_heard_and_what_it_costs(
    model: OpenAIModel, openai: OpenAIDouble, wanted: str
) -> None:
    openai.says = lambda chat: " " + "word " * 1_000
    openai.pause = 0.01
    pieces: list[str] = []

    def hear(piece: str) -> None:
        pieces.extend(piece)
        if len(pieces) >= len(wanted):
            raise Enough

    completion = model.complete(ASKED, schema=SCHEMA, timeout_seconds=30, hear=hear)

    assert completion.text == "".join(pieces)
    used = completion.usage
    assert used.calls == 1
    assert 0 < used.input_tokens < 30
    assert used.output_tokens == len(completion.text) // 4
    assert used.cost_usd == pytest.approx((used.input_tokens * 1.0 + used.output_tokens * 10.0) / 1e6)
    until(lambda: openai.left == 1)


def test_enough_of_a_server_that_does_not_stream_costs_what_it_says(
    model: OpenAIModel, openai: OpenAIDouble
) -> None:
    openai.unknown = "stream"
    whole = model.complete(ASKED, schema=SCHEMA, timeout_seconds=30)

    def hear(piece: str) -> None:
        raise Enough

    model.complete(ASKED, schema=SCHEMA, timeout_seconds=30, hear=hear)
    assert model.complete(ASKED, schema=SCHEMA, timeout_seconds=30, hear=hear) == whole


def test_a_server_that_drips_is_not_heard_for_ever(model: OpenAIModel, openai: OpenAIDouble) -> None:
    openai.says = lambda chat: "word " * 1_000
    openai.pause = 0.1

    with pytest.raises(CandorError):
        model.complete(ASKED, schema=SCHEMA, timeout_seconds=0.6, hear=lambda piece: None)

    until(lambda: openai.left == 1)


def test_a_server_that_writes_without_end_is_left(model: OpenAIModel, openai: OpenAIDouble) -> None:
    openai.says = lambda chat: "x" * 500_000

    with pytest.raises(CandorError):
        model.complete(ASKED, schema=SCHEMA, timeout_seconds=30, hear=lambda piece: None)


@pytest.mark.parametrize("refused", ["stream_options", "stream"])
def test_a_server_that_does_not_stream_as_asked_is_heard_all_the_same(
    model: OpenAIModel, openai: OpenAIDouble, refused: str
) -> None:
    openai.unknown = refused
    pieces: list[str] = []

    for calls in (2, 1):
        heard = model.complete(ASKED, schema=SCHEMA, timeout_seconds=30, hear=pieces.append)
        assert heard.usage.calls == calls

    assert "".join(pieces) == heard.text * 2
