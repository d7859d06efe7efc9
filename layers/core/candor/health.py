"""Health: whether the parts answer, asked all at once and never for long."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from candor.errors import CandorError

OK = "ok"

Check = Callable[[], None]
"""Returns when the part works; raises one of our errors with a sentence for people when not."""


@dataclass(kw_only=True, slots=True)
class Health:
    """
    The parts and how to ask them.

    Asking is open to everybody and costs calls, so what was found out is repeated for `fresh_seconds`.
    """

    checks: Mapping[str, Check]
    timeout_seconds: float = 3.0
    fresh_seconds: float = 2.0
    clock: Callable[[], float] = time.monotonic
    _known: tuple[float, Mapping[str, str]] = field(default=(float("-inf"), {}), init=False)

    def report(self) -> Mapping[str, str]:
        """`ok` for each part, or a sentence saying what is wrong."""
        since, known = self._known
        if self.clock() - since < self.fresh_seconds:
            return known
        found: dict[str, str] = {}
        threads = [
            # Daemons: one that hangs must keep nobody from stopping.
            threading.Thread(target=_ask, args=(name, check, found), daemon=True)
            for name, check in self.checks.items()
        ]
        deadline = time.monotonic() + self.timeout_seconds
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        late = f"No answer within {self.timeout_seconds:g} seconds."
        report = {name: found.get(name, late) for name in self.checks}
        self._known = (self.clock(), report)
        return report


def _ask(name: str, check: Check, found: dict[str, str]) -> None:
    try:
        check()
    except CandorError as error:
        found[name] = str(error)
    except Exception as error:  # noqa: BLE001 - whatever a part does, the report goes on
        # Only its kind: the words of a library may hold addresses and keys, and this page is public.
        found[name] = f"Failed with {type(error).__name__}."
    else:
        found[name] = OK
