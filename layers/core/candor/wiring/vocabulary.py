"""Wiring of intents and document types, and of portraits of companies."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

from candor import settings
from candor.wiring.configuration import configuration
from candor.wiring.environment import stores
from candor.wiring.tuning import models, policies
from candor.wiring.web import fetcher

if TYPE_CHECKING:
    from candor.answering.models import Model
    from candor.answering.service import Shortcuts
    from candor.doc_types import DocTypes
    from candor.entries import Books
    from candor.intents.service import Intents
    from candor.portrait.service import Portraits
    from candor.sources.web_pages import WebPage


@cache
def books() -> "Books":
    from candor.adapters.dynamodb_entries import DynamoBooks

    return DynamoBooks(settings.need(stores().config_table, "CONFIG_TABLE"))


@cache
def intents() -> "Intents":
    from candor.intents.service import Intents

    return Intents(books=books())


@cache
def doc_types() -> "DocTypes":
    from candor.doc_types import DocTypes

    return DocTypes(books=books())


@cache
def shortcuts() -> "Shortcuts":
    """The intents in force, for every question."""
    from candor.intents.shortcuts import LiveShortcuts

    return LiveShortcuts(intents=intents(), policies=policies())


@cache
def portraits() -> "Portraits":
    from candor.portrait.service import Portraits
    from candor.portrait.visiting import Visiting

    return Portraits(
        visiting=Visiting(fetcher=fetcher(), read=page_reader()),
        configuration=configuration(),
        models=_writers,
    )


@cache
def page_reader() -> "Callable[..., WebPage]":
    """Reads pages, and gives them no type that an administrator has switched off."""
    from dataclasses import replace

    given = doc_types().following()

    def read(body: bytes, *, url: str, headers: Mapping[str, str]) -> "WebPage":
        # Reading pages takes a parser that is of no use to whoever never reads one.
        from candor.sources.web_pages import read_page

        page = read_page(body, url=url, headers=headers)
        return replace(page, doc_type=given(page.doc_type))

    return read


def _writers() -> "Sequence[Model]":
    from candor.answering.budgets import Tier

    return models()(Tier.FULL)
