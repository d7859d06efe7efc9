"""A crawl of a helpdesk's tickets: exact, resumed, patient, and silent about what opened the door."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from candor.errors import Invalid, Malformed, Refused, Unavailable, UpstreamFailed
from candor.jobs import JobStatus
from candor.messages import TicketsToCrawl
from candor.tickets.values import Approval
from candor.whmcs.site.values import Area, Checked, RateLimited, SessionExpired
from tests.doubles.helpdesk import BASE, NEWEST, PASSWORD, Crawled, Site, tickets

COOKIES = [{"name": "WHMCSAbCdEf123456", "value": "c00kie-secret-value"}]


def pages(site: Site) -> list[str]:
    return [what for what in site.asked if what.startswith("page")]


def read(site: Site) -> list[str]:
    return [what for what in site.asked if not what.startswith("page")]


def test_every_ticket_is_stored_once_and_waits_for_approval() -> None:
    crawled = Crawled(site=Site(tickets=tickets(47))).configured()

    job = crawled.crawl()

    assert job.status is JobStatus.SUCCEEDED
    assert crawled.numbers() == [str(number) for number in range(1, 48)]
    assert {row.approval for row in crawled.rows()} == {Approval.PENDING}
    assert {row.source_file for row in crawled.rows()} == {"crawl"}
    assert (job.done, job.total, job.failed) == (47, 47, 0)
    assert job.result["status"] == "ok"
    assert job.result["count"] == job.result["created"] == 47
    assert (job.result["saved_to"], job.result["skipped"]) == ("database", 0)
    assert [one["external_id"] for one in job.result["tickets"]][:2] == ["47", "46"]
    assert len(crawled.site.asked) == 47 + 5


def test_the_same_again_changes_nothing_and_keeps_what_was_decided() -> None:
    crawled = Crawled(site=Site(tickets=tickets(12))).configured()
    crawled.crawl()
    crawled.approve("3")
    before = {row.number: (row.version, row.approval) for row in crawled.rows()}

    job = crawled.crawl()

    assert job.result["unchanged"] == job.result["count"] == 12
    assert {row.number: (row.version, row.approval) for row in crawled.rows()} == before


def test_the_login_that_was_saved_a_moment_ago_by_another_process_is_the_one_that_is_used() -> None:
    crawled = Crawled().configured()
    assert crawled.opening.access({}).password == PASSWORD

    crawled.elsewhere().put("whmcs", {"password": "another-one"}, by="eve")

    assert crawled.opening.access({}).password == "another-one"


def test_since_the_last_time_only_what_has_changed_is_read() -> None:
    site = Site(tickets=tickets(30))
    crawled = Crawled(site=site).configured(time_zone="UTC")
    crawled.crawl("last")
    fresh = [replace(one, last_reply_at=NEWEST + timedelta(days=1)) for one in tickets(1, first=31)]
    site.tickets = [*fresh, *site.tickets]
    site.asked.clear()

    job = crawled.crawl("last")

    assert read(site) == ["31", "30"]
    assert job.result["created"] == 1
    assert job.result["skipped_why"] == {"unchanged": 29}
    assert job.result["since"] == (NEWEST - timedelta(minutes=1)).isoformat()
    assert (job.done, job.total) == (31, 31)


def test_a_crawl_since_the_last_one_that_finds_nothing_forgets_nothing() -> None:
    site = Site(tickets=tickets(3))
    crawled = Crawled(site=site).configured(time_zone="UTC")
    crawled.crawl()
    crawled.crawl("last")
    site.asked.clear()

    crawled.crawl("last")

    assert read(site) == ["3"]


def test_a_date_to_begin_with_is_obeyed() -> None:
    crawled = Crawled(site=Site(tickets=tickets(30))).configured(time_zone="UTC")

    job = crawled.crawl((NEWEST - timedelta(days=4)).date().isoformat())

    assert crawled.numbers() == ["26", "27", "28", "29", "30"]
    assert (job.result["count"], job.result["skipped"]) == (5, 25)


@pytest.mark.parametrize(
    ("since", "said"), [("yesterday", "since is a date"), ("2999-01-01", "lies in the future")]
)
def test_a_date_that_cannot_be_meant_is_refused_at_once(since: str, said: str) -> None:
    crawled = Crawled().configured()

    with pytest.raises(Invalid, match=said):
        crawled.begun(since)

    assert crawled.queue.messages == []


def test_a_worker_with_little_time_hands_on_and_the_next_one_goes_on() -> None:
    crawled = Crawled(site=Site(tickets=tickets(60)), seconds=95).configured()
    job = crawled.begun()
    steps = 0

    while not crawled.jobs.get(job.job_id).status.ended:
        [message] = crawled.queue.take()
        assert isinstance(message, TicketsToCrawl)
        crawled.step(message)
        steps += 1

    assert steps >= 3
    assert crawled.numbers() == [str(number) for number in range(1, 61)]
    assert sorted(read(crawled.site), key=int) == [str(number) for number in range(1, 61)]
    assert crawled.jobs.get(job.job_id).result["created"] == 60


def test_a_worker_whose_time_runs_out_among_slow_tickets_asks_for_no_more() -> None:
    site = Site(tickets=tickets(24), page_size=24)
    crawled = Crawled(site=site).configured()
    job = crawled.begun()
    asked_late: list[float] = []

    for _ in range(20):
        if crawled.jobs.get(job.job_id).status.ended:
            break
        [message] = crawled.queue.take()
        assert isinstance(message, TicketsToCrawl)
        began = len(site.asked)

        def left(began: int = began) -> float:
            return 100.0 - 10.0 * (len(site.asked) - began)

        site.before = lambda what, left=left: asked_late.append(left())  # type: ignore[misc]
        crawled.crawling.go_on(message, remaining=left)

    assert crawled.jobs.get(job.job_id).result["created"] == 24
    assert min(asked_late) > 10


@pytest.mark.parametrize("at", range(0, 47, 3))
def test_a_worker_killed_anywhere_loses_nothing_and_doubles_nothing(at: int) -> None:
    site = Site(tickets=tickets(35))
    crawled = Crawled(site=site).configured()
    job = crawled.begun()
    [message] = crawled.queue.take()

    class Killed(BaseException):
        pass

    def kill(what: str) -> None:
        if len(site.asked) == at:
            site.before = lambda what: None
            raise Killed

    site.before = kill
    try:
        crawled.step(message)
    except Killed:
        crawled.queue.send(message)

    ended = crawled.work(job)

    assert crawled.numbers() == [str(number) for number in range(1, 36)]
    assert {row.version for row in crawled.rows()} == {1}
    assert (ended.done, ended.total, ended.failed) == (35, 35, 0)
    assert ended.result["count"] == 35


def test_a_message_that_comes_twice_counts_once() -> None:
    crawled = Crawled(site=Site(tickets=tickets(25))).configured()
    job = crawled.begun()
    [message] = crawled.queue.take()
    assert isinstance(message, TicketsToCrawl)

    crawled.step(message)
    asked = len(crawled.site.asked)
    crawled.step(message)

    assert len(crawled.site.asked) == asked
    assert crawled.jobs.get(job.job_id).done == 25


def test_two_workers_at_once_count_every_ticket_once() -> None:
    site = Site(tickets=tickets(25))
    crawled = Crawled(site=site).configured()
    job = crawled.begun()
    [message] = crawled.queue.take()
    assert isinstance(message, TicketsToCrawl)

    def meanwhile(what: str) -> None:
        if len(site.asked) == 12:
            site.before = lambda what: None
            crawled.step(message)

    site.before = meanwhile
    crawled.step(message)

    ended = crawled.work(job)
    assert (ended.status, ended.done, ended.total) == (JobStatus.SUCCEEDED, 25, 25)
    assert ended.result["count"] == 25


def test_a_list_that_moves_while_it_is_read_gives_each_ticket_once() -> None:
    site = Site(tickets=tickets(20))
    crawled = Crawled(site=site).configured()

    def arrive(what: str) -> None:
        if what == "page 1":
            site.before = lambda what: None
            site.tickets = [*tickets(3, first=21), *site.tickets]

    site.before = arrive
    job = crawled.crawl()

    assert sorted(read(site), key=int) == [str(number) for number in range(1, 21)]
    assert (job.done, job.total) == (20, 20)


def test_progress_can_be_told_before_the_list_has_ended() -> None:
    site = Site(tickets=tickets(40), tells_total=False)
    crawled = Crawled(site=site).configured()
    job = crawled.begun()
    seen: list[tuple[int, int]] = []
    site.before = lambda what: seen.append(
        (crawled.jobs.get(job.job_id).done, crawled.jobs.get(job.job_id).total)
    )

    ended = crawled.work(job)

    assert all(total >= done for done, total in seen)
    assert (20, 30) in seen or (20, 40) in seen
    assert (ended.done, ended.total) == (40, 40)


def test_a_cancelled_crawl_stops_within_a_step() -> None:
    site = Site(tickets=tickets(200))
    crawled = Crawled(site=site).configured()
    job = crawled.begun()

    def cancel(what: str) -> None:
        if len(site.asked) == 30:
            crawled.jobs.cancel(job.job_id)

    site.before = cancel
    ended = crawled.work(job)

    assert ended.status is JobStatus.CANCELLED
    assert len(site.asked) < 45
    assert crawled.queue.messages == []


def test_a_ticket_that_cannot_be_read_is_named_and_the_others_are_stored() -> None:
    site = Site(tickets=tickets(20))
    site.faults["7"] = [UpstreamFailed("The page is no ticket.")] * 2
    site.gone = {"9"}
    crawled = Crawled(site=site).configured()

    job = crawled.crawl()

    assert (job.status, job.done, job.failed) == (JobStatus.SUCCEEDED, 20, 1)
    assert [(error.file, error.reason) for error in job.errors] == [
        ("ticket ABC-000007", "The page is no ticket.")
    ]
    assert (job.result["count"], job.result["gone"], job.result["failed"]) == (18, 1, 1)


def test_a_connection_that_broke_is_tried_once_more() -> None:
    site = Site(tickets=tickets(20))
    site.faults["7"] = [UpstreamFailed("The connection broke.")]
    crawled = Crawled(site=site).configured()

    assert crawled.crawl().failed == 0
    assert "7" in crawled.numbers()


def test_what_could_not_be_read_is_asked_for_again_the_next_time() -> None:
    site = Site(tickets=tickets(20))
    site.faults["7"] = [UpstreamFailed("The page is no ticket.")] * 2
    crawled = Crawled(site=site).configured(time_zone="UTC")
    crawled.crawl("last")

    crawled.crawl("last")

    assert "7" in crawled.numbers()
    site.asked.clear()
    crawled.crawl("last")
    assert read(site) == ["20"]


def test_a_site_that_asks_for_a_pause_gets_it() -> None:
    site = Site(tickets=tickets(20))
    site.faults["15"] = [RateLimited("Too many requests.", retry_after=600)]
    crawled = Crawled(site=site).configured()
    began = crawled.clock.now

    job = crawled.crawl()

    assert (job.status, job.done, job.failed) == (JobStatus.SUCCEEDED, 20, 0)
    assert crawled.clock.now - began >= 600
    assert job.result["count"] == 20
    assert read(site).count("16") == 1
    assert read(site).count("15") == 2


def test_a_message_that_comes_during_the_pause_asks_nothing() -> None:
    site = Site(tickets=tickets(5))
    site.faults["page 0"] = [RateLimited("Too many requests.", retry_after=2_000)]
    crawled = Crawled(site=site).configured()
    job = crawled.begun()
    [message] = crawled.queue.take()
    assert isinstance(message, TicketsToCrawl)
    crawled.step(message)
    asked = len(site.asked)

    crawled.step(message)

    assert len(site.asked) == asked
    assert crawled.work(job).result["count"] == 5


def test_a_short_pause_is_waited_for_on_the_spot() -> None:
    site = Site(tickets=tickets(5))
    site.faults["page 0"] = [RateLimited("Too many requests.", retry_after=3)]
    crawled = Crawled(site=site).configured()
    job = crawled.begun()
    [message] = crawled.queue.take()
    assert isinstance(message, TicketsToCrawl)

    crawled.step(message)

    assert crawled.jobs.get(job.job_id).result["count"] == 5
    assert crawled.queue.messages == []


def test_a_site_that_limits_for_ever_is_given_up_with_a_sentence() -> None:
    site = Site(tickets=tickets(5))
    site.faults["page 0"] = [RateLimited("Too many requests.", retry_after=60)] * 100
    crawled = Crawled(site=site).configured()

    job = crawled.crawl()

    assert job.status is JobStatus.FAILED
    assert "given up: Too many requests" in job.result["error"]
    assert len(site.asked) == 41


def test_a_site_that_is_down_is_waited_for_and_then_given_up() -> None:
    site = Site(tickets=tickets(15))
    site.faults["page 0"] = [UpstreamFailed("The server does not answer.")] * 2
    site.faults["page 1"] = [UpstreamFailed("The server does not answer.")] * 5
    crawled = Crawled(site=site).configured()
    assert crawled.crawl().status is JobStatus.SUCCEEDED
    began = crawled.clock.now

    site.faults["page 0"] = [UpstreamFailed("The server does not answer.")] * 100
    job = crawled.crawl()

    assert job.status is JobStatus.FAILED
    assert "does not answer" in job.result["error"]
    assert crawled.clock.now - began < 60
    assert [alert.alert_id for alert in crawled.alerts.list()] == ["whmcs-crawl"]
    site.faults.clear()
    crawled.crawl()
    assert list(crawled.alerts.list()) == []


def test_a_site_that_falls_over_in_the_middle_fails_no_ticket() -> None:
    site = Site(tickets=tickets(30))
    for number in range(11, 21):
        site.faults[str(number)] = [UpstreamFailed("Time-out.")] * 2
    crawled = Crawled(site=site).configured()

    job = crawled.crawl()

    assert (job.status, job.failed) == (JobStatus.SUCCEEDED, 0)
    assert crawled.numbers() == [str(number) for number in range(1, 31)]


@pytest.mark.parametrize(
    "error",
    [
        Refused("The user name or password is wrong. Further tries would lead to a ban."),
        SessionExpired("The session has expired: log in again by hand: make whmcs-login."),
    ],
)
def test_a_door_that_is_shut_stops_the_crawl_after_one_try_and_is_an_alert(error: Refused) -> None:
    site = Site(tickets=tickets(30))
    site.faults["page 1"] = [error] * 10
    crawled = Crawled(site=site).configured()

    job = crawled.crawl()

    assert job.status is JobStatus.FAILED
    assert (job.result["status"], job.result["error"]) == ("error", str(error))
    assert job.result["count"] == 10
    assert pages(site).count("page 1") == 1
    [alert] = crawled.alerts.list()
    assert (alert.alert_id, alert.message) == ("whmcs-login", str(error))
    assert (crawled.memory.login() or {})["ok"] is False


def test_the_alert_ends_with_the_next_crawl_that_is_let_in() -> None:
    site = Site(tickets=tickets(3))
    site.faults["page 0"] = [Refused("Wrong password.")]
    crawled = Crawled(site=site).configured()
    crawled.crawl()
    assert crawled.alerts.list()

    crawled.crawl()

    assert list(crawled.alerts.list()) == []
    assert (crawled.memory.login() or {})["ok"] is True


def test_the_session_of_one_worker_lets_the_next_one_in() -> None:
    crawled = Crawled(site=Site(tickets=tickets(40)), seconds=95).configured()

    crawled.crawl(totp_code="123456")

    assert len(crawled.site.opened) >= 2
    assert [access.session for access in crawled.site.opened][:2] == ["", "session 1"]


def test_nothing_that_was_sent_is_seen_in_the_job_the_queue_or_a_drawer() -> None:
    crawled = Crawled(site=Site(tickets=tickets(40)), seconds=95).configured(password="")
    sent = {
        "username": "u5er-name",
        "password": "pa55word-sent",
        "totp_code": "998877",
        "session_cookies": COOKIES,
        "api_secret": "api-5ecret",
    }
    job = crawled.begun(**sent)
    [message] = crawled.queue.take()
    assert isinstance(message, TicketsToCrawl)
    crawled.step(message)

    seen = json.dumps(message.to_json()) + repr(crawled.jobs.get(job.job_id)) + repr(crawled.queue.messages)
    drawers = repr(crawled.drawers._drawers)

    for secret in ("u5er-name", "pa55word-sent", "998877", "c00kie-secret-value", "api-5ecret", "session 1"):
        assert secret not in seen
        assert secret not in drawers
    assert crawled.site.opened[0].password == "pa55word-sent"
    crawled.work(job)
    assert "whmcs-crawl-" not in repr(crawled.drawers._drawers)


def test_what_was_sent_for_a_crawl_is_forgotten_after_a_week_in_any_case() -> None:
    crawled = Crawled().configured()
    job = crawled.begun(username="x", password="y")

    crawled.clock.now += 8 * 24 * 3600

    assert crawled.orders.of(job.job_id).sent == {}


def test_what_is_sent_counts_before_what_is_configured() -> None:
    crawled = Crawled(site=Site(tickets=tickets(1))).configured(api_identifier="id", api_secret="secret")

    crawled.crawl(username="other", password="word", area="admin", list_path="list.php")

    [access] = crawled.site.opened
    assert (access.username, access.password, access.list_path) == ("other", "word", "list.php")
    assert (access.api_identifier, access.api_secret) == ("", "")
    assert access.base_url == BASE


def test_kept_credentials_are_never_sent_to_another_server() -> None:
    crawled = Crawled(site=Site(tickets=tickets(1))).configured(api_identifier="id", api_secret="secret")
    crawled.cookies.save(COOKIES, by="ada")

    with pytest.raises(Invalid, match="send this one's own"):
        crawled.begun(base_url="https://evil.example.org")
    crawled.crawl(base_url="https://evil.example.org", username="u", password="p")

    [access] = crawled.site.opened
    assert (access.api_secret, access.cookies, access.totp_secret) == ("", (), "")
    assert access.password == "p"


def test_the_same_server_by_another_path_is_let_in_with_what_is_kept() -> None:
    crawled = Crawled(site=Site(tickets=tickets(1))).configured()

    crawled.crawl(base_url=f"{BASE}/other")

    assert crawled.site.opened[0].password == PASSWORD


def test_saved_cookies_let_a_crawl_in() -> None:
    crawled = Crawled(site=Site(tickets=tickets(1))).configured(username="", password="")
    with pytest.raises(Invalid, match="Nothing opens this helpdesk"):
        crawled.begun()

    crawled.cookies.save(COOKIES, by="ada")
    crawled.crawl()

    assert [cookie.value for cookie in crawled.site.opened[0].cookies] == ["c00kie-secret-value"]


def test_without_an_address_a_crawl_is_refused_at_once() -> None:
    with pytest.raises(Invalid, match="no base_url"):
        Crawled().begun(username="u", password="p")


def test_the_address_of_a_page_is_not_that_of_the_helpdesk() -> None:
    with pytest.raises(Invalid, match="must be the root of WHMCS"):
        Crawled().begun(base_url=f"{BASE}/clientarea.php", username="u", password="p")


def test_an_address_nobody_may_fetch_is_refused_at_once() -> None:
    crawled = Crawled().configured()

    with pytest.raises(Malformed, match="not public"):
        crawled.begun(base_url="http://127.0.0.1:8080", username="u", password="p")

    assert crawled.queue.messages == []


def test_the_client_area_is_never_read_with_the_credentials_of_the_api() -> None:
    crawled = Crawled(site=Site(tickets=tickets(1))).configured(api_identifier="id", api_secret="secret")

    crawled.crawl(area="client")

    [access] = crawled.site.opened
    assert (access.area, access.api_secret, access.username) == (Area.CLIENT, "", "reader")


def test_alerts_and_other_departments_are_left_out_and_counted() -> None:
    site = Site(tickets=tickets(10))
    site.tickets[0] = replace(site.tickets[0], subject="[ALERT] disk full")
    site.tickets[1] = replace(site.tickets[1], department="Sales")
    crawled = Crawled(site=site).configured(ignore=["[ALERT]*"], departments=["Support"])

    job = crawled.crawl()

    assert job.result["skipped_why"] == {"ignored: [ALERT]*": 1, "department": 1}
    assert (job.result["count"], job.result["skipped"], job.done) == (8, 2, 10)


def test_tickets_of_the_client_area_update_the_rows_that_are_known() -> None:
    known = tickets(5)
    crawled = Crawled(site=Site(tickets=known)).configured()
    crawled.crawl()
    crawled.approve("2")
    crawled.site.by_tid = True
    crawled.site.tickets = [replace(one, status="Answered", external_id="") for one in known]

    job = crawled.crawl(area="client")

    assert crawled.numbers() == ["1", "2", "3", "4", "5"]
    assert {row.status for row in crawled.rows()} == {"Answered"}
    assert {row.external_id for row in crawled.rows()} == {"1", "2", "3", "4", "5"}
    assert [row.number for row in crawled.rows() if row.approval is Approval.APPROVED] == ["2"]
    assert job.result["updated"] == 5


def test_a_public_number_that_is_used_twice_does_not_mix_two_tickets() -> None:
    crawled = Crawled(site=Site(tickets=tickets(1))).configured()
    crawled.crawl()
    crawled.site.by_tid = True
    crawled.site.tickets = [replace(one, subject="Quite another matter") for one in tickets(1)]

    crawled.crawl(area="client")

    assert crawled.numbers() == ["1", "tid-ABC-000001"]


def test_a_ticket_first_seen_by_its_public_number_gets_its_own_key_and_keeps_its_approval() -> None:
    crawled = Crawled(site=Site(tickets=tickets(3), by_tid=True)).configured()
    crawled.crawl(area="client")
    assert crawled.numbers() == ["tid-ABC-000001", "tid-ABC-000002", "tid-ABC-000003"]
    crawled.approve("tid-ABC-000002")
    crawled.site.by_tid = False

    crawled.crawl()

    assert crawled.numbers() == ["1", "2", "3"]
    assert [row.number for row in crawled.rows() if row.approval is Approval.APPROVED] == ["2"]


def test_a_crawl_does_not_go_on_at_another_helpdesk_than_it_began_with() -> None:
    crawled = Crawled(site=Site(tickets=tickets(40)), seconds=95).configured()
    job = crawled.begun()
    [message] = crawled.queue.take()
    assert isinstance(message, TicketsToCrawl)
    crawled.step(message)
    asked = len(crawled.site.asked)

    crawled.configured(base_url="https://other.example.com")

    ended = crawled.work(job)
    assert (ended.status, len(crawled.site.asked)) == (JobStatus.FAILED, asked)
    assert "begin again" in ended.result["error"]


def test_an_empty_list_is_said_to_be_empty() -> None:
    job = Crawled(site=Site()).configured().crawl()

    assert (job.status, job.result["count"]) == (JobStatus.SUCCEEDED, 0)
    assert "shows no ticket" in job.result["warning"]


def test_a_crawl_of_which_every_ticket_fails_has_failed() -> None:
    site = Site(tickets=tickets(1))
    site.faults["1"] = [UpstreamFailed("The page is no ticket.")] * 10
    crawled = Crawled(site=site).configured()

    job = crawled.crawl()

    assert (job.status, job.result["status"]) == (JobStatus.FAILED, "error")
    assert "The page is no ticket." in job.result["error"]


def test_while_the_vault_is_down_the_message_comes_back() -> None:
    crawled = Crawled(site=Site(tickets=tickets(1))).configured()
    job = crawled.begun()
    [message] = crawled.queue.take()
    assert isinstance(message, TicketsToCrawl)
    crawled.configuration._opened.clear()
    crawled.vault.down = True

    with pytest.raises(Unavailable):
        crawled.step(message)

    crawled.vault.down = False
    crawled.queue.send(message)
    assert crawled.work(job).status is JobStatus.SUCCEEDED


def test_a_secret_that_opens_no_more_stops_the_crawl_with_a_sentence() -> None:
    crawled = Crawled(site=Site(tickets=tickets(1))).configured()
    crawled.configuration._opened.clear()
    crawled.vault._secrets.clear()

    job = crawled.crawl()

    assert job.status is JobStatus.FAILED
    assert "Save it again" in job.result["error"]


def test_checking_what_is_kept_raises_and_ends_the_alert() -> None:
    crawled = Crawled().configured()
    crawled.checked = Checked(ok=False, message="Wrong password.", debug={"error": "Refused"})
    assert not crawled.checking.look({}).ok
    assert [alert.message for alert in crawled.alerts.list()] == ["Wrong password."]

    crawled.checked = Checked(ok=True, message="Logged in.", debug={"way": "admin pages"})
    assert crawled.checking.look({}).ok

    assert list(crawled.alerts.list()) == []
    assert crawled.memory.login() == {
        "ok": True,
        "message": "The helpdesk was read over its admin pages.",
        "at": (crawled.memory.login() or {})["at"],
    }


def test_checking_what_was_sent_says_nothing_about_what_is_kept() -> None:
    crawled = Crawled().configured()
    crawled.checked = Checked(ok=False, message="Logged out.", debug={"error": "SessionExpired"})

    crawled.checking.look({"session_cookies": COOKIES})

    assert list(crawled.alerts.list()) == []
    assert [cookie.name for cookie in crawled.tried[0].cookies] == ["WHMCSAbCdEf123456"]
    assert crawled.tried[0].password == ""


def test_a_site_that_is_down_is_no_fault_of_the_login() -> None:
    crawled = Crawled().configured()
    crawled.checked = Checked(ok=False, message="No answer.", debug={"error": "UpstreamFailed"})

    crawled.checking.look({})

    assert list(crawled.alerts.list()) == []


def test_cookies_are_counted_and_their_end_is_told() -> None:
    crawled = Crawled()
    soon = crawled.clock.now + 3_600
    exported = [
        {"name": "WHMCSAbCdEf123456", "value": "s3cret", "expirationDate": soon},
        {"name": "_ga", "value": "x", "expirationDate": soon - 3_000},
        {"name": "lang", "value": "y", "sameSite": "unspecified"},
    ]

    crawled.cookies.save(exported, by="ada")

    state = crawled.cookies.state() or {}
    assert (state["count"], state["names"]) == (3, ["WHMCSAbCdEf123456", "_ga", "lang"])
    assert state["expires_at"] == datetime.fromtimestamp(soon, UTC).isoformat()
    assert "s3cret" not in repr(crawled.drawers._drawers)
    assert crawled.cookies.opened() == exported


@pytest.mark.parametrize(
    ("exported", "said"),
    [
        ([], "no cookies"),
        ([{"name": "WHMCSAbCdEf123456", "value": "x", "expirationDate": 1_000}], "have expired"),
        ([{"value": "x"}], "Cookie 0 has no name"),
    ],
)
def test_cookies_that_are_of_no_use_are_refused(exported: list[dict[str, str]], said: str) -> None:
    crawled = Crawled()

    with pytest.raises(Invalid, match=said):
        crawled.cookies.save(exported, by="ada")

    assert crawled.cookies.state() is None
