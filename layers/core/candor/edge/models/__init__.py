"""Models: the bodies and queries that are validated, and the same models as documentation."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints


class Body(BaseModel):
    """
    What a request carries. Strings are trimmed before their length is checked; unknown fields are ignored.

    A field given as null counts as left out where it is optional. Validators are built when they are first
    needed: a function knows the models of all routes, and to build them all took a quarter of its start.
    """

    model_config = ConfigDict(
        str_strip_whitespace=True, extra="ignore", hide_input_in_errors=True, defer_build=True
    )


class Query(Body):
    """What stands behind the question mark. Of a name given twice the last value counts."""


class Reply(BaseModel):
    """What is answered."""

    model_config = ConfigDict(extra="forbid", defer_build=True)


class Paging(Query):
    """Which page of a list."""

    page: int = Field(1, ge=1, le=1_000_000)
    page_size: int = Field(20, ge=1, le=100)


class ErrorReply(Reply):
    """Every error: one sentence, and what is wrong with which field when it is the body."""

    class Fault(Reply):
        loc: list[str | int]
        msg: str

    detail: str
    error: str | None = None
    """The same sentence, on the route whose older clients read it there."""
    errors: list[Fault] | None = None


def _visible(text: str) -> str:
    if not any(character.isprintable() and not character.isspace() for character in text):
        raise ValueError("the text has no visible character")
    return text


def _flag(value: Any) -> Any:
    # `?debug=` and a bare `?debug` are how people switch something on by hand.
    return True if value == "" else value


Words = Annotated[str, StringConstraints(min_length=1), AfterValidator(_visible)]
"""Text that says something; combine with `Field(max_length=…)`."""

Flag = Annotated[bool, BeforeValidator(_flag)]
"""A switch in a query."""

__all__ = ["Body", "ErrorReply", "Flag", "Paging", "Query", "Reply", "Words"]
