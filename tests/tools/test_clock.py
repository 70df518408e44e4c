import pytest

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
