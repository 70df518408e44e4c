"""clock: the time in a zone, and the calendar: dates from now, days between, weekdays."""

from __future__ import annotations

import calendar
import difflib
import re
import unicodedata
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from datetime import timezone as timezone_of
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from agentsdk import tool
from agentsdk.errors import ToolError
from agentsdk.i18n import _

_CITIES = {
    "beijing": "Asia/Shanghai", "peking": "Asia/Shanghai", "china": "Asia/Shanghai", "shenzhen": "Asia/Shanghai",
    "guangzhou": "Asia/Shanghai", "hangzhou": "Asia/Shanghai", "北京": "Asia/Shanghai", "上海": "Asia/Shanghai",
    "中国": "Asia/Shanghai", "深圳": "Asia/Shanghai", "广州": "Asia/Shanghai", "杭州": "Asia/Shanghai",
    "香港": "Asia/Hong_Kong", "台北": "Asia/Taipei", "澳门": "Asia/Macau", "东京": "Asia/Tokyo", "日本": "Asia/Tokyo",
    "japan": "Asia/Tokyo", "osaka": "Asia/Tokyo", "首尔": "Asia/Seoul", "korea": "Asia/Seoul", "韩国": "Asia/Seoul",
    "新加坡": "Asia/Singapore", "曼谷": "Asia/Bangkok", "迪拜": "Asia/Dubai", "孟买": "Asia/Kolkata",
    "mumbai": "Asia/Kolkata", "delhi": "Asia/Kolkata", "new delhi": "Asia/Kolkata", "bangalore": "Asia/Kolkata",
    "india": "Asia/Kolkata", "印度": "Asia/Kolkata", "新德里": "Asia/Kolkata", "伦敦": "Europe/London",
    "uk": "Europe/London", "england": "Europe/London", "英国": "Europe/London", "巴黎": "Europe/Paris",
    "france": "Europe/Paris", "法国": "Europe/Paris", "柏林": "Europe/Berlin", "germany": "Europe/Berlin",
    "德国": "Europe/Berlin", "munich": "Europe/Berlin", "frankfurt": "Europe/Berlin", "geneva": "Europe/Zurich",
    "马德里": "Europe/Madrid", "罗马": "Europe/Rome", "莫斯科": "Europe/Moscow", "奥斯陆": "Europe/Oslo",
    "斯德哥尔摩": "Europe/Stockholm", "苏黎世": "Europe/Zurich", "阿姆斯特丹": "Europe/Amsterdam",
    "纽约": "America/New_York", "boston": "America/New_York", "washington": "America/New_York",
    "miami": "America/New_York", "atlanta": "America/New_York", "华盛顿": "America/New_York",
    "洛杉矶": "America/Los_Angeles", "旧金山": "America/Los_Angeles", "san francisco": "America/Los_Angeles",
    "seattle": "America/Los_Angeles", "西雅图": "America/Los_Angeles", "芝加哥": "America/Chicago",
    "dallas": "America/Chicago", "houston": "America/Chicago", "多伦多": "America/Toronto",
    "montreal": "America/Toronto", "圣保罗": "America/Sao_Paulo", "悉尼": "Australia/Sydney",
    "墨尔本": "Australia/Melbourne", "开罗": "Africa/Cairo", "cape town": "Africa/Johannesburg",
    "火奴鲁鲁": "Pacific/Honolulu", "夏威夷": "Pacific/Honolulu", "hawaii": "Pacific/Honolulu", "gmt": "UTC",
    "utc": "UTC", "z": "UTC", "nyc": "America/New_York", "washington dc": "America/New_York",
    "washington d.c.": "America/New_York", "台湾": "Asia/Taipei", "重庆": "Asia/Shanghai", "成都": "Asia/Shanghai",
    "武汉": "Asia/Shanghai", "西安": "Asia/Shanghai", "南京": "Asia/Shanghai", "维也纳": "Europe/Vienna",
    "布鲁塞尔": "Europe/Brussels", "里斯本": "Europe/Lisbon", "都柏林": "Europe/Dublin", "雅典": "Europe/Athens",
    "华沙": "Europe/Warsaw", "布拉格": "Europe/Prague", "赫尔辛基": "Europe/Helsinki", "哥本哈根": "Europe/Copenhagen",
    "伊斯坦布尔": "Europe/Istanbul", "河内": "Asia/Ho_Chi_Minh", "胡志明市": "Asia/Ho_Chi_Minh",
    "雅加达": "Asia/Jakarta",
    "吉隆坡": "Asia/Kuala_Lumpur", "马尼拉": "Asia/Manila", "加尔各答": "Asia/Kolkata", "温哥华": "America/Vancouver",
    "奥克兰": "Pacific/Auckland", "加州": "America/Los_Angeles", "california": "America/Los_Angeles",
}  # fmt: skip
"""Names that are no IANA zone and mean only one; capitals and large cities of countries with one time."""

