"""Leases: while somebody writes an answer, everybody can see that they still do."""

import logging
import threading
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

from candor.conversations.access import Access
from candor.conversations.values import LEASE, claimed
from candor.errors import CandorError, NotFound

_EVERY: Final = LEASE.total_seconds() / 3

logger = logging.getLogger(__name__)


@dataclass(kw_only=True, slots=True)
class Renewing:
    """
    Renews a run's lease until it is left, so that the lease itself can be short.

    A worker that is killed keeps others waiting for seconds, and one that writes for long is not
    taken for dead. What fails is tried again at the next beat: to lose the lease costs an answer, no message.
    """

    access: Access
    conversation_id: str
    run: str
    every: float = _EVERY
    lost: bool = False
    """Somebody else owns the conversation now, or nobody any more: what is written will not be told."""
    _left: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._beat, name="lease", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._left.set()
        if self._thread is not None:
            self._thread.join()

    def _beat(self) -> None:
        while not self._left.wait(self.every):
            try:
                self.access.persistently(self._renew)
            except NotFound:
                self.lost = True
            except CandorError:
                logger.warning("lease not renewed")

    def _renew(self) -> None:
        now = self.access.store.get(self.conversation_id)
        if now.run != self.run or now.deleted:
            self.lost = True
        elif not self._left.is_set():
            self.access.store.change(now, claimed(now, self.run, self.access.clock()))
