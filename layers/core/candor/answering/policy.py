"""Policy: what an operator may tune about answers, as it is in force now."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from candor.answering.deciding import Thresholds


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """One reading of the settings. A question is answered by one policy from beginning to end."""

    app_name: str = "Candor"
    greeting: str = ""
    """What a greeting is answered with; blank: our own words in the asker's language."""
    house_rules: str = ""
    """What the company adds to the instructions of a model: its prompt, its domain's rules, its own."""
    domain_terms: tuple[str, ...] = ()
    """Words of the company's trade: they count as names when evidence is weighed."""
    slots: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Known values by slot: `product_type`, `os`, `billing_cycle`, `region`. One without values is off."""
    thresholds: Thresholds = Thresholds()  # noqa: RUF009 - a value that cannot change
    writes_with_model: bool = True
    condenses_with_model: bool = True
    """Whether a model may make a question stand alone; else, and where it fails, rules do."""
    routes_by_task: bool = False
    """Steps smaller than an answer are asked of the economy model, where there is one."""
    asks_back: bool = True
    small_talk: bool = True
    """Greetings and thanks are answered without a search."""
    several_questions: bool = True
    """Several questions in one message are answered each."""
    detects_language: bool = True
    """Else the reply is in `default_language` unless the caller names one."""
    default_language: str = "en"
    version: int = 0
    """Of the configuration it was read from; kept with the answer."""


Policies = Callable[[], Policy]
"""The policy in force; asked once for each question. Raises nothing: without a store the last one known."""
