"""The helpdesk's settings, cookies and crawls, through the real handlers, with real events."""

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from candor.edge.openapi import described
from candor.edge.routes import exposed, route_of
from candor.errors import Refused
from candor.jobs import JobStatus
from candor.messages import TicketsToCrawl
from candor.tickets.values import Approval
from candor.whmcs.site.values import Checked
from functions.admin import app as admin
from functions.crawl_tickets import app
from functions.settings import app as settings
from tests.doubles.entrance import ADMIN_KEY, API_KEY, Entrance
from tests.doubles.gateway import Answered, Context, Http, answered, wire_event
from tests.doubles.helpdesk import BASE, Crawled, Site, tickets

SETTINGS = "/v1/admin/config/whmcs"
CRAWL = "/v1/admin/crawl-tickets"
SECRETS = {
    "api_secret": "api-5ecret-of-the-desk",
    "password": "pa55word-of-the-desk",
    "totp_secret": "JBSWY3DPEHPK3PXP",
}
COOKIE = {"name": "WHMCSAbCdEf123456", "value": "c00kie-secret-value", "sameSite": "no_restriction"}


class Long(Context):
    """Of a worker that has just begun."""

    def get_remaining_time_in_millis(self) -> int:
        return 300_000


@dataclass
class Desk:
    http: Http
    crawled: Crawled
    pauses: list[dict[str, int]]
    entrance: Entrance

    def defer(self, queue_arn: str, pauses: dict[str, int]) -> None:
        self.pauses.append(dict(pauses))

    def put(self, **settings: Any) -> Answered:
        return self.http.send("PUT", SETTINGS, body=settings)

    def deliver(self, *bodies: str, receives: int = 1) -> Any:
        event = wire_event(Path("events/crawl_tickets/go_on.json"))
        [record] = event["Records"]
        attributes = {**record["attributes"], "ApproximateReceiveCount": str(receives)}
        records = [
            {**record, "messageId": f"m{n}", "receiptHandle": f"r{n}", "body": body, "attributes": attributes}
            for n, body in enumerate(bodies)
        ]
        return app.handler({"Records": records}, Long())

    def work(self) -> None:
        for _ in range(100):
            messages = self.crawled.queue.take()
            if not messages and (at := self.crawled.queue.next_at()) is not None:
                self.crawled.clock.now = at
                continue
            if not messages:
                return
            assert self.deliver(*(message.to_json() for message in messages)) == {"batchItemFailures": []}


def _routed(event: dict[str, Any], context: Any) -> Any:
    """By the function that the table of routes names, as the gateway does."""
    function = settings if (event["httpMethod"], event["resource"]) in exposed("settings") else admin
    return function.handler(event, context)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    crawled, entrance = Crawled(site=Site(tickets=tickets(25))), Entrance()
    parts: dict[str, Any] = dict.fromkeys(field.name for field in fields(admin.Service))
    parts |= {
        "gate": entrance.gate,
        "jobs": crawled.jobs,
        "source_runs": crawled.knowledge.source_runs,
        "alerts": crawled.alerts,
        "cookies": crawled.cookies,
        "checking": crawled.checking,
        "ticket_crawls": crawled.orders,
    }
    desk = Desk(Http(_routed).as_(X_Admin_API_Key=ADMIN_KEY), crawled, [], entrance)
    tuned: dict[str, Any] = dict.fromkeys(field.name for field in fields(settings.Service))
    tuned |= {
        "gate": entrance.gate,
        "configuration": crawled.configuration,
        "models": lambda tier: (),
        "helpdesk": crawled.memory,
    }
    worker = app.Service(crawling=crawled.crawling, graveyard=crawled.knowledge.graves, deferral=desk)
    monkeypatch.setattr(admin, "service", lambda: admin.Service(**parts))
    monkeypatch.setattr(settings, "service", lambda: settings.Service(**tuned))
    monkeypatch.setattr(app, "service", lambda: worker)
    return desk


