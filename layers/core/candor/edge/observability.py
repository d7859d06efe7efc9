"""Observability: the logger and metrics every function shares, and what wraps every handler."""

import logging
import os
import traceback
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import Metrics, MetricUnit

__all__ = ["MetricUnit", "log_failure", "logger", "metrics", "observed"]

logger = Logger()
metrics = Metrics()

Handler = Callable[[dict[str, Any], Any], Any]


def observed(handler: Handler, *, build: Callable[[], object]) -> Handler:
    """
    Give a handler the log context and metrics every function has.

    On Lambda, `build` runs now, in the init phase, where the CPU is unthrottled and SnapStart can
    keep the result; elsewhere it waits for the first request.
    """
    domain = logging.getLogger("candor")
    if not domain.handlers:
        # The domain logs by the standard library; its lines take the same shape and the same keys.
        domain.handlers, domain.propagate = list(logger.handlers), False
        domain.setLevel(logger.log_level)
    if "AWS_LAMBDA_INITIALIZATION_TYPE" in os.environ:
        build()
    return logger.inject_lambda_context(metrics.log_metrics(handler), clear_state=True)


def log_failure(event: str, error: BaseException, **keys: object) -> None:
    """
    Log where an unexpected error was raised, without what it says.

    A library's message may quote what it choked on, and that may be a customer's words.
    """
    chain: list[str] = []
    link: BaseException | None = error
    while link is not None and len(chain) < 5:
        chain.append(f"{type(link).__module__}.{type(link).__qualname__}")
        link = link.__cause__ or link.__context__
    frames = [f"{f.filename}:{f.lineno} {f.name}" for f in traceback.extract_tb(error.__traceback__)[-15:]]
    logger.error(event, extra={"error": chain, "frames": frames, **keys})
