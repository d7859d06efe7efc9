"""In-memory crawls: frontiers and pages in dictionaries, for tests and for small demos."""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence

from candor.crawling.crawls import Page, Plan, Site, Turn
from candor.crawling.frontier import Frontier


class MemoryCrawls:
    """`Crawls` in dictionaries. What is kept is packed as elsewhere: nobody shares an object by accident."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._plans: dict[str, bytes] = {}
        self._frontiers: dict[str, tuple[int, bytes]] = {}
        self._pages: dict[str, dict[str, bytes]] = {}
        self._turns: dict[str, tuple[float, float]] = {}
        self._sites: dict[str, Site] = {}

    def begin(self, plan: Plan) -> None:
        self._plans[plan.job_id] = plan.to_bytes()

    def plan(self, job_id: str) -> Plan | None:
        packed = self._plans.get(job_id)
        return Plan.from_bytes(packed) if packed is not None else None

    def frontier(self, job_id: str) -> Frontier:
        revision, packed = self._frontiers.get(job_id, (0, b""))
        return Frontier.from_bytes(packed, revision=revision) if packed else Frontier(job_id=job_id)

    def save(self, frontier: Frontier) -> bool:
        packed = frontier.to_bytes()
        with self._lock:
            revision, _ = self._frontiers.get(frontier.job_id, (0, b""))
            if revision != frontier.revision:
                return False
            self._frontiers[frontier.job_id] = (revision + 1, packed)
        frontier.revision += 1
        return True

    def pages(self, site: str, keys: Iterable[str]) -> Mapping[str, Page]:
        shelf = self._pages.get(site, {})
        return {key: Page.from_bytes(shelf[key], site=site, key=key) for key in keys if key in shelf}

    def known(self, site: str) -> Iterator[Page]:
        shelf = dict(self._pages.get(site, {}))
        return iter([Page.from_bytes(packed, site=site, key=key) for key, packed in shelf.items()])

    def remember(self, pages: Sequence[Page]) -> None:
        with self._lock:
            for page in pages:
                self._pages.setdefault(page.site, {})[page.key] = page.to_bytes()

    def forget(self, pages: Sequence[Page]) -> None:
        with self._lock:
            for page in pages:
                self._pages.get(page.site, {}).pop(page.key, None)

    def turn(self, site: str, *, now: float, delay: float, patience: float) -> Turn:
        with self._lock:
            turn, self._turns[site] = Turn.taken(
                self._turns.get(site, (0.0, 0.0)), now=now, delay=delay, patience=patience
            )
        return turn

    def site(self, site: str) -> Site:
        return self._sites.get(site, Site())

    def keep_site(self, site: str, about: Site) -> None:
        self._sites[site] = about
