"""
ministack's private names: all that the local cloud uses of them, and nothing else does.

They hold for the pinned version (1.5.33). `NAMES` lists them for the test that guards them: a new version
that moved one fails there, with its name, and not as a lost row.
"""

import contextlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

NAMES = {
    "ministack.app": ("app", "PERSIST_STATE", "_get_module", "_load_persisted_state", "_state_map"),
    "ministack.core.persistence": ("STATE_DIR", "PERSIST_STATE", "_json_default", "_state_format_version"),
    "ministack.core.lambda_runtime": ("Worker", "execution_credentials", "reset"),
    "ministack.core.iam_evaluator": ("parse_policy_document",),
    "ministack.services.cloudformation": ("_stacks",),
    "ministack.services.dynamodb": (
        "_tables",
        "_set_item",
        "_remove_item",
        "_stream_records",
        "_stream_trimmed",
    ),
    "ministack.services.sqs": ("_queues",),
    "ministack.services.s3": ("_fire_s3_event", "_fire_s3_event_async", "_bucket_notifications"),
    "ministack.services.lambda_svc": (
        "_dynamodb_stream_positions",
        "_emit_lambda_logs",
        "_ensure_poller",
        "_esm_wake",
        "_iter_all_esms",
        "_poll_dynamodb_streams",
        "_poller_started",
        "_run_sqs_batch",
    ),
}

_PAUSES = (2, 5, 15, 30, 60, 120, 300, 600, 900)
"""Seconds before the next try, by the number of tries: as the functions themselves pause after a failure."""

_CHANGES_KEPT = 1_000
"""Of each table's stream, for whoever looks into it by hand. A page is three changes, each with its text."""


RowChange = Callable[[Mapping[str, Any], str, str, Mapping[str, Any] | None], None]
"""Called with the table, the row's two keys, and the row as it is now (None: gone)."""


