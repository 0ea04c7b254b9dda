"""Tests the day of a dump: the evidence for it and its order, and never a future day."""

from __future__ import annotations

import json
import os
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest
from tests.helpers.dump_files import NOW, everything, page, read, write

if TYPE_CHECKING:
    from pathlib import Path

    from larkpost.db.engine import Store


def test_the_date_told_settles_the_year(store: Store, tmp_path: Path) -> None:
    report = read(store, write(tmp_path, page("Dec 31")), date=date(2025, 1, 3))

    assert report.captured == date(2024, 12, 31)


def test_the_name_of_the_file_settles_the_year(store: Store, tmp_path: Path) -> None:
    report = read(store, write(tmp_path, page("Dec 31"), "saved-2024-01-02.txt"))

    assert report.captured == date(2023, 12, 31)


def test_the_time_of_the_file_settles_the_year(store: Store, tmp_path: Path) -> None:
    file = write(tmp_path, page("Dec 31"))
    os.utime(file, (0, datetime(2025, 1, 1, tzinfo=UTC).timestamp()))

    assert read(store, file).captured == date(2024, 12, 31)


@pytest.mark.parametrize(
    ("name", "options", "captured", "how"),
    [
        ("page.txt", {"date": date(2026, 8, 1)}, date(2026, 8, 1), "as given"),
        ("2026-08-02.txt", {}, date(2026, 8, 2), "from the name of the file"),
        ("page.txt", {}, NOW.date(), "from the time of the file"),
    ],
)
def test_a_dump_without_a_date_gets_one_and_says_from_where(
    store: Store, tmp_path: Path, name: str, options: dict[str, date], captured: date, how: str
) -> None:
    report = read(store, write(tmp_path, page().replace("Aug 7\n\n", ""), name), **options)

    assert report.captured == captured
    assert any(how in warning for warning in report.warnings)


@pytest.mark.parametrize(
    "modified",
    [
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(1980, 1, 1, tzinfo=UTC),  # the first day that a ZIP archive can hold
        datetime(2000, 1, 1, tzinfo=UTC),
        datetime(2019, 12, 31, 23, 59, tzinfo=UTC),
        datetime(2286, 11, 20, tzinfo=UTC),
    ],
)
def test_a_file_from_before_2020_or_from_the_future_counts_as_of_today(
    store: Store, tmp_path: Path, modified: datetime
) -> None:
    file = write(tmp_path, page().replace("Aug 7\n\n", ""))
    os.utime(file, (0, modified.timestamp()))

    assert read(store, file).captured == NOW.date()


def test_a_day_to_come_in_the_name_of_a_file_is_no_evidence(store: Store, tmp_path: Path) -> None:
    file = write(tmp_path, page().replace("Aug 7\n\n", ""), "model-2031-01-01.txt")
    os.utime(file, (0, datetime(2026, 8, 3, tzinfo=UTC).timestamp()))

    assert read(store, file).captured == date(2026, 8, 3)


def test_a_header_never_means_a_day_to_come(store: Store, tmp_path: Path) -> None:
    report = read(store, write(tmp_path, page("Sep 1")))

    assert report.captured == date(2025, 9, 1)
    assert not any("in the future" in warning for warning in report.warnings)


def test_a_header_of_tomorrow_elsewhere_on_earth_is_of_today(store: Store, tmp_path: Path) -> None:
    report = read(store, write(tmp_path, page("Aug 11")))

    assert report.captured == NOW.date()
    assert everything(store)[0].first_seen == NOW
    assert not any("in the future" in warning for warning in report.warnings)


def test_a_date_to_come_with_its_year_is_clamped_to_now(store: Store, tmp_path: Path) -> None:
    report = read(store, write(tmp_path, page("Sep 1, 2026")))

    assert report.captured == NOW.date()
    assert everything(store)[0].first_seen == NOW
    assert any("in the future" in warning for warning in report.warnings)


def test_a_told_date_to_come_is_clamped_to_now_and_said(store: Store, tmp_path: Path) -> None:
    report = read(store, write(tmp_path, page("Sep 1")), date=date(2026, 9, 2))

    assert report.captured == date(2025, 9, 1)
    assert any("2026-09-02, is in the future" in warning for warning in report.warnings)


def test_a_dump_of_today_was_first_seen_now(store: Store, tmp_path: Path) -> None:
    read(store, write(tmp_path, page("Aug 10")))

    assert everything(store)[0].first_seen == NOW


def test_lines_that_tell_their_moment_keep_it(store: Store, tmp_path: Path) -> None:
    line = {"title": "T", "first_seen": "2026-08-01T05:00:00Z", "arrived": "2026-08-02T05:00:00Z"}

    report = read(store, write(tmp_path, json.dumps(line)))

    (paper,) = everything(store)
    assert paper.first_seen == datetime(2026, 8, 1, 5, tzinfo=UTC)
    assert paper.ingested_at == datetime(2026, 8, 2, 5, tzinfo=UTC)
    assert (report.captured, report.warnings) == (None, ())
