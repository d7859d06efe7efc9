"""Tables as the template defines them, made in whatever AWS the environment points to."""

import functools
import uuid
from typing import Any

from botocore.loaders import Loader, create_loader
from botocore.session import get_session

from infra import template


@functools.cache
def _resources() -> dict[str, Any]:
    resources: dict[str, Any] = template.read()["Resources"]
    return resources


def create_table(logical_id: str, name: str | None = None) -> str:
    """Make `AccountsTable` and the like; returns its name."""
    properties = _resources()[logical_id]["Properties"]
    taken = (
        "AttributeDefinitions",
        "KeySchema",
        "GlobalSecondaryIndexes",
        "BillingMode",
        "StreamSpecification",
    )
    arguments = {key: properties[key] for key in taken if key in properties}
    if "StreamSpecification" in arguments:
        arguments["StreamSpecification"] = {**arguments["StreamSpecification"], "StreamEnabled": True}
    # A new name each time: the tests of one contract share a running server.
    made = name or f"{logical_id}-{uuid.uuid4().hex[:8]}"
    # A session of its own, for moto replaces the default one; what it reads about AWS is read once for all.
    session = get_session()
    session.register_component("data_loader", _descriptions())
    session.create_client("dynamodb").create_table(TableName=made, **arguments)
    return made


@functools.cache
def _descriptions() -> Loader:
    return create_loader()