def test_settings_are_changed_in_part_and_secrets_are_shown_by_their_end(desk: Desk) -> None:
    before = desk.http.get(SETTINGS).json
    assert (before["base_url"], before["area"], before["version"], before["login"]) == ("", "admin", 0, None)

    put = desk.put(
        base_url=f"{BASE}/",
        username="reader",
        departments="Support, Sales",
        own_addresses=["help@example.com", "@example.org", "+44 20 7946 0100"],
        **SECRETS,
    )

    assert put.status == 200, put.text
    assert put.json == desk.http.get(SETTINGS).json
    assert put.json["base_url"] == BASE
    assert put.json["departments"] == ["Support", "Sales"]
    assert put.json["own_addresses"] == ["help@example.com", "@example.org", "+44 20 7946 0100"]
    assert (put.json["password"], put.json["api_secret"], put.json["totp_secret"]) == (
        "…desk",
        "…desk",
        "…3PXP",
    )
    assert put.json["version"] == 1
    again = desk.put(**{**put.json, "username": "other"})
    assert again.json["username"] == "other"
    assert desk.crawled.configuration.opened("whmcs")["password"] == SECRETS["password"]


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"base_url": "http://127.0.0.1/"}, 400, "base_url: This address is not public"),
        ({"area": "root"}, 422, ""),
        ({"admin_dir": "../x"}, 422, "admin_dir must be the name of a folder"),
        ({"totp_secret": "no secret"}, 422, "totp_secret must be"),
        ({"password": "x" * 501}, 422, "password"),
        ({"password": ["x"]}, 422, "password"),
        ({"password": "…xxxx"}, 422, "mask"),
        ({"ignore": ["x"] * 101}, 422, ""),
        ({"own_addresses": ["help@example.com", "the office"]}, 422, "own_addresses must hold addresses"),
        ({"own_addresses": ["a@b@example.com"]}, 422, "own_addresses must hold addresses"),
        ({"departments": {"a": 1}}, 422, ""),
        ({"username": "a\u0000b"}, 422, ""),
        ([], 422, ""),
    ],
)
def test_what_cannot_be_meant_is_answered_with_a_sentence(
    desk: Desk, body: Any, status: int, said: str
) -> None:
    answer = desk.http.send("PUT", SETTINGS, body=body)

    assert (answer.status, desk.http.get(SETTINGS).json["version"]) == (status, 0)
    assert said in answer.text


def test_what_was_changed_is_listed_and_taken_back(desk: Desk) -> None:
    desk.put(base_url=BASE, **SECRETS)
    desk.put(username="reader", password="quite another one")

    versions = desk.http.get("/v1/admin/config/versions").json
    back = desk.http.post("/v1/admin/config/rollback", {"version": 1})

    assert [version["version"] for version in versions] == [2, 1]
    assert set(versions[0]) == {"version", "at", "by", "changes"}
    assert {"key": "whmcs.username", "from": "", "to": "reader"} in versions[0]["changes"]
    assert {"key": "whmcs.password", "from": "…desk", "to": "… one"} in versions[0]["changes"]
    assert versions[0]["by"]
    assert (back.status, back.json["version"]) == (200, 3)
    assert (back.json["whmcs"]["username"], back.json["whmcs"]["password"]) == ("", "…desk")
    assert desk.crawled.configuration.opened("whmcs")["password"] == SECRETS["password"]
    assert (
        desk.http.get("/v1/admin/config/versions", query={"limit": "1", "before": "2"}).json == versions[1:]
    )


@pytest.mark.parametrize(("body", "status"), [({"version": 9}, 422), ({}, 422), ({"version": -1}, 422)])
def test_there_is_no_way_back_to_what_never_was(desk: Desk, body: Any, status: int) -> None:
    assert desk.http.post("/v1/admin/config/rollback", body).status == status


