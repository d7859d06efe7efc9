"""Writing: the text of an answer, by the evidence's own words or by a model, verified either way."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from candor.answering.aloud import Aloud, Checking, paragraphs
from candor.answering.asking import wants_secret
from candor.answering.cleaning import clean
from candor.answering.conflicts import conflict, official
from candor.answering.evidence import Inquiry
from candor.answering.extracting import Extract, laid_out
from candor.answering.models import (
    SCHEMA,
    Claim,
    Message,
    Model,
    Unreadable,
    Usage,
    Wasted,
    Writing,
    briefing,
    instructions,
    prompt,
    read,
)
from candor.answering.phrases import phrase
from candor.answering.values import Tell, Turn
from candor.answering.verifying import Finding, Report, leaks, linkable, obeys
from candor.errors import CandorError

CONTRADICTED = "pages contradict each other"

_SHOWN = 8
"""Passages a model is shown."""

_LEAST_SECONDS = 1.0
"""With less time left no call is begun."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """An answer's text with what it stands on. Empty: nothing could be said."""

    text: str
    model: str
    report: Report = field(default_factory=Report)
    used: tuple[int, ...] = ()
    """Sources by number, in order of use."""
    spans: tuple[tuple[int, int, int], ...] = ()
    """(source, start, end) of what was taken literally, the best first."""
    sentences: tuple[tuple[str, tuple[int, ...]], ...] = ()
    """What of a model's text is said, each with its sources."""
    asks: str = ""
    """A question back, if that is what was written."""
    declines: bool = False
    """The model said that the passages hold no answer."""
    usage: Usage = field(default_factory=Usage)
    notes: tuple[str, ...] = ()
    shown: "Written | None" = None
    """What of it somebody has been told already, as an answer of its own."""


def by_extract(inquiry: Inquiry, extract: Extract) -> Written:
    """The chosen pieces, each verified like a model's sentence; an introduction where languages differ."""
    passages = [source.passage for source in inquiry.sources]
    findings = []
    kept = []
    for piece in extract.pieces:
        passage = passages[piece.source]
        # Literal by construction; what is left to find are orders to a model inside the passage.
        refused = ("reads like an instruction to a model",) if obeys(piece.unit.text) else ()
        findings.append(Finding(text=piece.unit.text, supported=not refused, support=1.0, reasons=refused))
        if not refused:
            kept.append((piece, passage))
    pieces = [piece for piece, _ in kept]
    differing = conflict(inquiry, extract) if pieces else None
    hosts = linkable([passage for _, passage in kept])
    notes: tuple[str, ...] = ()
    if differing is not None and obeys(differing.unit.text):
        differing = None
    if differing is not None:
        # It may have been chosen as a part of the answer, too: it is told once, as what it is.
        there = (differing.source, differing.unit.start)
        others = [piece for piece in pieces if (piece.source, piece.unit.start) != there]
        pieces, differing = (others, differing) if others else (pieces, None)
    text = clean(laid_out(pieces), hosts)
    if differing is not None:
        other = passages[differing.source]
        hosts |= linkable([other])
        said = clean(differing.unit.text, hosts)
        if official(other.doc_type) < official(passages[extract.best.source].doc_type):
            text = f"{said}\n\n{phrase('differs', inquiry.language)}\n\n{text}"
            pieces.insert(0, differing)
        else:
            text = f"{text}\n\n{phrase('differs', inquiry.language)}\n\n- {said}"
            pieces.append(differing)
        notes = (CONTRADICTED,)
    language = passages[extract.best.source].language
    if text and language not in ("und", inquiry.language):
        text = f"{phrase('quoted', inquiry.language)}\n\n{text}"
    ordered = sorted(pieces, key=lambda piece: -piece.score)
    return Written(
        text=text,
        model="extractive",
        report=Report(findings=tuple(findings)),
        used=tuple(dict.fromkeys(piece.source for piece in ordered)),
        spans=tuple((piece.source, piece.unit.start, piece.unit.end) for piece in ordered),
        notes=notes,
    )


