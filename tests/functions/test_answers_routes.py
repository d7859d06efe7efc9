"""Answers looked at later, and asked again, through the real handler, with the answering of production."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from candor.adapters.memory_accounts import MemorySessions
from candor.adapters.memory_answers import MemoryAnswers
from candor.adapters.memory_search import HashEmbedder, MemoryKeywords, MemoryVectors
from candor.answering.budgets import Tier
from candor.answering.deciding import Thresholds
from candor.answering.models import Usage, prompt
from candor.answering.policy import Policy
from candor.answering.replaying import Replaying
from candor.answering.service import Answering
from candor.answering.snapshots import Answers
from candor.answering.values import Decision, Question, Turn
from candor.documents import Draft
from candor.retrieval import Retrieval
from candor.sessions import customer_key
from candor.statistics.counting import CountedAnswers
from functions.replies import app
from tests.doubles.answering import REFUNDS, ScriptedModel, Serving, said, writers
from tests.doubles.entrance import ADMIN_KEY, API_KEY, Entrance
from tests.doubles.gateway import Http
from tests.doubles.knowledge import Knowledge
from tests.doubles.numbers import Numbers, an_answer
from tests.doubles.passages import passage
from tests.waiting import one_day

QUESTION = "Within how many days can I ask for a refund?"


@dataclass
class Spending:
    """A budget that only adds up."""

    tokens: int = 0

    def tier(self) -> Tier:
        return Tier.FULL

    def spend(self, usage: Usage) -> None:
        self.tokens += usage.input_tokens + usage.output_tokens


@dataclass
class Desk:
    """A small knowledge that can change between an answer and its replay."""

    entrance: Entrance = field(default_factory=Entrance)
    numbers: Numbers = field(default_factory=Numbers)
    knowledge: Knowledge = field(default_factory=Knowledge)
    kept: MemoryAnswers = field(init=False)
    sessions: MemorySessions = field(default_factory=MemorySessions)
    policy: Policy = field(default_factory=Policy)
    spending: Spending = field(default_factory=Spending)
    model: ScriptedModel | None = None

    def __post_init__(self) -> None:
        self.keywords, self.vectors, self.embedder = MemoryKeywords(), MemoryVectors(), HashEmbedder(1024)
        self.learn(REFUNDS)
        self.kept = MemoryAnswers(self.numbers.statistics)
        self.answers = CountedAnswers(self.kept, self.numbers.meter)
        self.truth = self.knowledge.documents

    def learn(self, *passages: Any) -> None:
        self.keywords.put(passages)
        self.vectors.put(passages, self.embedder.embed_passages(passages))

    def answering(self, answers: Answers) -> Answering:
        return Answering(
            retrieval=Retrieval(
                keywords=self.keywords, vectors=self.vectors, embedder=self.embedder, truth=Serving()
            ),
            snapshots=answers,
            policies=lambda: self.policy,
            models=writers(self.model),
            budget=self.spending,
        )

    def service(self) -> app.Service:
        return app.Service(
            gate=self.entrance.gate,
            answering=self.answering(self.answers),
            sessions=self.sessions,
            replaying=Replaying(answers=self.answers, truth=self.truth, asking=self.answering),
            app_name=lambda: "Hosting",
        )

    def ask(self, text: str = QUESTION, **said: Any) -> str:
        """The answer's id."""
        return self.answering(self.answers).answer(Question(text=text, **said)).answer_id


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = Desk()
    monkeypatch.setattr(app, "service", desk.service)
    return desk


@pytest.fixture
def http(desk: Desk) -> Http:
    return Http(app.handler).as_(X_Admin_API_Key=ADMIN_KEY)


def test_answers_are_listed_by_day_and_decision(desk: Desk, http: Http) -> None:
    one_day(seconds=20)
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for number in range(7):
        decision = Decision.ESCALATE if number % 3 == 0 else Decision.PASS
        desk.kept.keep(
            an_answer(f"a{number}", created_at=today + timedelta(seconds=number), decision=decision)
        )
    desk.kept.keep(an_answer("older", created_at=today - timedelta(days=3)))

    first = http.get("/v1/admin/answers", query={"page_size": "5"}).json
    escalated = http.get("/v1/admin/answers", query={"decision": "ESCALATE", "page_size": "2"}).json
    older = http.get("/v1/admin/answers", query={"day": (today - timedelta(days=3)).date().isoformat()}).json

    assert [item["id"] for item in first["items"]] == ["a6", "a5", "a4", "a3", "a2"]
    assert (first["total"], first["page"], first["page_size"]) == (7, 1, 5)
    assert first["items"][0]["question"] == "Within how many days?"
    assert ([item["id"] for item in escalated["items"]], escalated["total"]) == (["a6", "a3"], 3)
    assert [item["id"] for item in older["items"]] == ["older"]


