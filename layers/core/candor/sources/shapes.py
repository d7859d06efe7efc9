"""Shapes: the kinds of JSON record we know, each turned into the draft of a document."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from candor.documents import Draft
from candor.errors import Invalid
from candor.markup import first_heading
from candor.sources.html import text_of_html
from candor.sources.records import (
    MAX_LABEL,
    MAX_TEXT,
    MAX_URL,
    Skipped,
    known_type,
    metadata_of,
    tidy,
)
from candor.sources.talks import talk
from candor.tickets.values import TicketDraft

MIN_PAGE_TEXT = 50
"""Letters below which a page holds nothing but its menu. Other shapes are written, not scraped."""

_NOT_SLUG = re.compile(r"[^\w]+")

_PLAN_FACTS = (
    ("Category", ("category",)),
    ("Price", ("price_raw", "price", "price_usd_month")),
    ("Billing cycle", ("billing_cycle",)),
    ("CPU", ("cpu",)),
    ("RAM", ("ram", "memory")),
    ("Storage", ("storage",)),
    ("Bandwidth", ("bandwidth",)),
    ("Port", ("port",)),
    ("Operating system", ("os",)),
    ("Location", ("location",)),
    ("Order", ("order_link",)),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """What the file around a record says about it."""

    key: str
    doc_type: Any = None
    category: Any = None
    source: Any = None
    """What the file calls the system it comes from."""


Reader = Callable[[Mapping[str, Any], Context], Draft | TicketDraft]


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """A kind of file: the key its records lie under, and who reads one."""

    name: str
    entries: Callable[[Mapping[str, Any]], Any]
    """The file's records, or None when it has another shape."""
    read: Reader


def page(record: Mapping[str, Any], context: Context) -> Draft:
    """
    `{url,title,text,doc_type?}`; a page without url or with hardly any text is skipped.

    `"written": true`, which our own export says, is a text somebody wrote: it may be as short as it likes.
    """
    url = _line(record, "url", "source_url")
    if not url:
        raise Skipped("The page has no url.")
    text, raw = texts_of(record)
    if len(text) < (1 if record.get("written") is True else MIN_PAGE_TEXT):
        raise Skipped(f"The page has {len(text)} characters of text; fewer than {MIN_PAGE_TEXT} say nothing.")
    return _draft(record, context, url=url, text=text, raw=raw)


def article(record: Mapping[str, Any], context: Context) -> Draft:
    """`{url,title,snippet,key_points?}`."""
    url = _line(record, "url", "source_url")
    if not url:
        raise Skipped("The article has no url.")
    points = record.get("key_points")
    bullets = [f"- {_plain(point)}" for point in points if _plain(point)] if isinstance(points, list) else []
    text = "\n\n".join(part for part in (_text(record, "snippet"), "\n".join(bullets)) if part)
    if not text:
        raise Skipped("The article has no text.")
    return _draft(record, context, url=url, text=text)


def plan(record: Mapping[str, Any], context: Context) -> Draft:
    """A tariff: its facts one a line, so that each can be quoted alone."""
    name = _line(record, "plan_name", "name", "title")
    if not name:
        raise Invalid("The plan has no plan_name.")
    facts = {"category": context.category, **{k: v for k, v in record.items() if v not in (None, "")}}
    lines = [f"- {label}: {value}" for label, keys in _PLAN_FACTS if (value := _line(facts, *keys))]
    slug = _slug(name)
    source_url, order_link = _line(record, "source_url"), _line(record, "order_link")
    url = f"{source_url}#plan-{slug}" if source_url else order_link or f"plan://{slug}"
    text = f"{name}\n\n" + "\n".join(lines)
    return _draft(record, context, url=url, text=text, title=name, otherwise="pricing")


def category(record: Mapping[str, Any], context: Context) -> Draft:
    """A product category of `sales_kb.json`: its summary and a table of its plans."""
    title = _line(record, "title", "category")
    if not title:
        raise Invalid("The category has neither title nor category.")
    plans = record.get("plans")
    rows = [
        "| "
        + " | ".join(
            _cell(one, *keys) for keys in (("plan_name",), ("price_usd_month",), ("memory",), ("storage",))
        )
        + " |"
        for one in (plans if isinstance(plans, list) else [])
        if isinstance(one, dict)
    ]
    table = "\n".join(
        ["| Plan | Price, USD a month | Memory | Storage |", "| --- | --- | --- | --- |", *rows]
    )
    text = "\n\n".join(part for part in (_text(record, "summary"), table if rows else "") if part)
    if not text:
        raise Skipped("The category has neither summary nor plans.")
    url = _line(record, "url") or f"sales://{_slug(title)}"
    return _draft(record, context, url=url, text=text, title=title, otherwise="pricing")


def highlights(record: Mapping[str, Any], context: Context) -> Draft:
    """The one record made of `global_highlights`."""
    points = record["global_highlights"]
    bullets = [f"- {_plain(point)}" for point in points if _plain(point)]
    if not bullets:
        raise Skipped("There are no highlights.")
    stem = PurePosixPath(context.key).stem
    return _draft(
        record, context, url=f"sales://{_slug(stem)}/highlights", text="\n".join(bullets), title="Highlights"
    )


