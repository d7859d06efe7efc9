"""A helpdesk in memory, and a crawl of it worked off as the workers would."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from candor.adapters.memory_config import MemoryAlerts, MemoryConfigStore
from candor.adapters.memory_tickets import MemoryTicketDirectory
from candor.adapters.memory_vault import MemoryDrawers, MemoryVault
from candor.config.service import Configuration
from candor.config.whmcs import WHMCS
from candor.errors import Malformed
from candor.jobs import Job
from candor.messages import TicketsToCrawl
from candor.tickets.keeping import Keeping
from candor.tickets.values import Approval, TicketDraft
from candor.vault import Safe
from candor.whmcs.crawl.checking import Checking
from candor.whmcs.crawl.cookies import SavedCookies
from candor.whmcs.crawl.course import Means
from candor.whmcs.crawl.opening import Opening
from candor.whmcs.crawl.orders import Orders
from candor.whmcs.crawl.remembering import Memory
from candor.whmcs.crawl.service import TicketCrawling
from candor.whmcs.site.choosing import chosen
from candor.whmcs.site.values import Access, Checked, Helpdesk, Listed, TicketRef
from tests.doubles.crawling import Clock, TimedQueue
from tests.doubles.knowledge import Knowledge
from tests.doubles.tickets import draft

BASE = "https://billing.example.com"
PASSWORD = "correct horse battery"
NEWEST = datetime(2026, 5, 1, 12, tzinfo=UTC)


def tickets(count: int, *, first: int = 1) -> list[TicketDraft]:
    """The newest first, a day between each."""
    return [
        draft(
            str(number),
            subject=f"Question {number}",
            last_reply_at=NEWEST - timedelta(days=place),
            metadata={},
            source_file="",
        )
        for place, number in enumerate(range(first + count - 1, first - 1, -1))
    ]


@dataclass(kw_only=True)
class Site:
    """What a helpdesk holds, and how it behaves. `open` gives a `Helpdesk` for whoever is let in."""

    tickets: list[TicketDraft] = field(default_factory=list)
    page_size: int = 10
    by_tid: bool = False
    """As the client area: it knows public numbers alone."""
    tells_total: bool = True
    faults: dict[str, list[Exception]] = field(default_factory=lambda: defaultdict(list))
    """Of a ticket's number, or `page <n>`: each is raised once, in this order."""
    gone: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    opened: list[Access] = field(default_factory=list)
    before: Callable[[str], None] = lambda what: None

    def open(self, access: Access) -> "Open":
        self.opened.append(access)
        return Open(self, access)

    def ask(self, what: str) -> None:
        self.before(what)
        self.asked.append(what)
        if self.faults[what]:
            raise self.faults[what].pop(0)


@dataclass(slots=True)
class Open:
    site: Site
    access: Access
    way: str = "admin pages"
    session: str = ""

    def listed(self, *, page_token: str = "", since: datetime | None = None) -> Listed:
        number = int(page_token or 0)
        self.site.ask(f"page {number}")
        start = number * self.site.page_size
        shown = self.site.tickets[start : start + self.site.page_size]
        refs, left_out = chosen([self._ref(one) for one in shown], self.access, since)
        self.session = self.session or self.access.session or f"session {len(self.site.opened)}"
        return Listed(
            refs=refs,
            next=str(number + 1) if start + self.site.page_size < len(self.site.tickets) else None,
            left_out=left_out,
            total=len(self.site.tickets) if self.site.tells_total else None,
        )

    def ticket(self, ref: TicketRef) -> TicketDraft | None:
        self.site.ask(ref.number)
        if ref.number in self.site.gone:
            return None
        found = next(one for one in self.site.tickets if self._ref(one).number == ref.number)
        return replace(found, number=ref.number, external_id=found.tid) if self.site.by_tid else found

    def _ref(self, one: TicketDraft) -> TicketRef:
        return TicketRef(
            number=f"tid-{one.tid}" if self.site.by_tid else one.number,
            tid=one.tid,
            subject=one.subject,
            status=one.status,
            department=one.department,
            sender=one.email,
            updated=one.last_reply_at,
        )


def door(url: str) -> str:
    if "internal" in url or "127." in url:
        raise Malformed("This address is not public.")
    return url.rstrip("/")


