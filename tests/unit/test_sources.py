"""Sources: each shape of file, and each fault."""

import codecs
import io
import json
from typing import Any

import pytest

from candor.documents import Draft
from candor.errors import Invalid, UnsupportedType
from candor.sources import json_files, read
from candor.sources.records import Record

LONG = "This page says enough about hosting to be worth keeping for everybody who asks."


def records(content: Any, key: str = "source/docs.json") -> list[Record]:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return list(read(io.BytesIO(body), key))


def drafts(content: Any, key: str = "source/docs.json") -> list[Draft]:
    return [record.draft for record in records(content, key) if record.draft is not None]


def page(number: int = 1, **fields: Any) -> dict[str, Any]:
    return {"url": f"https://example.com/{number}", "title": f"P{number}", "text": LONG, **fields}


def test_pages_become_one_document_each() -> None:
    [draft] = drafts(
        {"pages": [page(metadata={"a": 1}, effective_date="2026-01-01", product="vps")], "source": "x"}
    )

    assert draft == Draft(
        url="https://example.com/1",
        title="P1",
        text=LONG,
        doc_type="other",
        effective_date="2026-01-01",
        product="vps",
        metadata={"a": 1},
        source="source/docs.json",
    )


@pytest.mark.parametrize(
    ("own", "of_file", "key", "expected"),
    [
        ("TOS", "faq", "source/pricing.json", "tos"),
        (None, "faq", "source/pricing.json", "faq"),
        (None, None, "source/pricing.json", "pricing"),
        (None, None, "source/deep/Policy.json", "policy"),
        (None, None, "source/custom_docs.json", "other"),
        (7, ["x"], "source/faq.json", "7"),
    ],
)
def test_the_type_is_the_records_then_the_files_then_the_stems(
    own: Any, of_file: Any, key: str, expected: str
) -> None:
    [draft] = drafts({"pages": [page(doc_type=own)], "doc_type": of_file}, key)

    assert draft.doc_type == expected


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"title": "x", "text": LONG}, "url"),
        ({"url": "   ", "text": LONG}, "url"),
        ({"url": "https://example.com", "text": "x" * 49}, "49 characters"),
        ({"url": "https://example.com"}, "0 characters"),
    ],
)
def test_a_page_without_url_or_text_is_skipped_and_reported(entry: dict[str, Any], reason: str) -> None:
    first, bad, last = records({"pages": [page(1), entry, page(3)]})

    assert (bad.index, bad.draft, bad.skipped) == (1, None, True)
    assert reason in bad.reason
    assert first.draft is not None
    assert last.draft is not None


@pytest.mark.parametrize("entry", [7, "text", None, ["x"]])
def test_a_record_that_is_no_object_is_a_fault_with_its_number(entry: Any) -> None:
    bad = records({"pages": [page(), entry]})[1]

    assert (bad.index, bad.skipped, bad.reason) == (1, False, "The record is no object.")


def test_the_length_rule_is_for_pages_only() -> None:
    [draft] = drafts({"articles": [{"url": "https://example.com/a", "title": "A", "snippet": "Short."}]})

    assert draft.text == "Short."


def test_an_article_has_its_key_points_as_a_list() -> None:
    [draft] = drafts(
        {"articles": [{"url": "u", "title": "A", "snippet": "In short.", "key_points": ["One", 2, None, ""]}]}
    )

    assert draft.text == "In short.\n\n- One\n- 2"


PLAN = {
    "plan_name": "KVM 2 (SSD)",
    "price_raw": "$9.99",
    "billing_cycle": "monthly",
    "ram": "4 GB",
    "cpu": 2,
    "storage": "80 GB",
    "bandwidth": "",
    "os": None,
    "order_link": "https://example.com/order?pid=2",
    "source_url": "https://example.com/vps",
}


def test_a_plan_is_a_pricing_document_with_a_fact_a_line() -> None:
    [draft] = drafts({"plans": [PLAN], "category": "VPS"}, "source/offers.json")

    assert (draft.url, draft.title, draft.doc_type) == (
        "https://example.com/vps#plan-kvm-2-ssd",
        "KVM 2 (SSD)",
        "pricing",
    )
    assert draft.text.splitlines()[2:] == [
        "- Category: VPS",
        "- Price: $9.99",
        "- Billing cycle: monthly",
        "- CPU: 2",
        "- RAM: 4 GB",
        "- Storage: 80 GB",
        "- Order: https://example.com/order?pid=2",
    ]


