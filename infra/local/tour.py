"""
Tour: on the first start, demo files go in at one end and an answer comes out at the other, over the public
API.
"""

import textwrap
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.local.api import Api, follow_files, now
from infra.local.aws import Clients
from infra.local.console import Console, printable

FOLDER = Path(__file__).parent / "demo"
FILES = ("hosting.json", "payments.json")
QUESTION = "How many days do I have to get a refund for a VPS?"
_PATIENCE_SECONDS = 120
_LINE = "- " * 40


def show_demo(
    console: Console, base_url: str, credentials: Mapping[str, str], endpoint: str, outputs: Mapping[str, str]
) -> bool:
    """
    Upload, follow the jobs, ask, print. A step that fails is told; whether all of it worked is returned.
    """
    api = Api(base_url, credentials)
    try:
        since = now()
        keys = _upload(endpoint, outputs["SourceBucket"])
        console.log(f"demo: {' and '.join(FILES)} dropped into s3://{outputs['SourceBucket']}/source/")
        jobs = follow_files(api, keys, since=since, tell=_Progress(console), seconds=_PATIENCE_SECONDS)
        bad = [key for key in keys if jobs.get(key, {}).get("status") != "succeeded"]
        if bad:
            console.log(f"demo: not read: {', '.join(bad)}; GET /v1/admin/jobs says why")
            return False
        started = time.monotonic()
        answer = api.post("/v1/reply/generate", {"query": QUESTION})
    except (OSError, KeyError) as error:
        console.log(f"demo: {error if isinstance(error, OSError) else f'there is no {error}'}")
        return False
    for line in lines(QUESTION, answer, seconds=time.monotonic() - started):
        console.say(line)
    return True


def lines(question: str, answer: Mapping[str, Any], *, seconds: float) -> list[str]:
    """An answer for people: what was asked, what came, how sure, and from where."""
    out = [_LINE, f"  Question    {printable(question)}"]
    paragraphs = str(answer["answer"]).splitlines() or ["(no text)"]
    wrapped = [part for text in paragraphs for part in textwrap.wrap(printable(text), 100)]
    out += [f"  {'Answer' if number == 0 else '':11} {part}" for number, part in enumerate(wrapped)]
    out.append(
        f"  Decision    {answer['decision']}, confidence {float(answer['confidence']):.2f}, {seconds:.2f} s"
    )
    for number, citation in enumerate(answer.get("citations") or (), 1):
        quote = textwrap.shorten(printable(str(citation.get("quote", ""))), 96, placeholder=" …")
        out.append(
            f"  [{number}]         {printable(str(citation.get('title', '')))}  {citation.get('source_url')}"
        )
        if quote:
            out.append(f"              “{quote}”")
    for follow_up in answer.get("followup_questions") or ():
        out.append(f"  Asked back  {printable(str(follow_up))}")
    return [*out, _LINE]


def _upload(endpoint: str, bucket: str) -> list[str]:
    s3 = Clients(endpoint)("s3")
    keys = []
    for name in FILES:
        keys.append(f"source/{name}")
        s3.put_object(
            Bucket=bucket, Key=keys[-1], Body=(FOLDER / name).read_bytes(), ContentType="application/json"
        )
    return keys


class _Progress:
    """Says how far the jobs are, whenever that has changed."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._said = ""

    def __call__(self, text: str) -> None:
        if text != self._said:
            self._said = text
            self._console.log(f"demo: {text}")
