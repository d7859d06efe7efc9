"""Webhooks: who hears of what, when it is tried again, and when it is given up."""

import itertools
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from candor.adapters.http_fetcher import HttpFetcher
from candor.adapters.memory_config import MemoryAlerts
from candor.adapters.memory_hooks import MemoryHooks
from candor.adapters.memory_storage import MemoryQueue
from candor.adapters.memory_vault import MemoryVault
from candor.errors import Conflict, Invalid, Malformed, NotFound, Unavailable
from candor.jobs import JobStatus
from candor.messages import MAX_DELAY_SECONDS, EventToDeliver, Message
from candor.webhooks.announcing import AnnouncedAnswers, AnnouncedJobs, Announcer
from candor.webhooks.delivering import BACK_OFF, GIVEN_UP_AFTER, REST_SECONDS, Delivering
from candor.webhooks.happenings import WRITTEN_WITHIN, Happenings
from candor.webhooks.service import Webhooks
from candor.webhooks.values import MOST, Event, Status
from tests.doubles.listening import Listener
from tests.doubles.loopback import Reply
from tests.doubles.talks import ADA, CITATION, Talks

SECRET = "whsec-of-the-tests-0123"


@dataclass
class Clock:
    now: float = 1_767_225_600.0

    def __call__(self) -> float:
        return self.now


class Delays(MemoryQueue):
    """A queue that remembers how long each message is to be hidden."""

    def __init__(self) -> None:
        super().__init__()
        self.delays: list[int] = []
        self.down = False

    def send(self, *messages: Message, delay_seconds: int = 0) -> None:
        if self.down:
            raise Unavailable("The queue is not available right now.")
        self.delays += [delay_seconds] * len(messages)
        super().send(*messages, delay_seconds=delay_seconds)


@dataclass
class Desk:
    listener: Listener
    clock: Clock = field(default_factory=Clock)
    ticks: Clock = field(default_factory=Clock)
    hooks: MemoryHooks = field(default_factory=MemoryHooks)
    queue: Delays = field(default_factory=Delays)
    alerts: MemoryAlerts = field(default_factory=MemoryAlerts)
    vault: MemoryVault = field(default_factory=MemoryVault)
    talks: Talks = field(default_factory=Talks)

    def __post_init__(self) -> None:
        self.fetcher = HttpFetcher(version="0", allowed_origins=[self.listener.origin], connect_seconds=30)
        self.webhooks = Webhooks(
            hooks=self.hooks,
            vault=self.vault,
            queue=self.queue,
            alerts=self.alerts,
            check_address=self.fetcher.check,
            clock=lambda: datetime.fromtimestamp(self.clock.now, UTC),
        )
        self.announcer = Announcer(hooks=self.hooks, queue=self.queue, clock=self.clock, ticks=self.ticks)
        self.jobs = AnnouncedJobs(self.talks.knowledge.jobs, self.announcer)
        self.answers = AnnouncedAnswers(self.talks.answers, self.announcer)
        self.talks.assistant._snapshots = self.answers  # type: ignore[assignment]
        self.delivering = Delivering(
            hooks=self.hooks,
            happenings=Happenings(
                answers=self.answers,
                jobs=self.jobs,
                conversations=self.talks.store,
                correspondence=self.talks.inbox,
            ),
            claims=self.talks.inbox,
            vault=self.vault,
            fetcher=self.fetcher,
            queue=self.queue,
            alerts=self.alerts,
            clock=self.clock,
        )

    def hook(self, *events: Event, url: str = "") -> str:
        hook, _ = self.webhooks.add(
            url=url or f"{self.listener.url}/hook", events=events, secret=SECRET, enabled=True
        )
        self.listener.secret = SECRET
        self.ticks.now += 60  # The announcers see it.
        return hook.hook_id

    def ask(self, text: str = "How long?") -> str:
        """A question in a conversation; the answer's id."""
        talk = self.talks.open()
        told = self.talks.replying.send(talk.conversation_id, text, principal=ADA, trace_id="t-1", key="k")
        return told.answer.message_id

    def work(self) -> int:
        """Deliver what waits now; how many messages there were."""
        waiting = self.queue.take(100)
        for message in waiting:
            self.delivering.deliver(EventToDeliver.from_json(message.to_json()))
        return len(waiting)


