"""`make crawl-whmcs` tells what becomes of a crawl; a function that is in the template twice is found."""

from types import SimpleNamespace
from typing import Any

import pytest

from infra import template
from infra.local import helpdesk_crawl
from infra.local.api import ApiRefused
from infra.local.helpdesk_crawl import crawl_whmcs
from infra.local.words import NotPossible

RESULT = {
    "count": 5,
    "created": 2,
    "updated": 1,
    "unchanged": 2,
    "skipped": 3,
    "skipped_why": {"unchanged": 3},
}


class Api:
    """Answers with one state of the job after another."""

    def __init__(self, *states: dict[str, Any], refused: ApiRefused | None = None) -> None:
        self.states, self.refused = list(states), refused
        self.sent: list[Any] = []

    def post(self, path: str, body: Any, *, admin: bool = False) -> Any:
        self.sent.append((path, body))
        if self.refused is not None:
            raise self.refused
        return {"id": "job-1"}

    def get(self, path: str, *, admin: bool = False) -> Any:
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]


def job(status: str, done: int, total: int, **more: Any) -> dict[str, Any]:
    progress = {"done": done, "total": total, "failed": 0}
    fields = {"subject": "https://b.example", "eta_seconds": None, "result": {}, "errors": []}
    return {**fields, "status": status, "progress": progress, **more}


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(helpdesk_crawl.time, "sleep", lambda seconds: None)


def crawled(api: Api, **more: Any) -> int:
    return crawl_whmcs(SimpleNamespace(api=api), **{"area": None, "since": None, **more})  # type: ignore[arg-type]


def test_progress_and_result_of_a_crawl_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    running = job("running", 4, 8, eta_seconds=7)
    api = Api(running, running, job("succeeded", 8, 8, result=RESULT))

    assert crawled(api, area="client", since="last") == 0

    assert api.sent == [("/v1/admin/crawl-tickets", {"area": "client", "since": "last"})]
    said = capsys.readouterr().out
    assert said.count("running 4/8, about 7 s to go") == 1
    assert "5 tickets: 2 new, 1 changed, 2 as they were; 3 skipped (unchanged: 3)" in said
    assert "approval" in said


def test_a_failed_crawl_says_why_and_is_no_success(capsys: pytest.CaptureFixture[str]) -> None:
    errors = [{"file": "https://b.example", "record": -1, "reason": "Wrong password."}]
    api = Api(job("failed", 0, 0, result={"error": "Wrong password."}, errors=errors))

    assert crawled(api) == 1

    assert capsys.readouterr().out.count("Wrong password.") == 1


def test_a_crawl_that_is_refused_says_what_is_missing() -> None:
    with pytest.raises(NotPossible, match="no base_url"):
        crawled(Api(refused=ApiRefused(422, "There is no base_url.")))


def test_of_a_function_that_is_there_twice_the_deployed_one_is_found() -> None:
    whole = template.load()
    both = [one.logical_id for one in whole.functions if one.name == "crawl_tickets"]

    assert sorted(both) == ["CrawlTicketsFunction", "CrawlTicketsInBrowserFunction"]
    for logical_id in both:
        assert whole.deployed_as([logical_id]).function("crawl_tickets").logical_id == logical_id
