"""WHMCS dumps: broken, cut off, foreign, hostile: every complete row, and a sentence about the rest."""

import gzip
import io
import lzma
import random
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from candor.errors import Conflict, Invalid
from candor.whmcs import dumps
from tests.benchmarks.dump_generator import Shape, world_for, write
from tests.doubles.dump_reading import read_paths, read_texts, replies_sql, reply, ticket, tickets_sql

DEFINED = (
    "CREATE TABLE `tbltickets` (`id` int, `tid` text, `did` int, `userid` int, `name` text, `email` "
    "text, `date` "
    "datetime, `title` text, `message` text, `status` text, `urgency` text, `admin` text, `attachment` text, "
    "`lastreply` datetime, `merged_ticket_id` int);\n"
)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", "is empty"),
        ("\n  \n", "holds no table of WHMCS"),
        ("-- nothing\n", "holds no table of WHMCS"),
        ("<!DOCTYPE html><html><body>503</body></html>", "begins with “<!DOCTYPE html>"),
        ("Hello, here is our dump.", "holds no SQL"),
        (b"%PDF-1.7\n", "is a PDF"),
        (b"\x28\xb5\x2f\xfd" + b"x" * 99, "zstd"),
        (b"7z\xbc\xaf\x27\x1c" + b"x" * 99, "7z"),
        (random.Random(1).randbytes(9_000), "holds no SQL"),
        (
            "CREATE TABLE wp_users (ID int, user_login text);INSERT INTO wp_users VALUES (1,'x');"
            "INSERT INTO wp_posts VALUES (1);INSERT INTO wp_options VALUES (1);",
            "is a dump of WordPress",
        ),
        ("INSERT INTO shop_orders VALUES (1);", "but shop_orders"),
        ("INSERT INTO tbltickets VALUES (1,'two','three');", "3 columns whose order nothing tells"),
        ("INSERT INTO app_tickets (id,owner) VALUES (1,'x');", "is no table of WHMCS's"),
        ("SET NAMES gbk;" + tickets_sql(ticket(1)), "gbk"),
    ],
)
def test_what_is_no_dump_of_whmcs_is_refused_with_what_was_found(
    tmp_path: Path, body: str | bytes, words: str
) -> None:
    with pytest.raises(Invalid) as refused:
        read_texts(tmp_path, body)

    assert words in str(refused.value)
    assert "dump0.sql" in str(refused.value)


def test_a_helpdesk_without_tickets_is_a_dump_all_the_same(tmp_path: Path) -> None:
    outcome = read_texts(tmp_path, DEFINED)

    assert outcome.tickets == []


@pytest.mark.parametrize(
    ("rows", "tables"),
    [("", "tbltickets"), (replies_sql(reply(1, 7, "answer")), "tbltickets")],
    ids=["structure alone", "replies alone"],
)
def test_a_dump_without_a_row_of_tickets_says_so(tmp_path: Path, rows: str, tables: str) -> None:
    outcome = read_texts(tmp_path, DEFINED + rows)

    assert f"There is no row of {tables} in it" in outcome.sentences


def test_nothing_is_said_of_missing_rows_where_a_dump_has_them_or_is_cut_off(tmp_path: Path) -> None:
    whole = read_texts(tmp_path, DEFINED + tickets_sql(ticket(1)))
    cut = read_texts(tmp_path, DEFINED + "INSERT INTO tbltickets VALUES (1,'t")

    assert "no row" not in whole.sentences
    assert "no row" not in cut.sentences
    assert "cut off" in cut.sentences


@pytest.mark.parametrize("compression", ["", "gz", "bz2", "xz"])
def test_a_tar_archive_is_called_one_however_it_is_packed(tmp_path: Path, compression: str) -> None:
    body, sql = io.BytesIO(), (DEFINED + tickets_sql(ticket(1))).encode()
    with tarfile.open(fileobj=body, mode=f"w:{compression}") as archive:
        member = tarfile.TarInfo("backup-11.22.2026/mysql/shop_whmcs.sql")
        member.size = len(sql)
        archive.addfile(member, io.BytesIO(sql))

    with pytest.raises(Invalid, match="is a tar archive: unpack it and drop"):
        read_texts(tmp_path, body.getvalue())


@pytest.mark.parametrize("end", [0.2, 0.5, 0.777, 0.95])
@pytest.mark.parametrize("packing", ["", "gz", "xz"])
def test_a_file_that_is_cut_off_keeps_every_complete_row(tmp_path: Path, end: float, packing: str) -> None:
    rows = [ticket(number, f"message {random.Random(number).random()}") for number in range(1, 4_001)]
    whole = tickets_sql(*rows).encode()
    packed = {"": whole, "gz": gzip.compress(whole), "xz": lzma.compress(whole, preset=0)}[packing]

    outcome = read_texts(tmp_path, packed[: int(len(packed) * end)])

    offset = outcome.report.truncated_at
    assert offset is not None
    # Every row ends so, and nothing else does.
    assert len(outcome.tickets) == whole[:offset].count(b",0)")
    assert f"{offset:,}" in outcome.sentences
    assert [one.number for one in outcome.tickets] == [
        str(number + 1) for number in range(len(outcome.tickets))
    ]
    if not packing:
        assert len(outcome.tickets) == whole[: int(len(whole) * end)].count(b",0)")


