"""
Settings of the pipeline: which of its steps are taken, and from when on an answer is given.

Beside ours stand the switches of an older product, so that its clients read and write what they know.
Of those, most turned a call of a model on or off; here the same is done in code, always.
"""

import re
from typing import Final

from candor.config.sections import Kind, Section, Setting

_LANGUAGE = re.compile(r"[a-z]{2,3}")


def _language(text: str) -> str:
    code = text.casefold().split("-", 1)[0].split("_", 1)[0]
    if not _LANGUAGE.fullmatch(code):
        raise ValueError('must be the code of a language, such as "en"')
    return code


def _switch(name: str, about: str, *, default: bool = True) -> Setting:
    return Setting(name=name, kind=Kind.FLAG, default=default, about=about)


def _kept(name: str, instead: str) -> Setting:
    return _switch(name, f"Kept and without effect: {instead}", default=False)


_INACTIVE: Final = (
    _kept("decision_router_use_llm", "decisions are made by code, from a computed confidence."),
    _kept("evidence_evaluator_enabled", "evidence is always weighed before anything is written."),
    _kept("evidence_quality_use_llm", "the quality of evidence is computed, not asked for."),
    _kept("evidence_quality_llm_v2", "the quality of evidence is computed, not asked for."),
    _kept("debug_llm_calls", "the debug view of an answer always counts its calls, and never holds prompts."),
    _kept("self_critic_enabled", "each sentence is always verified against the evidence, in code."),
    _kept("final_polish_enabled", "what was verified is not written anew."),
    _kept("doc_type_classifier_enabled", "a page's type comes from its address and headings."),
    _kept("retrieval_doc_type_use_llm", "all types are searched, and ranked together."),
    _kept("page_kind_filter_enabled", "menus, archives and thin pages are always left out of a crawl."),
)

INACTIVE: Final = tuple(setting.name for setting in _INACTIVE)
"""Readable and writable, without a step in this pipeline."""

ARCHI: Final = Section(
    name="archi",
    by_key=True,
    settings=(
        _switch("language_detect_enabled", "Reply in the question's language. Off: in default_language."),
        Setting(
            name="llm_model_economy",
            longest=200,
            blank=True,
            about="The cheaper model, for when the day's budget runs low. Blank: none.",
        ),
        _switch(
            "llm_task_aware_routing_enabled",
            "Ask llm_model_economy, where there is one, for steps smaller than an answer.",
            default=False,
        ),
        *_INACTIVE,
        _switch("writes_with_model", "A model writes answers. Off: they are the evidence's own sentences."),
        _switch("condenses_with_model", "A model makes a follow-up stand alone. Off: rules do."),
        _switch("asks_back", "A question that can be meant in several ways is asked back about."),
        _switch("small_talk", "Greetings and thanks are answered without a search."),
        _switch("several_questions", "Several questions in one message are answered each."),
        Setting(
            name="default_language",
            default="en",
            longest=20,
            check=_language,
            about="Of replies, where no language is detected.",
        ),
        Setting(
            name="answer_confidence",
            kind=Kind.NUMBER,
            default=None,
            greatest=1,
            about="The probability of being right from which an answer is given. None: what was found best.",
        ),
    ),
)
