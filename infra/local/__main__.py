"""Command line: `python -m infra.local run`, and the words for a stack that is running."""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

_DESCRIPTION = (
    "Candor on this machine: an embedded AWS, the real template, the real functions. No account, no Docker."
)
_EPILOG = (
    "Every setting may be a flag, a variable or a line of .env, in this order. "
    "README.md has those of the functions."
)


_IMPORT_EPILOG = (
    "Without files: every dump under ./source, each by itself. The stack keeps what it imports pending until "
    "somebody approves it. Exit code 0: all was read; 1: not; 130: interrupted, and the import goes on."
)


_LOGIN_EPILOG = (
    "For sites whose login has a captcha, or goes through another service. The browser is yours: what you "
    "type goes to the site alone. When the ticket list shows, the session's cookies are stored, encrypted, "
    "in the running stack (or in STACK=), and checked there. Nothing is clicked or typed for you."
)


def main(arguments: list[str]) -> int:
    # Checked before anything is imported that an older interpreter could not even read.
    if sys.version_info < (3, 11):  # noqa: UP036
        running = ".".join(map(str, sys.version_info[:2]))
        print(
            f"Candor needs Python 3.11 or newer; this is {running}. "
            "Set PYTHON, for example: make run PYTHON=python3.12"
        )
        return 1
    from infra.local import options

    parser = _parser(options.add_arguments)
    parsed = parser.parse_args(arguments)
    environ = options.environment(Path.cwd())
    return _run(parsed, environ) if parsed.word == "run" else _say(parsed, environ)


def _parser(add_run_arguments: Callable[[argparse.ArgumentParser], None]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.local", description=_DESCRIPTION, epilog=_EPILOG)
    words = parser.add_subparsers(dest="word", required=True, metavar="WORD")
    add_run_arguments(words.add_parser("run", help="start the stack and serve until Ctrl-C", epilog=_EPILOG))
    drop = words.add_parser("drop", help="put a file into the source bucket and follow its job")
    drop.add_argument("file", type=Path, nargs="?")
    ingest = words.add_parser("ingest", help="drop a file, or every readable one under ./source")
    ingest.add_argument("file", type=Path, nargs="?")
    ingest.add_argument(
        "--dry-run", action="store_true", help="read the files here, and say what would come of it"
    )
    dry = words.add_parser("ingest-dry", help="the same as ingest --dry-run")
    dry.add_argument("file", type=Path, nargs="?")
    whmcs = words.add_parser(
        "import-whmcs", help="import a WHMCS dump and follow that", epilog=_IMPORT_EPILOG
    )
    whmcs.add_argument("--dry-run", action="store_true", help="have the stack count, and store nothing")
    _add_import_arguments(whmcs)
    whmcs_dry = words.add_parser(
        "import-whmcs-dry", help="say what a dump holds, without a running stack", epilog=_IMPORT_EPILOG
    )
    _add_import_arguments(whmcs_dry)
    invoke = words.add_parser("invoke", help="run one function on an event file")
    invoke.add_argument("function", nargs="?")
    invoke.add_argument("event", type=Path, nargs="?")
    ask = words.add_parser("ask", help="ask a question and see the answer with its evidence")
    ask.add_argument("question")
    dlq = words.add_parser("dlq", help="show what the queues gave up and why, or send it again")
    dlq.add_argument("queue", nargs="?", help="source, index, changes, crawl, ticket, render or export")
    dlq.add_argument("--redrive", action="store_true", help="send the dead letters to their queue again")
    login = words.add_parser(
        "whmcs-login", help="log in to WHMCS by hand, for the stack", epilog=_LOGIN_EPILOG
    )
    login.add_argument("--base-url", default="", help="the site; without: that of its settings (BASE_URL)")
    login.add_argument("--area", choices=("admin", "client"), help="admin, or a customer's (AREA)")
    login.add_argument("--seconds", type=int, default=600, help="how long you have (600)")
    crawl = words.add_parser(
        "crawl-whmcs",
        help="fetch the tickets of the WHMCS helpdesk that is configured, and follow the job",
        description=(
            "Fetch the tickets of the WHMCS helpdesk that is configured (PUT /v1/admin/config/whmcs, or "
            "WHMCS_BASE_URL), and follow the job to its end. New tickets wait for approval; those that are "
            "known are updated and keep theirs. Nothing on the helpdesk is changed."
        ),
    )
    crawl.add_argument("--area", choices=("admin", "client"), help="whose pages; without: as configured")
    crawl.add_argument(
        "--since", metavar="DATE", help="only what has changed since: 2026-11-01, or last (the last crawl)"
    )
    words.add_parser("create-admin", help="make an admin user")
    words.add_parser("init-db", help="check tables and indexes; the template makes them")
    return parser


def _add_import_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files", nargs="?", help="one dump: a file, several with commas between, or mydumper's folder (FILE)"
    )
    parser.add_argument("--out", type=Path, help="write its tickets there too, one JSON object a line (OUT)")
    parser.add_argument(
        "--approval",
        choices=("pending", "approved", "rejected"),
        default="pending",
        help="of tickets that are new (APPROVAL)",
    )
    parser.add_argument("--departments", default="", help="only of these: names or ids, commas between")
    parser.add_argument("--statuses", default="", help="only with one of these, commas between (STATUSES)")
    parser.add_argument("--since", default="", help="only what changed then or later: 2026-01-31 (SINCE)")


