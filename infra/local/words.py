"""Words: the commands beside `run`, for a stack that is running. The Makefile has one word for each."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra import template
from infra.local import hooks
from infra.local.api import Api, follow_files, now
from infra.local.aws import Clients, default_endpoint
from infra.local.credentials import ensure
from infra.local.deploy import outputs
from infra.local.tour import lines

SOURCE_FOLDER = "source"
SUFFIXES = (
    ".json",
    ".jsonl",
    ".sql",
    ".gz",
    ".zip",
    ".txt",
    ".md",
    ".html",
    ".htm",
    ".pdf",
    ".docx",
    ".csv",
    ".xml",
)
_PATIENCE_SECONDS = 600


class NotPossible(Exception):
    """The command cannot be done; the text is the sentence to show."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """A stack that answers."""

    url: str
    clients: Clients
    outputs: Mapping[str, str]
    credentials: Mapping[str, str]

    @property
    def api(self) -> Api:
        return Api(self.url, self.credentials)


def find_running(state: Path, environ: Mapping[str, str]) -> Running:
    """
    The stack of this state folder, or the one `AWS_ENDPOINT_URL` names.

    Raises `NotPossible` when nothing answers there.
    """
    kept: dict[str, Any] = {}
    file = state / "stack.json"
    if file.is_file():
        kept = json.loads(file.read_text(encoding="utf-8"))
    endpoint = environ.get("AWS_ENDPOINT_URL") or kept.get("aws") or default_endpoint()
    clients = Clients(endpoint)
    try:
        found = outputs(clients)
    except (BotoCoreError, ClientError) as error:
        raise NotPossible(
            f"No stack answers at {endpoint}: start one with `make run` in another terminal, "
            "or set AWS_ENDPOINT_URL."
        ) from error
    url = environ.get("CANDOR_URL") or kept.get("url") or "http://127.0.0.1:8000"
    return Running(url=url, clients=clients, outputs=found, credentials=ensure(state, environ).values)


def drop(running: Running, file: Path) -> int:
    """Put a file under source/ and follow the job that reads it."""
    return _drop(running, {f"source/{file.name}": _existing(file)})


def ingest(running: Running, path: Path | None) -> int:
    """Drop a file, or every file under a folder that some reader may know (without one: ./source)."""
    folder = path or Path(SOURCE_FOLDER)
    if folder.is_file():
        return drop(running, folder)
    return _drop(
        running, {f"source/{file.relative_to(folder).as_posix()}": file for file in _readable(folder)}
    )


def ingest_dry(running: Running, prefix: str) -> int:
    """What reading the bucket again would do, without doing it."""
    answer = running.api.post(f"/v1/admin/ingest-from-source?dry_run=true&prefix={prefix}", {}, admin=True)
    print(json.dumps(answer, indent=1, ensure_ascii=False))
    return 0


def invoke(running: Running, name: str, event: Path | None) -> int:
    """Run one function of the stack on an event file, and print what it returned."""
    try:
        function = template.load().function(name)
    except KeyError as error:
        known = ", ".join(sorted(function.name for function in template.load().functions))
        raise NotPossible(f"There is no function {name}. There are: {known}.") from error
    payload = _existing(event).read_bytes() if event else b"{}"
    resource = running.clients("cloudformation").describe_stack_resource(
        StackName="candor", LogicalResourceId=function.logical_id
    )
    answer = running.clients("lambda").invoke(
        FunctionName=resource["StackResourceDetail"]["PhysicalResourceId"], Payload=payload
    )
    text = answer["Payload"].read().decode(errors="replace")
    try:
        print(json.dumps(json.loads(text), indent=1, ensure_ascii=False))
    except ValueError:
        print(text)
    return 1 if "FunctionError" in answer else 0


def ask(running: Running, question: str) -> int:
    """Ask one question and print the answer with its evidence."""
    answer = running.api.post("/v1/reply/generate", {"query": question})
    print("\n".join(lines(question, answer, seconds=0.0)))
    return 0


def create_admin(running: Running) -> int:
    """Make the admin user of the credentials file, if it is not there."""
    made = hooks.create_first_admin(running.url, running.credentials)
    print(f"{running.credentials['ADMIN_USERNAME']} {'created' if made else 'is there already'}.")
    return 0


def init_db(running: Running) -> int:
    """
    Show the tables. The template makes them: there is nothing to initialise, and nothing to migrate by hand.
    """
    dynamodb = running.clients("dynamodb")
    for name, table in sorted(running.outputs.items()):
        if name.endswith("Table"):
            described = dynamodb.describe_table(TableName=table)["Table"]
            print(f"{name:20} {table:45} {described['TableStatus']}, {described['ItemCount']} items")
    return 0


def _drop(running: Running, files: Mapping[str, Path]) -> int:
    if "SourceBucket" not in running.outputs:
        raise NotPossible("The stack has no output SourceBucket: there is nowhere to drop files.")
    since = now()
    s3 = running.clients("s3")
    for key, file in files.items():
        s3.upload_file(str(file), running.outputs["SourceBucket"], key)
    print(f"{len(files)} file(s) dropped into s3://{running.outputs['SourceBucket']}/source/")
    said: list[str] = []
    jobs = follow_files(
        running.api, files, since=since, tell=lambda text: _print_new(text, said), seconds=_PATIENCE_SECONDS
    )
    for key, job in jobs.items():
        for error in job.get("errors") or ():
            print(f"  {key}: {json.dumps(error, ensure_ascii=False)}")
    return 0 if len(jobs) == len(files) and all(job["status"] == "succeeded" for job in jobs.values()) else 1


def _print_new(text: str, said: list[str]) -> None:
    if said != [text]:
        said[:] = [text]
        print(text, flush=True)


def _readable(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise NotPossible(f"There is no file or folder {folder}.")
    found = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix.lower() in SUFFIXES]
    if not found:
        raise NotPossible(f"{folder} holds no file that a reader knows ({', '.join(SUFFIXES)}).")
    return found


def _existing(file: Path) -> Path:
    if not file.is_file():
        raise NotPossible(f"There is no file {file}.")
    return file


def state_folder(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("STATE") or template.ROOT / ".candor").absolute()
