"""A streamed completion: its pieces as they come, its whole at the end, and an end in time."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from threading import Timer
from typing import TYPE_CHECKING, Any, Final

from candor.answering.models import Enough, Hear
from candor.errors import UpstreamFailed

if TYPE_CHECKING:
    from openai import Stream
    from openai.types import CompletionUsage
    from openai.types.chat import ChatCompletionChunk

_LONGEST: Final = 400_000
"""Letters. No model we ask writes a tenth of it; one that does not stop is no reason to run out of memory."""


def listened(
    stream: "Stream[ChatCompletionChunk]", hear: Hear, timeout: float
) -> tuple[str, "CompletionUsage | None", bool]:
    """
    All that was written and what it has cost, each piece heard at once; True when `hear` had enough.

    The connection is closed when `hear` raises, and after `timeout` seconds, whatever the server does until
    then: the library's own timeout begins anew with each byte.
    """
    parts: list[str] = []
    letters = 0
    used: CompletionUsage | None = None
    enough = False
    overdue = Timer(timeout, _shut, (stream.response,))
    overdue.daemon = True
    overdue.start()
    try:
        for piece, told in _pieces(stream):
            used = told or used
            if not piece:
                continue
            parts.append(piece)
            letters += len(piece)
            if letters > _LONGEST:
                raise UpstreamFailed("The language model does not stop writing.")
            hear(piece)
    except Enough:
        enough = True
    finally:
        overdue.cancel()
        stream.close()
    return "".join(parts), used, enough


def _pieces(stream: "Stream[ChatCompletionChunk]") -> Iterator[tuple[str, "CompletionUsage | None"]]:
    try:
        for chunk in stream:
            # The last chunk holds what it has cost, and no choice.
            yield (chunk.choices[0].delta.content or "" if chunk.choices else ""), chunk.usage
    except (AttributeError, TypeError, IndexError, ValueError) as error:
        raise UpstreamFailed("The language model answered something that cannot be read.") from error


def _shut(response: Any) -> None:
    """End the connection under whoever reads from it: to close what another thread waits at wakes nobody."""
    network = response.extensions.get("network_stream")
    connection = network.get_extra_info("socket") if network is not None else None
    if connection is not None:
        with suppress(OSError):  # It has ended before.
            connection.shutdown(socket.SHUT_RDWR)