class Privates:
    """ministack as a set of verbs. Make one only after its environment is set: importing it reads that."""

    def __init__(self) -> None:
        # Any: modules whose insides are read and replaced have no types to offer.
        self._app: Any = import_module("ministack.app")
        self._persistence: Any = import_module("ministack.core.persistence")
        self._runtime: Any = import_module("ministack.core.lambda_runtime")
        self._iam: Any = import_module("ministack.core.iam_evaluator")
        self._cloudformation: Any = import_module("ministack.services.cloudformation")
        self._dynamodb: Any = import_module("ministack.services.dynamodb")
        self._sqs: Any = import_module("ministack.services.sqs")
        self._s3: Any = import_module("ministack.services.s3")
        self._lambda: Any = import_module("ministack.services.lambda_svc")
        self._set_item = self._dynamodb._set_item
        self._remove_item = self._dynamodb._remove_item
        self._delivering = 0
        self._delivery_lock = threading.Lock()
        self._niceness: dict[str, int] = {}
        self._spawn: Any = None

    @property
    def application(self) -> Any:
        """The ASGI application."""
        return self._app.app

    # Loading and saving

    def load_from(self, folder: Path | None) -> None:
        """Let the coming start load the state that lies in this folder, and save nothing by itself."""
        self._persistence.STATE_DIR = str(folder or "")
        self._persistence.PERSIST_STATE = self._app.PERSIST_STATE = folder is not None

    def loaded(self) -> None:
        """The start is over: a stop must not write over the generation in force."""
        self._app.PERSIST_STATE = False
        self._persistence.PERSIST_STATE = True

    @property
    def json_default(self) -> Callable[[Any], Any]:
        default: Callable[[Any], Any] = self._persistence._json_default
        return default

    def state_of(self, service: str) -> Any:
        """A copy of one service's state."""
        module = self._app._get_module(self._app._state_map[service])
        return module.get_state()

    def states(self, services: Iterable[str]) -> dict[str, Any]:
        """
        Copies of these services' states; one that cannot be taken raises, so that no checkpoint misses it.
        """
        return {service: self.state_of(service) for service in services}

    def write_state(self, folder: Path, service: str, state: Any) -> None:
        """Write a state as ministack loads it, whole or not at all."""
        beside = folder / f"{service}.next"
        wrapped = {"__ministack_format__": self._persistence._state_format_version(service), "payload": state}
        with beside.open("w", encoding="utf-8") as file:
            json.dump(wrapped, file, default=self.json_default)
        beside.replace(folder / f"{service}.json")

    def deploying(self) -> bool:
        """Whether some stack is half way between two templates."""
        stacks = self._cloudformation._stacks.all_items()
        return any(stack["StackStatus"].endswith("_IN_PROGRESS") for _, stack in stacks)

    # Rows

    def on_row_change(self, changed: RowChange, lock: threading.RLock) -> None:
        """Call back after each row written or removed, by whomever, in the order of the writes."""

        def set_item(table: Any, partition: str, sort: str, item: Any) -> Any:
            # The lock keeps the expiry thread from slipping between a write and its note.
            with lock:
                before = self._set_item(table, partition, sort, item)
                changed(table, partition, sort, item)
            return before

        def remove_item(table: Any, partition: str, sort: str) -> Any:
            with lock:
                before = self._remove_item(table, partition, sort)
                changed(table, partition, sort, None)
            return before

        self._dynamodb._set_item, self._dynamodb._remove_item = set_item, remove_item

    def restore_row(self, table_arn: str, partition: str, sort: str, item: Any) -> bool:
        """Make a row what it was; False when its table is gone."""
        for _, table in self._dynamodb._tables.all_items():
            if table["TableArn"] == table_arn:
                if item is None:
                    self._remove_item(table, partition, sort)
                else:
                    self._set_item(table, partition, sort, item)
                return True
        return False

    # Roles

    def read_policies_once(self) -> None:
        """A policy is parsed when it is new, not again for each request: a tenth of what a request costs."""
        parse = self._iam.parse_policy_document
        remembered = lru_cache(maxsize=512)(parse)

        def parse_once(document: Any) -> Any:
            return remembered(document) if isinstance(document, str) else parse(document)

        self._iam.parse_policy_document = parse_once

    # Messages

    def queues(self) -> Iterator[tuple[Any, dict[str, Any]]]:
        """Every queue by its account, region and address."""
        yield from self._sqs._queues.all_items()

    def restore_sent(self, key: tuple[str, ...], message: dict[str, Any]) -> bool:
        queue = dict(self.queues()).get(key)
        if queue is None or any(kept["id"] == message["id"] for kept in queue["messages"]):
            return False
        queue["messages"].append(message)
        if message.get("seq"):
            queue["fifo_seq"] = max(queue["fifo_seq"], int(message["seq"]))
        return True

    def restore_gone(self, key: tuple[str, ...], message_id: str) -> bool:
        queue = dict(self.queues()).get(key)
        if queue is None:
            return False
        queue["messages"] = [kept for kept in queue["messages"] if kept["id"] != message_id]
        return True

    def make_in_flight_visible(self) -> None:
        """Whoever had received a message is gone; it would stay hidden until its time-out."""
        for _, queue in self.queues():
            for message in queue["messages"]:
                if message.get("receive_count") and message.get("visible_at", 0) > time.time():
                    message["visible_at"] = 0
        self._lambda._esm_wake.set()

    def return_batches_of_the_dead(self) -> None:
        """
        Messages whose worker was ended from outside come back after the pause that a failure has.

        On AWS too they stay hidden for the queue's whole time-out (12 or 30 minutes): there other workers are
        at hand, and here whoever waits for one document waits for that message.
        """
        run = self._lambda._run_sqs_batch

        def run_batch(esm: Any, function: Any, event: Any, batch: Any, *where: Any) -> Any:
            receipts = {message["id"]: message["receipt_handle"] for message in batch}
            try:
                return run(esm, function, event, batch, *where)
            finally:
                if esm.get("LastProcessingResult") == "FAILED":
                    for message in batch:
                        # Whoever holds it under another receipt by now has it.
                        if message["receipt_handle"] == receipts[message["id"]]:
                            tries = max(1, min(message["receive_count"], len(_PAUSES)))
                            soon = time.time() + _PAUSES[tries - 1]
                            message["visible_at"] = min(message["visible_at"], soon)

        self._lambda._run_sqs_batch = run_batch

    def yield_to_requests(self, niceness: Mapping[str, int]) -> None:
        """From now on, new workers of these functions take the time that others leave, by their niceness."""
        self._niceness = dict(niceness)
        if self._spawn is not None:
            return
        self._spawn = spawn = self._runtime.Worker._spawn

        def spawn_politely(worker: Any) -> None:
            spawn(worker)
            if nice := self._niceness.get(worker.func_name):
                _lower_priority(worker._proc.pid, nice)

        self._runtime.Worker._spawn = spawn_politely

    def track_deliveries(self) -> None:
        """Count bucket notifications that are under way, from the moment they are decided on."""
        decide, deliver = self._s3._fire_s3_event_async, self._s3._fire_s3_event

        def decided(bucket: str, *args: Any, **kwargs: Any) -> Any:
            if bucket in self._s3._bucket_notifications:
                self._count_delivery(1)
            return decide(bucket, *args, **kwargs)

        def delivered(*args: Any, **kwargs: Any) -> Any:
            try:
                return deliver(*args, **kwargs)
            finally:
                self._count_delivery(-1)

        self._s3._fire_s3_event_async, self._s3._fire_s3_event = decided, delivered

    def deliveries_under_way(self) -> bool:
        return self._delivering > 0

    def _count_delivery(self, by: int) -> None:
        with self._delivery_lock:
            self._delivering = max(0, self._delivering + by)

    # Workers

    def hold_poller(self) -> None:
        """Deliver no message to a function yet: what the journal adds is still missing."""
        self._lambda._poller_started = True

    def release_poller(self) -> None:
        self._lambda._poller_started = False
        self._lambda._ensure_poller()

    def forget_stream_positions(self) -> None:
        """Stream records are not kept; positions into them would hide as many new ones."""
        self._lambda._dynamodb_stream_positions.clear()

    def let_go_of_delivered_changes(self) -> None:
        """
        Keep of the tables' streams what has still to be delivered, and a little more.

        They would be kept for a day, as on AWS, but in memory: 5,000 pages leave 15,000 rows there.
        """
        poll = self._lambda._poll_dynamodb_streams

        def poll_and_trim() -> bool:
            # On the poller's own thread: between two of its passes nobody counts positions.
            processed: bool = poll()
            self._trim_streams()
            return processed

        self._lambda._poll_dynamodb_streams = poll_and_trim

    def _trim_streams(self) -> None:
        delivered: dict[tuple[str, str, str], int] = {}
        for account, region, mapping in self._lambda._iter_all_esms():
            source = mapping.get("EventSourceArn", "")
            if ":dynamodb:" not in source:
                continue
            at = self._lambda._dynamodb_stream_positions.get_scoped(account, region, mapping["UUID"], 0)
            table = (account, region, source.split("/")[1])
            delivered[table] = min(at, delivered.get(table, at))
        for table, position in delivered.items():
            records = self._dynamodb._stream_records.get_scoped(*table) or []
            trimmed = self._dynamodb._stream_trimmed.get_scoped(*table, 0)
            surplus = min(position - trimmed, len(records) - _CHANGES_KEPT)
            if surplus > 0:
                del records[:surplus]
                self._dynamodb._stream_trimmed.set_scoped(*table, trimmed + surplus)

    def on_invocation(self, ended: Callable[[str, str, str, bool, int], None]) -> None:
        """
        Call back after each invocation: function name, request id, what it logged, whether it failed,
        milliseconds.
        """
        keep = self._lambda._emit_lambda_logs

        def emit(func: Any, request_id: str, text: str, error: bool, milliseconds: int, **kwargs: Any) -> Any:
            name = (func.get("config") or func).get("FunctionName", "")
            ended(name, request_id, text, error, milliseconds)
            return keep(func, request_id, text, error, milliseconds, **kwargs)

        self._lambda._emit_lambda_logs = emit

    def role_credentials(self, configuration: Mapping[str, Any]) -> dict[str, str]:
        """Variables that make a process act in a function's own role, as its workers do."""
        made: dict[str, str] = self._runtime.execution_credentials(dict(configuration))
        return made

    def stop_workers(self) -> None:
        """End every worker process."""
        with contextlib.suppress(OSError):
            self._runtime.reset()


def _lower_priority(pid: int, niceness: int) -> None:
    """Of a process and the threads it has by now; those it will have take it from them."""
    tasks = Path(f"/proc/{pid}/task")
    threads = [int(task.name) for task in tasks.iterdir()] if tasks.is_dir() else [pid]
    for thread in threads:
        with contextlib.suppress(OSError):
            now = os.getpriority(os.PRIO_PROCESS, thread)
            os.setpriority(os.PRIO_PROCESS, thread, min(19, now + niceness))