def test_cookies_are_kept_and_never_given_out(desk: Desk) -> None:
    path = "/v1/admin/whmcs-cookies"
    assert desk.http.get(path).json["saved"] is False

    saved = desk.http.post("/v1/admin/save-whmcs-cookies", {"session_cookies": [COOKIE]})

    assert (saved.status, saved.json) == (200, {"status": "ok", "count": 1, "expires_at": None})
    state = desk.http.get(path).json
    assert (state["saved"], state["count"], state["names"]) == (True, 1, ["WHMCSAbCdEf123456"])
    assert desk.http.delete(path).status == 204
    assert desk.http.get(path).json["saved"] is False


@pytest.mark.parametrize(
    "cookies", [[], [{"value": "x"}], "WHMCS=1", [{**COOKIE, "expirationDate": 1}], [COOKIE] * 201, ["x"]]
)
def test_what_are_no_cookies_is_refused(desk: Desk, cookies: Any) -> None:
    answer = desk.http.post("/v1/admin/save-whmcs-cookies", {"session_cookies": cookies})

    assert answer.status == 422
    assert desk.http.get("/v1/admin/whmcs-cookies").json["saved"] is False


def test_a_check_says_whether_the_helpdesk_lets_us_in(desk: Desk) -> None:
    assert desk.http.post("/v1/admin/check-whmcs-cookies", {}).status == 422
    desk.put(base_url=BASE)
    desk.crawled.checked = Checked(ok=False, message="Logged out.", debug={"error": "SessionExpired"})

    plain = desk.http.post("/v1/admin/check-whmcs-cookies", {"session_cookies": [COOKIE]})
    debug = desk.http.post("/v1/admin/check-whmcs-cookies", {"session_cookies": [COOKIE], "debug": True})
    inside = desk.http.post(
        "/v1/admin/check-whmcs-cookies", {"session_cookies": [COOKIE], "base_url": "http://127.0.0.1/"}
    )

    assert (plain.status, plain.json["ok"], plain.json["message"]) == (200, False, "Logged out.")
    assert plain.json["debug"] is None
    assert debug.json["debug"] == {"error": "SessionExpired"}
    assert inside.status == 400


def test_tickets_are_crawled_as_a_job(desk: Desk) -> None:
    desk.put(base_url=BASE, username="reader", **SECRETS)

    answer = desk.http.post(CRAWL, {})

    assert answer.status == 202, answer.text
    job_id = answer.json["id"]
    assert answer.json == {"job_id": job_id, "id": job_id, "status": "queued"}
    desk.work()
    job = desk.http.get(f"/v1/admin/jobs/{job_id}").json
    assert (job["kind"], job["status"]) == ("crawl_tickets", "succeeded")
    assert job["progress"] == {"done": 25, "total": 25, "failed": 0}
    assert (job["result"]["count"], job["result"]["saved_to"]) == (25, "database")
    assert {row.approval for row in desk.crawled.rows()} == {Approval.PENDING}
    assert desk.http.get(SETTINGS).json["login"]["ok"] is True


def test_who_waits_gets_the_result_itself(desk: Desk) -> None:
    desk.put(base_url=BASE, username="reader", **SECRETS)
    desk.crawled.orders.queue.send = lambda *messages, **_: [  # type: ignore[method-assign]
        desk.deliver(message.to_json()) for message in messages
    ]

    answer = desk.http.post(CRAWL, {}, query={"wait": "true"})

    assert (answer.status, answer.json["status"], answer.json["count"]) == (200, "ok", 25)
    assert answer.json["job_id"] == answer.json["id"]
    assert answer.json["tickets"][0]["external_id"] == "25"


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({}, 422, "no base_url"),
        ({"base_url": BASE}, 422, "Nothing opens"),
        ({"base_url": "http://127.0.0.1/", "username": "u", "password": "p"}, 400, "not public"),
        ({"base_url": BASE, "username": "u", "password": "p", "area": "root"}, 422, "area"),
        ({"base_url": BASE, "username": "u", "password": "p", "since": "soon"}, 422, "since is a date"),
        ({"base_url": BASE, "session_cookies": [{"value": "x"}]}, 422, "Cookie 0"),
    ],
)
def test_a_crawl_that_cannot_be_meant_is_refused_before_any_job(
    desk: Desk, body: Any, status: int, said: str
) -> None:
    answer = desk.http.post(CRAWL, body)

    assert answer.status == status
    assert said in answer.text
    assert desk.crawled.queue.messages == []