def by_model(
    inquiry: Inquiry,
    history: Sequence[Turn],
    *,
    models: Sequence[Model],
    app_name: str,
    house_rules: str,
    ends: float,
    tell: Tell | None = None,
    may_tell: Callable[[Report], bool] = lambda _: True,
    hopeless: bool = False,
    most_calls: int = 2,
) -> Written:
    """
    At most `most_calls`: the first model's, and one more to repair its reply or to ask the next model.

    `ends` is a moment of `time.perf_counter`. Raises nothing: without a usable reply the text is empty.
    `tell` is told what has been verified, sentence by sentence, as long as `may_tell` says of the findings so
    far that this will be an answer. When it raises `Left` the call is ended, and what was told is the text.
    `hopeless`: no text will be given, whatever it says. A question back may be, so the model is asked; its
    first sentence that stands says that there is none, and ends the call.
    """
    passages = [source.passage for source in inquiry.sources[:_SHOWN]]
    system = instructions(app_name=app_name, language=inquiry.language, house_rules=house_rules)
    messages = [
        Message(role="system", content=system),
        Message(role="user", content=briefing(inquiry.text, history=history, passages=passages)),
    ]
    checking = Checking(inquiry, system)
    usage = Usage()
    notes: list[str] = []
    aloud = Aloud(checking, tell or _nobody, may_tell, passages=len(passages), hopeless=hopeless)
    model, spare = models[0], (*models[1:], None)[0]
    while usage.calls < most_calls:
        first = usage.calls == 0 and most_calls > 1
        left = ends - time.perf_counter()
        if left < _LEAST_SECONDS:
            notes.append("no time left for the model")
            break
        aloud.begin(model.name)
        try:
            # The first call leaves time for a second; both end before the budget does.
            share = 0.6 if first else 0.9
            completion = model.complete(
                messages,
                schema=SCHEMA,
                timeout_seconds=share * left,
                hear=aloud.hear if tell or hopeless else None,
                most_calls=most_calls - usage.calls,
            )
        except CandorError as error:
            spent = Usage(calls=error.calls if isinstance(error, Wasted) else 1).of(model.name)
            usage += _estimated(messages, aloud.letters).of(model.name) if aloud.letters else spent
            notes.append(f"{model.name}: {type(error).__name__}")
            if spare is None:
                break
            model, spare = spare, None
            continue
        usage += completion.usage
        if aloud.ended:
            notes.append(f"cut short: {aloud.ended}")
            return _checked(checking, _said(aloud.said), model=model.name, usage=usage, notes=notes)
        try:
            reply = read(completion.text, passages=len(passages))
        except Unreadable as error:
            notes.append(f"{model.name}: {error}")
            messages = [
                *messages,
                Message(role="assistant", content=completion.text[:4_000]),
                Message(role="user", content=prompt("repair").replace("{problem}", str(error))),
            ]
            continue
        written = _checked(checking, reply, model=model.name, usage=usage, notes=notes)
        return replace(written, shown=_shown(aloud, checking))
    nothing = Written(text="", model=model.name, usage=usage, notes=tuple(notes))
    return replace(nothing, shown=_shown(aloud, checking))


def _shown(aloud: Aloud, checking: Checking) -> Written | None:
    """What stands before a reader, as an answer of its own."""
    name, claims = aloud.shown
    return _checked(checking, _said(claims), model=name, usage=Usage(), notes=()) if claims else None


def _said(claims: Sequence[Claim]) -> Writing:
    """A reply of these sentences."""
    return Writing(claims=tuple(claims), decision="PASS", question_back="", missing="")


def _nobody(_: str) -> None:
    """Who is told where nobody listens."""


def _estimated(messages: Sequence[Message], letters: int) -> Usage:
    """What a call has cost that ended before its usage was told: a token for four letters."""
    given = sum(len(message.content) for message in messages)
    return Usage(calls=1, input_tokens=given // 4, output_tokens=letters // 4, cost_usd=None)


def _checked(
    checking: Checking, reply: Writing, *, model: str, usage: Usage, notes: Sequence[str]
) -> Written:
    """What of a model's reply may be said."""
    findings: list[Finding] = []
    said: list[tuple[str, tuple[int, ...]]] = []
    used: dict[int, None] = {}
    for claim in reply.claims:
        finding, text = checking.check(claim)
        findings.append(finding)
        if finding.supported:
            said.append((text, claim.passages))
            used.update(dict.fromkeys(claim.passages))
    report = Report(findings=tuple(findings))
    system = checking.system
    asks = ""
    if reply.decision == "ASK_USER" and not said and reply.question_back:
        back = clean(reply.question_back, frozenset())
        if (
            back == reply.question_back
            and not leaks(back, system)
            and not obeys(back)
            and not wants_secret(back)
            and back.rstrip().endswith("?")
        ):
            asks = back
    missing = (
        [f"missing: {reply.missing[:200]}"] if reply.missing and not leaks(reply.missing, system) else []
    )
    return Written(
        text=paragraphs([text for text, _ in said]),
        sentences=tuple(said),
        model=model,
        report=report,
        used=tuple(used),
        asks=asks,
        declines=reply.decision == "ESCALATE" and not reply.claims,
        usage=usage,
        notes=(*notes, *missing),
    )
