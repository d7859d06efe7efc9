"""A question's words in English, and what is found by them."""

import re
from collections.abc import Sequence

import pytest

from candor.adapters.memory_answers import MemoryAnswers
from candor.answering.data import data
from candor.answering.evidence import EmbeddedLikeness
from candor.answering.phrases import phrase
from candor.answering.service import Answering
from candor.answering.translating import in_english
from candor.answering.values import Answer, Decision, Question
from candor.errors import Unavailable
from candor.retrieval import Found, Retrieval
from candor.search import ANYTHING, Where
from tests.doubles.answering import FIREWALL, KNOWLEDGE, Desk, ScriptedModel, Serving, said
from tests.doubles.passages import passage

TRASH = passage(
    "Dovecot can clean up the trash folder of a mailbox automatically: the option `autoexpunge = 30d`.\n\n"
    "The option is read when Dovecot starts.",
    document="trash",
    title="Clean up the trash folder of a mailbox automatically",
    doc_type="howto",
)
GERMAN = "Kann man die Papierkörbe der Postfächer automatisch aufräumen, mit welcher Einstellung?"


def _desk(*, model: ScriptedModel | None = None, measured: bool = True) -> Desk:
    desk = Desk(passages=(*KNOWLEDGE, TRASH), model=model)
    if measured:
        likeness = EmbeddedLikeness(desk.embedder)
        desk = Desk(passages=(*KNOWLEDGE, TRASH), model=model, likeness=likeness)
    return desk


def _ask(desk: Desk, text: str) -> Answer:
    return desk.answering.answer(Question(text=text))


@pytest.mark.parametrize(
    ("language", "text", "words"),
    [
        ("de", "Wie viele Nameserver kann ich in einem Paket höchstens hinterlegen?", "how many nameserver"),
        ("de", "Welcher Port ist für den Lizenzserver offen?", "license server"),
        ("es", "quiero borrar todas las reglas de ufw", "delete all rule from ufw"),
        ("es", "¿Dónde cambio la contraseña de la base de datos?", "password from database"),
        ("ru", "Какой командой включить кэш для домена?", "which command enable cache for domain"),
        ("uk", "Як увімкнути двофакторну автентифікацію?", "two-factor authentication"),
        ("vi", "Làm sao đặt lại mật khẩu của tôi?", "reset password"),
    ],
)
def test_words_are_told_in_english(language: str, text: str, words: str) -> None:
    assert words in in_english(text, language=language)


@pytest.mark.parametrize(
    ("language", "text", "kept"),
    [
        ("de", "Welchen Wert hat input_vars in /etc/php.ini?", ("input_vars", "/etc/php.ini")),
        (
            "ru",
            "Какое значение max_execution_time нужно для TYPO3 11.5?",
            ("max_execution_time", "TYPO3", "11.5"),
        ),
        ("es", "¿Qué comando es v-add-user, con --force?", ("v-add-user", "--force")),
        ("uk", "Файл backup.tar.gz не відкривається на сервері", ("backup.tar.gz",)),
        ("de", "Was kostet eine .shop Domain im Monat?", (".shop",)),
    ],
)
def test_what_is_the_same_in_every_language_stays_as_it_is(
    language: str, text: str, kept: Sequence[str]
) -> None:
    english = in_english(text, language=language)

    assert set(kept) <= set(re.sub(r"[?,](?=\s|$)", "", english).split()), english


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "Wer hat gestern Dortmund gegen Bayern gewonnen und weshalb verloren Schalkes Torhüter?"),
        ("fr", "Comment changer le mot de passe ?"),
        ("en", "How do I change my password?"),
        ("ru", ""),
        ("de", "?!"),
    ],
)
def test_too_few_known_words_are_no_question(language: str, text: str) -> None:
    english = in_english(text, language=language)

    assert english == "" or not any(character.isalnum() for character in english)


def test_a_name_nobody_can_translate_stays_a_name() -> None:
    assert "Grünwiese" in in_english("Wie viel Speicherplatz hat das Paket Grünwiese?", language="de")


@pytest.mark.parametrize("language", ["de", "es", "ru", "uk", "vi"])
def test_every_entry_of_the_glossary_says_what_it_stands_for(language: str) -> None:
    for row in data("glossary")[language]:
        english, colon, theirs = row.partition(": ")
        assert colon, row
        assert english.isascii(), row
        assert all(entry == entry.strip() and entry for entry in theirs.split(", ")), row


def test_a_question_as_long_as_a_novel_costs_no_more_than_its_first_page() -> None:
    assert len(in_english("Wie öffne ich den Port? " * 5_000, language="de")) < 4_000
    assert in_english("ä" * 100_000, language="de") == ""


def test_an_english_page_answers_a_german_question() -> None:
    answer = _ask(_desk(), GERMAN)

    assert answer.decision is Decision.PASS
    assert "autoexpunge = 30d" in answer.text
    assert answer.text.startswith("In unserer Dokumentation")
    assert [cited.document_id for cited in answer.citations] == ["trash"]
    assert "looked up in English" in answer.debug["notes"]


def test_without_an_embedder_at_hand_a_question_is_looked_up_once() -> None:
    answer = _ask(_desk(measured=False), GERMAN)

    assert "looked up in English" not in answer.debug["notes"]


def test_what_is_answered_in_its_own_language_is_not_looked_up_again() -> None:
    own = passage(
        "Dovecot räumt den Papierkorb im Postfach automatisch auf: mit der Option `autoexpunge = 30d`.",
        document="papierkorb",
        title="Den Papierkorb im Postfach automatisch aufräumen",
        language="de",
    )
    desk = Desk(passages=(own, FIREWALL, TRASH))
    desk = Desk(passages=(own, FIREWALL, TRASH), likeness=EmbeddedLikeness(desk.embedder))

    answer = _ask(desk, GERMAN)

    assert [cited.document_id for cited in answer.citations] == ["papierkorb"]
    assert "looked up in English" not in answer.debug["notes"]


class DownTheSecondTime:
    """A `Finding` that finds once."""

    def __init__(self, desk: Desk) -> None:
        self.asked: list[str] = []
        self._found = Retrieval(
            keywords=desk.keywords, vectors=desk.vectors, embedder=desk.embedder, truth=Serving()
        )

    def find(
        self,
        question: str,
        *,
        limit: int = 8,
        where: Where = ANYTHING,
        deadline_seconds: float = 2.0,
        previous: str | None = None,
    ) -> Found:
        self.asked.append(question)
        if len(self.asked) > 1:
            raise Unavailable("down")
        return self._found.find(question, limit=limit, where=where, previous=previous)


def test_a_second_look_that_fails_leaves_the_first() -> None:
    desk = _desk()
    finding = DownTheSecondTime(desk)
    answering = Answering(
        retrieval=finding, snapshots=MemoryAnswers(), likeness=EmbeddedLikeness(desk.embedder)
    )

    answer = answering.answer(Question(text=GERMAN))

    assert len(finding.asked) == 2
    assert answer.decision is Decision.ESCALATE
    assert answer.text == phrase("unknown", "de")


def test_a_model_reads_the_question_as_it_was_asked() -> None:
    sentence = ("Dovecot kann den Papierkorb mit `autoexpunge = 30d` automatisch aufräumen.", [1])
    model = ScriptedModel(said(sentence))

    _ask(_desk(model=model), GERMAN)

    assert GERMAN in model.prompts[0]
    assert "autoexpunge = 30d" in model.prompts[0]
    assert in_english(GERMAN, language="de") not in model.prompts[0]
