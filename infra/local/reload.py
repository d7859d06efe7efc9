"""
Reloading: a saved file is in force a moment later; a broken one leaves the stack as it was and says why.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from infra.local.console import Console, printable
from infra.local.deploy import Deployed, Deployer, DeployFailed
from infra.local.package import files

SECONDS = 0.3

Redeployed = Callable[[Deployed], Awaitable[None]]


class Reloader:
    """Looks at the dates of functions/, layers/ and the template."""

    def __init__(
        self, deployer: Deployer, console: Console, *, template: Path, redeployed: Redeployed
    ) -> None:
        self._deployer = deployer
        self._console = console
        self._template = template
        self._root = template.parent
        self._redeployed = redeployed
        self._seen = self._dates()

    async def watch(self, deployed: Deployed) -> None:
        """Run for ever."""
        seen = self._seen
        while True:
            await asyncio.sleep(SECONDS)
            now = await asyncio.to_thread(self._dates)
            changed = {path for path in seen.keys() | now.keys() if seen.get(path) != now.get(path)}
            seen = now
            if changed:
                deployed = await self._reload(deployed, changed)

    async def _reload(self, deployed: Deployed, changed: set[Path]) -> Deployed:
        loop = asyncio.get_running_loop()
        started = loop.time()
        names = sorted({path.relative_to(self._root).as_posix() for path in changed})
        what = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        functions = self._functions_of(deployed, names)
        try:
            if functions is None:
                deployed = await asyncio.to_thread(self._deployer.deploy)
            else:
                await asyncio.to_thread(self._deployer.update_code, deployed, functions)
            await self._redeployed(deployed)
        except (DeployFailed, ValueError, KeyError, TypeError, OSError, BotoCoreError, ClientError) as error:
            reason = f"it has no {error}" if isinstance(error, KeyError) else str(error)
            self._console.log(f"  {what} changed, but the stack stays as it was: {printable(reason)}")
        else:
            self._console.log(f"  reloaded {what} in {loop.time() - started:.1f} s")
        return deployed

    @staticmethod
    def _functions_of(deployed: Deployed, names: list[str]) -> list[str] | None:
        """The functions whose own folders hold all these files; None when more than code has changed."""
        found: set[str] = set()
        for name in names:
            owners = [f.logical_id for f in deployed.template.functions if name.startswith(f"{f.code}/")]
            if not owners:
                return None
            found.update(owners)
        return sorted(found)

    def _dates(self) -> dict[Path, int]:
        dates = {}
        for folder in ("functions", "layers"):
            for path in files(self._root / folder):
                try:
                    dates[path] = path.stat().st_mtime_ns
                except FileNotFoundError:
                    continue  # Gone between being listed and being looked at.
        if self._template.is_file():
            dates[self._template] = self._template.stat().st_mtime_ns
        return dates
