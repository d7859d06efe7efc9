"""Imports in memory: a bucket with dumps in it, and everything that an import fills."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from candor.adapters.bucket_imports import BucketDump, BucketSpill
from candor.importing.orders import work_prefix
from candor.importing.receipts import Receipts
from candor.importing.run import Tools
from candor.importing.service import Importing
from candor.jobs import Job
from candor.messages import ObjectChanged
from candor.tickets.values import Ticket
from tests.doubles.knowledge import Knowledge

KEY = "source/whmcs.sql"


@dataclass(kw_only=True)
class Imports:
    knowledge: Knowledge = field(default_factory=Knowledge)
    keep_days: float = 1.0

    def __post_init__(self) -> None:
        known = self.knowledge
        self.tickets = known.tickets
        self.receipts = Receipts(known.objects)
        self.tools = Tools(
            jobs=known.jobs,
            objects=known.objects,
            documents=known.documents,
            tickets=self.tickets,
            keeping=known.keeping,
            receipts=self.receipts,
            spill=lambda job_id: BucketSpill(known.objects, f"{work_prefix(job_id)}spill/"),
            dump=lambda keys: BucketDump(known.objects, keys),
            keep_days=self.keep_days,
        )
        self.importing = Importing(orders=known.imports, tools=self.tools)
        known.go_on_importing = lambda job_id, remaining: self.importing.go_on(job_id, remaining=remaining)

    def with_tools(self, **tools: Any) -> None:
        self.importing = Importing(orders=self.knowledge.imports, tools=replace(self.tools, **tools))

    def notice(self, key: str = KEY, *, removed: bool = False, sequencer: str = "1") -> None:
        """As S3 tells of a change."""
        change = ObjectChanged(key=key, removed=removed, sequencer=sequencer)
        self.knowledge.ingesting.changed(change, remaining=lambda: 1_000.0)

    def drop(self, body: bytes, key: str = KEY, *, sequencer: str = "1") -> Job:
        """Drop a file, have the workers do what there is to do, and return the newest job."""
        self.knowledge.drop(key, body)
        self.notice(key, sequencer=sequencer)
        self.knowledge.work()
        return self.knowledge.job()

    def order(self, keys: Sequence[str] = (KEY,), **wanted: Any) -> Job:
        """As the API takes an order; the job when it has ended."""
        job = self.knowledge.imports.place(keys, created_by="somebody", **wanted)
        self.knowledge.work()
        return self.knowledge.jobs.get(job.job_id)

    def remove(self, key: str = KEY, *, sequencer: str = "9") -> None:
        """As a person does."""
        self.knowledge.objects.delete(key)
        self.notice(key, removed=True, sequencer=sequencer)
        self.knowledge.work()

    def rows(self) -> list[Ticket]:
        return sorted(self.tickets.after("", limit=100_000), key=lambda row: int(row.number))

    def work_files(self) -> list[str]:
        return [info.key for info in self.knowledge.objects.list("imports/")]