@pytest.fixture
def desk() -> Iterator[Desk]:
    with Listener() as listener:
        yield Desk(listener)


# ---------------------------------------------------------------- hooks
def test_a_secret_is_made_and_told_once(desk: Desk) -> None:
    hook, secret = desk.webhooks.add(
        url=f"{desk.listener.url}/x", events=[Event.ANSWER], secret=None, enabled=True
    )

    assert secret.startswith("whsec_")
    assert len(secret) > 40
    assert secret not in repr(desk.webhooks.get(hook.hook_id))
    assert secret not in desk.webhooks.get(hook.hook_id).sealed


@pytest.mark.parametrize("url", ["http://10.0.0.1/", "http://[::1]/", "file:///etc/passwd", "nonsense"])
def test_an_address_nobody_may_fetch_is_refused_with_a_sentence(desk: Desk, url: str) -> None:
    with pytest.raises(Malformed, match=r"^url: "):
        desk.webhooks.add(url=url, events=[Event.ANSWER], secret=None, enabled=True)
    hook_id = desk.hook(Event.ANSWER)
    with pytest.raises(Malformed, match=r"^url: "):
        desk.webhooks.change(hook_id, url=url)


@pytest.mark.parametrize("secret", ["short", "ä" * 20, "with\nbreak in the middle"])
def test_a_secret_that_proves_nothing_is_refused(desk: Desk, secret: str) -> None:
    with pytest.raises(Invalid):
        desk.webhooks.add(url=f"{desk.listener.url}/x", events=[Event.ANSWER], secret=secret, enabled=True)


def test_there_are_so_many_and_no_more(desk: Desk) -> None:
    for _ in range(MOST):
        desk.hook(Event.ANSWER)

    with pytest.raises(Conflict):
        desk.hook(Event.ANSWER)
    assert len(desk.webhooks.all()) == MOST


# ---------------------------------------------------------------- answers
def test_an_answer_is_told_signed_with_all_one_needs_to_know(desk: Desk) -> None:
    desk.hook(Event.ANSWER)
    answer_id = desk.ask("How long, card 4111 1111 1111 1111?")

    desk.work()

    [request] = desk.listener.requests
    [body] = desk.listener.heard
    assert desk.listener.is_signed(request)
    assert (request.method, request.path) == ("POST", "/hook")
    assert request.headers["content-type"] == "application/json"
    assert request.headers["x-candor-event"] == body["event"] == "answer"
    assert request.headers["x-candor-delivery"]
    assert body["id"]
    assert datetime.fromisoformat(body["created_at"]).tzinfo
    assert body["data"]["answer_id"] == body["data"]["message_id"] == answer_id
    assert (body["data"]["decision"], body["data"]["source_id"]) == ("PASS", "42")
    assert "4111 1111" not in request.body.decode()
    assert "evidence" not in body["data"]
    [hook] = desk.webhooks.all()
    assert hook.last_status is not None
    assert (hook.last_status.status, hook.last_status.error) == (Status.DELIVERED, "")


def test_an_answer_outside_of_conversations_is_told_with_its_evidence(desk: Desk) -> None:
    desk.hook(Event.ANSWER)
    kept = desk.talks.answers.get(desk.ask())
    desk.queue.take(100)

    desk.answers.keep(replace(kept, answer_id="a9", conversation_id="", citations=(CITATION,)))
    desk.work()

    [body] = desk.listener.heard
    [citation] = body["data"]["citations"]
    assert citation["source_url"] == "https://example.com/refunds"
    assert citation["quote"] == "Refunds take 14 days."
    assert "conversation_id" not in body["data"]


def test_who_does_not_listen_costs_no_message(desk: Desk) -> None:
    desk.hook(Event.JOB)
    hook_id = desk.hook(Event.ANSWER)
    desk.webhooks.change(hook_id, enabled=False)
    desk.ticks.now += 60

    desk.ask()

    assert len(desk.queue) == 0


