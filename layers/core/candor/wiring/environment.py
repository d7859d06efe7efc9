"""Wiring of the environment: settings read once per sandbox."""

import os
from collections.abc import Mapping
from functools import cache

from candor import settings


@cache
def environment() -> Mapping[str, str]:
    """The environment, completed from the secret. One call per sandbox."""
    settings.log_replaced(os.environ)
    secret_id = settings.App.read().secret_id
    if secret_id is None:
        return dict(os.environ)
    from candor.adapters.secrets import read_secret

    return settings.with_secrets(os.environ, read_secret(secret_id))


@cache
def app() -> settings.App:
    return settings.App.read()


@cache
def stores() -> settings.Stores:
    return settings.Stores.read()
