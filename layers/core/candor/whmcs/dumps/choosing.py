"""Choosing: which installation's tickets a dump is about, and what it is when it is about none."""

from dataclasses import replace
from pathlib import PurePosixPath
from typing import Final

from candor.errors import Invalid
from candor.whmcs.dumps.encodings import MANY_BYTES
from candor.whmcs.dumps.files import Source
from candor.whmcs.dumps.layouts import REPLIES, TICKETS
from candor.whmcs.dumps.tables import Tables
from candor.whmcs.dumps.values import Installation, Problem, Scan

_PRODUCTS: Final = (
    ("WordPress", ("posts", "postmeta", "options")),
    ("Joomla", ("assets", "extensions", "menu_types")),
    ("Drupal", ("node", "watchdog", "variable")),
    ("osTicket", ("ost_ticket", "ost_staff", "ost_thread")),
    ("Magento", ("eav_attribute", "core_config_data", "sales_order")),
    ("PrestaShop", ("ps_configuration", "ps_product", "ps_orders")),
    ("Zammad", ("ticket_articles", "tickets_states", "overviews")),
    ("Blesta", ("support_tickets", "support_replies", "staff")),
)


def chosen(scan: Scan, sources: tuple[Source, ...]) -> Scan:
    """
    The scan with its installation, when every file has been read.

    `Invalid` when there are no tickets of WHMCS at all, or those of several installations in several files.
    """
    tables = Tables(scan, extras=True)
    found = tables.with_tickets()
    if many := MANY_BYTES & scan.charsets.keys():
        raise Invalid(
            f"{PurePosixPath(sources[0].name).name} is written in {min(many)}, whose letters may hold "
            "a backslash: dump it again with --default-character-set=utf8mb4."
        )
    if not found:
        bare = [one for one in tables.installations if _is_whmcs(scan, one)]
        if not bare:
            raise Invalid(_sentence(scan, sources))
        return _without_rows(replace(scan, chosen=bare[0].key), bare[0], sources)
    first = found[0][1]
    others = [one for _, one in found[1:]]
    if any(one.source != first.source for one in others):
        told = "; ".join(
            f"{PurePosixPath(sources[one.source].name).name}{_database(one)}, {_told(scan, one)}"
            for _, one in found
        )
        raise Invalid(f"These are dumps of {len(found)} WHMCS installations: {told}. Import them one by one.")
    for other in others:
        sentence = (
            f"There are tickets under two names: those of {_named(first)} ({_told(scan, first)}) were read, "
            f"those of {_named(other)} ({_told(scan, other)}) were not."
        )
        scan = scan.noting(Problem(file=sources[first.source].name, offset=0, sentence=sentence))
    return _without_rows(replace(scan, chosen=first.key), first, sources)


def _without_rows(scan: Scan, one: Installation, sources: tuple[Source, ...]) -> Scan:
    """A helpdesk may have no tickets; a dump of the structure alone must not pass for one of such."""
    if scan.rows.get(one.key, {}).get(TICKETS) or not scan.whole:
        return scan
    sentence = (
        f"There is no row of {_named(one)} in it, and so no ticket: if the helpdesk has some, the dump was "
        "made of the structure alone (--no-data) or of other tables. Dump it with its data."
    )
    return scan.noting(Problem(file=sources[one.source].name, offset=0, sentence=sentence))


def _is_whmcs(scan: Scan, installation: Installation) -> bool:
    """Whether its tables are defined as WHMCS's are, though they have no rows."""
    layout = scan.layouts.get(f"{installation.key}|{TICKETS}")
    return layout is not None and {"tid", "did", "title", "message"} <= {
        name.lower() for name in layout.columns
    }


def _sentence(scan: Scan, sources: tuple[Source, ...]) -> str:
    name = ", ".join(PurePosixPath(source.name).name for source in sources[:3])
    expected = "the tables tbltickets and tblticketreplies are expected, under any prefix."
    known = scan.truncations or scan.problems
    cut = f" {known[0].sentence}" if known else ""
    cut += "" if scan.whole else " The tickets may have come later."
    tables = list(scan.tables_skipped)
    tables += [key.split(":", 2)[2].replace("|", "") for key in scan.layouts]
    for product, suffixes in _PRODUCTS:
        if sum(any(table.lower().endswith(suffix) for table in tables) for suffix in suffixes) > 1:
            return f"{name} is a dump of {product}, not of WHMCS: {expected}"
    if not tables:
        return f"{name} holds no table of WHMCS: {expected}{cut}"
    shown = ", ".join(tables[:8]) + (", …" if len(tables) > 8 else "")
    return f"{name} holds no tickets of WHMCS, but {shown}: {expected}{cut}"


def _named(one: Installation) -> str:
    return f"{one.database + '.' if one.database else ''}{one.prefix}tickets"


def _database(one: Installation) -> str:
    return f" (database {one.database})" if one.database else ""


def _told(scan: Scan, one: Installation) -> str:
    rows = scan.rows.get(one.key, {})
    return f"{rows.get(TICKETS, 0):,} tickets and {rows.get(REPLIES, 0):,} replies"
