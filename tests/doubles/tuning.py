"""A configuration in memory, with every section there is."""

from collections.abc import Callable, Mapping
from typing import Any

from candor.adapters.memory_config import MemoryConfigStore
from candor.adapters.memory_vault import MemoryVault
from candor.config.known import SECTIONS
from candor.config.service import Configuration
from candor.config.store import ConfigStore
from candor.errors import Malformed


def door(url: str) -> str:
    """Stands for the door of `fetching`: hosts of the inside are refused."""
    if "internal" in url or "127.0.0.1" in url:
        raise Malformed("This address is not public.")
    return url


def tuned(
    store: ConfigStore | None = None,
    *,
    vault: MemoryVault | None = None,
    environment: Mapping[str, Mapping[str, Any]] | None = None,
    ticks: Callable[[], float] | None = None,
) -> Configuration:
    """As the settings' function has it; `environment` by section."""
    given = environment or {}
    more = {} if ticks is None else {"ticks": ticks}
    return Configuration(
        store=store if store is not None else MemoryConfigStore(),
        vault=vault if vault is not None else MemoryVault(),
        sections=SECTIONS,
        check_address=door,
        environment=lambda section: given.get(section, {}),
        **more,
    )