def test_damage_in_a_packed_file_costs_what_comes_after_it(tmp_path: Path) -> None:
    rows = [ticket(number, f"message {random.Random(number).random()}") for number in range(1, 4_001)]
    packed = bytearray(gzip.compress(tickets_sql(*rows).encode()))
    packed[len(packed) // 2 : len(packed) // 2 + 400] = bytes(400)

    outcome = read_texts(tmp_path, bytes(packed))

    assert 1_500 < len(outcome.tickets) < 2_600
    assert "damaged" in outcome.sentences


def test_a_tool_that_could_not_finish_is_noticed_where_its_last_line_is_missing(tmp_path: Path) -> None:
    head = "-- MySQL dump 10.13  Distrib 8.0.36\n"
    cut = read_texts(tmp_path, head + tickets_sql(ticket(1)))
    whole = read_texts(tmp_path, head + tickets_sql(ticket(1)) + "-- Dump completed on 2024-05-01")
    failed = read_texts(
        tmp_path, tickets_sql(ticket(1)) + "mysqldump: Error 2013: Lost connection to server\n"
    )

    assert cut.sentences.count("lacks the last line that mysqldump writes") == 1
    # It ends after a statement: nobody knows whether it was cut off there.
    assert cut.report.truncated_at is None
    assert not cut.scan.whole
    assert whole.scan.whole
    assert whole.report.problems_count == 0
    assert "Lost connection" in failed.sentences


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ("(2,'x')", "has 2 values instead of 15"),
        (ticket(2).replace("'Nora'", "'No','ra'"), "has 16 values instead of 15"),
        ("(2,foo bar,'x;y',(3))", "cannot be read"),
        (ticket(2).replace("(2,", "('two',"), "has words where numbers belong"),
    ],
)
def test_a_row_that_is_wrong_is_told_and_the_next_statement_read(
    tmp_path: Path, bad: str, words: str
) -> None:
    sql = tickets_sql(ticket(1), bad, ticket(3)) + tickets_sql(ticket(4))
    outcome = read_texts(tmp_path, sql)

    assert {"1", "4"} <= {one.number for one in outcome.tickets}
    assert outcome.report.skipped == {"rows that cannot be read": 1}
    assert words in outcome.sentences
    assert outcome.report.problems[0]["offset"] == sql.index(bad)


@pytest.mark.parametrize(
    "between",
    [
        "/* plain ' ; */ -- it's\n# it's; too\n",
        "/*!50003 CREATE TRIGGER x /* inner ' ; */ AFTER INSERT ON y FOR EACH ROW SET @a = '*/;' */;\n",
        "DELIMITER $$\nCREATE PROCEDURE p() BEGIN SELECT 'a;'; INSERT INTO tbltickets VALUES (1); "
        "END$$\nDELIMITER ;\n",
        "DELIMITER //\nCREATE EVENT e DO BEGIN /* it's */ DELETE FROM a / b WHERE c = '//'; "
        "END//\nDELIMITER ;\n",
        "INSERT INTO tblother VALUES ('it\\'s; (1),''2''',\"a;\",0x3B,_binary ';'),(NULL,-1.5e3,NOW());\n",
        "INSERT INTO `tbl;x` SET a='INSERT INTO tbltickets VALUES (9)';\n",
        "CREATE TABLE `x` (`a` enum('(',');') DEFAULT ';' COMMENT 'it''s; (so)', KEY `a` (`a`));\n",
        "/*M!999999\\- enable the sandbox mode */ \n",
        "mysqldump: [Warning] Using a password on the command line interface can be insecure.\n",
        "CREATE VIEW v AS SELECT 1 - - 2, 3/4, 5 --6\n;\n",
        ";;;\n",
    ],
)
def test_what_stands_between_is_passed_whatever_it_holds(tmp_path: Path, between: str) -> None:
    outcome = read_texts(
        tmp_path, between + tickets_sql(ticket(1)) + between + tickets_sql(ticket(2)) + between
    )

    assert [one.number for one in outcome.tickets] == ["1", "2"]
    assert outcome.report.truncated_at is None


def test_an_insert_of_another_kind_is_told(tmp_path: Path) -> None:
    sql = tickets_sql(ticket(1)) + "INSERT INTO tbltickets SET id=5, title='x';\n" + tickets_sql(ticket(2))
    upsert = tickets_sql(ticket(3)).rstrip(";\n") + " ON DUPLICATE KEY UPDATE title='a;b';\n"

    outcome = read_texts(tmp_path, sql + upsert + tickets_sql(ticket(4)))

    assert [one.number for one in outcome.tickets] == ["1", "2", "3", "4"]
    assert "without VALUES" in outcome.sentences