_UNITS = {
    "day": "days", "days": "days", "d": "days", "天": "days", "日": "days", "week": "weeks", "weeks": "weeks",
    "w": "weeks", "周": "weeks", "星期": "weeks", "个星期": "weeks", "month": "months", "months": "months",
    "个月": "months", "月": "months", "year": "years", "years": "years", "y": "years", "年": "years",
    "hour": "hours", "hours": "hours", "h": "hours", "小时": "hours", "个小时": "hours", "minute": "minutes",
    "minutes": "minutes", "min": "minutes", "分钟": "minutes", "second": "seconds", "seconds": "seconds",
    "秒": "seconds",
}  # fmt: skip
_AMOUNT = re.compile(
    r"\s*(?:and|,|，|、)?\s*([+-]?)\s*(\d{1,9})\s*([a-z]+|[天日周星期个月年小时分钟秒]+)\s*", re.IGNORECASE
)
_DATE = re.compile(r"(\d{4})\s*(?:[-/.]|年)\s*(\d{1,2})\s*(?:[-/.]|月)\s*(\d{1,2})\s*日?")
_MONTHS = {name.lower(): i for i, name in enumerate(calendar.month_name) if name} | {
    name.lower(): i for i, name in enumerate(calendar.month_abbr) if name
}


@tool
def clock(timezone: str = "", date: str = "", add: str = "", until: str = "") -> dict[str, Any]:
    """Return the time now, or a date of the calendar, with its weekday; and how many days lie between two dates.

    Without arguments: now, in this computer's time zone.

    Args:
        timezone: an IANA zone or a large city, such as "Asia/Tokyo", "Tokyo" or "东京".
        date: a day to start from instead of today, such as "2026-03-01" or "2026-03-01 14:30".
        add: what to add to it, such as "45 days", "-2 weeks", "1 year 3 months" or "30天".
        until: a day to count to; `days` in the result is the days from the first day to this one.

    """
    zone = _zone(timezone)
    start, has_time = _parse(date, zone) if date.strip() else (_now(zone), True)
    if add.strip():
        start, moved_time = _add(start, add, zone)
        has_time = has_time or moved_time
    wished, start = start, _existing(start, zone) if has_time else start
    found: dict[str, Any] = {
        "date": start.strftime("%Y-%m-%d") if start.year >= 1000 else start.date().isoformat(),
        "weekday": calendar.day_name[start.weekday()],
    }
    if has_time:
        found["time"] = start.strftime("%H:%M:%S")
        found["timezone"] = getattr(start.tzinfo, "key", None) or start.tzname()
        found["utc_offset"] = start.strftime("%z")[:3] + ":" + start.strftime("%z")[3:5]
        if start.replace(tzinfo=None) != wished.replace(tzinfo=None):
            found["note"] = _("{time} does not exist on this day: the clocks go forward.").format(
                time=wished.strftime("%H:%M")
            )
    if until.strip():
        end, _has_time = _parse(until, zone)
        found["until"] = end.date().isoformat()
        found["until_weekday"] = calendar.day_name[end.weekday()]
        found["days"] = (end.date() - start.date()).days
    return found


def _now(zone: tzinfo | None) -> datetime:
    return datetime.now(zone) if zone else datetime.now(UTC).astimezone()


def _placed(moment: datetime, zone: tzinfo | None) -> datetime:
    """Return a moment without a zone as one of `zone`, or of this computer's zone on that day."""
    if zone is not None:
        return moment.replace(tzinfo=zone)
    try:
        return moment.astimezone()
    except (OverflowError, ValueError, OSError):  # the system knows no zones so far back or ahead
        return moment.replace(tzinfo=UTC)


def _existing(moment: datetime, zone: tzinfo | None) -> datetime:
    """Return the moment, or the one that the clocks show instead where they skip it."""
    try:
        return moment.astimezone(UTC).astimezone(zone)
    except (OverflowError, ValueError, OSError):  # at the ends of the calendar
        return moment


def _zone(name: str) -> tzinfo | None:
    wanted = unicodedata.normalize("NFKD", name.strip()[:80])
    wanted = "".join(c for c in wanted if not unicodedata.combining(c)).removesuffix("时间")
    if not wanted or wanted.lower() in ("local", "本地", "here"):
        return None
    if offset := re.fullmatch(r"(?:UTC|GMT)?\s*([+-])(\d{1,2})(?::?(\d{2}))?", wanted, re.IGNORECASE):
        span = timedelta(hours=int(offset[2]), minutes=int(offset[3] or 0))
        if span <= timedelta(hours=14):
            return timezone_of(span if offset[1] == "+" else -span)
    if city := _CITIES.get(wanted.lower().replace(",", "")):
        return ZoneInfo(city)
    known = _zones()
    key = wanted.lower().replace(" ", "_")
    if key in known:
        return ZoneInfo(known[key])
    near = difflib.get_close_matches(key, known, n=3, cutoff=0.7)
    raise ToolError(
        _("There is no time zone called {name}.").format(name=wanted),
        why=_("Did you mean {names}?").format(names=", ".join(known[n] for n in near)) if near else "",
        fix=_('Give an IANA zone such as "Europe/Oslo", or a large city.'),
    )


