"""Wiring of what an operator tunes: policy, models and limits follow the configuration while all runs."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Final

from candor.wiring.configuration import checked_address, configuration
from candor.wiring.search import model_settings

if TYPE_CHECKING:
    from candor.answering.budgets import Tier
    from candor.answering.models import Model
    from candor.answering.policy import Policies
    from candor.config.reading import Reading
    from candor.limits import Rates

OPENAI: Final = "https://api.openai.com/v1"

_log = logging.getLogger(__name__)

_AGAIN_SECONDS: Final = 5.0
"""A key that could not be opened, or a server that could not be found, is tried again no sooner."""


@cache
def policies() -> "Policies":
    """What an operator has tuned about answers, as it is in force."""
    from candor.config.live import Live
    from candor.config.policies import policy_of

    return Live(configuration().known, policy_of)


@cache
def rates() -> "Callable[[], Rates]":
    """How often somebody may ask, as it is in force."""
    from candor.config.live import Live, rates_of

    return Live(configuration().known, rates_of)


def app_name() -> str:
    """What the assistant is called, as it is in force."""
    return policies()().app_name


@cache
def models() -> "Callable[[Tier], Sequence[Model]]":
    """Who may write, as it is in force."""
    return LiveModels()


class LiveModels:
    """
    The main model and its fallback, the economy model, or nobody: for each tier.

    Clients are kept as long as what they were made of. While a key cannot be opened, the last ones stay.
    """

    def __init__(self) -> None:
        self._version: int | None = None
        self._again = 0.0
        self._clients: dict[tuple[str, str, str, int], Model] = {}
        self._tiers: Mapping[Tier, Sequence[Model]] = {}

    def __call__(self, tier: "Tier") -> "Sequence[Model]":
        reading = configuration().known()
        if reading.version != self._version and time.monotonic() >= self._again:
            self._renew(reading)
        return self._tiers.get(tier, ())

    def _renew(self, reading: "Reading") -> None:
        from candor.answering.budgets import Tier
        from candor.errors import CandorError

        try:
            llm, archi = reading.opened("llm"), reading.shown("archi")
            key = _key(llm["llm_api_key"], llm["llm_base_url"])
        except CandorError as error:
            _log.warning("models not renewed", extra={"error": type(error).__name__})
            self._again = time.monotonic() + _AGAIN_SECONDS
            return
        names = (llm["llm_model"], llm["llm_fallback_model"], archi["llm_model_economy"])
        made_of = {name: (name, llm["llm_base_url"], key, llm["llm_max_tokens"]) for name in names}
        clients = {
            made: self._clients[made] if made in self._clients else _opened(*made)
            for name, made in made_of.items()
            if name and key
        }
        main, fallback, economy = (clients.get(made_of[name]) for name in names)
        self._tiers = {
            Tier.FULL: tuple(dict.fromkeys(model for model in (main, fallback) if model is not None)),
            Tier.ECONOMY: () if economy is None else (economy,),
        }
        self._clients, self._version = clients, reading.version


def model_access() -> tuple[str, str]:
    """Where the model in force is asked, and its key; blank: there is none. Raises as `Reading.opened`."""
    llm = configuration().reading().opened("llm")
    return llm["llm_base_url"] or OPENAI, _key(llm["llm_api_key"], llm["llm_base_url"])


def _key(given: str, base_url: str) -> str:
    """The key for that server: the environment's goes nowhere but to the environment's own."""
    own = model_settings()
    if base_url == (own.openai_base_url or ""):
        return given or own.openai_api_key or ""
    if given:
        # Its name was checked when it was set; what it leads to may have changed.
        checked_address(base_url)
    return given


def _opened(name: str, base_url: str, key: str, max_tokens: int) -> "Model":
    from candor.adapters.openai_model import OpenAIModel
    from candor.prices import known_prices

    return OpenAIModel(
        model=name, api_key=key, base_url=base_url, max_tokens=max_tokens, prices=known_prices()
    )
