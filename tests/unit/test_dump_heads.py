"""Dump heads: a dump is told from everything else by how it begins, packed or not."""

import bz2
import gzip
import io
import lzma
import zipfile

import pytest

from candor.adapters.memory_storage import MemoryObjects
from candor.errors import UnsupportedType
from candor.importing.first_look import Look, first_look, may_be_dump
from candor.sources import read
from candor.sources.dump_heads import is_sql_dump
from tests.growth import assert_linear

MYSQL = b"""-- MySQL dump 10.13  Distrib 8.0.36, for Linux (x86_64)
--
-- Host: localhost    Database: whmcs
/*!40101 SET NAMES utf8mb4 */;
DROP TABLE IF EXISTS `tbltickets`;
"""
MARIA = b"/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump 10.19\n"
BARE = b"INSERT INTO `tbltickets` VALUES (1,'ABC-1');\n"
ARTICLE = (
    b"# How to write to a table\n\nIn the panel, open phpMyAdmin and type:\n\nINSERT INTO users VALUES (1);\n"
)
BIG = BARE * 40_000


def zipped(**members: bytes) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            # With a date that stays: test cases are named by these bytes, and workers compare the names.
            member = zipfile.ZipInfo(name.replace("__", "."), date_time=(2026, 1, 2, 3, 4, 6))
            archive.writestr(member, content, zipfile.ZIP_DEFLATED)
    return body.getvalue()


def looked_at(body: bytes, name: str) -> Look:
    objects = MemoryObjects()
    objects.put(f"source/{name}", body)
    info = objects.find(f"source/{name}")
    assert info is not None
    return first_look(objects, info)


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (MYSQL, "whmcs.sql"),
        (MARIA, "whmcs.sql"),
        (BARE, "whmcs.SQL"),
        (b"\n\n  # made by hand\n/* and\nmore */ " + BARE, "part.sql"),
        (MYSQL.decode().encode("utf-16"), "whmcs.sql"),
        (b"\xef\xbb\xbf" + MYSQL, "whmcs.sql"),
        (gzip.compress(BIG, mtime=0), "whmcs.sql.gz"),
        (lzma.compress(BIG), "whmcs.sql.xz"),
        (bz2.compress(BIG), "whmcs.sql.bz2"),
        (zipped(whmcs__sql=BIG), "whmcs.zip"),
        (zipped(README__txt=b"Made on Friday.", whmcs__sql=BIG), "whmcs.zip"),
        (gzip.compress(MYSQL, mtime=0), "backup"),
        (MYSQL, "backup"),
        (MYSQL, "backup.txt"),
    ],
)
def test_a_dump_is_known_by_how_it_begins(body: bytes, name: str) -> None:
    assert looked_at(body, name).kind == "dump"


@pytest.mark.parametrize(
    ("body", "name", "told"),
    [
        (b"", "whmcs.sql", "empty"),
        (b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>", "whmcs.sql", "web page"),
        (b'{"tickets": []}', "whmcs.sql", "JSON"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00" * 50, "whmcs.sql", "no text"),
        (b"Dear all, the dump is too large.", "whmcs.sql", "without a single SQL statement"),
        (gzip.compress(b"not a dump", mtime=0), "whmcs.sql.gz", "without a single SQL statement"),
        (gzip.compress(BIG, mtime=0)[:9], "whmcs.sql.gz", "no text"),
        (zipped(photo__png=b"PNG"), "whmcs.zip", "holds no .sql file"),
        (zipped(photo__png=b"PNG")[:-30], "whmcs.zip", "its end is missing"),
        (ARTICLE, "notes.txt", "without a single SQL statement"),
    ],
)
def test_what_is_no_dump_is_told_in_a_sentence(body: bytes, name: str, told: str) -> None:
    look = looked_at(body, name)

    assert look.kind == "other"
    assert told in look.sentence


def test_what_mydumper_writes_beside_its_tables_is_passed_over() -> None:
    assert looked_at(b"# Started dump at: 2026-11-20\n[config]\n", "metadata").kind == "aside"


def test_a_bomb_is_looked_at_no_further_than_its_beginning() -> None:
    bomb = gzip.compress(b"-- MySQL dump\n" + b" " * 50_000_000, mtime=0)

    assert is_sql_dump(bomb[:65_536], "whmcs.sql.gz")


@pytest.mark.parametrize(
    "filler", [b"\n", b" \n", b"-", b"-- \n", b"/*", b"/* */ ", b"#\n", b"INSERT ", b"SET  "]
)
def test_no_head_takes_long_to_look_at(filler: bytes) -> None:
    def looked_at_twice(head: bytes) -> None:
        is_sql_dump(head, "whmcs.sql")
        is_sql_dump(head, "whmcs.txt")

    assert_linear(looked_at_twice, lambda size: (filler * size)[:size], 8_192)


@pytest.mark.parametrize("name", ["whmcs.csv", "whmcs.md", "whmcs.html", "whmcs.txt", "whmcs.pdf", "whmcs"])
def test_a_dump_under_another_name_never_becomes_a_document(name: str) -> None:
    with pytest.raises(UnsupportedType, match=r"database dump.*import-dump"):
        list(read(io.BytesIO(MYSQL + BIG), f"source/{name}"))


@pytest.mark.parametrize("name", ["how-to.md", "how-to.txt"])
def test_a_page_about_databases_is_a_document(name: str) -> None:
    [record] = [one for one in read(io.BytesIO(ARTICLE), f"source/{name}") if one.index >= 0]

    assert record.draft is not None


def test_only_what_no_other_reader_claims_is_looked_into() -> None:
    assert may_be_dump("source/a.sql.gz")
    assert may_be_dump("source/dump.sql.2026-11-20")
    assert not may_be_dump("source/backup")
    assert not may_be_dump("source/backup.txt")
    assert not may_be_dump("source/pages.json")
    assert not may_be_dump("source/terms.pdf")
