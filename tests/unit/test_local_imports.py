"""The command line's dumps: what `make import-whmcs-dry` finds, says and writes, without a stack."""

import gzip
import json
from pathlib import Path

import pytest

from infra.local import imports
from infra.local.__main__ import main
from infra.local.imports import Wanted, dumps_of
from infra.local.report import lines
from infra.local.words import NotPossible
from tests.doubles import whmcs_dump as whmcs


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_a_name_every_dump_under_source_is_meant(folder: Path) -> None:
    for name, body in {
        "whmcs.sql": whmcs.of(1),
        "older/whmcs.sql.gz": gzip.compress(whmcs.of(1)),
        "pages.json": b'{"pages": []}',
        ".hidden.sql": whmcs.of(1),
        "mydumper/metadata": b"# Started dump at: 2026-11-20\n",
        "mydumper/whmcs.tbltickets.sql": whmcs.dump(without=("tblticketreplies",)),
        "mydumper/whmcs.tblticketreplies.sql": whmcs.dump(without=("tbltickets",)),
    }.items():
        path = folder / "source" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)

    found = [[file.relative_to("source").as_posix() for file in dump] for dump in dumps_of(None)]

    assert found == [
        ["whmcs.sql"],
        ["mydumper/whmcs.tblticketreplies.sql", "mydumper/whmcs.tbltickets.sql"],
        ["older/whmcs.sql.gz"],
    ]


def test_files_that_are_named_together_are_one_dump(folder: Path) -> None:
    for name in ("b.sql", "a.sql"):
        (folder / name).write_bytes(whmcs.of(1))

    assert dumps_of("b.sql, a.sql") == [[Path("b.sql"), Path("a.sql")]]
    assert [[file.name for file in dump] for dump in dumps_of(".")] == [["a.sql", "b.sql"]]


@pytest.mark.parametrize("files", [None, "none.sql", "a.sql,none.sql", "empty"])
def test_a_dump_that_is_not_there_is_said_so(folder: Path, files: str | None) -> None:
    (folder / "a.sql").write_bytes(whmcs.of(1))
    (folder / "empty").mkdir()

    with pytest.raises(NotPossible):
        dumps_of(files)


def test_a_dry_run_says_what_the_dump_holds(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body = whmcs.dump(
        tickets=[whmcs.ticket(1), whmcs.ticket(2, did=2), whmcs.ticket(3, merged_ticket_id=1)],
        replies=[whmcs.reply(11, 1), whmcs.reply(12, 99)],
        articles=[whmcs.article(1)],
    )
    (folder / "whmcs.sql.gz").write_bytes(gzip.compress(body))

    code = main(["import-whmcs-dry", "whmcs.sql.gz", "--departments", "support"])

    said = capsys.readouterr().out
    assert code == 0
    for line in (
        "tblknowledgebase 1, tblticketdepartments 2, tblticketreplies 2, tbltickets 3",
        "tickets       1",
        "merged        1",
        "documents     1",
        "1 × replies whose ticket is not in the dump",
    ):
        assert line in said


def test_its_tickets_are_written_one_a_line(folder: Path) -> None:
    (folder / "whmcs.sql").write_bytes(whmcs.of(3))

    assert imports.import_dry("whmcs.sql", Wanted(out=Path("tickets.jsonl"), approval="approved")) == 0

    written = [json.loads(line) for line in (folder / "tickets.jsonl").read_text().splitlines()]
    assert [ticket["external_id"] for ticket in written] == ["1", "2", "3"]
    assert {ticket["approval_status"] for ticket in written} == {"approved"}
    assert written[0]["metadata"]["replies"][0]["role"] == "staff"
    assert sorted(path.name for path in folder.iterdir()) == ["tickets.jsonl", "whmcs.sql"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"<html>502</html>", "holds no SQL"),
        (b"", "is empty"),
        (b"CREATE TABLE `wp_posts` (`ID` int);\nINSERT INTO `wp_posts` VALUES (1);\n", "WHMCS"),
    ],
)
def test_what_is_no_dump_is_an_error_with_a_sentence(
    folder: Path, capsys: pytest.CaptureFixture[str], body: bytes, told: str
) -> None:
    (folder / "whmcs.sql").write_bytes(body)

    assert main(["import-whmcs-dry", "whmcs.sql"]) == 1
    assert told in capsys.readouterr().out


def test_a_date_that_is_none_is_refused_before_anything_is_read(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "whmcs.sql").write_bytes(whmcs.of(1))

    assert main(["import-whmcs-dry", "whmcs.sql", "--since", "yesterday"]) == 1
    assert "SINCE=yesterday is no date" in capsys.readouterr().err


def test_a_dump_that_is_cut_off_is_said_to_be_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body = whmcs.of(50)
    (folder / "whmcs.sql").write_bytes(body[: len(body) - 300])

    assert main(["import-whmcs-dry", "whmcs.sql"]) == 0
    assert capsys.readouterr().out.lower().count("cut off") == 1


def test_what_is_the_whole_dumps_problem_is_told_once() -> None:
    reason = "It is no dump."

    told = lines({"status": "error", "tickets": 0, "detail": reason}, [{"reason": reason}])

    assert told == [f"  {reason}"]


def test_the_report_of_a_failed_job_says_why() -> None:
    told = lines({"status": "error", "tickets": 0, "detail": "It is no dump."}, [{"reason": "x"}] * 30)

    assert told[0] == "  It is no dump."
    assert told[-1] == "  … and 10 more; the job has them."
