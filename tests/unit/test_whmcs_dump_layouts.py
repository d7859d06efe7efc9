"""WHMCS dumps: every layout that a tool writes, against what the generator knows."""

import gzip
import lzma
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from candor.tickets.values import TicketDraft
from tests.benchmarks.dump_generator import (
    ENCODINGS,
    STYLES,
    VERSIONS,
    Shape,
    world_for,
    write,
    write_folder,
)
from tests.benchmarks.dump_world import SECRETS, World
from tests.doubles.dump_reading import Outcome, read_paths

CASES = [
    *(Shape(style=style) for style in STYLES),
    *(Shape(version=version) for version in VERSIONS[:-1]),
    *(Shape(style="bare", version=version) for version in VERSIONS[:-1]),
    *(Shape(encoding=encoding) for encoding in ENCODINGS[1:]),
    Shape(style="phpmyadmin", encoding="latin1_unsaid", version="5"),
    Shape(style="mariadb", encoding="utf16"),
    Shape(style="no_backslash", encoding="garbled"),
    Shape(prefix="mod_acme_"),
    Shape(prefix="", style="adminer"),
]


def _named(shape: Shape) -> str:
    return f"{shape.style}-{shape.version}-{shape.encoding}-{shape.prefix or 'no prefix'}"


def _written(folder: Path, shape: Shape, world: World) -> Path:
    path = folder / "whmcs.sql"
    with path.open("wb") as out:
        write(world, shape, out)
    return path


def _same(outcome: Outcome, world: World) -> None:
    expected: list[TicketDraft] = list(world.truth())
    assert [one.number for one in outcome.tickets] == [one.number for one in expected]
    for found, wanted in zip(outcome.tickets, expected, strict=True):
        assert replace(found, source_file="") == wanted


@pytest.mark.parametrize("shape", CASES, ids=_named)
def test_every_layout_gives_exactly_its_tickets(tmp_path: Path, shape: Shape) -> None:
    world = world_for(shape, tickets=130)

    outcome = read_paths([_written(tmp_path, shape, world)])

    _same(outcome, world)
    assert outcome.report.truncated_at is None
    assert outcome.report.tickets == len(outcome.tickets)
    assert outcome.report.replies == sum(len(one.replies) for one in outcome.tickets)
    assert outcome.report.merged == sum(len(one.merged) for one in outcome.tickets)
    assert outcome.report.rows[f"{shape.prefix}tickets"] == world.tickets
    assert outcome.report.problems_count == 0


@pytest.mark.parametrize("style", ["mysqldump", "hex", "no_backslash", "bare"])
def test_secrets_are_never_taken_from_a_dump(tmp_path: Path, style: str) -> None:
    shape = Shape(style=style)
    path = _written(tmp_path, shape, world_for(shape, tickets=60))
    body = path.read_bytes()
    # Given a dump that holds them all, as text or as digits.
    for secret in SECRETS.values():
        assert secret.encode() in body or secret.encode().hex().upper().encode() in body

    outcome = read_paths([path])

    told = repr(outcome).encode()
    for secret in SECRETS.values():
        for form in (secret.encode(), secret.encode().hex().encode(), secret.encode().hex().upper().encode()):
            assert form not in outcome.spilled
            assert form not in told


def test_cards_leave_a_dump_masked(tmp_path: Path) -> None:
    shape = Shape()
    world = world_for(shape, tickets=200)

    outcome = read_paths([_written(tmp_path, shape, world)])

    assert sum(one.description.count("My card: [card] ok") for one in outcome.tickets) >= 2


@pytest.mark.parametrize("packing", ["gz", "xz", "zip", "gz in zip"])
def test_a_packed_dump_is_read_by_what_it_holds(tmp_path: Path, packing: str) -> None:
    shape = Shape()
    world = world_for(shape, tickets=60)
    body = _written(tmp_path, shape, world).read_bytes()
    # Given a name that says nothing of how it is packed.
    path = tmp_path / "export.sql"
    if "zip" in packing:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("__MACOSX/._whmcs.sql", b"junk")
            archive.writestr("readme.txt", b"A backup.")
            inner = gzip.compress(body) if packing == "gz in zip" else body
            archive.writestr("backup/whmcs.sql" + (".gz" if packing == "gz in zip" else ""), inner)
    else:
        path.write_bytes(gzip.compress(body) if packing == "gz" else lzma.compress(body))

    outcome = read_paths([path])

    _same(outcome, world)
    assert outcome.scan.bytes_done == outcome.scan.bytes_total


def test_a_mydumper_folder_is_one_dump_in_whatever_order_its_files_come(tmp_path: Path) -> None:
    shape = Shape()
    world = world_for(shape, tickets=900)
    files = write_folder(world, shape, tmp_path / "export")

    outcome = read_paths(list(reversed(files)))

    _same(outcome, world)


def test_pieces_that_split_has_cut_are_put_together(tmp_path: Path) -> None:
    shape = Shape()
    world = world_for(shape, tickets=200)
    body = gzip.compress(_written(tmp_path, shape, world).read_bytes())
    third = len(body) // 3
    pieces = []
    for place, start in enumerate((0, third, 2 * third)):
        pieces.append(tmp_path / f"whmcs.sql.gz.a{'abc'[place]}")
        pieces[-1].write_bytes(body[start : start + third] if place < 2 else body[start:])

    outcome = read_paths(list(reversed(pieces)))

    _same(outcome, world)


def test_the_report_says_how_the_columns_were_known(tmp_path: Path) -> None:
    told = {}
    for style in ("mysqldump", "complete", "bare"):
        shape = Shape(style=style)
        outcome = read_paths([_written(tmp_path, shape, world_for(shape, tickets=30))])
        told[style] = outcome.report.layouts["tbltickets"]

    assert told == {
        "mysqldump": "31 columns by CREATE TABLE",
        "complete": "31 columns by the INSERT's own list",
        "bare": "31 columns by WHMCS's own order of 31 columns",
    }


def test_the_report_says_how_letters_were_read(tmp_path: Path) -> None:
    shape = Shape(encoding="garbled")
    garbled = read_paths([_written(tmp_path, shape, world_for(shape, tickets=30))])
    shape = Shape(encoding="latin1")
    latin1 = read_paths([_written(tmp_path, shape, world_for(shape, tickets=30))])

    assert garbled.report.encodings["utf-8 inside latin1, repaired"] > 0
    assert set(latin1.report.encodings) == {"cp1252"}
    assert set(latin1.report.charsets) == {"latin1"}