def test_a_message_of_30_mb_is_kept_whole(tmp_path: Path) -> None:
    outcome = read_texts(tmp_path, tickets_sql(ticket(1, "x" * 30_000_000 + "\\nend"), ticket(2)))

    assert len(outcome.tickets[0].description) == 30_000_004
    assert outcome.descriptions[1] == "hello"


def test_a_string_without_an_end_does_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("candor.whmcs.dumps.scanning.MAX_WORD", 6_000_000)

    outcome = read_texts(tmp_path, tickets_sql(ticket(1)) + "INSERT INTO tblx VALUES ('" + "x" * 40_000_000)

    assert [one.number for one in outcome.tickets] == ["1"]
    assert "has no end" in outcome.sentences


def test_rows_told_twice_count_once_and_the_last_one_counts(tmp_path: Path) -> None:
    sql = tickets_sql(ticket(1, "old"), ticket(1, "new")) + replies_sql(
        reply(1, 1, "old"), reply(1, 1, "new")
    )
    outcome = read_texts(tmp_path, sql)

    assert outcome.descriptions == ["new"]
    assert [said.content for said in outcome.tickets[0].replies] == ["new"]
    assert outcome.report.skipped == {"rows that came twice": 2}


def test_of_two_prefixes_the_one_with_more_tickets_is_read_and_the_other_told(tmp_path: Path) -> None:
    sql = tickets_sql(ticket(7), table="old_tickets") + tickets_sql(ticket(1), ticket(2))
    outcome = read_texts(tmp_path, sql)

    assert [one.number for one in outcome.tickets] == ["1", "2"]
    assert "old_tickets (1 tickets" in outcome.sentences


def test_databases_of_one_dump_are_never_mixed(tmp_path: Path) -> None:
    sql = (
        "USE `a`;\n"
        + tickets_sql(ticket(1, "of a"))
        + "USE b;\n"
        + tickets_sql(ticket(1, "of b"), ticket(2, "of b"))
    )
    outcome = read_texts(tmp_path, sql)

    assert outcome.descriptions == ["of b", "of b"]
    assert "a.tbltickets" in outcome.sentences


def test_an_archive_of_two_installations_is_refused(tmp_path: Path) -> None:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("shop.sql", DEFINED + tickets_sql(ticket(1)))
        archive.writestr("hosting.sql", DEFINED + tickets_sql(ticket(1), ticket(2)))

    with pytest.raises(
        Invalid, match=r"2 WHMCS installations: hosting\.sql, 2 tickets.*shop\.sql, 1 tickets"
    ):
        read_texts(tmp_path, body.getvalue(), names=["backup.zip"])


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda body: body[:-30], "damaged zip"),
        (lambda body: body.replace(b"dump.sql", b"dump.doc"), "holds no .sql"),
    ],
)
def test_an_archive_that_cannot_be_read_says_why(
    tmp_path: Path, spoil: Callable[[bytes], bytes], words: str
) -> None:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("dump.sql", tickets_sql(ticket(1)))

    with pytest.raises(Invalid, match=words):
        read_texts(tmp_path, spoil(body.getvalue()), names=["backup.zip"])


def test_what_unpacks_without_measure_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("candor.whmcs.dumps.unpacking.GROWTH_FROM", 1_000_000)
    body = gzip.compress(b"-- " + b" " * 20_000_000 + b"\n")

    with pytest.raises(Invalid, match="that is no dump"):
        read_texts(tmp_path, body, names=["bomb.sql.gz"])


def test_another_dump_than_the_checkpoint_is_of_is_refused(tmp_path: Path) -> None:
    shape = Shape()
    path = tmp_path / "a.sql"
    with path.open("wb") as out:
        write(world_for(shape, tickets=20), shape, out)
    begun = read_paths([path]).scan

    path.write_bytes(path.read_bytes() + b"\n")

    from candor.adapters.dump_files import FolderDump
    from candor.adapters.spills import MemorySpill

    with pytest.raises(Conflict, match="changed"):
        dumps.scan(FolderDump([path]), MemorySpill(), dumps.Options(), checkpoint=begun)


def test_a_ticket_without_a_number_is_told_and_the_others_are_read(tmp_path: Path) -> None:
    lost = ticket(0, merged=2).replace("(0,", "(NULL,", 1)

    outcome = read_texts(tmp_path, tickets_sql(ticket(1), lost, ticket(2)))

    assert [found.number for found in outcome.tickets] == ["1", "2"]
    assert outcome.report.skipped == {"tickets without a number": 1}


@pytest.mark.slow
def test_two_hundred_thousand_tiny_rows_are_read(tmp_path: Path) -> None:
    one = ticket(0, "").removeprefix("(0,")
    rows = ",".join(f"({number},{one}" for number in range(1, 200_001))

    outcome = read_texts(tmp_path, tickets_sql(rows))

    assert len(outcome.tickets) == 200_000
