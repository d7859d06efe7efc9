"""Words: the commands beside `run`, for a stack that is running. The Makefile has one word for each."""

import getpass
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from string import Template
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra import template
from infra.local import hooks
from infra.local.api import ENDED, Api, follow_files, now
from infra.local.aws import Clients, default_endpoint
from infra.local.credentials import ensure
from infra.local.deploy import STACK, outputs, resources
from infra.local.tour import lines

SOURCE_FOLDER = "source"
_PATIENCE_SECONDS = 600
_FAULTS_SHOWN = 20
_FIRST_BYTES = 65_536


class NotPossible(Exception):
    """The command cannot be done; the text is the sentence to show."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """A stack that answers."""

    stack: str
    url: str
    clients: Clients
    outputs: Mapping[str, str]
    credentials: Mapping[str, str]

    @property
    def api(self) -> Api:
        return Api(self.url, self.credentials)


def find_running(state: Path, environ: Mapping[str, str]) -> Running:
    """
    The stack of this state folder, or the one `AWS_ENDPOINT_URL` names, or `STACK` in an AWS account.

    Raises `NotPossible` when nothing answers there.
    """
    named = environ.get("AWS_ENDPOINT_URL") or environ.get("ENDPOINT")
    if environ.get("STACK") and not named:
        return _deployed(environ["STACK"], environ)
    kept: dict[str, Any] = {}
    file = state / "stack.json"
    if file.is_file():
        kept = json.loads(file.read_text(encoding="utf-8"))
    endpoint = named or kept.get("aws") or default_endpoint()
    clients = Clients(endpoint)
    stack = environ.get("STACK") or STACK
    try:
        found = outputs(clients, stack)
    except (BotoCoreError, ClientError) as error:
        raise NotPossible(
            f"No stack answers at {endpoint}: start one with `make run` in another terminal, "
            "or set AWS_ENDPOINT_URL."
        ) from error
    url = environ.get("CANDOR_URL") or kept.get("url") or "http://127.0.0.1:8000"
    return Running(
        stack=stack, url=url, clients=clients, outputs=found, credentials=ensure(state, environ).values
    )


def _deployed(stack: str, environ: Mapping[str, str]) -> Running:
    """A stack in the account at hand; its keys are those of its own secret."""
    clients = Clients(None)
    try:
        found = outputs(clients, stack)
        secret = clients("secretsmanager").get_secret_value(SecretId=found["SecretId"])["SecretString"]
    except (BotoCoreError, ClientError) as error:
        raise NotPossible(f"There is no stack {stack} in this account and region: {error}") from error
    credentials = {
        "ADMIN_USERNAME": "admin",
        **core("candor.settings").with_secrets(environ, json.loads(secret)),
    }
    return Running(stack=stack, url=found["ApiUrl"], clients=clients, outputs=found, credentials=credentials)


def drop(running: Running, file: Path | None) -> int:
    """Put a file under source/ and follow the job that reads it."""
    if file is None:
        raise NotPossible("Which file? For example: make drop FILE=pages.json")
    return _drop(running, {f"source/{_existing(file).name}": file})


def ingest(running: Running, path: Path | None) -> int:
    """Drop a file, or every file under a folder (without one: ./source); hidden ones stay."""
    return _drop(running, {f"source/{name}": file for name, file in _files(path).items()})


def ingest_dry(path: Path | None) -> int:
    """Read the same files here, and say what `ingest` would make of them. Needs no running stack."""
    sources, candor_error = _domain()
    refused = 0
    for name, file in _files(path).items():
        drafts, faults = 0, []
        try:
            with file.open("rb") as stream:
                if core("candor.sources.dump_heads").is_sql_dump(stream.read(_FIRST_BYTES), name):
                    print(f"{name}: a dump, which is imported; see make import-whmcs-dry FILE={file}")
                    continue
                stream.seek(0)
                for record in sources.read(stream, f"source/{name}"):
                    if record.draft is not None:
                        drafts += 1
                    else:
                        faults.append(f"record {record.index}: {record.reason}")
        except candor_error as error:
            faults.append(str(error))
        print(f"{name}: {drafts} documents, {len(faults)} left out")
        for fault in faults[:_FAULTS_SHOWN]:
            print(f"  {fault}")
        refused += len(faults)
    return 1 if refused else 0


def invoke(running: Running, name: str | None, event: Path | None) -> int:
    """Run one function of the stack on an event file, and print what it returned."""
    if name is None:
        raise NotPossible(
            "Which function? For example: make invoke FUNCTION=operations EVENT=events/…/health.json"
        )
    deployed = resources(running.clients, running.stack)
    try:
        function = template.load().deployed_as(deployed).function(name)
    except KeyError as error:
        known = ", ".join(sorted({function.name for function in template.load().functions}))
        raise NotPossible(f"There is no function {name}. There are: {known}.") from error
    text = _existing(event).read_text(encoding="utf-8") if event else "{}"
    # The events name keys as ${API_KEY}: each stack has its own.
    payload = Template(text).safe_substitute(running.credentials).encode()
    answer = running.clients("lambda").invoke(FunctionName=deployed[function.logical_id], Payload=payload)
    text = answer["Payload"].read().decode(errors="replace")
    try:
        print(json.dumps(json.loads(text), indent=1, ensure_ascii=False))
    except ValueError:
        print(text)
    return 1 if "FunctionError" in answer else 0


def ask(running: Running, question: str) -> int:
    """Ask one question and print the answer with its evidence."""
    started = time.monotonic()
    answer = running.api.post("/v1/reply/generate", {"query": question})
    print("\n".join(lines(question, answer, seconds=time.monotonic() - started)))
    return 0


def dead_letters(running: Running, queue: str | None, *, redrive: bool) -> int:
    """What was given up: counts, or one queue's messages with their reasons; `redrive` sends them again."""
    found = running.api.get("/v1/admin/dlq", admin=True)["queues"]
    known = {one["queue"]: one["messages"] for one in found}
    if queue is not None and queue not in known:
        raise NotPossible(f"There is no queue {queue}. There are: {', '.join(sorted(known))}.")
    for name, messages in known.items():
        if queue in (None, name):
            print(f"{name:10} {messages} dead letter(s)")
    if queue is not None:
        for letter in running.api.get(f"/v1/admin/dlq/{queue}", admin=True)["items"]:
            print(f"  {letter['message_id']}  {letter['kind']} {letter['subject']}".rstrip())
            print(f"    {letter['first_received_at']}, tries: {letter['receive_count']}. {letter['reason']}")
    if not redrive:
        return 0
    wanted = [name for name, messages in known.items() if messages and queue in (None, name)]
    return max((_redriven(running, name) for name in wanted), default=0)