def test_an_escalation_is_told_as_such_and_as_an_answer(desk: Desk) -> None:
    desk.hook(Event.ANSWER, Event.ESCALATION)
    desk.talks.replying._snapshots = desk.answers

    desk.ask("talk to a person")
    desk.work()

    assert sorted(body["event"] for body in desk.listener.heard) == ["answer", "escalation"]
    assert {body["data"]["decision"] for body in desk.listener.heard} == {"ESCALATE"}
    assert len({body["id"] for body in desk.listener.heard}) == 2


def test_an_answer_that_is_not_written_yet_is_looked_for_again(desk: Desk) -> None:
    hook_id = desk.hook(Event.ANSWER)
    desk.queue.send(
        EventToDeliver(
            event_id="e", hook_id=hook_id, event="answer", about="nobody", announced_at=desk.clock.now
        )
    )

    desk.work()
    assert len(desk.queue) == 1
    desk.clock.now += WRITTEN_WITHIN + 1
    desk.work()

    assert (len(desk.queue), desk.listener.requests) == (0, [])


def test_an_answer_that_was_dropped_for_a_better_one_is_told_to_nobody(desk: Desk) -> None:
    desk.hook(Event.ANSWER)
    talk = desk.talks.open()

    def interrupt(_: object) -> None:
        if len(desk.talks.assistant.asked) == 1:
            desk.talks.replying.hear(talk.conversation_id, "And a card?", principal=ADA)

    desk.talks.assistant.while_writing = interrupt
    told = desk.talks.replying.send(talk.conversation_id, "How long?", principal=ADA)
    for _ in range(4):
        desk.work()
        desk.clock.now += WRITTEN_WITHIN / 2

    assert len(desk.talks.assistant.asked) == 2
    assert [body["data"]["answer_id"] for body in desk.listener.heard] == [told.answer.message_id]


def test_what_was_erased_meanwhile_is_not_told(desk: Desk) -> None:
    desk.hook(Event.ANSWER)
    desk.answers.erase([desk.ask()])
    desk.clock.now += WRITTEN_WITHIN + 1

    desk.work()

    assert (len(desk.queue), desk.listener.requests) == (0, [])


def test_a_queue_that_is_down_costs_nobody_the_answer(desk: Desk) -> None:
    desk.hook(Event.ANSWER)
    desk.queue.down = True

    answer_id = desk.ask()

    assert desk.answers.get(answer_id).answer_id == answer_id


def test_hooks_that_cannot_be_read_stay_as_they_were(desk: Desk) -> None:
    desk.hook(Event.ANSWER)
    desk.ask()
    desk.hooks.down = True
    desk.ticks.now += 60

    desk.ask()

    assert len(desk.queue) == 2


# ---------------------------------------------------------------- jobs
def test_a_job_is_told_when_it_ends_and_not_before(desk: Desk) -> None:
    desk.hook(Event.JOB)
    job = desk.jobs.start(kind="reconcile", subject="both", created_by="ada")

    desk.work()
    desk.work()
    assert desk.listener.requests == []
    desk.jobs.finish(job.job_id, JobStatus.FAILED)
    desk.work()

    [body] = desk.listener.heard
    assert (body["event"], body["data"]["job_id"]) == ("job", job.job_id)
    assert (body["data"]["status"], body["data"]["kind"]) == ("failed", "reconcile")
    assert len(desk.queue) == 0


def test_a_job_that_ends_by_its_counters_is_told_too(desk: Desk) -> None:
    desk.hook(Event.JOB)
    job = desk.jobs.start(kind="ingest", subject="a", created_by="ada")
    desk.jobs.progress(job.job_id, total=2, done=1)
    desk.jobs.seal(job.job_id, result={})
    desk.jobs.progress(job.job_id, done=1)

    desk.work()

    assert [body["data"]["status"] for body in desk.listener.heard] == ["succeeded"]


def test_the_same_job_started_twice_is_the_same_event(desk: Desk) -> None:
    desk.hook(Event.JOB)
    for _ in range(2):
        desk.jobs.start(kind="a", subject="a", created_by="a", job_id="j")
    desk.jobs.finish("j", JobStatus.SUCCEEDED)

    desk.work()

    assert len(desk.listener.heard) == 1


