"""Running: a local stack as a user starts it, in processes of its own."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.local.options import FUNCTION_VARIABLES, read_env_file
from tests.doubles.openai import OpenAIDouble
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
SMALL = Path(__file__).parent / "small_stack" / "template.yaml"
MODEL_KEY = "sk-a-models-key-nobody-may-read"
_START_SECONDS = 240
_STOP_SECONDS = 120


@dataclass(frozen=True, kw_only=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class RunningStack:
    """
    `python -m infra.local run`; `log` grows while it lives.

    Of the caller's environment neither ENDPOINT nor a setting of the functions reaches it: it gets what is
    named here.
    """

    def __init__(self, state: Path, *, template: Path | None = None, **variables: str) -> None:
        self.state = state
        self.port, self.aws_port = free_port(), free_port()
        self._template = template
        # A file saved while the journeys run must not put half of them on other code.
        fixed = {"DEMO": "0"} if template else {"DEMO": "0", "RELOAD": "0"}
        self._variables = {**fixed, **variables}
        self.unspeakable: set[str] = set()
        """What no log may hold: passwords, tokens, customers' words. Journeys add to it."""
        self.log: list[str] = []
        self.process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def aws(self) -> str:
        return self._variables.get("ENDPOINT") or f"http://127.0.0.1:{self.aws_port}"

    @property
    def credentials(self) -> dict[str, str]:
        return read_env_file(self.state / "credentials.env")

    @property
    def outputs(self) -> dict[str, str]:
        kept: dict[str, str] = json.loads((self.state / "stack.json").read_text())["outputs"]
        return kept

    def start(self) -> float:
        """Start and wait until it says it is ready; seconds taken. Raises `RuntimeError` with its log."""
        started = time.monotonic()
        template = ["--template", str(self._template)] if self._template else []
        inherited = {k: v for k, v in os.environ.items() if k not in (*FUNCTION_VARIABLES, "ENDPOINT")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "infra.local", "run", *template],
            cwd=ROOT,
            env={
                **inherited,
                "PYTHONPATH": str(ROOT),
                "PORT": str(self.port),
                "AWS_PORT": str(self.aws_port),
                "STATE": str(self.state),
                **self._variables,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # A group of its own: a kill takes the workers too, a Ctrl-C in the terminal takes neither.
            start_new_session=True,
        )
        self.log = []
        self._reader = threading.Thread(target=self._read, args=(self.process,), daemon=True)
        self._reader.start()
        while time.monotonic() - started < _START_SECONDS:
            if any(line.startswith("Ready.") for line in self.log):
                return time.monotonic() - started
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        self.kill()
        raise RuntimeError("the stack did not start:\n" + "".join(self.log))

    def stop(self) -> None:
        """Ask it to stop, as a terminal or a supervisor would."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(_STOP_SECONDS)
        self._join()

    def kill(self) -> None:
        """End the whole process group, at once and unasked."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self._join()

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """An HTTP request; errors are replies like any other."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}}
        request = urllib.request.Request(self.base_url + path, data, sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=120) as response:
                return Reply(status=response.status, headers=response.headers, body=response.read())
        except urllib.error.HTTPError as error:
            with error:
                return Reply(status=error.code, headers=error.headers, body=error.read())

    def api(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """The same with the API's key."""
        return self.call(method, path, body, X_API_Key=self.credentials["API_KEY"], **headers)

    def admin(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """The same with the admin key."""
        return self.call(method, path, body, X_Admin_API_Key=self.credentials["ADMIN_API_KEY"], **headers)

    def _join(self) -> None:
        if self._reader is not None:
            self._reader.join(60)

    def _read(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        log = self.log
        with process.stdout:
            for line in process.stdout:
                log.append(line)


@contextlib.contextmanager
def writing_stack(
    state: Path, model_cache: Path, model: OpenAIDouble, **variables: str
) -> Iterator[RunningStack]:
    """A stack whose answers that double writes; nobody's requests are limited unless it says so."""
    running = RunningStack(
        state,
        **{
            "MODEL_CACHE": str(model_cache),
            "OPENAI_API_KEY": MODEL_KEY,
            "OPENAI_BASE_URL": model.base_url,
            "LLM_MODEL": "double",
            "RATE_LIMIT_REQUESTS": "0",
            **variables,
        },
    )
    running.unspeakable.add(MODEL_KEY)
    running.start()
    try:
        yield running
    finally:
        running.stop()
