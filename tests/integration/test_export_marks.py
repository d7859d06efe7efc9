"""Export marks: one contract, over every adapter."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from moto import mock_aws

from candor.exporting import ExportMarks
from tests.doubles.tables import create_table


@pytest.fixture(params=["memory", "moto", "ministack", "dynamodb_local"])
def marks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[ExportMarks]:
    from candor.adapters.dynamodb_exports import DynamoExportMarks
    from candor.adapters.memory_exports import MemoryExportMarks

    if request.param == "memory":
        yield MemoryExportMarks()
    elif request.param == "moto":
        with mock_aws():
            yield DynamoExportMarks(create_table("ConfigTable"))
    else:
        monkeypatch.setenv("AWS_ENDPOINT_URL", request.getfixturevalue(request.param))
        yield DynamoExportMarks(create_table("ConfigTable"))


def test_nothing_is_wanted_at_first(marks: ExportMarks) -> None:
    assert marks.wanted("custom_docs") == ""


def test_the_latest_change_counts_in_whatever_order_it_is_told(marks: ExportMarks) -> None:
    for second in (2, 9, 5):
        marks.want("custom_docs", f"2026-01-01T00:00:0{second}+00:00")
    marks.want("tickets", "2026-01-02T00:00:00+00:00")

    assert marks.wanted("custom_docs") == "2026-01-01T00:00:09+00:00"


def test_a_part_of_a_second_is_later_than_the_second(marks: ExportMarks) -> None:
    marks.want("custom_docs", "2026-01-01T00:00:09.250000+00:00")
    marks.want("custom_docs", "2026-01-01T00:00:09+00:00")

    assert marks.wanted("custom_docs") == "2026-01-01T00:00:09.250000+00:00"


# moto loses writes that meet.
@pytest.mark.parametrize("marks", ["memory", "ministack", "dynamodb_local"], indirect=True)
def test_many_at_once_leave_the_latest(marks: ExportMarks) -> None:
    times = [f"2026-01-01T00:00:{second:02}+00:00" for second in range(40)]

    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(lambda time: marks.want("custom_docs", time), times))

    assert marks.wanted("custom_docs") == times[-1]
