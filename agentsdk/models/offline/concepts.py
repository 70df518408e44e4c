"""Takes a question apart into what an answer must speak of, and measures how far a text does."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from agentsdk.references.words import CJK, stem, terms

Kind = str
""""number", "name", "asked" (the thing asked for), "counted" (how many of what), "term" or "weak"."""

_WEIGHT = {"number": 2.0, "name": 2.0, "asked": 1.5, "counted": 1.5, "term": 1.0, "weak": 0.3}
_ANOTHER_WORD = 0.92


def _read(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Concept:
    """Something that an answer must speak of, in any of several words."""

    shown: str
    kind: Kind
    words: frozenset[str]
    """Alternatives: stems and phrases of English, pieces of Chinese text."""
    said: str = ""
    """The word of the question itself, as it is compared: it counts for more than another for the same thing."""

    @property
    def weight(self) -> float:
        """How much it counts: names and numbers most, verbs that mean little least."""
        return _WEIGHT[self.kind]


@dataclass(frozen=True, slots=True)
class Text:
    """A text made ready for comparing."""

    plain: str
    """NFKC and lower case."""
    stems: frozenset[str]
    phrase: str
    """The stems in a row, between blanks, for phrases."""

    @classmethod
    def of(cls, text: str) -> Text:
        """Return `text` made ready."""
        plain = unicodedata.normalize("NFKC", text).lower()
        row = [stem(w) for w in re.findall(r"[^\W_]+(?:['’.+#-][^\W_]+)*|[^\W_]+", plain)]
        parts = [stem(p) for w in row if "-" in w for p in w.split("-")]
        return cls(plain, frozenset([*row, *parts]), f" {' '.join(row)} ")


def speaks_of(text: Text, concept: Concept) -> float:
    """Return how far the text speaks of the concept: 1 wholly, less for a part of a run of Chinese, 0 not."""
    best = 0.0
    for word in concept.words:
        if _is_chinese(word):
            found = _share_of(word, text.plain)
        elif " " in word:
            found = 1.0 if f" {word} " in text.phrase else 0.0
        else:
            found = 1.0 if word in text.stems else 0.0
        if concept.said and word != concept.said:
            found *= _ANOTHER_WORD
        best = max(best, found)
        if best >= 1.0:
            return best
    if best < 0.6:
        for keys, measure in _MEASURES:
            if concept.words & keys and measure.search(text.plain):
                return 0.9  # "€28" speaks of a price, "42 metres" of a height, without saying so
    return best


_MEASURES: tuple[tuple[frozenset[str], re.Pattern[str]], ...] = tuple(
    (frozenset(keys.split()), re.compile(pattern))
    for keys, pattern in (
        ("pric cost fee", r"[$€£¥￥]\s?\d|\d\s*(?:元|块钱|euros?|pounds?|dollars?|usd|eur|yuan)\b|\d\s*元"),
        (
            "height tall length width depth distanc far siz larg 高度 长度 宽度 深度 距离 尺寸",
            r"\d\s*(?:mm|cm|m|km|met(?:re|er)s?|kilomet\w+|feet|miles?|inch\w*)\b|\d\s*(?:米|厘米|毫米|公里|千米)",
        ),
        ("area 面积", r"\d\s*(?:平方|公顷|亩|hectares?|square|m²|km²)"),
        ("weight weigh heavy 重量", r"\d\s*(?:g|kg|grams?|kilograms?|lbs?|tonnes?)\b|\d\s*(?:克|千克|公斤|吨)"),
        ("temperatur 温度", r"\d\s*(?:°|degrees?|度|℃)"),
        ("spe velocity 速度 时速", r"\d\s*(?:km/h|mph|公里/小时|公里每小时)"),
        (
            "age old 年龄 岁",
            r"\b(?:aged|under|over) \d|\d+ (?:or|and) (?:over|older|under)|\d[- ]years?[- ]old|\d\s*(?:周岁|岁)",
        ),
        ("larg siz high", r"\d\s?%|[$€£¥￥]\s?\d|\d\s*元"),
    )
)


def concepts_in(question: str) -> list[Concept]:
    """Return what an answer to the question must speak of."""
    text = unicodedata.normalize("NFKC", question).strip()[:1000]
    found = [*_chinese(text), *_english(text)]
    unique: dict[frozenset[str], Concept] = {}
    for concept in found:
        known = unique.get(concept.words)
        if known is None or known.weight < concept.weight:
            unique[concept.words] = concept
    return list(unique.values())


def synonyms(concept: Concept, language: str, count: int = 3) -> list[str]:
    """Return a few other words for the concept, in one language, for a search."""
    if concept.kind not in ("asked", "term"):
        return []
    chinese = language == "zh"
    for group in _groups():
        if concept.words & group.keys:
            return [w for w in group.words if _is_chinese(w) == chinese and w not in concept.shown][:count]
    return []


@dataclass(frozen=True, slots=True)
class _Group:
    words: tuple[str, ...]
    keys: frozenset[str]
    """The words as they are compared."""


@cache
def _groups() -> tuple[_Group, ...]:
    text = _read("synonyms.txt")
    groups = []
    for line in text.splitlines():
        if line and not line.startswith("#"):
            words = tuple(w.strip() for w in line.split(","))
            groups.append(_Group(words, frozenset(_key(w) for w in words)))
    return tuple(groups)


@cache
def _by_word() -> dict[str, frozenset[str]]:
    """Return, by word, all words of all groups that it stands in."""
    found: dict[str, set[str]] = {}
    for group in _groups():
        for key in group.keys:
            found.setdefault(key, set()).update(group.keys)
    return {k: frozenset(v) for k, v in found.items()}


@cache
def _chinese_words() -> re.Pattern[str]:
    words = {w for group in _groups() for w in group.words if _is_chinese(w) and len(w) > 1}
    return re.compile("|".join(sorted(words, key=len, reverse=True)))


def _key(word: str) -> str:
    return word if _is_chinese(word) else " ".join(stem(w) for w in word.lower().split())


def _is_chinese(word: str) -> bool:
    return bool(re.match(f"[{CJK}]", word))


# --- English

_WEAK = frozenset(stem(w) for w in _read("weak_words.en.txt").split())
_ASKED = [
    re.compile(p, re.IGNORECASE)
    for p in (
        r"\bwhat(?:'s|’s| is| are| was| were) (?:the |its |his |her |their |our )?((?:[\w-]+ ){0,3}?[\w-]+) (?:of|for|to|in|on|at|between)\b",
        r"\b(?:what|which) ((?:[\w-]+ )?[\w-]+) (?:is|are|does|do|did|was|were|can|must|should|may|will|has|have)\b",
        r"['’]s ((?:[\w-]+ )?[\w-]+)\s*\??$",
        r"\bwho (?:is|was|are|were) (?:the |your |its |their )?((?:[\w-]+ ){0,2}?[\w-]+)(?: (?:of|at|in|for)\b|\s*\??$)",
        r"^\W*who (?!is\b|was\b|are\b|were\b|has\b|can\b|do\b|does\b|did\b|will\b|may\b|must\b|should\b)(\w+)",
        r"\bhow (tall|high|long|wide|deep|heavy|far|fast|old|big|large|hot|cold|expensive|often)\b",
    )
]
_SKIP_ASKED = frozenset(
    ["name", "date", "time", "number", "amount", "kind", "type", "day", "year", "maximum", "minimum"]
)


def _english(text: str) -> list[Concept]:
    tokens = [
        (m[0], m.start()) for m in re.finditer(r"[A-Za-z0-9](?:[A-Za-z0-9_’'.+#-]*[A-Za-z0-9_+#])?", text)
    ]  # Latin words of a Chinese question are names
    if not tokens:
        return []
    mixed = bool(re.search(f"[{CJK}]", text))
    asked = {stem(w) for p in _ASKED for m in p.finditer(text) for w in m[1].lower().split()}
    counted = {stem(m[1].lower()) for m in re.finditer(r"\bhow many ([\w-]+)", text, re.IGNORECASE)}
    kept = set(terms(text, words=False))
    begins = {0} | {m.end() for m in re.finditer(r"[.?!:]\s+", text)}
    found: list[Concept] = []
    for word, at in tokens:
        key = stem(word.lower().replace("’", "'"))
        if word in ("I", "A") or re.fullmatch("I['’].*", word):
            continue
        if word.lower().rstrip("'s") in _CALENDAR:
            found.append(Concept(word, "name", frozenset(_CALENDAR[word.lower().rstrip("'s")])))
            continue
        if key not in kept and word.lower() not in kept and not (word.isupper() and len(word) == 1):
            continue
        if any(c.isdigit() for c in word):
            number = word.replace(",", "")
            found.append(
                Concept(word, "number", frozenset({word.lower(), number, key, *_number_words(number)}))
            )
        elif mixed or ((word[0].isupper() and at not in begins) or word.isupper()):
            # A name stands for itself alone: another name is another thing.
            found.append(Concept(word, "name", frozenset({key, word.lower()}) | _plain_synonyms(key, word)))
        else:
            kind = "weak" if key in _WEAK else "asked" if key in asked else "term"
            kind = "counted" if key in counted and kind != "weak" else kind
            found.append(Concept(word, kind, _by_word().get(key, frozenset()) | {key}, key))
    return _with_phrases(text, found)


def _plain_synonyms(key: str, word: str) -> frozenset[str]:
    """Return synonyms for a capitalised common word, "What is the Price?"; none for what is in no group."""
    return _by_word().get(key, frozenset()) if word[1:].islower() and key in _by_word() else frozenset()


def _with_phrases(text: str, found: list[Concept]) -> list[Concept]:
    """Return the concepts with "phone number", "sick leave" and the like taken as one."""
    row = Text.of(text).phrase
    for group in _groups():
        for key in group.keys:
            if " " in key and f" {key} " in row:
                parts = set(key.split())
                kinds = {c.kind for c in found if c.words & parts}
                found = [c for c in found if not (c.words & parts and c.kind in ("term", "weak", "asked"))]
                shown = next(w for w in group.words if _key(w) == key)
                found.append(Concept(shown, "asked" if "asked" in kinds else "term", group.keys, key))
    return found


_NUMBER_WORDS = dict(
    enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
        ]
    )
)
_NUMBER_ZH = dict(enumerate("零一二三四五六七八九十"))


def _number_words(number: str) -> Iterable[str]:
    if number.isdigit() and int(number) <= 12:
        yield _NUMBER_WORDS[int(number)]
        if int(number) in _NUMBER_ZH:
            yield _NUMBER_ZH[int(number)]


_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_CALENDAR = {
    m: (stem(m), m, m[:3], f"{i}月") for i, m in enumerate(_MONTHS, 1) if m not in ("may", "march")
} | {
    d: (stem(d), d, d[:3], "daily", "every day", f"周{z}", f"星期{z}")
    + (("weekend",) if d in ("saturday", "sunday") else ("weekday",))
    for d, z in zip(_DAYS, "一二三四五六日", strict=True)
}

# --- Chinese

_KEPT = (
    "有效|有限|有害|有机|所有|会员|会议|年会|要求|主要|重要|需求|应用|应急|现在|存在|在职|行为|作为|迟到|方向|就餐|就业|首都|中国|上课|网上|下载|室内|"
    "国内|售后|个人|成本|时间|小时|时长|超过|过期|最多|最少|最高|最低|最大|最小|更换|更新|功能|智能|能源|能力|还书|归还|还款|偿还|其他|其中|逾期|到期|到货|到达|"
    "前台|后台|对象|本人|本科|中午|下午|上午|上限|下限|内容|前提|后果|以上|以下|以内|以前|以后|于是|位于|高于|低于|和平|温和|与会|参与|或者|向导|为期|"
    "从业|由来|给付|被子|让步|也许|又名|再生|很多|着装|着陆|中学|中心|集中|高中|初中|上市|下架|下单|里程|公里|前往|提前|后勤|之后|个月|个性|种类|种子|是非"
)
_FILLER = re.compile(
    f"({_KEPT})|"
    "请问|请|可以|每个月|每月|每天|每周|每年|星期几|周几|礼拜几|这款|该款|那款|告诉我|我想知道|想知道|根据(?:资料|文档|手册|文件|材料)?|按照|是什么|是多少|有多少|有哪些|是哪些|有什么|什么样|什么时候|什么地方|"
    "什么|多少钱|多少|多久|多长时间|多长|多大|多高|多重|多远|多宽|多深|多快|几点|几天|几个|几年|几月|几号|几次|几|哪一年|哪一天|哪年|哪天|哪里|哪儿|哪个|哪些|"
    "哪位|哪|谁|怎么样|怎么办|怎么|怎样|如何|为什么|为何|是否|能否|可否|能不能|可不可以|可以不可以|有没有|是不是|会不会|要不要|需不需要|"
    "何时|何地|何处|何人|能够|需要|应该|必须|吗|呢|吧|啊|的话|的|了|们|一共|总共|一般|通常|大约|大概|我们|你们|他们|我|你|您|他|她|它|这个|那个|这些|那些|"
    "这|那|时候|之间|里面|离(?!开)|距离?|能|会|应|需|要|着|过|和|与|及|或|跟|在|是|有|为|被|把|让|对|于|从|到|向|由|给|以|就|都|也|还|又|再|很|最|更|该|本|其|所|"
    "里|中|上|下|一?[个次种些]|一[年天月页杯张本份件台只条位册块]|时|后|前|内"
)


def _without_fillers(text: str) -> str:
    """Return a question without the words that ask; a word that merely begins with one of them stays."""
    found = _chinese_words()
    at, out = 0, ""
    while at < len(text):
        # A word that is known stays whole, "时速" though "时" asks; else what asks is taken out.
        if (known := found.match(text, at)) and not _FILLER_WHOLE.fullmatch(known[0]):
            out, at = out + known[0], known.end()
        elif filler := _FILLER.match(text, at):
            out, at = out + (filler[1] or " " * len(filler[0])), filler.end()
        else:
            out, at = out + text[at], at + 1
    return out


_FILLER_WHOLE = re.compile("可以|能够|需要|应该|必须")


_ASKED_ZH = [
    ("多少钱", "price"), ("几点", "time"), ("多久", ""), ("多高", "height"),
    ("多重", "weight"), ("多远", "distance"), ("多宽", "width"), ("多深", "depth"), ("多快", "speed"),
    ("多大", "size"), ("在哪", ""), ("谁", ""),
]  # fmt: skip
_WEAK_ZH = frozenset(_read("weak_words.zh.txt").split())


def _chinese(text: str) -> list[Concept]:
    if not re.search(f"[{CJK}]", text):
        return []
    found: list[Concept] = []
    rest = text
    for marker, group in _ASKED_ZH:
        if marker in text and group in ("price", "height", "weight", "distance", "width", "depth", "speed"):
            found.append(Concept(marker, "asked", _by_word()[_key(group)]))
    last_of = re.search(f"的([{CJK}]{{1,8}}?)(?:是|有|为)?(?:多少|什么|哪|几|怎|谁|吗|[?？]|$)", text)
    asked = last_of[1] if last_of else ""
    of_what = text[: last_of.start()] if last_of else ""
    which = re.search(
        f"(?:什么|哪些|哪种|哪个|哪家)(?!时|地|样|意|人|的)([{CJK}]{{1,6}}?)(?:[?？，,。]|$)", text
    )
    asked += which[1] if which else ""
    counting = re.search(
        f"(?:多少|几)(?![点岁月号年天时分])[名个位人张本种家台辆支间条只]?([{CJK}]{{2,6}}?)(?:[?？，,。]|$)",
        text,
    )
    counted = counting[1] if counting and counting[1] not in ("多少", "时间") else ""
    for match in _chinese_words().finditer(_without_fillers(text)):
        word = match[0]
        kind = "weak" if word in _WEAK_ZH else "asked" if word in asked else "term"
        if text[: match.start()].endswith(("副", "代理", "名誉")):  # the deputy is another person
            office = f"{text[match.start() - 1]}{word}"
            found.append(Concept(office, "asked", frozenset({office})))
            continue
        found.append(Concept(word, kind, _by_word()[word] | {word}, word))
        rest = rest.replace(word, " ", 1)
    for run in re.findall(f"[{CJK}]+", _without_fillers(rest)):
        if len(run) == 1 and found and not asked.endswith(run):
            continue
        single = [c for c in run if c in _by_word()] if set(run) & _PLAIN_VERBS and len(run) < 4 else []
        if single:  # 带狗进: of a short run, the one character that means something
            found += [Concept(c, "term", _by_word()[c] | {c}) for c in single]
            continue
        kind = "weak" if run in _WEAK_ZH else "asked" if asked and (run in asked or asked in run) else "term"
        if kind == "term" and of_what and run in of_what:
            kind = "name"  # what the thing asked for belongs to: that of another is no answer
        found.append(Concept(run, kind, frozenset({run}), run))
    return [
        replace(c, kind="counted") if counted and c.kind in ("term", "asked") and c.shown in counted else c
        for c in found
    ]


_PLAIN_VERBS = frozenset("带进来去买卖骑坐开喂养抽吃喝换修用")


def _share_of(run: str, text: str) -> float:
    """Return the share of a Chinese run's characters that stand in the text in pairs, or the run itself."""
    if run in text:
        # 产假 does not stand in 陪产假, nor 会员 in 非会员.
        return 1.0 if re.search(f"(?<![陪非未副无不]){re.escape(run)}", text) else 0.0
    if len(run) < 3:
        return 0.0
    covered = [False] * len(run)
    for i in range(len(run) - 1):
        if run[i : i + 2] in text:
            covered[i] = covered[i + 1] = True
    return sum(covered) / len(run)