@pytest.mark.parametrize(
    "query", [{"day": "today"}, {"day": "2026-02-30"}, {"decision": "pass"}, {"page": "0"}]
)
def test_a_list_is_asked_for_rightly_or_not_at_all(http: Http, query: dict[str, str]) -> None:
    assert http.get("/v1/admin/answers", query=query).status == 422


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/admin/answers"),
        ("GET", "/v1/admin/answers/nobody"),
        ("POST", "/v1/admin/answers/nobody/replay"),
    ],
)
def test_answers_are_for_administrators(http: Http, method: str, path: str) -> None:
    assert Http(app.handler).send(method, path).status == 401
    assert Http(app.handler).as_(X_API_Key=API_KEY).send(method, path).status == 403


@pytest.mark.parametrize(
    "path", ["/v1/admin/answers/nobody", "/v1/admin/answers/%00", "/v1/admin/answers/" + "x" * 3_000]
)
def test_an_unknown_answer_is_not_found(http: Http, path: str) -> None:
    assert http.get(path).status in (404, 422)
    assert http.post(f"{path}/replay").status in (404, 422)


def test_an_answer_is_shown_with_all_it_came_from(desk: Desk, http: Http) -> None:
    history = (Turn(role="user", content="Hello"), Turn(role="assistant", content="Hello!"))
    answer_id = desk.ask(history=history, principal="key:api", external_user_id="c1", trace_id="t-7")

    shown = http.get(f"/v1/admin/answers/{answer_id}").json

    assert (shown["id"], shown["question"], shown["decision"]) == (answer_id, QUESTION, "PASS")
    assert (shown["principal"], shown["external_user_id"], shown["trace_id"]) == ("key:api", "c1", "t-7")
    assert [turn["content"] for turn in shown["history"]] == ["Hello", "Hello!"]
    [first, *_] = [one for one in shown["evidence"] if one["document_id"] == "refunds"]
    assert (first["version"], first["text"]) == (1, REFUNDS.text)
    assert len(first["checksum"]) == 64
    assert (shown["model"], shown["llm_calls"], shown["cost_usd"]) == ("extractive", 0, 0)
    assert shown["prompt_version"]
    assert shown["verification"]["supported"] >= 1
    assert shown["features"]


def test_an_answer_tells_what_has_become_of_its_evidence(desk: Desk, http: Http) -> None:
    documents = [
        desk.truth.put(Draft(url=f"https://example.com/{name}", title=name, text="Words."))[0]
        for name in ("same", "changed", "deleted", "half")
    ]
    desk.truth.mark_served([(document, 1) for document in documents])
    shown = [replace(shown_of(document.document_id), version=1) for document in documents] + [
        shown_of("never there")
    ]
    desk.kept.keep(an_answer("a1", evidence=tuple(shown)))
    changed, _ = desk.truth.put(Draft(url="https://example.com/changed", title="changed", text="Others."))
    desk.truth.mark_served([(changed, 1)])
    desk.truth.put(Draft(url="https://example.com/half", title="half", text="Not served yet."))
    desk.truth.delete(documents[2].document_id)

    since = {each["title"]: each for each in http.get("/v1/admin/answers/a1").json["since"]}

    by_id = {each["document_id"]: each for each in since.values()}
    told = [
        (by_id[id_]["version_then"], by_id[id_]["version_now"], by_id[id_]["changed"], by_id[id_]["deleted"])
        for id_ in (*(document.document_id for document in documents), "never there")
    ]
    assert told == [
        (1, 1, False, False),
        (1, 2, True, False),
        (1, None, True, True),
        (1, 1, False, False),
        (1, None, True, True),
    ]


