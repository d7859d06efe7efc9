"""Wiring of the configuration: what may be changed while everything runs, its secrets, and alerts."""

from functools import cache
from typing import TYPE_CHECKING

from candor import settings
from candor.wiring.environment import stores

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
    from candor.adapters.dynamodb_config import DynamoConfigStore
    from candor.config.service import Configuration
    from candor.config.whmcs import WHMCS

    whmcs = settings.Whmcs.read()
    return Configuration(
        store=DynamoConfigStore(settings.need(stores().config_table, "CONFIG_TABLE")),
        vault=vault(),
        sections=[WHMCS],
        check_address=checked_address,
        environment={
            WHMCS.name: {
                "base_url": whmcs.base_url,
                "list_path": whmcs.list_path,
                "login_path": whmcs.login_path,
            }
        },
    )


def checked_address(url: str) -> str:
    """Through the door of `fetching`; only who is given an address pays for it."""
    from candor.wiring.web import fetcher

    return fetcher().check(url)