def document(record: Mapping[str, Any], context: Context) -> Draft:
    """As `POST /v1/documents`: any text at all will do."""
    url = _line(record, "url")
    if not url:
        raise Invalid("The document has no url.")
    text, raw = texts_of(record)
    if not text:
        raise Invalid("The document has no text: raw_text, raw_html or content.")
    return _draft(record, context, url=url, text=text, raw=raw)


def ticket(record: Mapping[str, Any], context: Context) -> TicketDraft:
    """A ticket or conversation that has been answered."""
    return talk(record, key=context.key, source=context.source)


def draft_of_any(record: Mapping[str, Any], context: Context) -> Draft | TicketDraft:
    """A record on its own, known by its fields."""
    if "plan_name" in record:
        return plan(record, context)
    if "snippet" in record:
        return article(record, context)
    if "plans" in record:
        return category(record, context)
    if any(name in record for name in ("raw_text", "raw_html", "content")):
        return document(record, context)
    if "text" in record:
        return page(record, context)
    if "subject" in record or "description" in record:
        return ticket(record, context)
    raise Invalid(
        "The record is no page, article, plan, category, document or ticket: it has none of their fields."
    )


def texts_of(record: Mapping[str, Any]) -> tuple[str, str]:
    """A record's text and, where that was HTML, the original."""
    if text := _text(record, "text", "raw_text", "content", "cleaned_content"):
        return text, ""
    html = record.get("raw_html")
    if isinstance(html, str) and html.strip():
        return tidy(text_of_html(html)), html.replace("\x00", "")
    return "", ""


def title_of(url: str, text: str) -> str:
    """A name for a document that came without one: its first heading, else the end of its address."""
    if heading := first_heading(text):
        return heading[:300]
    parts = urlsplit(url)
    last = PurePosixPath(unquote(parts.path)).stem
    return (last.replace("-", " ").replace("_", " ").strip() or parts.netloc or url)[:300]


def _draft(
    record: Mapping[str, Any],
    context: Context,
    *,
    url: str,
    text: str,
    raw: str = "",
    title: str = "",
    otherwise: str = "other",
) -> Draft:
    if len(url) > MAX_URL:
        raise Invalid(f"The url is longer than {MAX_URL} characters.")
    if len(text) > MAX_TEXT:
        raise Invalid(f"The text is longer than {MAX_TEXT:,} characters: split it.")
    doc_type = (
        _plain(record.get("doc_type")) or _plain(context.doc_type) or known_type(context.key) or otherwise
    )
    return Draft(
        url=url,
        title=(title or _line(record, "title") or title_of(url, text))[:500],
        text=text,
        raw=raw,
        doc_type=doc_type.lower()[:100],
        effective_date=_line(record, "effective_date")[:MAX_LABEL] or None,
        product=_line(record, "product")[:MAX_LABEL] or None,
        region=_line(record, "region")[:MAX_LABEL] or None,
        metadata=metadata_of(record.get("metadata")),
        source=context.key,
    )


def _plain(value: Any) -> str:
    """A string or number on one line; nothing for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return " ".join(tidy(str(value)).split())


def _line(record: Mapping[str, Any], *names: str) -> str:
    return next((line for name in names if (line := _plain(record.get(name)))), "")


def _text(record: Mapping[str, Any], *names: str) -> str:
    values = (record.get(name) for name in names)
    return next((text for value in values if isinstance(value, str) and (text := tidy(value))), "")


def _cell(record: Mapping[str, Any], *names: str) -> str:
    return _line(record, *names).replace("|", "/")


def _slug(name: str) -> str:
    return _NOT_SLUG.sub("-", name.lower()).strip("-") or "unnamed"


def _list_under(name: str) -> Callable[[Mapping[str, Any]], Any]:
    return lambda value: value.get(name)


def _sales_knowledge(value: Mapping[str, Any]) -> Any:
    datasets = value.get("datasets")
    sales = datasets.get("sales_knowledge") if isinstance(datasets, dict) else None
    if not isinstance(sales, dict):
        return None
    categories = sales.get("product_categories")
    entries = list(categories) if isinstance(categories, list) else []
    points = sales.get("global_highlights")
    # The highlights come last, so that a category's number is its place in the file.
    return [*entries, {"global_highlights": points}] if isinstance(points, list) and points else entries


def _category_or_highlights(record: Mapping[str, Any], context: Context) -> Draft:
    return highlights(record, context) if "global_highlights" in record else category(record, context)


SHAPES = (
    Shape(name="pages", entries=_list_under("pages"), read=page),
    Shape(name="articles", entries=_list_under("articles"), read=article),
    Shape(name="plans", entries=_list_under("plans"), read=plan),
    Shape(name="documents", entries=_list_under("documents"), read=document),
    Shape(name="conversations", entries=_list_under("conversations"), read=ticket),
    Shape(name="tickets", entries=_list_under("tickets"), read=ticket),
    Shape(name="datasets", entries=_sales_knowledge, read=_category_or_highlights),
)
"""Which key makes which shape; the first that fits reads the file."""