def _redriven(running: Running, queue: str) -> int:
    job = running.api.post(f"/v1/admin/dlq/{queue}/redrive", {}, admin=True)
    ends = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < ends:
        shown = running.api.get(f"/v1/admin/jobs/{job['id']}", admin=True)
        if shown["status"] in ENDED:
            print(f"{queue:10} {shown['progress']['done']} sent again: {shown['status']}")
            return 0 if shown["status"] == "succeeded" else 1
        time.sleep(0.5)
    print(f"{queue:10} still going on: job {job['id']}")
    return 1


def create_admin(running: Running) -> int:
    """Make an admin user: asked for at a terminal, otherwise the one of the credentials file."""
    credentials = dict(running.credentials)
    if sys.stdin.isatty():
        name = input(f"User name [{credentials['ADMIN_USERNAME']}]: ").strip()
        kept = " (empty: the one of the credentials file)" if "ADMIN_PASSWORD" in credentials else ""
        password = getpass.getpass(f"Password{kept}: ")
        credentials["ADMIN_USERNAME"] = name or credentials["ADMIN_USERNAME"]
        credentials["ADMIN_PASSWORD"] = password or credentials.get("ADMIN_PASSWORD", "")
    if not credentials.get("ADMIN_PASSWORD"):
        raise NotPossible("A password is needed: run this at a terminal, or set ADMIN_PASSWORD.")
    made = hooks.create_first_admin(running.url, credentials)
    print(f"{credentials['ADMIN_USERNAME']} {'created' if made else 'is there already'}.")
    return 0


def init_db(running: Running) -> int:
    """
    Check tables and indexes. The template makes the tables; an index is made when it is first written to.
    """
    dynamodb = running.clients("dynamodb")
    for name, table in sorted(running.outputs.items()):
        if name.endswith("Table"):
            described = dynamodb.describe_table(TableName=table)["Table"]
            print(f"{name:20} {table:45} {described['TableStatus']}, {described['ItemCount']} items")
    health = running.api.get("/v1/health")
    for name, state in health["checks"].items():
        print(f"{name:20} {state}")
    return 0 if health["status"] == "healthy" else 1


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


def _files(path: Path | None) -> dict[str, Path]:
    """Files by their names under source/."""
    folder = path or Path(SOURCE_FOLDER)
    if folder.is_file():
        return {folder.name: folder}
    if not folder.is_dir():
        raise NotPossible(
            f"There is no file or folder {folder}: name one with FILE=, or put files into ./{SOURCE_FOLDER}."
        )
    # What a file holds decides whether it can be read, so nothing is passed over for its name.
    found = {
        file.relative_to(folder).as_posix(): file
        for file in sorted(folder.rglob("*"))
        if file.is_file() and not any(part.startswith(".") for part in file.relative_to(folder).parts)
    }
    if not found:
        raise NotPossible(f"{folder} holds no file.")
    return found


def _domain() -> tuple[Any, type[Exception]]:
    """The source readers, and what they raise. They lie in the layer, which nothing else here imports."""
    return core("candor.sources"), core("candor.errors").CandorError


def core(module: str) -> Any:
    core = str(template.ROOT / "layers" / "core")
    if core not in sys.path:
        sys.path.insert(0, core)
    return import_module(module)


def _existing(file: Path) -> Path:
    if not file.is_file():
        raise NotPossible(f"There is no file {file}.")
    return file


def state_folder(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("STATE") or template.ROOT / ".candor").absolute()
