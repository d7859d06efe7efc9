"""Refusals: what the embedded gateway says when a function did not answer, in the API's own form."""

import json
from dataclasses import dataclass
from typing import Any

from infra.local.gateway import Answer


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    status: int
    detail: str
    retry_after: int | None = None


def of(answer: Answer) -> Refusal | None:
    """What to say instead of this answer; None when it is the function's own, errors included."""
    if answer.status < 400:
        return None
    said = _said(answer)
    if "detail" in said or "error" in said or "errors" in said:
        return None
    text = f"{said.get('message', '')} {said.get('errorMessage', '')} {said.get('errorType', '')}"
    if "Missing Authentication Token" in text:
        return Refusal(status=404, detail="There is no such route.")
    if answer.status == 429 or "Rate Exceeded" in text:
        return Refusal(status=429, detail="Too many requests at once.", retry_after=1)
    if answer.status == 504 or "timed out" in text or "Timedout" in text:
        return Refusal(status=503, detail="The answer took too long.", retry_after=5)
    if answer.status == 503:
        return Refusal(status=503, detail="The service is not there just now.", retry_after=5)
    if answer.status >= 500:
        return Refusal(status=500, detail="Something failed on our side.")
    return Refusal(status=answer.status, detail=str(said.get("message") or "The request was refused."))


def size_as_event(body: bytes, content_type: str) -> int:
    """How large a body is inside the event a function gets: JSON text, or base64 where it is binary."""
    if content_type.startswith(("multipart/", "application/octet-stream", "application/pdf", "image/")):
        return (len(body) + 2) // 3 * 4
    # Quotes, backslashes and line ends take two characters each; what is not UTF-8 goes as base64.
    return len(body) + sum(body.count(character) for character in (b'"', b"\\", b"\n", b"\r", b"\t"))


def _said(answer: Answer) -> dict[str, Any]:
    try:
        parsed = json.loads(answer.body)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
