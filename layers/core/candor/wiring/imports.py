"""Wiring of imports: a helpdesk's dump becomes tickets and documents."""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from candor import settings
from candor.wiring.knowledge import documents, jobs, objects, source_queue

if TYPE_CHECKING:
    from candor.importing.orders import Orders
    from candor.importing.receipts import Receipts
    from candor.importing.service import Importing
    from candor.whmcs.dumps import Dump, Spill


@cache
def receipts() -> "Receipts":
    from candor.importing.receipts import Receipts

    return Receipts(objects())


@cache
def import_orders() -> "Orders":
    from candor.importing.orders import Orders

    return Orders(jobs=jobs(), objects=objects(), queue=source_queue())


@cache
def importing() -> "Importing":
    from candor.importing.run import Tools
    from candor.importing.service import Importing
    from candor.wiring.tickets import keeping, tickets

    tools = Tools(
        jobs=jobs(),
        objects=objects(),
        documents=documents(),
        tickets=tickets(),
        keeping=keeping(),
        receipts=receipts(),
        spill=_spill,
        dump=_dump,
        base_url=_base_url,
        keep_days=settings.Imports.read().dump_keep_days,
    )
    return Importing(orders=import_orders(), tools=tools)


def _base_url() -> str:
    """Of the helpdesk, as it is configured now."""
    from candor.config.whmcs import WHMCS
    from candor.wiring.configuration import configuration

    return str(configuration().refresh().shown(WHMCS.name).get("base_url") or "")


def _spill(job_id: str) -> "Spill":
    from candor.adapters.bucket_imports import BucketSpill
    from candor.importing.orders import work_prefix

    return BucketSpill(objects(), f"{work_prefix(job_id)}spill/")


def _dump(keys: Sequence[str]) -> "Dump":
    from candor.adapters.bucket_imports import BucketDump

    return BucketDump(objects(), keys)
