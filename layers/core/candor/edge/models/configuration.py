"""Models of the configuration and of alerts."""

from typing import Annotated, Any, Self

from pydantic import Field

from candor.alerts import Alert
from candor.config.store import Version
from candor.edge.models import Body, Query, Reply


class VersionsQuery(Query):
    limit: int = Field(100, ge=1, le=100)
    before: Annotated[int, Field(ge=1, le=2_000_000_000)] | None = None
    """Only versions below this one: the next page."""


class VersionReply(Reply):
    version: int
    at: str
    by: str
    changes: list[dict[str, Any]]
    """`{key, from, to}`; the key is the section and the setting: `whmcs.username`."""

    @classmethod
    def of(cls, version: Version) -> Self:
        return cls(
            version=version.version,
            at=version.at.isoformat(),
            by=version.by,
            changes=[{"key": edit.key, "from": edit.before, "to": edit.after} for edit in version.edits],
        )


class RollbackBody(Body):
    version: Annotated[int, Field(ge=0, le=2_000_000_000)]
    """0: as it was before the first change."""


class AlertReply(Reply):
    id: str
    message: str
    first_at: str
    last_at: str
    times: int

    @classmethod
    def of(cls, alert: Alert) -> Self:
        return cls(
            id=alert.alert_id,
            message=alert.message,
            first_at=alert.first_at.isoformat(),
            last_at=alert.last_at.isoformat(),
            times=alert.times,
        )