def test_a_long_job_costs_a_look_a_minute(desk: Desk) -> None:
    desk.hook(Event.JOB)
    desk.jobs.start(kind="a", subject="a", created_by="a")
    desk.clock.now += 10_000

    desk.work()

    assert desk.queue.delays[-1] == 60


# ---------------------------------------------------------------- failures
@pytest.mark.parametrize(
    "answer",
    [
        Reply(status=500, body=b"no"),
        Reply(status=404, body=b"no"),
        Reply(status=302, body=b"", headers={"Location": "http://169.254.169.254/latest/meta-data/"}),
        Reply(status=200, body={}, cut=True, headers={"Content-Encoding": "br"}),
    ],
    ids=["500", "404", "redirect", "200 that breaks off"],
)
def test_only_a_status_of_two_hundred_and_something_is_taken_for_heard(desk: Desk, answer: Reply) -> None:
    desk.hook(Event.ANSWER)
    desk.listener.answers = [answer]
    desk.ask()

    desk.work()

    assert len(desk.listener.requests) == 1
    [hook] = desk.webhooks.all()
    assert hook.last_status is not None
    # The status is all there is to read: what breaks off behind it is nothing we would have read.
    heard = answer.status == 200
    assert len(desk.queue) == (0 if heard else 1)
    assert hook.last_status.status is (Status.DELIVERED if heard else Status.RETRYING)
    if not heard:
        assert str(answer.status) in hook.last_status.error


def test_a_body_without_end_costs_no_time_and_no_memory(desk: Desk) -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b"x" * 65_536

    desk.hook(Event.ANSWER)
    desk.listener.answers = [Reply(chunks=endless())]
    desk.ask()

    desk.work()

    [hook] = desk.webhooks.all()
    assert hook.last_status is not None
    assert hook.last_status.status is Status.DELIVERED


def test_it_is_tried_again_with_ever_longer_pauses_for_a_day_under_one_id(desk: Desk) -> None:
    hook_id = desk.hook(Event.ANSWER)
    desk.listener.answers = [Reply(status=503, body=b"")]
    desk.ask()
    began, tried = desk.clock.now, []

    for _ in range(2_000):
        before = len(desk.listener.requests)
        if not desk.work():
            break
        if len(desk.listener.requests) > before:
            tried.append(desk.clock.now - began)
        desk.clock.now += desk.queue.delays[-1]

    pauses = [later - earlier for earlier, later in itertools.pairwise(tried)]
    assert pauses[: len(BACK_OFF)] == list(BACK_OFF)
    assert GIVEN_UP_AFTER / 2 < tried[-1] <= GIVEN_UP_AFTER
    assert max(desk.queue.delays) <= MAX_DELAY_SECONDS
    assert len({body["id"] for body in desk.listener.heard}) == 1
    assert len({request.headers["x-candor-delivery"] for request in desk.listener.requests}) == 1
    assert all(map(desk.listener.is_signed, desk.listener.requests))
    [alert] = desk.alerts.list()
    assert alert.alert_id == f"webhook-{hook_id}"
    assert "for a day" in alert.message
    last = desk.webhooks.get(hook_id).last_status
    assert last is not None
    assert last.status is Status.FAILED
    assert desk.webhooks.get(hook_id).enabled


def test_a_receiver_that_has_just_failed_is_left_alone_for_a_moment(desk: Desk) -> None:
    desk.hook(Event.ANSWER)
    desk.listener.answers = [Reply(status=500, body=b""), Reply(status=204, body=b"")]
    for _ in range(5):
        desk.ask()

    desk.work()
    assert (len(desk.listener.requests), len(desk.queue)) == (1, 5)
    desk.clock.now += REST_SECONDS
    desk.work()

    assert len({body["id"] for body in desk.listener.heard}) == 5
    assert len(desk.queue) == 0


def test_a_receiver_may_ask_for_a_longer_pause(desk: Desk) -> None:
    desk.hook(Event.ANSWER)
    desk.listener.answers = [Reply(status=429, body=b"", headers={"Retry-After": "120"})]
    desk.ask()

    desk.work()

    assert desk.queue.delays[-1] == 120


