"""Keep time: what is due is started, and what rings is kept in step with the schedules."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from candor import wiring
from candor.edge.observability import logger, observed
from candor.schedules.keeping_time import KeepingTime
from candor.schedules.service import Scheduling


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    keeping: KeepingTime
    scheduling: Scheduling


@cache
def service() -> Service:
    return Service(keeping=wiring.keeping_time(), scheduling=wiring.scheduling())


def keep_time(event: dict[str, Any], context: Any) -> dict[str, int]:
    """
    `{"schedule": name}`: that one is due, or somebody has asked for it.

    Anything else is the heartbeat: built-in schedules are stored, what rings is put right, and whatever
    should have run and has not is made up for.
    """

    def remaining() -> float:
        return float(context.get_remaining_time_in_millis()) / 1000

    name = event.get("schedule")
    if isinstance(name, str) and name:
        started = int(service().keeping.run(name, remaining=remaining) is not None)
        if not started:
            service().scheduling.hush(name)
        logger.info("rung", extra={"schedule": name, "started": started})
        return {"started": started}
    return _beat(remaining)


def _beat(remaining: Callable[[], float]) -> dict[str, int]:
    repaired = -1
    try:
        repaired = service().scheduling.repair()
    finally:
        # What is due does not wait for what rings to be in order; an error of either leaves as it is.
        started = service().keeping.run_all(remaining=remaining)
        logger.info("heartbeat", extra={"started": started, "repaired": repaired})
    return {"started": started, "repaired": repaired}


handler = observed(keep_time, build=service)