@pytest.mark.parametrize(
    ("without", "url"),
    [
        (["source_url"], "https://example.com/order?pid=2"),
        (["source_url", "order_link"], "plan://kvm-2-ssd"),
    ],
)
def test_a_plan_without_a_page_is_named_by_its_order_link_or_its_name(without: list[str], url: str) -> None:
    [draft] = drafts({"plans": [{name: value for name, value in PLAN.items() if name not in without}]})

    assert draft.url == url


def test_sales_knowledge_becomes_a_document_a_category_and_one_of_highlights() -> None:
    category = {
        "url": "https://example.com/vps",
        "title": "VPS",
        "category": "vps",
        "summary": "Servers of your own.",
        "plans": [{"plan_name": "S", "price_usd_month": 5.5, "memory": "1 GB", "storage": "20|GB"}],
    }
    knowledge = {
        "global_highlights": ["24/7 support", "Seven nights"],
        "product_categories": [category, {"plans": []}],
    }

    found = records({"datasets": {"sales_knowledge": knowledge}}, "source/sales_kb.json")

    first, faulty, last = found
    assert first.draft is not None
    assert last.draft is not None
    assert first.draft.text.endswith("| S | 5.5 | 1 GB | 20/GB |")
    assert (first.draft.url, first.draft.doc_type) == ("https://example.com/vps", "pricing")
    assert (faulty.index, faulty.skipped) == (1, False)
    assert last.draft.text == "- 24/7 support\n- Seven nights"


def test_a_bare_list_may_mix_shapes() -> None:
    mixed = [
        page(),
        PLAN,
        {"url": "u2", "title": "A", "snippet": "S."},
        {"url": "u3", "raw_text": "R."},
        {"x": 1},
    ]

    found = records(mixed)

    assert [record.draft.title if record.draft else None for record in found] == [
        "P1",
        "KVM 2 (SSD)",
        "A",
        "u3",
        None,
    ]
    assert "none of their fields" in found[4].reason


@pytest.mark.parametrize("key", ["source/a.jsonl", "source/a.ndjson", "source/a.json"])
def test_json_lines_are_read_whatever_the_suffix(key: str) -> None:
    lines = f"{json.dumps(page(1))}\r\n\n{json.dumps(PLAN)}\n{{broken\n{json.dumps(page(2))}".encode()

    found = records(lines, key)

    assert [record.index for record in found] == [0, 1, 2, 3]
    assert found[2].reason.startswith("The line is not JSON")
    assert [record.draft is not None for record in found] == [True, True, False, True]


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: text.encode(),
        lambda text: codecs.BOM_UTF8 + text.encode(),
        lambda text: text.encode("utf-16"),
        lambda text: text.encode("utf-16-le"),
        lambda text: text.encode("utf-16-be"),
    ],
    ids=["utf-8", "utf-8 with mark", "utf-16", "utf-16 little", "utf-16 big"],
)
@pytest.mark.parametrize("key", ["source/a.json", "source/a.jsonl"])
def test_every_unicode_encoding_is_read(encode: Any, key: str) -> None:
    written = json.dumps(page(text=LONG + " Ціна — 5 €, 日本"), ensure_ascii=False)

    [draft] = drafts(encode(written if key.endswith("l") else f"[{written}]"), key)

    assert draft.text.endswith("Ціна — 5 €, 日本")


def test_a_few_broken_letters_are_replaced_and_reported() -> None:
    body = json.dumps([page(1), page(2)]).encode().replace(b"P2", b"P\xff")

    found = records(body)

    assert (found[0].index, found[0].skipped) == (-1, True)
    assert found[0].reason.startswith("1 letters")
    assert len([record for record in found if record.draft]) == 2


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b'{"pages": [', "docs.json is not JSON"),
        (b"", "docs.json is not JSON"),
        ({"something": []}, "none of the lists we read"),
        ({"pages": {"a": 1}}, "other than a list"),
        (b"7", "neither an object nor a list"),
        (b"[" * 100_000, "too deeply"),
        (b"[" + b"9" * 5_000 + b"]", "too many digits"),
        ("Привіт усім людям на світі".encode("cp1251") * 5, "neither UTF-8 nor UTF-16"),
    ],
    ids=["truncated", "empty", "unknown", "no list", "number", "deep", "digits", "cp1251"],
)
def test_a_file_that_cannot_be_read_says_so_in_one_sentence(content: Any, sentence: str) -> None:
    with pytest.raises(Invalid, match=sentence) as error:
        records(content)

    assert str(error.value).endswith(".")
    assert "source/" not in str(error.value)