def _run(parsed: argparse.Namespace, environ: Mapping[str, str]) -> int:
    import asyncio

    from infra.local import options
    from infra.local.console import Console
    from infra.local.deploy import DeployFailed
    from infra.local.journal import JournalDamaged
    from infra.local.run import run
    from infra.local.serving import PortTaken
    from infra.local.state import StateInUse

    # Workers start all the time; without bytecode on disk each start takes 2.5 to 4.5 times as long.
    sys.dont_write_bytecode = False
    try:
        chosen = options.parse(parsed, environ)
        return asyncio.run(run(chosen, Console(level=environ.get("LOG_LEVEL", "INFO")), environ))
    except (PortTaken, StateInUse, DeployFailed, JournalDamaged, ValueError) as refused:
        print(refused, file=sys.stderr)
        return 1


def _say(parsed: argparse.Namespace, environ: Mapping[str, str]) -> int:
    from botocore.exceptions import BotoCoreError, ClientError

    from infra.local import helpdesk_crawl, helpdesk_login, imports, words

    try:
        if parsed.word == "import-whmcs-dry":
            return imports.import_dry(parsed.files, imports.Wanted.of(parsed))
        if parsed.word == "ingest-dry" or (parsed.word == "ingest" and parsed.dry_run):
            return words.ingest_dry(parsed.file)
        running = words.find_running(words.state_folder(environ), environ)
        said = {
            "drop": lambda: words.drop(running, parsed.file),
            "ingest": lambda: words.ingest(running, parsed.file),
            "import-whmcs": lambda: imports.import_whmcs(
                running, parsed.files, imports.Wanted.of(parsed), dry_run=parsed.dry_run
            ),
            "invoke": lambda: words.invoke(running, parsed.function, parsed.event),
            "ask": lambda: words.ask(running, parsed.question),
            "dlq": lambda: words.dead_letters(running, parsed.queue, redrive=parsed.redrive),
            "whmcs-login": lambda: helpdesk_login.log_in(running, parsed, environ),
            "crawl-whmcs": lambda: helpdesk_crawl.crawl_whmcs(running, area=parsed.area, since=parsed.since),
            "create-admin": lambda: words.create_admin(running),
            "init-db": lambda: words.init_db(running),
        }
        return said[parsed.word]()
    except (words.NotPossible, OSError, BotoCoreError, ClientError) as refused:
        print(refused, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
