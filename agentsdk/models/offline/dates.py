"""Finds what a question asks of the clock, and says what the clock answered."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

_DAY = (
    r"(\d{4}\s*[-/.年]\s*\d{1,2}\s*[-/.月]\s*\d{1,2}\s*[日号]?|\d{1,2}月\d{1,2}[日号]?|today|now|tomorrow|yesterday|"
    r"今天|现在|明天|昨天|(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?\s+\d{1,2}(?:st|nd|rd|th)?(?:,?\s+\d{4})?|"
    r"\d{1,2}(?:st|nd|rd|th)?\s+(?:of\s+)?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?(?:,?\s+\d{4})?|"
    r"christmas(?: day)?|new year(?:'s day)?|valentine'?s day|halloween|国庆节?|元旦|劳动节|五一|圣诞节?|儿童节)"
)
_FEASTS = {
    "christmas": "12月25日", "christmas day": "12月25日", "圣诞": "12月25日", "圣诞节": "12月25日",
    "new year": "1月1日", "new year's day": "1月1日", "元旦": "1月1日", "国庆": "10月1日", "国庆节": "10月1日",
    "劳动节": "5月1日", "五一": "5月1日", "儿童节": "6月1日", "halloween": "10月31日",
    "valentine's day": "2月14日", "valentines day": "2月14日",
}  # fmt: skip
_SPAN_EN = r"((?:a|an|\d+)\s+(?:business )?(?:day|week|month|year|hour|minute)s?(?:,? (?:and )?\d+ (?:day|week|month|year|hour|minute)s?)*)"
_SPAN_ZH = r"((?:\d+\s*(?:天|日|周|星期|个星期|个月|年|小时|分钟))+)"
_PLACE = r"([A-Za-z_]+(?:[ /][A-Za-z_]+){0,3}|[\u4e00-\u9fff]{2,6})"

_POLITE = re.compile(
    r"^(?:(?:please|can you|could you|do you know|tell me|and|so|then|also|请问?|帮我|那么|再|另外|以及|还有|告诉我|我想知道)[\s,，]*)+",
    re.IGNORECASE,
)


def clock_arguments(question: str) -> dict[str, str] | None:
    """Return the arguments for the clock that a question asks for, or None where it asks for something else."""
    text = _POLITE.sub("", question.strip()[:300]).strip(" ?？.。!！")
    for pattern, make in _PATTERNS:
        if found := pattern.fullmatch(text):
            return {k: v for k, v in make(found).items() if v}
    return None


def _day(text: str | None) -> str:
    wanted = (text or "").strip().lower()
    if wanted in ("today", "今天", "now", "现在", ""):
        return ""
    return _FEASTS.get(wanted, (text or "").strip())


def _span(text: str, sign: str = "") -> str:
    plain = re.sub(r"^an?\s", "1 ", text.strip(), flags=re.IGNORECASE)
    return f"{sign}{plain}"


def _moved(match: re.Match[str]) -> dict[str, str]:
    parts = match.groupdict()
    back = parts.get("way") and parts["way"].lower() in (
        "before",
        "ago",
        "earlier than",
        "prior to",
        "前",
        "之前",
        "以前",
    )
    return {"date": _day(parts.get("day")), "add": _span(parts["span"], "-" if back else "")}


def _between(match: re.Match[str]) -> dict[str, str]:
    parts = match.groupdict()
    return {"date": _day(parts.get("first")), "until": _day(parts["last"]) or "today"}


def _named(pattern: str, **names: str) -> re.Pattern[str]:
    """Return the pattern with <day>, <span> and <place> put in under the names given."""
    for name, kind in names.items():
        source = {"day": _DAY, "span_en": _SPAN_EN, "span_zh": _SPAN_ZH, "place": _PLACE}[kind]
        pattern = pattern.replace(f"<{name}>", f"(?P<{name}>{source.removeprefix('(')}", 1)
    return re.compile(pattern, re.IGNORECASE)


_WHICH = r"(?:what|which)(?:'s| is| was| will be| would be)?(?: the)?(?: (?:date|day|weekday|day of the week))?(?: (?:is|was|will be|will it be|is it))?"


def _NOW(_match: re.Match[str]) -> dict[str, str]:  # noqa: N802  # a constant among the makers below
    return {}


_PATTERNS: list[tuple[re.Pattern[str], Callable[[re.Match[str]], dict[str, str]]]] = [
    # the time
    (re.compile(r"what(?:'s| is)? (?:the )?(?:current |local )?time(?: is it)?(?: (?:right )?now)?|current time|time now", re.IGNORECASE), _NOW),
    (re.compile(r"(?:现在|当前)?(?:是|的时间是)?(?:几点钟?|什么时间|什么时候)了?|现在的?时间(?:是多少|是什么)?|几点了", re.IGNORECASE), _NOW),
    (_named(r"what(?:'s| is)? (?:the )?(?:current |local )?time (?:is it )?(?:(?:right )?now )?in <place>(?: (?:right )?now)?", place="place"),
     lambda m: {"timezone": m["place"]}),
    (_named(r"what (?:date|day) is it (?:(?:right )?now |today )?in <place>(?: now| today)?", place="place"),
     lambda m: {"timezone": m["place"]}),
    (_named(r"<place>(?:现在|当前|此刻|的)+(?:时间|几点钟?|是几点钟?)了?(?:是多少|是什么)?", place="place"), lambda m: {"timezone": m["place"]}),
    (_named(r"(?:现在|此刻)<place>(?:是|的时间是)?(?:几点钟?|什么时间)了?", place="place"), lambda m: {"timezone": m["place"]}),
    # today
    (re.compile(r"what(?:'s| is)? (?:the date|today'?s date|the day|the day of the week|today)(?: today| now)?|what (?:date|day)(?: of the week)? (?:is it|is today)(?: today)?", re.IGNORECASE), _NOW),
    (re.compile(r"今天(?:是)?(?:几号|几月几[日号]|多少号|什么日子|哪一?天|星期几|周几|礼拜几|的日期(?:是什么|是多少)?)|今天是?(?:几月几[日号])?(?:，|,)?(?:星期几)?|(?:现在|当前)的?日期(?:是什么|是多少)?", re.IGNORECASE), _NOW),
    # a weekday
    (_named(r"what (?:day|weekday)(?: of the week)? (?:is|was|will be|does|did|is on) (?:it )?(?:on )?<day>(?: fall on| be)?", day="day"),
     lambda m: {"date": _day(m["day"])}),
    (_named(r"(?:on )?(?:what|which) (?:day|weekday)(?: of the week)? (?:does|did|will) <day> fall(?: on)?", day="day"), lambda m: {"date": _day(m["day"])}),
    (_named(r"what(?:'s| is) (?:the )?(?:date )?<day>(?:'s date)?", day="day"), lambda m: {"date": _day(m["day"])}),
    (_named(r"<day>是?(?:星期几|周几|礼拜几|几号|几月几[日号])", day="day"), lambda m: {"date": _day(m["day"])}),
    # so much before or after
    (_named(rf"{_WHICH} <span> (?P<way>from|after|before|since|prior to|earlier than|later than) <day>(?: (?:fall|be))?(?: on)?", span="span_en", day="day"), _moved),
    (_named(rf"{_WHICH} (?:in )?<span>(?: (?P<way>ago|from today|from now|later))?(?: (?:fall|be))?(?: on)?", span="span_en"), _moved),
    (_named(r"(?:when (?:is|was|will be)|date) <span> (?P<way>from|after|before) <day>", span="span_en", day="day"), _moved),
    (_named(r"<span> (?P<way>from|after|before) <day>", span="span_en", day="day"), _moved),
    (_named(r"从?<day>(?:起|开始|算起|往后|再过|过了?|的)?[，,]?<span>(?P<way>之后|以后|后|之前|以前|前)?(?:是|的日期是|是在)?(?:几号|哪一?天|几月几[日号]|什么日子|星期几|周几|哪一天)?", day="day", span="span_zh"), _moved),
    (_named(r"<day>(?P<way>之后|以后|后|之前|以前|前)(?:的|第)?<span>(?:是|的日期是)?(?:几号|哪一?天|几月几[日号]|什么日子|星期几|周几|是哪一天)?", day="day", span="span_zh"), _moved),
    (_named(r"(?:再过|过)?<span>(?P<way>之后|以后|后|之前|以前|前)?(?:是|的日期是)?(?:几号|哪一?天|几月几[日号]|什么日子|星期几|周几|是哪一天)", span="span_zh"), _moved),
    # how long between
    (_named(r"(?:how many days|what is the number of days|the number of days|days) (?:are |is )?(?:there |it )?(?:are )?(?:between|from) <first> (?:and|to|until|till) <last>", first="day", last="day"), _between),
    (_named(r"how (?:many days|long) (?:is it |are there |are left |do we have )?(?:left )?(?:until|till|to|before) <last>", last="day"), _between),
    (_named(r"how many days (?:ago was|since) <first>", first="day"), lambda m: {"date": _day(m["first"]), "until": "today"}),
    (_named(r"从?<first>(?:到|至|和|与|距离?)<last>(?:之间)?(?:一共|总共)?(?:还有|有|相差|相隔|是|差)?(?:多少天|几天|多久)", first="day", last="day"), _between),
    (_named(r"(?:距离?|离|到)<last>(?:还)?(?:有|剩|差)?(?:多少天|几天|多久)", last="day"), _between),
]  # fmt: skip


def say_clock(result: str, arguments: Mapping[str, Any], language: str) -> str:
    """Return what the clock answered as a sentence; its own words where they are not what is expected."""
    try:
        found = json.loads(result)
        day, weekday = found["date"], found["weekday"]
    except (ValueError, TypeError, KeyError):
        return result
    chinese = language == "zh"
    shown = _WEEKDAYS.get(weekday, weekday) if chinese else weekday
    if "days" in found:
        count, last = found["days"], found["until"]
        if chinese:
            return (
                f"从 {day} 到 {last} 共 {count} 天。" if count >= 0 else f"{last} 在 {day} 之前 {-count} 天。"
            )
        unit = "day" if abs(count) == 1 else "days"
        if count < 0:
            return f"{last} was {-count} {unit} before {day}."
        return f"From {day} to {last} it is {count} {unit}."
    if arguments.get("add"):
        start = arguments.get("date") or ("今天" if chinese else "today")
        span = str(arguments["add"])
        back, span = span.startswith("-"), span.lstrip("-+")
        at = f" {found['time'][:5]}" if "time" in found and re.search("hour|minute|小时|分钟", span) else ""
        if chinese:
            return f"{start}{'之前' if back else '之后'} {span}是 {day}{at}（{shown}）。"
        return f"{span} {'before' if back else 'after'} {start} is {shown}, {day}{at}."
    if arguments.get("date"):
        return f"{day} 是{shown}。" if chinese else f"{day} is a {shown}."
    time, zone, offset = found.get("time", "")[:5], found.get("timezone", ""), found.get("utc_offset", "")
    if chinese:
        return f"现在是 {day}（{shown}）{time}，时区 {zone}（UTC{offset}）。"
    return f"It is {time} on {shown}, {day}, in {zone} (UTC{offset})."


_WEEKDAYS = dict(
    zip(
        ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
        ("星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日"),
        strict=True,
    )
)
