"""Wiring of the configuration: what may be changed while everything runs, its secrets, and alerts."""

import dataclasses
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from candor import settings
from candor.wiring.environment import app, environment, stores

if TYPE_CHECKING:
    from candor.alerts import Alerts
    from candor.config.service import Configuration
    from candor.vault import Drawers, Safe, Vault


@cache
def vault() -> "Vault":
    from candor.adapters.kms_vault import KmsVault

    return KmsVault(settings.need(stores().config_key_id, "CONFIG_KEY_ID"))


@cache
def drawers() -> "Drawers":
    from candor.adapters.dynamodb_drawers import DynamoDrawers

    return DynamoDrawers(settings.need(stores().config_table, "CONFIG_TABLE"))


@cache
def safe() -> "Safe":
    from candor.vault import Safe

    return Safe(vault=vault(), drawers=drawers())


@cache
def alerts() -> "Alerts":
    from candor.adapters.dynamodb_config import DynamoAlerts

    return DynamoAlerts(settings.need(stores().config_table, "CONFIG_TABLE"))


@cache
def configuration() -> "Configuration":
    from candor.adapters.absent import AbsentVault
    from candor.adapters.dynamodb_config import DynamoConfigStore
    from candor.config.known import SECTIONS
    from candor.config.service import Configuration

    return Configuration(
        store=DynamoConfigStore(settings.need(stores().config_table, "CONFIG_TABLE")),
        # Most functions read settings and open no secret: they have no key to do it with.
        vault=vault() if stores().config_key_id else AbsentVault(),
        sections=SECTIONS,
        check_address=checked_address,
        environment=_own,
    )


def _own(section: str) -> Mapping[str, Any]:
    """What the environment says of a section."""
    match section:
        case "llm":
            return _own_model()
        case "archi":
            own = settings.Model.read()
            return {"llm_model_economy": own.llm_model_economy, "answer_confidence": own.answer_confidence}
        case "brand":
            terms = list(settings.Normalizer.read().domain_terms)
            return {"app_name": app().app_name, "domain_terms": terms or None}
        case "limits":
            return dataclasses.asdict(settings.Limits.read())
        case "slots":
            slots = settings.Normalizer.read()
            return {
                "normalizer_slots_enabled": settings.slots_named(slots.slots_enabled),
                "normalizer_slot_product_types": list(slots.slot_product_types) or None,
                "normalizer_slot_os_types": list(slots.slot_os_types) or None,
            }
        case "whmcs":
            whmcs = settings.Whmcs.read()
            return {
                "base_url": whmcs.base_url,
                "list_path": whmcs.list_path,
                "login_path": whmcs.login_path,
            }
    return {}


def _own_model() -> Mapping[str, Any]:
    from candor.config.sections import masked

    own = settings.Model.read(environment())
    return {
        "llm_model": own.llm_model,
        "llm_fallback_model": own.llm_fallback_model,
        "llm_base_url": own.openai_base_url,
        "llm_api_key": {"mask": masked(own.openai_api_key)} if own.openai_api_key else None,
        "llm_max_tokens": own.llm_max_tokens,
    }


def checked_address(url: str) -> str:
    """Through the door of `fetching`; only who is given an address pays for it."""
    from candor.wiring.web import fetcher

    return fetcher().check(url)