@dataclass(kw_only=True)
class Crawled:
    """Everything a crawl of tickets needs, in memory. `work` runs it to its end."""

    site: Site = field(default_factory=Site)
    knowledge: Knowledge = field(default_factory=Knowledge)
    clock: Clock = field(default_factory=Clock)
    seconds: float = 300.0
    """What an invocation has; each ticket that is asked for takes one of them."""
    check_address: Callable[[str], str] = lambda url: door(url)
    opens: Callable[[Access], Helpdesk] | None = None
    """Opens another helpdesk than `site`."""
    pause: Callable[[float], None] | None = None
    """How a worker waits; None: the clock is put forward."""
    checked: Checked = field(default_factory=lambda: Checked(ok=True, message="Logged in."))

    def __post_init__(self) -> None:
        self.jobs, self.tickets = self.knowledge.jobs, self.knowledge.tickets
        self.vault, self.drawers = MemoryVault(), MemoryDrawers(self.clock.today)
        self.safe = Safe(vault=self.vault, drawers=self.drawers, clock=self.clock.today)
        self.alerts = MemoryAlerts(self.clock.today)
        self.queue = TimedQueue(self.clock)
        self.settings = MemoryConfigStore()
        self.configuration = self.elsewhere()
        self.cookies = SavedCookies(safe=self.safe, clock=self.clock.today)
        self.memory = Memory(drawers=self.drawers, alerts=self.alerts, clock=self.clock.today)
        self.opening = Opening(configuration=self.configuration, cookies=self.cookies)
        self.orders = Orders(
            opening=self.opening,
            safe=self.safe,
            jobs=self.jobs,
            queue=self.queue,
            check_address=self.check_address,
            clock=self.clock.today,
        )
        self.checking = Checking(
            opening=self.opening, memory=self.memory, check_address=self.check_address, check=self._check
        )
        means = Means(
            orders=self.orders,
            memory=self.memory,
            jobs=self.jobs,
            queue=self.queue,
            clock=self.clock.today,
            pause=self.pause or self.clock.sleep,
        )
        self.crawling = TicketCrawling(
            means=means,
            opening=self.opening,
            tickets=self.tickets,
            keeping=Keeping(
                tickets=self.tickets,
                directory=MemoryTicketDirectory(),
                learning=self.knowledge.learning,
            ),
            open_helpdesk=self.opens or self.site.open,
        )
        self.tried: list[Access] = []

    def configured(self, **settings: Any) -> "Crawled":
        """With an address and a login."""
        own = {"base_url": BASE, "username": "reader", "password": PASSWORD, **settings}
        self.configuration.put("whmcs", own, by="ada")
        return self

    def elsewhere(self) -> Configuration:
        """The settings, as another process has them."""
        return Configuration(
            store=self.settings, vault=self.vault, sections=[WHMCS], check_address=self.check_address
        )

    def begun(self, since: str = "", **sent: Any) -> Job:
        return self.orders.begin(sent, since=since, created_by="ada")

    def step(self, message: TicketsToCrawl) -> None:
        """One invocation."""
        began = len(self.site.asked)
        self.crawling.go_on(message, remaining=lambda: self.seconds - (len(self.site.asked) - began))

    def work(self, job: Job, *, at_most: int = 500) -> Job:
        for _ in range(at_most):
            if self.jobs.get(job.job_id).status.ended:
                break
            for message in self.queue.take():
                assert isinstance(message, TicketsToCrawl)
                self.step(message)
            if (at := self.queue.next_at()) is not None:
                self.clock.now = max(self.clock.now, at)
        return self.jobs.get(job.job_id)

    def crawl(self, since: str = "", **sent: Any) -> Job:
        return self.work(self.begun(since, **sent))

    def numbers(self) -> list[str]:
        return sorted((row.number for row in self.rows()), key=lambda number: (len(number), number))

    def rows(self) -> list[Any]:
        return list(self.tickets.after("", limit=10_000))

    def approve(self, number: str) -> None:
        row = next(row for row in self.rows() if row.number == number)
        self.tickets.decide(row.ticket_id, Approval.APPROVED, by="ada")

    def _check(self, access: Access) -> Checked:
        self.tried.append(access)
        return self.checked