def shown_of(document_id: str) -> Any:
    from candor.answering.snapshots import Shown

    text = f"The text of {document_id}."
    return Shown.of(passage(text, document=document_id, title=document_id), score=1, cosine=None, bm25=None)


def test_the_same_question_by_the_same_knowledge_is_answered_alike(desk: Desk, http: Http) -> None:
    answer_id = desk.ask()

    replay = http.post(f"/v1/admin/answers/{answer_id}/replay").json

    assert replay["changed"] == []
    assert replay["then"]["id"] == answer_id
    assert replay["now"]["answer"] == replay["then"]["answer"]


def test_a_replay_says_what_is_different_now(desk: Desk, http: Http) -> None:
    answer_id = desk.ask()
    desk.learn(replace(REFUNDS, text=REFUNDS.text.replace("30 days", "45 days"), version=1))
    desk.policy = Policy(version=3, house_rules="Be kind.")

    replay = http.post(f"/v1/admin/answers/{answer_id}/replay").json

    assert replay["changed"] == ["text", "citations", "evidence", "prompt", "settings"]
    assert "30 days" in replay["then"]["answer"]
    assert "45 days" in replay["now"]["answer"]
    assert (replay["then"]["settings_version"], replay["now"]["settings_version"]) == (0, 3)


def test_a_replay_by_another_model_says_so_and_counts_for_the_budget(desk: Desk, http: Http) -> None:
    answer_id = desk.ask()
    desk.model = ScriptedModel(said(("You can ask for a refund within 30 days of the first order.", [1])))

    replay = http.post(f"/v1/admin/answers/{answer_id}/replay").json

    assert "model" in replay["changed"]
    assert replay["now"]["model"] == "scripted"
    assert replay["now"]["llm_tokens"] == {"input": 100, "output": 20}
    assert desk.spending.tokens == 120


def test_a_decision_that_fell_differently_is_told_first(desk: Desk, http: Http) -> None:
    answer_id = desk.ask()
    desk.policy = Policy(thresholds=Thresholds(answer=1.0, ask=1.0))

    replay = http.post(f"/v1/admin/answers/{answer_id}/replay").json

    assert (replay["then"]["decision"], replay["now"]["decision"]) == ("PASS", "ESCALATE")
    assert replay["changed"] == ["decision", "text", "citations"]


def test_nothing_of_a_replay_is_kept_or_counted(desk: Desk, http: Http) -> None:
    answer_id = desk.ask(external_user_id="c1")
    before = desk.numbers.statistics.total()

    replayed = http.post(f"/v1/admin/answers/{answer_id}/replay").json["now"]["id"]

    assert replayed != answer_id
    assert http.get(f"/v1/admin/answers/{replayed}").status == 404
    assert list(desk.kept.of_customer(customer_key("c1"), limit=9)) == [answer_id]
    assert desk.numbers.statistics.total() == before


def test_a_replay_under_one_key_is_paid_once(desk: Desk, http: Http) -> None:
    answer_id = desk.ask()
    reply = said(("You can ask for a refund within 30 days of the first order.", [1]))
    desk.model = ScriptedModel(reply, reply)
    keyed = http.as_(Idempotency_Key="once")

    first = keyed.post(f"/v1/admin/answers/{answer_id}/replay")
    again = keyed.post(f"/v1/admin/answers/{answer_id}/replay")

    assert first.json == again.json
    assert desk.spending.tokens == 120


def test_what_a_model_was_told_is_shown_to_nobody(desk: Desk, http: Http) -> None:
    told = max(prompt("answer").splitlines(), key=len)
    leaking = said((told, [1]), ("You can ask for a refund within 30 days of the first order.", [1]))
    desk.model = ScriptedModel(leaking, leaking, leaking)

    asked = http.post("/v1/reply/generate", {"query": QUESTION})
    answer_id = http.get("/v1/admin/answers").json["items"][0]["id"]
    shown = http.get(f"/v1/admin/answers/{answer_id}")
    replayed = http.post(f"/v1/admin/answers/{answer_id}/replay")

    assert asked.json["debug"]["verification"]["dropped"] == [
        {"text": "", "reasons": ["repeats or follows instructions"]}
    ]
    assert {reply.status for reply in (asked, shown, replayed)} == {200}
    assert told[:40] not in asked.text + shown.text + replayed.text
