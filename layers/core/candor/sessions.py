"""Sessions: the last turns of a talk that nobody keeps for good."""

import hashlib
from collections.abc import Sequence
from typing import Protocol

from candor.answering.values import Turn

KEPT_TURNS = 6
"""Questions and answers, counted together: as far back as anybody refers with a pronoun."""

KEPT_SECONDS = 24 * 3600


class Sessions(Protocol):
    """Where the last turns lie. Both methods raise `Unavailable`."""

    def turns(self, session: str, *, now: float) -> Sequence[Turn]:
        """The last `KEPT_TURNS`, oldest first."""
        ...

    def remember(
        self, session: str, question: str, answer: str, *, now: float, customer: str | None = None
    ) -> None:
        """
        Add a question and its answer; all of the session is kept for another `KEPT_SECONDS`.

        `customer` is the key (`customer_key`) of whom the caller named, if anybody.
        """
        ...

    def forget_customer(self, customer: str) -> int:
        """Remove every turn remembered for the customer of this key; how many there were."""
        ...


def customer_key(external_user_id: str) -> str:
    """
    What finds everything of one customer, whichever integration named them.

    A hash, so that indexes, queues and jobs can speak of a customer who is to be forgotten.
    """
    return hashlib.sha256(external_user_id.encode("utf-8", "surrogatepass")).hexdigest()


def session_key(*, principal_id: str, customer: str | None, session_id: str) -> str:
    """
    The name of a caller's session.

    Of everything that tells callers apart, so that two of them who choose the same session id never
    read each other; hashed, so that neither ids nor customers' names lie in the table.
    """
    parts = (principal_id, customer or "", session_id)
    joined = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()
