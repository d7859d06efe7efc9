"""Dump knowledge: a dump's knowledge base, announcements, predefined replies and products as documents."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import unescape
from typing import Final

from candor.documents import Draft
from candor.errors import Invalid
from candor.redaction import without_cards
from candor.sources.html import text_of_html
from candor.sources.records import MAX_TEXT, tidy
from candor.whmcs.dumps.spilling import EXTRAS, whole_sections
from candor.whmcs.dumps.texts import records
from candor.whmcs.dumps.values import Options, Scan, Spill, Tally

Row = Mapping[str, str]

_TAGS: Final = re.compile(
    r"</?(?:p|br|div|span|b|i|u|a|strong|em|ul|ol|li|h[1-6]|table|tr|td|th|tbody|thead|pre|code|blockquote|img"
    r"|hr|font)\b[^>]{0,1000}>",
    re.IGNORECASE,
)
_ENCODED_TAGS: Final = re.compile(
    r"&lt;/?(?:p|br|div|span|strong|em|ul|ol|li|h[1-6]|table|a)\b", re.IGNORECASE
)
_FIELDS: Final = re.compile(r"\{\$[\w.]{1,60}\}|\[(?:NAME|FIRSTNAME|EMAIL|TICKETID|DEPARTMENT|SIGNATURE)\]")
"""What WHMCS fills in when a predefined reply is sent."""

_CYCLES: Final = (
    ("monthly", "a month", "msetupfee"),
    ("quarterly", "a quarter", "qsetupfee"),
    ("semiannually", "a half-year", "ssetupfee"),
    ("annually", "a year", "asetupfee"),
    ("biennially", "two years", "bsetupfee"),
    ("triennially", "three years", "tsetupfee"),
)
_NO: Final = frozenset({"", "0", "no", "off", "false"})


@dataclass(frozen=True, kw_only=True, slots=True)
class _Tables:
    """Rows by table, by number; of one told twice the last counts."""

    rows: dict[str, dict[str, Row]]

    def of(self, table: str) -> list[Row]:
        return (
            [self.rows[table][key] for key in sorted(self.rows[table], key=_as_number)]
            if table in self.rows
            else []
        )


def documents(
    scan: Scan, spill: Spill, options: Options, *, tally: Tally | None = None, source: str = "api"
) -> Iterator[Draft]:
    """
    What a dump knows beside its tickets and may be told to anybody, cards masked.

    Private articles and their translations, unpublished announcements, hidden and retired products stay out.
    """
    if not scan.finished:
        raise Invalid("The dump has not been read to its end yet.")
    if not options.extras:
        return
    tally = tally if tally is not None else Tally()
    tables = _read(scan, spill, tally)
    base = options.base_url.rstrip("/")
    makers = (_articles, _announcements, _predefined, _products)
    for draft in (draft for maker in makers for draft in maker(tables, base, tally)):
        if len(draft.text) > MAX_TEXT:
            tally.skip("documents that are too long")
            continue
        tally.documents += 1
        yield without_cards(
            Draft(
                url=draft.url,
                title=draft.title[:500],
                text=draft.text,
                doc_type=draft.doc_type,
                effective_date=draft.effective_date,
                metadata=draft.metadata,
                source=source,
            )
        )


def _read(scan: Scan, spill: Spill, tally: Tally) -> _Tables:
    found: dict[str, dict[str, Row]] = {}
    for section in whole_sections(scan, spill, EXTRAS):
        rows = found.setdefault(section.table, {})
        for fields, _ in records(section, section.columns, tally, entities=False):
            row = dict(zip(section.columns, fields, strict=True))
            key = row.get("id") or f"{row.get('type')}-{row.get('currency')}-{row.get('relid')}"
            rows[key] = row
    return _Tables(rows=found)


def _articles(tables: _Tables, base: str, tally: Tally) -> Iterator[Draft]:
    rows = {row["id"]: row for row in tables.of("knowledgebase")}
    for number, row in rows.items():
        parent = rows.get(row.get("parentid", "0"), row)
        if _yes(row["private"]) or _yes(parent["private"]):
            tally.skip("private articles")
            continue
        title = _line(row["title"]) or _line(parent["title"])
        address = f"{base}/knowledgebase.php?action=displayarticle&id={parent['id']}"
        language = row.get("language", "")
        # A translation is read at its parent's address, and is a document of its own.
        part = "" if parent is row else f"&language={language or number}"
        yield from _draft(
            tally,
            url=address + part if base else f"whmcs://kb/{number}",
            title=title,
            text=_text(row["article"]),
            doc_type="howto",
            metadata={"language": language} if language else {},
        )


def _announcements(tables: _Tables, base: str, tally: Tally) -> Iterator[Draft]:
    rows = {row["id"]: row for row in tables.of("announcements")}
    for number, row in rows.items():
        parent = rows.get(row.get("parentid", "0"), row)
        if not (_yes(parent["published"]) and (parent is not row or _yes(row["published"]))):
            tally.skip("unpublished announcements")
            continue
        language = row.get("language", "")
        part = "" if parent is row else f"&language={language or number}"
        yield from _draft(
            tally,
            url=f"{base}/announcements.php?id={parent['id']}{part}"
            if base
            else f"whmcs://announcement/{number}",
            title=_line(row["title"]) or _line(parent["title"]),
            text=_text(row["announcement"]),
            doc_type="other",
            metadata={"language": language} if language else {},
            date=(row.get("date") or parent.get("date", ""))[:10],
        )


def _predefined(tables: _Tables, base: str, tally: Tally) -> Iterator[Draft]:
    for row in tables.of("ticketpredefinedreplies"):
        yield from _draft(
            tally,
            url=f"whmcs://predefined-reply/{row['id']}",
            title=_line(row["name"]),
            text=_FIELDS.sub("", _text(row["reply"])).strip(),
            doc_type="faq",
        )


def _products(tables: _Tables, base: str, tally: Tally) -> Iterator[Draft]:
    groups = {row["id"]: row for row in tables.of("productgroups")}
    currencies = {row["id"]: row for row in tables.of("currencies")}
    prices: dict[str, list[Row]] = {}
    for row in tables.of("pricing"):
        if row["type"].lower() == "product":
            prices.setdefault(row["relid"], []).append(row)
    for row in tables.of("products"):
        group = groups.get(row["gid"], {})
        if _yes(row["hidden"]) or _yes(row.get("retired", "")) or _yes(group.get("hidden", "")):
            tally.skip("hidden and retired products")
            continue
        free = row.get("paytype", "").lower() == "free"
        told = (
            ["- Price: free"]
            if free
            else [
                line
                for price in sorted(prices.get(row["id"], ()), key=lambda one: _as_number(one["currency"]))
                for line in _priced(price, currencies.get(price["currency"], {}), row.get("paytype", ""))
            ]
        )
        parts = [_text(row["description"]), "\n".join(told)]
        yield from _draft(
            tally,
            url=f"{base}/cart.php?a=add&pid={row['id']}" if base else f"whmcs://product/{row['id']}",
            title=_line(row["name"]),
            text="\n\n".join(part for part in parts if part),
            doc_type="pricing",
            metadata={"group": _line(group["name"])} if group.get("name") else {},
        )


def _priced(price: Row, currency: Row, paytype: str) -> Iterator[str]:
    """A line for every billing cycle that is offered; WHMCS says -1 for one that is not."""
    kind = paytype.lower()
    for name, words, setup in _CYCLES:
        amount = price.get(name, "")
        if _as_number(amount) < 0 or not amount:
            continue
        if kind == "onetime":
            yield f"- Price: {_money(amount, currency)} once" + _setup(price.get(setup, ""), currency)
            return
        if _as_number(amount) > 0:
            yield f"- Price: {_money(amount, currency)} {words}" + _setup(price.get(setup, ""), currency)


def _setup(fee: str, currency: Row) -> str:
    return f", set-up fee {_money(fee, currency)}" if _as_number(fee) > 0 else ""


def _money(amount: str, currency: Row) -> str:
    code, prefix, suffix = (unescape(currency.get(name, "")) for name in ("code", "prefix", "suffix"))
    told = f"{prefix}{amount}{suffix}".strip()
    return told if not code or code in told else f"{told} {code}"


def _draft(
    tally: Tally,
    *,
    url: str,
    title: str,
    text: str,
    doc_type: str,
    metadata: Mapping[str, str] | None = None,
    date: str = "",
) -> Iterator[Draft]:
    if not text:
        tally.skip("documents without a text")
        return
    yield Draft(
        url=url,
        title=title or text.split("\n", 1)[0][:100],
        text=f"# {title}\n\n{text}" if title else text,
        doc_type=doc_type,
        effective_date=date if re.fullmatch(r"[1-9]\d{3}-\d\d-\d\d", date) else None,
        metadata=dict(metadata or {}),
    )


def _text(stored: str) -> str:
    """
    A text's words, its entities decoded exactly once.

    Staff write HTML here; some versions encode it once more on the way into the database. A text that shows
    its tags is HTML as it is: decoding it before reading it would turn `&lt;VirtualHost&gt;` into a tag.
    """
    if not _TAGS.search(stored):
        if not _ENCODED_TAGS.search(stored):
            return tidy(unescape(stored))
        stored = unescape(stored)
    return tidy(text_of_html(stored))


def _line(stored: str) -> str:
    return " ".join(_text(stored).split())


def _yes(value: str) -> bool:
    return value.strip().lower() not in _NO


def _as_number(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        return 0.0
