"""
EventBridge Scheduler: calls a Lambda function with a schedule's name, about when its expression says so.

Ours are in the default group, called `<prefix><name>`, so that a policy can name them all by their prefix.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from candor.errors import Invalid, NotFound, Unavailable
from candor.schedules.values import Entry

_LONGEST: Final = 64
"""What AWS takes of a schedule's name."""

_RETRIES: Final[Mapping[str, int]] = {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 900}
"""Of the call itself. Afterwards the next heartbeat finds what is due."""

_TRIES: Final = 3


def _config() -> Config:
    return Config(connect_timeout=2, read_timeout=5, retries={"max_attempts": 2, "mode": "standard"})


def _scheduler() -> Any:
    return boto3.client("scheduler", config=_config())


def _lambda() -> Any:
    return boto3.client("lambda", config=_config())


class SchedulerTimetable:
    """A `Timetable` in EventBridge Scheduler. Connects at the first call."""

    def __init__(
        self,
        *,
        prefix: str,
        function_arn: str,
        role_arn: str,
        scheduler: Callable[[], Any] = _scheduler,
        functions: Callable[[], Any] = _lambda,
    ) -> None:
        """`role_arn`: who may invoke the function; `prefix`: what tells our schedules from others'."""
        self._prefix = prefix
        self._function_arn = function_arn
        self._role_arn = role_arn
        self._scheduler = cache(scheduler)
        self._functions = cache(functions)

    def find(self, name: str) -> Entry | None:
        try:
            with _translated():
                found = self._scheduler().get_schedule(Name=self._full(name))
        except NotFound:
            return None
        wanted = self._target(name)
        target = {key: found["Target"].get(key) for key in wanted}
        if target != wanted or found.get("ScheduleExpressionTimezone", "UTC") != "UTC":
            return None  # Of an earlier deploy, or changed by hand.
        return Entry(
            name=name, expression=found["ScheduleExpression"], enabled=found.get("State") != "DISABLED"
        )

    def set(self, entry: Entry) -> None:
        scheduler = self._scheduler()
        arguments = {
            "Name": self._full(entry.name),
            "ScheduleExpression": entry.expression,
            "ScheduleExpressionTimezone": "UTC",
            "State": "ENABLED" if entry.enabled else "DISABLED",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": self._target(entry.name),
        }
        for _ in range(_TRIES):
            try:
                with _translated():
                    scheduler.update_schedule(**arguments)
                return
            except NotFound:
                try:
                    with _translated(among="ConflictException"):
                        scheduler.create_schedule(**arguments)
                    return
                except _Exists:
                    continue  # Somebody made it between the two calls.
        raise Unavailable("EventBridge Scheduler is busy with this schedule.")

    def remove(self, name: str) -> None:
        try:
            with _translated():
                self._scheduler().delete_schedule(Name=self._full(name))
        except NotFound:
            return

    def ring(self, name: str) -> None:
        with _translated():
            self._functions().invoke(
                FunctionName=self._function_arn, InvocationType="Event", Payload=_input(name).encode()
            )

    def _target(self, name: str) -> dict[str, Any]:
        return {
            "Arn": self._function_arn,
            "RoleArn": self._role_arn,
            "Input": _input(name),
            "RetryPolicy": dict(_RETRIES),
        }

    def _full(self, name: str) -> str:
        full = f"{self._prefix}{name}"
        if len(full) <= _LONGEST:
            return full
        # Of a stack with a long name: still one of ours by its beginning, and still only this schedule's.
        return (self._prefix + hashlib.sha256(name.encode()).hexdigest())[:_LONGEST]


class _Exists(Exception):
    """A schedule of this name is there already."""


def _input(name: str) -> str:
    return json.dumps({"schedule": name})


@contextmanager
def _translated(*, among: str = "") -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if among and code == among:
            raise _Exists from error
        if code == "ResourceNotFoundException":
            raise NotFound("There is no such schedule in EventBridge Scheduler.") from error
        if code == "ValidationException":
            raise Invalid("EventBridge Scheduler does not take this schedule.") from error
        raise Unavailable("EventBridge Scheduler is not available right now.") from error
    except BotoCoreError as error:
        raise Unavailable("EventBridge Scheduler is not available right now.") from error