@cache
def _zones() -> dict[str, str]:
    """Return every zone by its name and by its last part, in lower case: "tokyo" is Asia/Tokyo."""
    zones = sorted(z for z in available_timezones() if not z.startswith(("posix/", "right/", "SystemV/")))
    by_city = {z.rsplit("/", 1)[-1].lower(): z for z in zones if "/" in z and not z.startswith("Etc/")}
    return by_city | {z.lower(): z for z in zones}


def _parse(text: str, zone: tzinfo | None) -> tuple[datetime, bool]:
    """Return the day or moment that `text` names, and whether it names a time."""
    wanted = text.strip()
    today = _now(zone)
    if wanted.lower() in ("today", "now", "今天", "现在"):
        return today, wanted.lower() in ("now", "现在")
    if wanted.lower() in ("tomorrow", "明天", "yesterday", "昨天"):
        return today + timedelta(days=1 if wanted.lower() in ("tomorrow", "明天") else -1), False
    try:
        if iso := _DATE.match(wanted):
            day = date(int(iso[1]), int(iso[2]), int(iso[3]))
            rest = wanted[iso.end() :].strip(" T")
        else:
            day, rest = _named_day(wanted, today.date()), ""
        moment = time.fromisoformat(rest) if rest else None
    except ValueError as error:
        raise ToolError(
            _("{text} is not a date.").format(text=wanted),
            why=str(error),
            fix=_('Write it as "2026-03-01" or "2026-03-01 14:30".'),
        ) from error
    if moment is None:
        return _placed(datetime.combine(day, time()), zone), False
    if moment.tzinfo is None:
        return _placed(datetime.combine(day, moment), zone), True
    try:  # "14:30+09:00" is a moment of its own, shown in the zone asked for
        return datetime.combine(day, moment).astimezone(zone), True
    except OverflowError as error:
        raise _out_of_range(wanted) from error


def _named_day(text: str, today: date) -> date:
    """Return the day of "March 1, 2026", "1 March", "3月1日"; without a year the next one to come."""
    if found := re.fullmatch(r"(\d{1,2})月(\d{1,2})[日号]?", text):
        month, day, year = int(found[1]), int(found[2]), ""
    elif found := re.fullmatch(r"([A-Za-z]+)\.?\s+(\d{1,2})(?:st|nd|rd|th)?(?:,?\s+(\d{4}))?", text):
        month, day, year = _MONTHS.get(found[1].lower(), 0), int(found[2]), found[3] or ""
    elif found := re.fullmatch(r"(\d{1,2})(?:st|nd|rd|th)?\s+(?:of\s+)?([A-Za-z]+)\.?(?:,?\s+(\d{4}))?", text):
        month, day, year = _MONTHS.get(found[2].lower(), 0), int(found[1]), found[3] or ""
    else:
        raise ValueError(_("no year, month and day"))
    if year:
        return date(int(year), month, day)
    for coming in range(today.year, today.year + 9):  # 29 February may be eight years away
        with suppress(ValueError):
            this = date(coming, month, day)
            if this >= today:
                return this
    return date(today.year, month, day)


def _add(start: datetime, text: str, zone: tzinfo | None) -> tuple[datetime, bool]:
    at, sign, moved_time = 0, 1, False
    months = 0
    span = timedelta()
    while at < len(text.strip()):
        found = _AMOUNT.match(text, at)
        unit = _UNITS.get(found[3].lower()) if found else None
        if not found or unit is None:
            raise ToolError(
                _("{text} is not a span of time.").format(text=text.strip()),
                fix=_('Write it as "45 days", "-2 weeks", "1 year 3 months" or "30天".'),
            )
        sign = -1 if found[1] == "-" else 1 if found[1] == "+" else sign
        amount = sign * int(found[2])
        if unit in ("months", "years"):
            months += amount * (12 if unit == "years" else 1)
        else:
            moved_time = moved_time or unit in ("hours", "minutes", "seconds")
            try:
                span += timedelta(**{unit: amount})
            except OverflowError as error:
                raise _out_of_range(text) from error
        at = found.end()
    try:
        year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
        day = min(start.day, calendar.monthrange(year, month + 1)[1]) if 1 <= year <= 9999 else 0
        moved = _placed(start.replace(tzinfo=None, year=year, month=month + 1, day=day), zone)
        if moved_time:
            # Hours pass in real time: across a change of the clocks too.
            return (moved.astimezone(UTC) + span).astimezone(zone), True
        return _placed(moved.replace(tzinfo=None) + span, zone), False
    except (OverflowError, ValueError) as error:
        raise _out_of_range(text) from error


def _out_of_range(text: str) -> ToolError:
    return ToolError(
        _("{text} leads out of the calendar.").format(text=text.strip()), why=_("It knows the years 1 to 9999.")
    )