def test_the_same_crawl_asked_for_twice_with_one_key_is_one(desk: Desk) -> None:
    desk.put(base_url=BASE, username="reader", **SECRETS)
    http = desk.http.as_(Idempotency_Key="k1")

    first, second = http.post(CRAWL, {"since": "last"}), http.post(CRAWL, {"since": "last"})

    assert first.json == second.json
    assert len(desk.crawled.queue.messages) == 1


def test_a_shut_door_is_an_alert_until_somebody_puts_it_away_or_it_opens(desk: Desk) -> None:
    desk.put(base_url=BASE, username="reader", **SECRETS)
    desk.crawled.site.faults["page 0"] = [Refused("Wrong password. Further tries would lead to a ban.")]
    desk.http.post(CRAWL, {})
    desk.work()

    [alert] = desk.http.get("/v1/admin/alerts").json

    assert (alert["id"], alert["times"]) == ("whmcs-login", 1)
    assert "ban" in alert["message"]
    assert desk.http.get(SETTINGS).json["login"]["ok"] is False
    assert desk.http.delete("/v1/admin/alerts/whmcs-login").status == 204
    assert desk.http.delete("/v1/admin/alerts/whmcs-login").status == 404
    assert desk.http.get("/v1/admin/alerts").json == []


def test_no_answer_and_no_log_holds_a_secret(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    sent = {
        "username": "reader",
        "password": "sent-pa55word",
        "totp_code": "998877",
        "api_secret": "sent-api-5ecret",
        "session_cookies": [COOKIE],
    }
    answers = [
        desk.put(base_url=BASE, username="reader", **SECRETS),
        desk.put(base_url="http://127.0.0.1/", **SECRETS),
        desk.put(totp_secret="JBSWY3DPEHPK3PXP!"),
        desk.http.post("/v1/admin/save-whmcs-cookies", {"session_cookies": [COOKIE]}),
        desk.http.post("/v1/admin/save-whmcs-cookies", {"session_cookies": [COOKIE, "x"]}),
        desk.http.get("/v1/admin/whmcs-cookies"),
        desk.http.post("/v1/admin/check-whmcs-cookies", {"session_cookies": [COOKIE], "debug": True}),
        desk.http.post(CRAWL, sent),
        desk.http.post(CRAWL, {**sent, "since": "soon"}),
        desk.http.get("/v1/admin/config/versions"),
        desk.http.post("/v1/admin/config/rollback", {"version": 0}),
    ]
    desk.work()
    desk.deliver("no JSON at all")
    desk.crawled.vault.down = True
    answers.append(desk.http.post(CRAWL, {**sent, "base_url": BASE}))
    logged = "\n".join(str(vars(record)) for record in caplog.records)
    said = "\n".join(answer.text for answer in answers) + logged

    assert answers[-1].status == 503
    for secret in (*SECRETS.values(), "c00kie-secret-value", "sent-pa55word", "998877", "sent-api-5ecret"):
        assert secret not in said
    assert "crawl-tickets" in logged


@pytest.mark.parametrize(
    "path",
    [
        *(str(path) for path in sorted(Path("events/admin").glob("*whmcs*.json"))),
        *(str(path) for path in sorted(Path("events/settings").glob("*whmcs_settings.json"))),
        "events/admin/alerts.json",
    ],
)
def test_every_route_of_it_is_closed_to_who_is_no_admin(desk: Desk, path: str) -> None:
    event = wire_event(Path(path))
    event["headers"] = {"X-API-Key": API_KEY, "Content-Type": "application/json"}

    assert answered(_routed(event, Context())).status == 403


@pytest.mark.parametrize(
    ("case", "status"),
    [
        ("settings/put_whmcs_settings", 200),
        ("settings/whmcs_settings", 200),
        ("settings/config_versions", 200),
        ("settings/roll_back_config", 422),
        ("admin/alerts", 200),
        ("admin/clear_alert", 404),
        ("admin/save_whmcs_cookies", 200),
        ("admin/whmcs_cookies", 200),
        ("admin/forget_whmcs_cookies", 204),
        ("admin/check_whmcs_cookies", 422),
        ("admin/crawl_tickets", 422),
    ],
)
def test_a_wire_event_is_answered(desk: Desk, case: str, status: int) -> None:
    text = Path(f"events/{case}.json").read_text().replace("${ADMIN_API_KEY}", ADMIN_KEY)

    event = json.loads(text)

    answer = answered(_routed(event, Context()))

    assert answer.status == status
    whole = described("Candor")
    responses = whole["paths"][event["resource"]][event["httpMethod"].lower()]["responses"]
    content = responses[str(status)].get("content")
    if content is None:
        assert answer.text == ""
    else:
        schema = {**content["application/json"]["schema"], "components": whole["components"]}
        Draft202012Validator(schema).validate(answer.json)


def test_a_job_that_has_aged_away_is_passed_over(desk: Desk) -> None:
    event = wire_event(Path("events/crawl_tickets/go_on.json"))

    assert app.handler(event, Long()) == {"batchItemFailures": []}


def test_nonsense_on_the_queue_is_buried(desk: Desk) -> None:
    event = wire_event(Path("events/crawl_tickets/nonsense.json"))

    assert app.handler(event, Long()) == {"batchItemFailures": []}

    assert len(desk.crawled.knowledge.graves.buried) == 1


def test_a_failure_of_ours_brings_the_message_back_after_a_pause(desk: Desk) -> None:
    desk.put(base_url=BASE, username="reader", **SECRETS)
    job_id = desk.http.post(CRAWL, {}).json["id"]
    [message] = desk.crawled.queue.take()
    assert isinstance(message, TicketsToCrawl)
    desk.crawled.configuration._opened.clear()
    desk.crawled.vault.down = True

    back = desk.deliver(message.to_json())

    assert back == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
    assert [list(pauses) for pauses in desk.pauses] == [["r0"]]
    desk.crawled.vault.down = False
    assert desk.deliver(message.to_json(), receives=2) == {"batchItemFailures": []}
    assert desk.crawled.jobs.get(job_id).status is JobStatus.SUCCEEDED


ANYTHING: tuple[Any, ...] = (
    None, True, -1, 10**30, 1.5, "", "   ", "x" * 3_000, "…", "é\u202e\u0007", "2026-02-30", "last",
    "9999-12-31T23:59:59-23:59", "0001-01-01", "0001-01-01T00:00:00+23:59", [], [[]], [None], ["x" * 400], {},
    {"a": {"b": []}}, "https://", "http://[::1", "//x", "javascript:1", "https://user:pw@x.example/",
    "https://x.example:99999/", [{"name": "a", "value": {"b": 1}}],
    [{"name": "a", "value": "v", "expirationDate": 1e300}],
    [{"name": "a", "value": "v", "domain": 5, "path": 7}],
)  # fmt: skip


@pytest.mark.parametrize(
    "method_path",
    [
        ("PUT", SETTINGS),
        ("POST", CRAWL),
        ("POST", "/v1/admin/save-whmcs-cookies"),
        ("POST", "/v1/admin/check-whmcs-cookies"),
        ("POST", "/v1/admin/config/rollback"),
    ],
)
def test_no_value_of_any_field_makes_a_route_fail(desk: Desk, method_path: tuple[str, str]) -> None:
    method, path = method_path
    model = route_of(method, path).body
    assert model is not None
    desk.put(base_url=BASE, username="reader", **SECRETS)
    failed = []

    for field in model.model_fields:
        for value in ANYTHING:
            answer = desk.http.send(method, path, body={field: value})
            if answer.status >= 500 or (answer.status >= 400 and not 5 < len(answer.json["detail"]) < 500):
                failed.append((field, value, answer.text[:200]))
    desk.work()

    assert failed == []
