"""Imports' models: which dump, and what of it."""

from datetime import date, datetime, time
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from candor.edge.models import Body, Words
from candor.importing.orders import MAX_FILES
from candor.tickets.values import Approval

MAX_KEY = 1_024
"""Bytes of an object's key on S3."""


def _text(value: Any) -> Any:
    # A department is named by its number as often as by its name.
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _moment(value: Any) -> Any:
    """A day counts from its beginning."""
    if isinstance(value, str):
        try:
            return datetime.combine(date.fromisoformat(value.strip()), time())
        except ValueError:
            return value
    return value


_Key = Annotated[Words, Field(max_length=MAX_KEY)]
_Name = Annotated[Words, Field(max_length=200), BeforeValidator(_text)]


class ImportDumpBody(Body):
    s3_key: _Key | None = None
    """The dump's key in the source bucket, under `source/` or `uploads/`."""
    s3_keys: Annotated[list[_Key], Field(min_length=1, max_length=MAX_FILES)] | None = None
    """The files of a dump that was written in several, in their order."""
    dry_run: bool = False
    """Read and count; change nothing."""
    approval_status: Approval = Approval.PENDING
    """Of tickets that are new. Those we know keep their own."""
    departments: Annotated[list[_Name], Field(max_length=200)] | None = None
    """Only tickets of these: names in any case, or ids."""
    statuses: Annotated[list[_Name], Field(max_length=50)] | None = None
    """Only tickets with one of these, in any case."""
    since: Annotated[datetime, BeforeValidator(_moment)] | None = None
    """Only tickets that changed at this time or later; without a zone: UTC."""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.s3_key is None) == (self.s3_keys is None):
            raise ValueError("name the dump: s3_key for one file, or s3_keys for several")
        return self

    @property
    def keys(self) -> list[str]:
        return self.s3_keys or [self.s3_key or ""]
