"""Running: one start, from an empty folder or a killed process to a stack that answers, and its stop."""

import asyncio
import hmac
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from infra.local import credentials as keys
from infra.local import hooks
from infra.local.aws import Clients
from infra.local.console import Console
from infra.local.credentials import Credentials
from infra.local.deploy import Deployed, Deployer, DeployFailed
from infra.local.emulator import Emulator
from infra.local.front import Front
from infra.local.gateway import Gateway, InProcess, Remote
from infra.local.localise import STREAM_PATH
from infra.local.options import REPLACED, Options
from infra.local.pages import Pages
from infra.local.reload import Reloader
from infra.local.serving import Listener
from infra.local.state import State
from infra.local.streaming import Runtime, Streams
from infra.local.tour import show_demo

_ONE_ASKING_SECONDS = 1.0
"""A terminal, a shell and `make` may each pass on one and the same Ctrl-C."""

READY = "Ready."
"""The first word of the line that says so: scripts wait for it."""


async def run(options: Options, console: Console, environ: Mapping[str, str]) -> int:
    """
    Serve until SIGINT or SIGTERM. Raises `PortTaken`, `StateInUse` and `DeployFailed`, each with its
    sentence.
    """
    state = State(options.state)
    listeners: list[Listener] = []
    try:
        listeners.append(Listener(options.port, setting="PORT", host=options.host))
        if options.endpoint is None:
            listeners.append(Listener(options.aws_port, setting="AWS_PORT"))
        if options.fresh:
            state.wipe()
        if not state.settled:
            # What a first start left that failed or was killed half way belongs to no stack.
            state.wipe(keep=("credentials.env",))
        stack = _Stack(options, console, keys.ensure(state.folder, environ), state, listeners)
        return await stack.run()
    finally:
        for listener in listeners:
            listener.close()
        state.close()


