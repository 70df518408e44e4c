import contextlib
import time
from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from agentsdk.errors import ToolError
from agentsdk_tools.clock import clock


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"date": "2026-03-01", "add": "45 days"}, {"date": "2026-04-15", "weekday": "Wednesday"}),
        ({"date": "2024-02-29", "add": "1 year"}, {"date": "2025-02-28"}),
        ({"date": "2026-01-31", "add": "1 month"}, {"date": "2026-02-28"}),
        ({"date": "2026年3月1日", "add": "-2周"}, {"date": "2026-02-15"}),
        ({"date": "2026-03-01", "add": "1 year 3 months and 2 days"}, {"date": "2027-06-03"}),
        ({"date": "2026-03-01", "until": "2026-10-01"}, {"days": 214}),
        ({"date": "2026-10-01", "until": "2026-03-01"}, {"days": -214}),
        (
            {"date": "2026-03-29 01:30", "timezone": "Europe/Berlin", "add": "1 hour"},
            {"time": "03:30:00", "utc_offset": "+02:00"},
        ),
        ({"date": "March 5, 2027"}, {"weekday": "Friday"}),
    ],
)
def test_the_calendar(arguments: dict[str, str], expected: dict[str, object]) -> None:
    found = clock(**arguments)
    assert {k: found[k] for k in expected} == expected


@pytest.mark.parametrize(
    ("name", "zone"),
    [("Tokyo", "Asia/Tokyo"), ("东京", "Asia/Tokyo"), ("new york", "America/New_York"), ("UTC", "UTC")],
)
def test_a_city_has_its_zone(name: str, zone: str) -> None:
    assert clock(timezone=name)["timezone"] == zone


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"timezone": "Asia/Tokio"}, "Asia/Tokyo"),
        ({"timezone": "../../etc/passwd"}, "no time zone"),
        ({"date": "2026-02-30"}, "not a date"),
        ({"date": "soon"}, "not a date"),
        ({"add": "soon"}, "span"),
        ({"add": "99999999 years"}, "calendar"),
        ({"date": "0001-01-01", "add": "-1 day"}, "calendar"),
    ],
)
def test_what_the_calendar_does_not_hold_is_told(arguments: dict[str, str], says: str) -> None:
    with pytest.raises(ToolError) as error:
        clock(**arguments)
    assert says in str(error.value)


def test_a_moment_with_an_offset_is_shown_in_the_zone_asked_for() -> None:
    assert clock(date="2026-03-01T14:30+09:00", timezone="UTC")["time"] == "05:30:00"
    assert clock(date="2026-03-01 23:30Z", timezone="东京")["date"] == "2026-03-02"


def test_a_time_that_the_clocks_skip_is_told() -> None:
    skipped = clock(date="2026-03-29 02:30", timezone="Berlin")
    assert (skipped["time"], skipped["utc_offset"]) == ("03:30:00", "+02:00")
    assert "02:30" in skipped["note"]
    assert "note" not in clock(date="2026-10-25 02:30", timezone="Berlin")
    assert clock(date="2026-03-28 02:30", add="1 day", timezone="Berlin")["time"] == "03:30:00"


def test_a_leap_day_without_a_year_is_the_next_one() -> None:
    found = clock(date="Feb 29", timezone="UTC")
    assert found["date"].endswith("-02-29")
    assert clock(until="2月29日", timezone="UTC")["days"] >= 0


@pytest.mark.parametrize(
    ("name", "offset"),
    [("UTC+8", "+08:00"), ("gmt-3", "-03:00"), ("+05:30", "+05:30"), ("北京时间", "+08:00"), ("São Paulo", "-03:00"), ("Washington, D.C.", "-05:00")],
)  # fmt: skip
def test_zones_are_found_as_people_write_them(name: str, offset: str) -> None:
    assert clock(timezone=name, date="2026-01-15 12:00")["utc_offset"] == offset


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="a process cannot change its zone on Windows")
def test_the_local_zone_has_the_offset_of_the_day_and_not_of_today(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Europe/Berlin")
        time.tzset()
        assert clock(date="2026-01-15 12:00")["utc_offset"] == "+01:00"
        assert clock(date="2026-07-15 12:00")["utc_offset"] == "+02:00"
        assert clock(date="2026-03-28 12:00", add="1 day")["utc_offset"] == "+02:00"
    time.tzset()


@given(st.dates(), st.integers(-4000, 4000))
def test_days_added_are_days_counted(day: date, days: int) -> None:
    assume(
        date.min <= date.fromordinal(max(1, day.toordinal() + days))
        and 1 <= day.toordinal() + days <= date.max.toordinal()
    )
    moved = clock(date=day.isoformat(), add=f"{days} days", timezone="UTC")["date"]
    assert moved == date.fromordinal(day.toordinal() + days).isoformat()
    assert clock(date=day.isoformat(), until=moved, timezone="UTC")["days"] == days


@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=30))
def test_any_text_gives_an_answer_or_a_tool_error(zone: str, day: str, add: str) -> None:
    with contextlib.suppress(ToolError):
        clock(timezone=zone, date=day, add=add)
