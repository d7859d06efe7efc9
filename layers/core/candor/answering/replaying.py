"""Replaying: an answer looked at later, and its question asked once more, as if for the first time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Protocol

from candor.answering.snapshots import Answers, Shown, Snapshot
from candor.answering.values import Answer, Decision, Question
from candor.documents import Document
from candor.errors import Unavailable
from candor.statistics.values import Entry

CHANGES: Final = ("decision", "text", "citations", "evidence", "model", "prompt", "settings")
"""What may have changed, in the order in which it is told."""


class Truth(Protocol):
    """What `candor.documents.Documents` knows."""

    def find_many(self, document_ids: Sequence[str]) -> Mapping[str, Document]: ...


class Asking(Protocol):
    """What answers: `candor.answering.service.Answering`."""

    def answer(self, question: Question) -> Answer: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """What has become of a document that an answer stands on."""

    document_id: str
    title: str
    url: str
    then: int
    """The version that was quoted."""
    now: int | None
    """The version that may be quoted now; None: none of it."""

    @property
    def deleted(self) -> bool:
        return self.now is None

    @property
    def changed(self) -> bool:
        return self.now != self.then


@dataclass(frozen=True, kw_only=True, slots=True)
class Replay:
    """Both answers, and in what they differ."""

    then: Snapshot
    now: Snapshot
    changed: tuple[str, ...]


@dataclass(slots=True)
class Slip:
    """`Answers` that keeps nothing but the one it is given, and that not for long."""

    kept: list[Snapshot] = field(default_factory=list)

    def keep(self, snapshot: Snapshot, *, counted: Entry | None = None) -> bool:
        self.kept.append(snapshot)
        return True

    def get(self, answer_id: str) -> Snapshot:
        raise Unavailable("Nothing is kept of a replay.")

    def of_customer(self, customer: str, *, limit: int) -> Sequence[str]:
        return ()

    def erase(self, answer_ids: Sequence[str]) -> int:
        return 0

    def page(
        self, day: date, *, decision: Decision | None = None, page: int, page_size: int
    ) -> tuple[Sequence[Snapshot], int]:
        return (), 0


class Replaying:
    """Answers that were kept: found, compared with what is known now, and asked again."""

    def __init__(self, *, answers: Answers, truth: Truth, asking: Callable[[Answers], Asking]) -> None:
        """`asking`: the answering of production, with another place for its snapshot."""
        self._answers = answers
        self._truth = truth
        self._asking = asking

    def page(
        self, day: date, *, decision: Decision | None, page: int, page_size: int
    ) -> tuple[Sequence[Snapshot], int]:
        """Those of a day (UTC), newest first, and how many there are."""
        return self._answers.page(day, decision=decision, page=page, page_size=page_size)

    def show(self, answer_id: str) -> tuple[Snapshot, Sequence[Source]]:
        """The answer whole, and what its evidence has become since. `NotFound`."""
        snapshot = self._answers.get(answer_id)
        quoted: dict[str, Shown] = {}
        for shown in snapshot.evidence:
            quoted.setdefault(shown.document_id, shown)
        rows = self._truth.find_many(list(quoted)) if quoted else {}
        return snapshot, [_source(shown, rows.get(document_id)) for document_id, shown in quoted.items()]

    def replay(self, answer_id: str, *, trace_id: str = "") -> Replay:
        """
        Ask the same question after the same talk again, by the settings and the knowledge of now.

        Nothing of it is kept, counted or remembered; what a model takes for it is paid, and counts for the
        day's budget. `NotFound`.
        """
        then = self._answers.get(answer_id)
        slip = Slip()
        self._asking(slip).answer(
            Question(
                text=then.question,
                history=then.history,
                language=then.language,
                principal=then.principal,
                external_user_id=then.external_user_id,
                trace_id=trace_id,
                conversation_id=then.conversation_id,
            )
        )
        now = slip.kept[-1]
        return Replay(then=then, now=now, changed=changed(then, now))


def changed(then: Snapshot, now: Snapshot) -> tuple[str, ...]:
    """In what two answers to one question differ. Evidence is its text: a new version of the same is none."""
    compared = {
        "decision": (then.decision, now.decision),
        "text": (then.text, now.text),
        "citations": tuple(
            [(cited.document_id, cited.quote) for cited in each.citations] for each in (then, now)
        ),
        "evidence": tuple({(s.document_id, s.checksum) for s in each.evidence} for each in (then, now)),
        "model": (then.model, now.model),
        "prompt": (then.prompt_version, now.prompt_version),
        "settings": (then.settings_version, now.settings_version),
    }
    return tuple(name for name in CHANGES if compared[name][0] != compared[name][1])


def _source(shown: Shown, row: Document | None) -> Source:
    served = row.served_version if row is not None and not row.deleted else 0
    return Source(
        document_id=shown.document_id,
        title=shown.title,
        url=shown.url,
        then=shown.version,
        now=served or None,
    )
