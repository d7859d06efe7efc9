"""Talks in memory: conversations, everything around them, and an assistant that says what it was asked."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from candor.accounts import Means, Principal, Role
from candor.adapters.memory_accounts import MemorySessions
from candor.adapters.memory_answers import MemoryAnswers
from candor.adapters.memory_conversations import MemoryConversations
from candor.adapters.memory_inbox import MemoryInbox
from candor.answering.snapshots import Snapshot
from candor.answering.values import Answer, Citation, Decision, Left, Question, Tell
from candor.conversations.access import Access
from candor.conversations.replying import Replying
from candor.conversations.service import Conversing
from candor.conversations.values import Conversation, SourceType
from candor.erasing import Erasing, ErasureDesk
from candor.tickets.proposing import Proposing
from tests.doubles.knowledge import Knowledge

ADA = Principal(principal_id="user:ada", means=Means.JWT)
BOB = Principal(principal_id="user:bob", means=Means.JWT)
ADMIN = Principal(principal_id="user:grace", means=Means.JWT, role=Role.ADMIN)

CITATION = Citation(
    chunk_id="d1:1:0",
    document_id="d1",
    source_url="https://example.com/refunds",
    doc_type="policy",
    title="Refunds",
    quote="Refunds take 14 days.",
)


class Assistant:
    """Answers with what it was asked, keeps a snapshot as the real one does, and remembers the questions."""

    def __init__(self, snapshots: MemoryAnswers) -> None:
        self.asked: list[Question] = []
        self.while_writing: Callable[[Question], None] = lambda question: None
        self.tells: tuple[str, ...] = ()
        """What is told of each answer before it is there, one text so far after the other."""
        self._snapshots = snapshots

    def answer(self, question: Question, *, tell: Tell | None = None) -> Answer:
        self.asked.append(question)
        text = f"<{question.text}>"
        said = ""
        try:
            for each in self.tells if tell else ():
                tell(each)
                said = each
        except Left:
            text = said
        answer = Answer(
            answer_id=f"00000000-0000-4000-8000-{len(self.asked):012}",
            decision=Decision.PASS,
            text=text,
            citations=(CITATION,),
            followup_questions=("Was it paid by card?",),
            confidence=0.91,
            debug={"model": "extractive", "trace_id": question.trace_id},
            created_at=datetime.now(UTC),
        )
        self._snapshots.keep(_snapshot(question, answer))
        self.while_writing(question)
        return answer


class Clock:
    """A clock one can turn."""

    def __init__(self, *, stands: bool = False) -> None:
        """`stands`: it moves by being turned alone."""
        self.ahead = timedelta()
        self._began = datetime.now(UTC) if stands else None

    def __call__(self) -> datetime:
        return (self._began or datetime.now(UTC)) + self.ahead


@dataclass(kw_only=True)
class Talks:
    keep: timedelta | None = timedelta(days=365)
    clock: Clock = field(default_factory=Clock)
    store: MemoryConversations = field(default_factory=MemoryConversations)
    answers: MemoryAnswers = field(default_factory=MemoryAnswers)
    sessions: MemorySessions = field(default_factory=MemorySessions)
    inbox: MemoryInbox = field(default_factory=MemoryInbox)
    knowledge: Knowledge = field(default_factory=Knowledge)

    def __post_init__(self) -> None:
        self.access = Access(store=self.store, keep=self.keep, clock=self.clock)
        self.assistant = Assistant(self.answers)
        proposing = Proposing(tickets=self.knowledge.tickets, keeping=self.knowledge.keeping)
        self.conversing = Conversing(access=self.access, proposing=proposing)
        self.replying = Replying(access=self.access, answering=self.assistant, snapshots=self.answers)
        self.desk = ErasureDesk(jobs=self.knowledge.jobs, queue=self.knowledge.export_queue)
        self.erasing = Erasing(
            access=self.access,
            answers=self.answers,
            sessions=self.sessions,
            proposals=self.knowledge.keeping,
            letters=self.inbox,
            jobs=self.knowledge.jobs,
            queue=self.knowledge.export_queue,
        )

    def open(self, principal: Principal = ADA, *, customer: str | None = None) -> Conversation:
        return self.conversing.open(
            principal=principal,
            source_type=SourceType.TICKET,
            source_id="42",
            metadata={},
            customer=customer,
        )

    def said(self, conversation_id: str) -> list[str]:
        """Everything in it, in order, whoever said it."""
        return [m.content for m in self.store.messages(conversation_id, first=1, last=10_000)]


def _snapshot(question: Question, answer: Answer) -> Snapshot:
    return Snapshot(
        answer_id=answer.answer_id,
        created_at=answer.created_at,
        question=question.text,
        history=question.history,
        language="en",
        principal=question.principal,
        external_user_id=question.external_user_id,
        trace_id=question.trace_id,
        conversation_id=question.conversation_id,
        text=answer.text,
        decision=answer.decision,
        confidence=answer.confidence,
        model="extractive",
        prompt_version="",
    )
