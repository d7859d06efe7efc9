"""Understanding: a message read before anything is looked up: its language, its wish, what is odd in it."""

from collections.abc import Sequence

from candor.answering import asking, condensing
from candor.answering.asking import Wish
from candor.answering.cleaning import clean
from candor.answering.facts import links
from candor.answering.keeping import Outcome, Run
from candor.answering.phrases import phrase
from candor.answering.policy import Policy
from candor.answering.values import Decision, Question, Turn
from candor.answering.verifying import obeys
from candor.answering.words import tokens
from candor.language import detect, script_of
from candor.redaction import masked

ORDERS = "reads like orders to a model"
"""A flag for those who look into an answer. Nothing else depends on it: whoever asks so is answered, too."""

_FEW_WORDS = 3
"""Of so few words the language is a guess, and the talk's is a better one."""

_SMALL_TALK = (Wish.GREETING, Wish.THANKS, Wish.GOODBYE)


def read(question: Question, run: Run) -> None:
    """The question into the run: masked, without what no store or model takes, its language told."""
    run.text = masked(_bare(question.text))
    run.history = tuple(
        Turn(role=turn.role, content=masked(_bare(turn.content))) for turn in question.history
    )
    run.language = language_of(question.language, run.text, run.history, run.policy)
    if obeys(run.text):
        run.flags.append(ORDERS)


def courtesy(run: Run, *, several: bool = False) -> Outcome | None:
    """The reply to a message that needs no search. Of `several` questions not all ask for the same thing."""
    wish = asking.wish(run.text)
    if wish is None or (wish in _SMALL_TALK and not run.policy.small_talk):
        return None
    if wish is Wish.NOTHING and condensing.goes_on(run.text) and condensing.asked(run.history):
        return None
    if wish is Wish.ACTION and several:
        return None
    run.notes.append(f"wish: {wish.value}")
    if wish in (Wish.PERSON, Wish.ACTION):
        sure = 1.0 if wish is Wish.PERSON else 0.0
        return Outcome(Decision.ESCALATE, phrase(wish.value, run.language), sure)
    if wish is Wish.NOTHING and asking.asked_back(run.history):
        return Outcome(Decision.ESCALATE, phrase("unknown", run.language), 0.0)
    said = phrase(wish.value, run.language)
    if wish is Wish.GREETING and run.policy.greeting.strip():
        own = run.policy.greeting.strip().replace("{app_name}", run.policy.app_name)
        said = clean(own, own_hosts(own))
    return Outcome(Decision.ASK_USER, said, 1.0)


def own_hosts(text: str) -> frozenset[str]:
    """An administrator's own words may link wherever they do."""
    return frozenset(links(text))


def language_of(wanted: str | None, text: str, history: Sequence[Turn], policy: Policy) -> str:
    """The one asked for, else that of the question, else that of the talk, else the default."""
    if wanted:
        return wanted.lower()[:2]
    if not policy.detects_language:
        return policy.default_language
    talk = next((told for told in map(_told, _asked(history)) if told), "")
    told = _told(text)
    if told and talk and told != talk and len(tokens(text)) <= _FEW_WORDS:
        # "Canopy yearly?" is no change of language; a greeting in another one, or other letters, are.
        same_letters = script_of(text) == script_of(next(iter(_asked(history))))
        told = talk if same_letters and not asking.greeted_in(text) else told
    return told or talk or ("ru" if script_of(text) == "cyrillic" else policy.default_language)


def _asked(history: Sequence[Turn]) -> list[str]:
    return [turn.content for turn in reversed(history) if turn.role == "user"]


def _told(text: str) -> str:
    found = detect(text)
    return found if found != "und" else asking.greeted_in(text) or ""


def _bare(text: str) -> str:
    """Without what no store or model takes: NUL and lone surrogates."""
    return text.replace("\x00", "").encode("utf-8", "ignore").decode("utf-8").strip()
