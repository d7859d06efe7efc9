"""Aloud: a model's sentences, told while it still writes them, as far as they stand."""

from collections.abc import Callable, Sequence

from candor.answering.cleaning import ELSEWHERE, MARKUP, clean
from candor.answering.evidence import Inquiry
from candor.answering.hearing import Hearing
from candor.answering.models import Claim, Enough
from candor.answering.values import Left, Tell
from candor.answering.verifying import (
    INSTRUCTIONS,
    Finding,
    Report,
    leaks,
    linkable,
    obeys,
    verify,
    without_orders,
)


class Checking:
    """What of a model's sentences may be said. The same sentence is looked at once, heard early or late."""

    def __init__(self, inquiry: Inquiry, system: str) -> None:
        self._inquiry = inquiry
        self.system = system
        self._known: dict[Claim, tuple[Finding, str]] = {}

    def check(self, claim: Claim) -> tuple[Finding, str]:
        """What was found about it, and how it is said."""
        if claim not in self._known:
            self._known[claim] = self._looked_at(claim)
        return self._known[claim]

    def _looked_at(self, claim: Claim) -> tuple[Finding, str]:
        cited = [without_orders(self._inquiry.sources[number].passage) for number in claim.passages]
        hosts = linkable(cited)
        finding = verify(claim.text, cited, language=None)
        said = clean(claim.text, hosts)
        reasons = list(finding.reasons)
        if ELSEWHERE in said or MARKUP.search(claim.text):
            reasons.append("holds a link, image or HTML it must not")
        if leaks(claim.text, self.system) or obeys(claim.text):
            reasons.append(INSTRUCTIONS)
        finding = Finding(
            text=claim.text, supported=not reasons, support=finding.support, reasons=tuple(reasons)
        )
        return finding, said


class Aloud:
    """Reads replies aloud, one after the other: tells their sentences while they are still being written."""

    def __init__(
        self,
        checking: Checking,
        tell: Tell,
        may_tell: Callable[[Report], bool],
        *,
        passages: int,
        hopeless: bool,
    ) -> None:
        self._checking = checking
        self._tell = tell
        self._may_tell = may_tell
        self._passages = passages
        self._hopeless = hopeless
        self._shown: tuple[str, str, tuple[Claim, ...]] = ("", "", ())
        """The text before a reader, whose it is, and its sentences."""
        self.begin("")

    def begin(self, model: str) -> None:
        """Another reply follows."""
        self._model = model
        self._hearing = Hearing(passages=self._passages)
        self._heard: list[Claim] = []
        self._text = ""
        self._in_text = 0
        self.letters = 0
        """Heard so far."""
        self.said: tuple[Claim, ...] = ()
        """The sentences up to the last one that was told, or that has ended it."""
        self.ended = ""
        """Why no more was heard."""

    @property
    def shown(self) -> tuple[str, tuple[Claim, ...]]:
        """What stands before a reader: whose it is, and its sentences."""
        return self._shown[1:]

    def hear(self, piece: str) -> None:
        """Raises `Enough` once the rest can change nothing."""
        self.letters += len(piece)
        for claim in self._hearing.hear(piece):
            if claim.text:
                self._heard.append(claim)
                self._consider()
        try:
            self._tell(self._text)  # Whoever has left says so at the next word, not at the next sentence.
        except Left:
            self.ended = "nobody listened any more"
            raise Enough from None
        self.said = tuple(self._heard[: self._in_text])
        before = self._shown[0]
        if len(self._text) > len(before) and self._text.startswith(before):
            self._shown = (self._text, self._model, self.said)
        if self._hopeless and any(self._checking.check(claim)[0].supported for claim in self._heard):
            self.ended, self.said = "no answer can come of this evidence", tuple(self._heard)
            raise Enough

    def _consider(self) -> None:
        checked = [self._checking.check(claim) for claim in self._heard]
        if not self._may_tell(Report(findings=tuple(finding for finding, _ in checked))):
            return
        text = paragraphs([said for finding, said in checked if finding.supported])
        if text != self._text:
            self._text, self._in_text = text, len(self._heard)


def paragraphs(said: Sequence[str]) -> str:
    """
    Sentences in a row; list items and code on lines of their own. Said twice is said once: a model that has
    lost its thread writes the same sentence until it may write no more.
    """
    text = ""
    known: set[str] = set()
    for sentence in said:
        if sentence in known:
            continue
        if " " in sentence and "```" not in sentence:
            known.add(sentence)
        block = (
            sentence.startswith(("- ", "* ", "```", "|")) or sentence[:3].strip(" ").rstrip(".)").isdigit()
        )
        if text:
            text += "\n" if block or text.rsplit("\n", 1)[-1].startswith(("- ", "* ", "```")) else " "
        text += sentence
    return text