class _Stack:
    def __init__(
        self,
        options: Options,
        console: Console,
        credentials: Credentials,
        state: State,
        listeners: list[Listener],
    ) -> None:
        self._options = options
        self._console = console
        self._credentials = credentials
        self._state = state
        self._listener = listeners[0]
        self._streams = Streams(console.written)
        # Not to be guessed: who posts an event there says in it who they are. The same after a restart, so
        # that nothing has to be deployed anew for it.
        key = credentials.values["JWT_SECRET"].encode()
        self._stream_path = f"{STREAM_PATH}{hmac.digest(key, b'streams', 'sha256').hex()}/"
        self._pages = Pages(options.root / "frontend" / "dist")
        self._emulator = (
            Emulator(state.folder, listeners[1], auth=options.auth) if options.endpoint is None else None
        )
        self._stop = asyncio.Event()
        self._asked_at = 0.0
        gateway: Gateway
        if self._emulator is None:
            gateway = Remote(options.aws)
            os.environ["AWS_ENDPOINT_URL"] = options.aws
        else:
            gateway = InProcess(self._emulator.application, port=options.aws_port)
            self._emulator.privates.on_invocation(console.invocation)
            console.take_over_logging()
        self._front = Front(
            gateway,
            console,
            pages=self._pages,
            streams=self._streams,
            stream_path=self._stream_path,
            origins=options.variables.get("CORS_ORIGINS", ""),
        )

    async def run(self) -> int:
        loop = asyncio.get_running_loop()
        for signum in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(signum, self._asked_to_stop)
        started = loop.time()
        restarted = await self._emulator.start() if self._emulator else False
        closing = asyncio.Event()
        server = asyncio.create_task(self._listener.serve(self._front.application, closing))
        tasks: list[asyncio.Task[None]] = []
        try:
            deployer = Deployer(
                Clients(self._options.aws),
                path=self._options.template,
                state=self._state.folder,
                variables={**self._options.variables, **self._credentials.values},
                stream_url=self._options.base_url + self._stream_path,
                with_dependencies=self._emulator is None,
            )
            # Looks at the files now: what is saved while the deploy goes on is in force right after it.
            reloader = Reloader(
                deployer, self._console, template=self._options.template, redeployed=self._redeployed
            )
            preparing = asyncio.create_task(self._prepare_model())
            deployed = await asyncio.to_thread(deployer.deploy)
            await preparing
            await self._redeployed(deployed)
            if not restarted:
                await self._first_admin(deployed)
            self._banner(deployed, loop.time() - started)
            tasks.append(asyncio.create_task(self._settle(deployed, restarted=restarted)))
            if self._options.reload:
                tasks.append(asyncio.create_task(reloader.watch(deployed)))
            await self._until_stopped(tasks)
        except (BotoCoreError, ClientError) as error:
            raise DeployFailed(f"{self._options.aws} does not answer as AWS does: {error}") from error
        finally:
            self._console.quiet = True
            closing.set()
            for task in tasks:
                task.cancel()
            await asyncio.gather(server, *tasks, return_exceptions=True)
            await self._streams.stop()
            if self._emulator:
                await self._emulator.stop(save=restarted or bool(tasks))
        self._console.say("Stopped; everything is saved.")
        return 0

    async def _until_stopped(self, tasks: list[asyncio.Task[None]]) -> None:
        waits = [asyncio.ensure_future(self._stop.wait())]
        if self._options.once:
            waits.append(asyncio.ensure_future(self._front.answered.wait()))
        # A task that ends by itself is done; one that fails stops the run, and says how.
        watched = asyncio.ensure_future(_first_failure(tasks))
        done, _ = await asyncio.wait({*waits, watched}, return_when=asyncio.FIRST_COMPLETED)
        if watched in done:
            watched.result()
        if self._options.once and not self._stop.is_set():
            # The demo asks through the front as well: its own answer is the first one.
            await asyncio.wait(tasks[:1])
        for wait in (*waits, watched):
            wait.cancel()

    async def _prepare_model(self) -> None:
        """The embedded embedding model, so that the first question need not wait for it."""
        variables = self._options.variables
        if variables.get("EMBEDDING_MODEL"):
            return
        if self._emulator is None and not variables.get("MODEL_CACHE"):
            return  # Functions elsewhere may run in containers, which would not see a folder of ours.
        cache = variables.get("MODEL_CACHE") or str(self._state.folder / "store" / "models")
        core = str(self._options.root / "layers" / "core")
        # A process of its own: it takes 600 MB, once.
        code = "import sys; from candor.adapters import minilm; minilm.prepare(sys.argv[1])"
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", code, cache),
            env={**os.environ, "PYTHONPATH": core},
            stderr=asyncio.subprocess.PIPE,
        )
        _, said = await process.communicate()
        if process.returncode:
            reason = said.decode(errors="replace").strip().splitlines()[-1:]
            self._console.log(f"  the embedding model is not ready: {''.join(reason)}")

    async def _first_admin(self, deployed: Deployed) -> None:
        """The user who can log in; on a restart it is there already, unless a kill came first."""
        if not any((route.method, route.path) == hooks.ADMIN_ROUTE for route in deployed.template.routes):
            return
        base_url, values = self._options.base_url, self._credentials.values
        if await self._try("create the first admin", hooks.create_first_admin, base_url, values):
            self._console.log(f"  admin user {values['ADMIN_USERNAME']} created")

    async def _settle(self, deployed: Deployed, *, restarted: bool) -> None:
        """What takes longer than a start should, while requests are answered already."""
        if restarted:
            await self._first_admin(deployed)
            found = await self._try("reconcile", hooks.after_restart, self._options.aws, deployed.outputs)
            if isinstance(found, dict) and any(found.values()):
                self._console.log(
                    f"  reconciled: {found['documents']} documents and {found['files']} files queued again"
                )
        await self._try("put the schedules in order", hooks.beat, self._options.aws, deployed.outputs)
        if self._options.demo and not restarted:
            await asyncio.to_thread(
                show_demo, self._console, self._options.base_url, self._credentials.values, self._options.aws,
                deployed.outputs,
            )  # fmt: skip
            self._banner(deployed, None)
        # By now there is something to rehearse with, and nothing else that wants both cores.
        await self._streams.prepare()

    async def _try(self, what: str, function: object, *arguments: object) -> object:
        assert callable(function)
        try:
            return await asyncio.to_thread(function, *arguments)
        except (OSError, BotoCoreError, ClientError) as error:
            self._console.log(f"  could not {what}: {error}")
            return None

    async def _redeployed(self, deployed: Deployed) -> None:
        await self._streams.replace(
            await asyncio.to_thread(_runtimes, deployed, self._options.root, self._emulator)
        )
        self._console.functions = {
            deployed.resources[function.logical_id]: function.name for function in deployed.template.functions
        }
        self._front.serve(deployed)
        if self._emulator:
            self._emulator.privates.yield_to_requests(_niceness(deployed))
            # What the old code had failed at, the new code tries at once and not after the time-out.
            self._emulator.privates.make_in_flight_visible()
            await self._emulator.checkpoint()
        self._state.announce(
            {"url": self._options.base_url, "aws": self._options.aws, "outputs": dict(deployed.outputs)},
            credentials=self._credentials.values,
        )

    def _banner(self, deployed: Deployed, seconds: float | None) -> None:
        say, url = self._console.say, self._options.base_url
        if seconds is not None:
            say(f"{READY} {len(deployed.template.functions)} functions in {seconds:.1f} s.")
        say(f"  API      {url}   (description: {url}/docs)")
        say(
            f"  console  {url}/console"
            if self._pages.built
            else "  console  none in this build; the API has everything"
        )
        say(f"  AWS      {self._options.aws}   (AWS_ENDPOINT_URL)")
        say(f"  state    {self._state.folder}")
        if seconds is not None:
            self._say_credentials()
            for name in self._options.replaced:
                say(f"  {name} is set but not used any more: {REPLACED[name]}.")

    def _say_credentials(self) -> None:
        kept = self._credentials
        if kept.made_now:
            self._console.say(f"  keys     made up now, shown once, kept in {kept.path}:")
            for name, value in kept.values.items():
                shown = "from the environment" if name in kept.from_environment else value
                self._console.say(f"           {name}={shown}")
        else:
            self._console.say(f"  keys     {kept.path}")
            if kept.from_environment:
                self._console.say(
                    f"           from the environment instead: {', '.join(kept.from_environment)}"
                )

    def _asked_to_stop(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._stop.is_set() and now - self._asked_at > _ONE_ASKING_SECONDS:
            # Asked again: whoever asks does not want to wait. The journal has everything.
            os._exit(130)
        if not self._stop.is_set():
            self._asked_at = now
            self._stop.set()


async def _first_failure(tasks: list[asyncio.Task[None]]) -> None:
    """Raises it; never returns."""
    await asyncio.gather(*tasks)
    await asyncio.Event().wait()


def _niceness(deployed: Deployed) -> dict[str, int]:
    """
    Of the functions that work off queues: their clients have been answered already.

    At 5 a process gets a quarter of a core beside one that answers a client, and all of it when nobody asks;
    at 10 it would be a tenth, and who asks all the time would stop an ingest. Those that embed take both
    cores for as long as there is anything: what brings them their work comes before them.
    """
    return {
        deployed.resources[function.logical_id]: 5 if function.searches else 2
        for function in deployed.template.functions
        if function.reads_queues
    }


def _runtimes(deployed: Deployed, root: Path, emulator: Emulator | None) -> dict[str, Runtime]:
    """What runs the functions that stream."""
    contents = {
        name: root / resource["Properties"]["ContentUri"]
        for name, resource in deployed.template.raw["Resources"].items()
        if resource.get("Type") == "AWS::Serverless::LayerVersion"
    }
    clients = Clients(os.environ["AWS_ENDPOINT_URL"])
    runtimes = {}
    for function in deployed.template.functions:
        if not any(route.streams for route in function.routes):
            continue
        name = deployed.resources[function.logical_id]
        configuration = clients("lambda").get_function_configuration(FunctionName=name)
        role = emulator.privates.role_credentials(configuration) if emulator else {}
        runtimes[function.logical_id] = Runtime(
            name=name,
            code=root / function.code,
            handler=function.handler,
            layers=tuple(contents[layer] for layer in function.layers if layer in contents),
            environment={**configuration.get("Environment", {}).get("Variables", {}), **role},
            timeout=function.timeout,
            memory=function.memory,
            arn=configuration["FunctionArn"],
        )
    return runtimes