def test_a_json_file_too_large_to_parse_whole_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_files, "MAX_BYTES", 1_000)

    with pytest.raises(Invalid, match="JSON Lines"):
        records({"pages": [page(n) for n in range(20)]})

    assert len(drafts("\n".join(json.dumps(page(n)) for n in range(20)).encode(), "source/a.jsonl")) == 20


def test_a_suffix_nobody_reads_is_refused_with_those_we_read() -> None:
    with pytest.raises(UnsupportedType, match=r"\.jsonl"):
        records(b"x", "source/tool.exe")


def test_markdown_and_text_files_are_one_document_each() -> None:
    [guide] = drafts(b"# Set up mail\r\n\r\nOpen the panel.\x00  \n", "source/guides/mail-setup.md")
    [notes] = drafts("Заметки".encode("utf-16"), "source/my_notes.txt")

    assert (guide.url, guide.title, guide.text) == (
        "file://guides/mail-setup.md",
        "Set up mail",
        "# Set up mail\n\nOpen the panel.",
    )
    assert (notes.title, notes.text) == ("my notes", "Заметки")
    [empty] = records(b" \n", "source/empty.md")
    assert empty.skipped


def test_a_saved_web_page_keeps_headings_lists_tables_and_code() -> None:
    html = """<html><head><title>x</title><style>p{}</style></head><body><nav><a>Home</a></nav>
    <h1>Plans</h1><p>Two&nbsp;plans:<br>small &amp; large.</p>
    <ol><li>one<ul><li>in</li></ul></li><li>two</li></ol>
    <table><tr><th>Plan<th>Price</tr><tr><td>S|M</td><td><b>5</b> USD</td></tr></table>
    <pre>if x:
    y</pre><script>bad()</script><footer>©</footer></body></html>"""

    [draft] = drafts(html.encode(), "source/plans.html")

    assert draft.text == (
        "# Plans\n\nTwo plans:\nsmall & large.\n\n1. one\n  - in\n2. two\n\n"
        "| Plan | Price |\n| --- | --- |\n| S/M | 5 USD |\n\n```\nif x:\n    y\n```"
    )
    assert draft.raw.startswith("<html>")


@pytest.mark.parametrize(
    "html", ["<p>a<nav>menu", "</ul></li><td>x", "<table><tr><td>a", "<!-- <p>x", "&#xD800;a"]
)
def test_broken_html_is_read_as_far_as_it_goes(html: str) -> None:
    records(html.encode(), "source/a.html")


def test_letters_no_reader_sees_are_removed() -> None:
    [draft] = drafts({"pages": [page(text="\ufeff" + LONG + "\x00\x07 \ud800 end   \n\n\n\n\nnext")]})

    assert draft.text == LONG + " \ufffd end\n\n\nnext"


def test_a_line_with_too_many_digits_is_a_fault_and_the_rest_kept() -> None:
    bad, good = records(b'{"a": ' + b"9" * 5_000 + b"}\n" + json.dumps(page()).encode(), "source/a.jsonl")

    assert "too many digits" in bad.reason
    assert good.draft is not None


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ('{"a": "\\ud800"}', "no JSON"),
        ('{"\\udfff": 1}', "no JSON"),
        ('{"a": [NaN]}', "no JSON"),
        ('{"a": -Infinity}', "no JSON"),
        (json.dumps({"a": "я" * 25_000}, ensure_ascii=False), "larger than 50,000 bytes"),
    ],
    ids=["surrogate", "name", "nan", "infinity", "large"],
)
def test_metadata_that_no_row_can_hold_is_a_fault_and_the_rest_kept(metadata: str, reason: str) -> None:
    first, second = json.dumps(page(1, metadata="HERE")), json.dumps(page(2, metadata={"kept": [1, {}]}))
    content = f'{{"pages": [{first}, {second}]}}'.replace('"HERE"', metadata)

    bad, good = records(content.encode())

    assert reason in bad.reason
    assert good.draft is not None
    assert good.draft.metadata == {"kept": [1, {}]}


def test_a_label_without_end_is_cut() -> None:
    (draft,) = drafts({"pages": [page(product="p" * 500_000, region="r" * 500_000)]})

    assert (draft.product, draft.region) == ("p" * 200, "r" * 200)


def test_an_oversized_document_is_refused_and_the_rest_kept() -> None:
    bad, good = records({"pages": [page(text="x" * 2_000_001), page(2)]})

    assert "longer than" in bad.reason
    assert good.draft is not None
