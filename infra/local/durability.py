"""
Durability: nothing the embedded AWS acknowledged is lost, whenever its process is killed.

ministack saves its state on a clean stop only. So each change it makes is journaled as it is made, and no
reply leaves before the journal is on disk. What is journaled is the outcome (the row as it is now, the
message that arrived or went), not the request: an `ADD 1` replayed is no second one, and it does not matter
who wrote, a client, a worker, an expiry or a bucket's notification. A checkpoint may be taken while changes
go on, for the same reason.

A row passes `_set_item` or `_remove_item`. Queues are compared instead, before each reply: messages only ever
arrive at the end, so a queue has changed exactly when its length or its last message has.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from infra.local.generations import Generation, Generations
from infra.local.journal import Change, Journal, read
from infra.local.privates import Privates

SERVICES = (
    "apigateway", "apigateway_v1", "cloudformation", "cloudwatch", "cloudwatch_logs", "dynamodb",
    "eventbridge", "iam", "kms", "lambda", "s3", "scheduler", "secretsmanager", "sns", "sqs", "ssm",
)  # fmt: skip
"""
Whose state is worth keeping. Log events are left out of checkpoints while running, see `_NOT_WHILE_RUNNING`.
"""

_NOT_WHILE_RUNNING = ("cloudwatch_logs",)
"""They grow with every request and are worth little after a crash: a clean stop saves them."""

SMALL = ("eventbridge", "kms", "scheduler", "secretsmanager", "sns", "ssm")
"""Services with little state and few writes: after one, the whole state goes into the journal."""

CHECKPOINT_BYTES = 32 * 1024 * 1024
CHECKPOINT_SECONDS = 300
_DELIVERY_SECONDS = 1.0


class Durability:
    """One embedded AWS's memory on disk."""

    def __init__(self, folder: Path, privates: Privates, *, port: int) -> None:
        self._folder = folder / "journal"
        self._generations = Generations(folder / "generations")
        self._privates = privates
        self._port = port
        self._journal: Journal | None = None
        self._known: dict[Any, dict[str, None]] = {}
        self._shape: dict[Any, tuple[int, str]] = {}
        self._rows = threading.RLock()
        self._saving = asyncio.Lock()
        self._checkpoint_wanted = False
        self._saved_at = time.monotonic()
        self._complete = self._generations.current() is not None

    def prepare(self) -> Path | None:
        """Before ministack loads: the folder it is to load from, None on a first start."""
        self._generations.sweep()
        generation = self._generations.current()
        if generation is None:
            return None
        for _, changes in read(self._folder, after=generation.last):
            for change in changes:
                if change[0] == "service":
                    self._privates.write_state(generation.folder, change[1], change[2])
        if generation.port != self._port:
            _rename_port(generation, self._port)
        return generation.folder

    def replay(self) -> int:
        """
        After ministack has loaded and before anybody can reach it: apply what the journal adds. Returns how
        many.
        """
        generation = self._generations.current()
        last, applied = (generation.last if generation else 0), 0
        for number, changes in read(self._folder, after=last):
            for change in changes:
                applied += self._apply(change, generation)
            last = number
        self._privates.forget_stream_positions()
        self._privates.make_in_flight_visible()
        self._journal = Journal(self._folder, last=last, default=self._privates.json_default)
        return applied

    def watch(self) -> None:
        """From now on, journal each change."""
        for key, queue in self._privates.queues():
            self._remember(key, queue["messages"])
        self._privates.on_row_change(self._row_changed, self._rows)

    async def commit(self) -> None:
        """Wait until all that has happened so far is on disk."""
        assert self._journal is not None
        self._collect_queues()
        if self._journal.waiting:
            await self._journal.commit()

    async def deliveries(self) -> None:
        """Wait until a bucket's notifications have reached their queues; they run on threads of their own."""
        end = time.monotonic() + _DELIVERY_SECONDS
        while self._privates.deliveries_under_way() and time.monotonic() < end:
            await asyncio.sleep(0.001)

    def service_changed(self, service: str) -> None:
        """A request changed something that is neither a row nor a message."""
        assert self._journal is not None
        if service in SMALL:
            self._journal.add(["service", service, self._privates.state_of(service)])
        else:
            self._checkpoint_wanted = True

    async def keep(self) -> None:
        """Run for ever: commit what happens in the background, and take checkpoints when they are due."""
        while True:
            await asyncio.sleep(0.25)
            await self.commit()
            assert self._journal is not None
            aged = self._journal.size > 0 and time.monotonic() - self._saved_at > CHECKPOINT_SECONDS
            due = self._checkpoint_wanted or aged or self._journal.size > CHECKPOINT_BYTES
            if due and self.whole:
                await self.checkpoint()

    @property
    def whole(self) -> bool:
        """
        Whether a checkpoint taken now would be worth coming back to.

        One of a stack half way through its deploy would not: after a kill nothing could go on from there.
        Before the first deploy there is nothing yet to come back to, and afterwards the journal holds every
        row meanwhile.
        """
        return self._complete and not self._privates.deploying()

    async def configured(self) -> None:
        """A table, queue or bucket was made or changed: it must be known before its first row is replayed."""
        if self.whole:
            await self.checkpoint()
        else:
            self._checkpoint_wanted = True

    async def checkpoint(self, *, final: bool = False) -> None:
        """Save everything as a new generation and let go of the journal before it."""
        assert self._journal is not None
        async with self._saving:
            self._checkpoint_wanted = False
            self._collect_queues()
            last = await self._journal.rotate()
            generation = self._generations.begin(last=last, port=self._port)
            # Taken in one go on this thread: nothing else runs requests meanwhile.
            with self._rows:
                states = self._privates.states(
                    [name for name in SERVICES if final or name not in _NOT_WHILE_RUNNING]
                )
            await asyncio.to_thread(self._write, generation, states)
            self._journal.forget(last)
            self._saved_at = time.monotonic()
            self._complete = True

    def close(self) -> None:
        if self._journal is not None:
            self._journal.close()

    def _write(self, generation: Generation, states: Mapping[str, Any]) -> None:
        for service, state in states.items():
            self._privates.write_state(generation.folder, service, state)
        self._generations.switch(generation)

    def _row_changed(
        self, table: Mapping[str, Any], partition: str, sort: str, item: Mapping[str, Any] | None
    ) -> None:
        assert self._journal is not None
        self._journal.add(["row", table["TableArn"], partition, sort, item])

    def _collect_queues(self) -> None:
        assert self._journal is not None
        arrived: list[Change] = []
        gone: list[Change] = []
        for key, queue in self._privates.queues():
            messages = list(queue["messages"])
            shape = (len(messages), messages[-1]["id"] if messages else "")
            if self._shape.get(key) == shape:
                continue
            before = self._known.get(key, {})
            now = dict.fromkeys(message["id"] for message in messages)
            arrived += [["sent", list(key), message] for message in messages if message["id"] not in before]
            gone += [["gone", list(key), message_id] for message_id in before if message_id not in now]
            self._known[key], self._shape[key] = now, shape
        # Arrivals first: a message on its way to a dead-letter queue is for a moment in both, never in
        # neither.
        for change in arrived + gone:
            self._journal.add(change)

    def _remember(self, key: Any, messages: list[Mapping[str, Any]]) -> None:
        self._known[key] = dict.fromkeys(message["id"] for message in messages)
        self._shape[key] = (len(messages), messages[-1]["id"] if messages else "")

    def _apply(self, change: Change, generation: Generation | None) -> int:
        kind = change[0]
        if kind == "row":
            return int(self._privates.restore_row(*change[1:]))
        if kind in ("sent", "gone"):
            key = tuple(change[1])
            if generation is not None:
                key = (*key[:2], _with_port(key[2], generation.port, self._port))
            restore: Callable[..., bool] = getattr(self._privates, f"restore_{kind}")
            return int(restore(key, change[2]))
        return 0


def _rename_port(generation: Generation, port: int) -> None:
    for file in generation.folder.glob("*.json"):
        text = file.read_text(encoding="utf-8")
        beside = file.with_suffix(".next")
        beside.write_text(_with_port(text, generation.port, port), encoding="utf-8")
        beside.replace(file)


def _with_port(text: str, old: int, new: int) -> str:
    return text.replace(f"127.0.0.1:{old}", f"127.0.0.1:{new}")