def test_who_is_well_again_is_told_and_the_alert_goes(desk: Desk) -> None:
    hook_id = desk.hook(Event.ANSWER)
    desk.alerts.raise_(f"webhook-{hook_id}", "It was down.")
    desk.ask()

    desk.work()

    assert desk.alerts.list() == []


def test_410_switches_the_hook_off_with_an_alert(desk: Desk) -> None:
    hook_id = desk.hook(Event.ANSWER, url=f"{desk.listener.url}/hook?key=7E57-KEY")
    desk.listener.answers = [Reply(status=410, body=b"")]
    desk.ask()

    desk.work()

    hook = desk.webhooks.get(hook_id)
    assert (hook.enabled, len(desk.queue)) == (False, 0)
    [alert] = desk.alerts.list()
    assert "410" in alert.message
    assert "7E57-KEY" not in alert.message
    desk.webhooks.remove(hook_id)
    assert desk.alerts.list() == []


def test_nothing_listens_at_all_and_that_is_tried_again_too(desk: Desk) -> None:
    hook_id = desk.hook(Event.ANSWER)
    desk.hooks.change(replace(desk.hooks.get(hook_id), url="http://127.0.0.1:9/"))
    desk.ask()

    desk.work()

    last = desk.webhooks.get(hook_id).last_status
    assert last is not None
    assert last.status is Status.RETRYING
    assert len(desk.queue) == 1


def test_what_waits_for_a_hook_that_was_removed_or_switched_off_is_dropped(desk: Desk) -> None:
    removed, off, other = desk.hook(Event.ANSWER), desk.hook(Event.ANSWER), desk.hook(Event.ANSWER)
    desk.ask()
    desk.webhooks.remove(removed)
    desk.webhooks.change(off, enabled=False)
    desk.webhooks.change(other, events=[Event.JOB])

    desk.work()

    assert (len(desk.queue), desk.listener.requests) == (0, [])


def test_after_a_kill_it_is_told_again_under_the_same_id(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.hook(Event.ANSWER)
    desk.ask()
    [message] = (EventToDeliver.from_json(sent.to_json()) for sent in desk.queue.take())

    with monkeypatch.context() as dying:
        dying.setattr(desk.talks.inbox, "told", _dies)
        with pytest.raises(RuntimeError):
            desk.delivering.deliver(message)
    desk.delivering.deliver(message)
    assert len(desk.listener.requests) == 1, "somebody may still be at it"
    desk.talks.inbox._clock = lambda: time.time() + 3_600
    desk.work()

    first, second = desk.listener.heard
    assert first == second


def _dies(*_: object) -> None:
    raise RuntimeError("killed here")


def test_a_message_that_comes_twice_is_told_once(desk: Desk) -> None:
    desk.hook(Event.ANSWER)
    desk.ask()
    [message] = desk.queue.take()

    for _ in range(2):
        desk.delivering.deliver(EventToDeliver.from_json(message.to_json()))

    assert len(desk.listener.requests) == 1


def test_a_ping_reaches_a_hook_that_is_off_and_is_not_tried_again(desk: Desk) -> None:
    hook_id = desk.hook(Event.ANSWER)
    desk.webhooks.change(hook_id, enabled=False)
    desk.listener.answers = [Reply(status=500, body=b""), Reply(status=204, body=b"")]

    event_id = desk.webhooks.ping(hook_id)
    desk.work()
    failed = desk.webhooks.get(hook_id).last_status
    desk.webhooks.ping(hook_id)
    desk.work()

    assert failed is not None
    assert (failed.status, len(desk.queue), desk.alerts.list()) == (Status.FAILED, 0, [])
    assert [body["event"] for body in desk.listener.heard] == ["ping", "ping"]
    assert desk.listener.heard[0]["id"] == event_id
    with pytest.raises(NotFound):
        desk.webhooks.ping("nobody")


def test_an_event_that_somebody_made_up_is_dropped(desk: Desk) -> None:
    message = json.dumps({"event_id": "e", "hook_id": "h", "event": "x", "about": "y", "announced_at": 0})

    desk.delivering.deliver(EventToDeliver.from_json(message))

    assert len(desk.queue) == 0
