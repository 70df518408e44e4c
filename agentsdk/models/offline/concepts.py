"""Takes a question apart into what an answer must speak of, and measures how far a text does."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from agentsdk.references.words import CJK, stem, terms

Kind = str
""""number", "name", "asked" (the thing asked for), "implied" (by how much, how high), "term", "suffix" or "weak"."""

_WEIGHT = {"number": 2.0, "name": 2.0, "asked": 1.5, "term": 1.0, "suffix": 0.5, "implied": 0.5, "weak": 0.3}


@dataclass(frozen=True, slots=True)
class Concept:
    """Something that an answer must speak of, in any of several words."""

    shown: str
    kind: Kind
    words: frozenset[str]
    """Alternatives: stems and phrases of English, pieces of Chinese text."""

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
    measures: frozenset[str]
    """What its units measure: "€79" is a price although the word does not stand there."""

    @classmethod
    def of(cls, text: str) -> Text:
        """Return `text` made ready."""
        plain = unicodedata.normalize("NFKC", text).lower()
        row = [stem(w) for w in re.findall(r"[^\W_]+(?:['’.+#-][^\W_]+)*|[^\W_]+", plain)]
        parts = [stem(p) for w in row if "-" in w for p in w.split("-")]
        measures = frozenset(group for pattern, group in _UNIT_MARKS if pattern.search(plain))
        return cls(plain, frozenset([*row, *parts]), f" {' '.join(row)} ", measures)


SYNONYM = 0.95
MEASURED = 0.85
"""What a price in a sentence counts for, where the question has the word and the sentence has not."""
DERIVED = 0.8
"""What a word counts for that is made of the other: rent and rental, sponsor and sponsorship."""
_DERIVED = ("al", "ment", "ship", "er", "or", "ation", "ion", "ly", "abl", "ance", "ness", "ing")


def _root(word: str) -> str:
    """Return what a word is made of by an ending, or "" where that is shorter than four letters."""
    ending = next((e for e in sorted(_DERIVED, key=len, reverse=True) if word.endswith(e)), "")
    return word[: -len(ending)] if ending and len(word) - len(ending) >= 4 and word.isascii() else ""


_UNIT_MARKS = [
    (
        re.compile(
            r"[€$£¥]\s?\d|\d\s?(?:[€£¥]|usd\b|eur\b|gbp\b|cny\b|dollars?\b|euros?\b|pounds?\b|yuan\b|francs?\b|cents?\b|yen\b|rupees?\b|kron\w+|pesos?\b|元|块|角)|\bfree\b|"
            r"no charge|costs? nothing|免费"
        ),
        stem("price"),
    ),
    (re.compile(r"\d\s?(?:kg|g|kilograms?|grams?)\b"), "weight"),
    (re.compile(r"\bage[ds]?\b|\d[- ]years?[- ]old|\d (?:or|and) (?:over|older|above)\b|under \d|岁"), "age"),
    (
        re.compile(
            r"\d\s?(?:met(?:re|er)s?|km|kilomet(?:re|er)s?|miles?|yards?|cm|mm)\b|\d\s?(?:米|公里|千米|厘米)"
        ),
        stem("distance"),
    ),
    (re.compile(r"\d\s?(?:mm|cm|m²|inch\w*|square|平方米|公顷|厘米)|\d\s?[x×]\s?\d"), stem("size")),
    (re.compile(r"高[达约度]?\s?\d|\d\s?(?:m|met(?:re|er)s?|feet) (?:high|tall)"), "height"),
    (re.compile(r"长[达约度]?\s?\d|\d\s?(?:k?m|met(?:re|er)s?|feet) long"), "length"),
    (re.compile(r"宽[达约度]?\s?\d|\d\s?(?:m|met(?:re|er)s?|feet) wide"), "width"),
    (re.compile(r"深[达约度]?\s?\d|\d\s?(?:m|met(?:re|er)s?|feet) deep"), "depth"),
    (re.compile(r"\d\s?(?:°c|°f|℃|degrees?\b)"), stem("temperature")),
]


def as_known(concepts: Iterable[Concept], text: Text) -> list[Concept]:
    """Return the concepts with Chinese runs cut into the words that a text knows.

    No dictionary says that 省城坐高铁 is three words; that the texts hold 省城 and 高铁 does. What is left over is a
    word that they do not know, or, where it is one character, a verb before or a suffix behind the known ones.
    """
    found: list[Concept] = []
    for concept in concepts:
        run = concept.shown
        if (
            concept.words != {run}
            or not _is_chinese(run)
            or run in text.plain
            or len(run) < 2
            or run.startswith(_OFFICE)
        ):
            found.append(concept)
            continue
        for piece, known in _pieces(run, text.plain):
            if not known:
                piece = _bare(piece)
            if known or len(piece) > 1:
                found.append(Concept(piece, concept.kind, frozenset({piece})))
            elif piece in _by_word():
                found.append(Concept(piece, "term", _by_word()[piece] | {piece}))
            elif run.endswith(piece) and piece not in _VERBS + _WAYS:  # 打印机 is not 打印
                found.append(Concept(piece, "suffix", frozenset({run[-2:]})))
    return found


_OFFICE = ("副", "代理", "名誉")
_VERBS, _WAYS = "带养坐乘戴买喝吃抽拿放穿看打骑用租", "进出到来去入丢坏断掉叫教做用"


def _bare(piece: str) -> str:
    """Return what an unknown piece speaks of, without a verb before it and a direction behind: 狗, of 带狗进."""
    bare = piece[1:] if len(piece) > 1 and piece[0] in _VERBS else piece
    return bare[:-1] if len(bare) > 1 and bare[-1] in _WAYS else bare


def _pieces(run: str, text: str) -> list[tuple[str, bool]]:
    """Return a run cut, from the left, into the longest pieces of two and more characters that stand in the text."""
    pieces: list[tuple[str, bool]] = []
    at = 0
    while at < len(run):
        end = next((e for e in range(len(run), at + 1, -1) if run[at:e] in text), 0)
        if end:
            pieces.append((run[at:end], True))
            at = end
        elif pieces and not pieces[-1][1]:
            pieces[-1] = (pieces[-1][0] + run[at], False)
            at += 1
        else:
            pieces.append((run[at], False))
            at += 1
    return pieces


def speaks_of(text: Text, concept: Concept) -> float:
    """Return how far the text speaks of the concept: 1 wholly, less for a part of a run of Chinese, 0 not."""
    best = 0.0
    exact = _key(concept.shown.lower())
    for word in concept.words:
        if _is_chinese(word):
            best = max(best, _share_of(word, text.plain))
        elif " " in word:
            best = max(best, 1.0 if f" {word} " in text.phrase else 0.0)
        elif word in text.stems:
            best = 1.0
        elif len(word) >= 7 and word.endswith("y") and word[:-1] in text.stems:
            best = max(best, DERIVED)  # assembly, of assembling
        elif (len(word) >= 4 and any(word + e in text.stems for e in _DERIVED)) or (
            (root := _root(word)) and root in text.stems
        ):
            best = max(best, DERIVED)
        if best >= 1.0 and (word == exact or exact not in concept.words):
            return 1.0
    if concept.words & text.measures:
        best = max(best, MEASURED)
    # The question's own word is better than another for it.
    return min(best, SYNONYM)


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
    if concept.kind not in ("asked", "implied", "term"):
        return []
    chinese = language == "zh"
    exact = _key(concept.shown.lower())
    if _is_chinese(exact) and exact not in _by_word():
        exact = _bare(exact)  # 带狗进 is no word, 狗 is
    for group in _groups():
        if exact in group.keys:
            return [w for w in group.words if _is_chinese(w) == chinese and w not in concept.shown][:count]
    return []


@dataclass(frozen=True, slots=True)
class _Group:
    words: tuple[str, ...]
    keys: frozenset[str]
    """The words as they are compared."""


@cache
def _groups() -> tuple[_Group, ...]:
    text = (Path(__file__).parent / "synonyms.txt").read_text(encoding="utf-8")
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


def _words(name: str) -> list[str]:
    lines = (Path(__file__).parent / name).read_text(encoding="utf-8").splitlines()
    return [word for line in lines if not line.startswith("#") for word in line.split()]


# --- English

_WEAK = frozenset(stem(w) for w in _words("weak_words.en.txt"))
_ASKED = [
    re.compile(p, re.IGNORECASE)
    for p in (
        r"\bwhat(?:'s|’s| is| are| was| were) (?:the |its |his |her |their |our )?((?:[\w-]+ ){0,3}?[\w-]+) (?:of|for|to|in|on|at|between)\b",
        r"\b(?:what|which) ((?:[\w-]+ )?[\w-]+) (?:is|are|does|do|did|was|were|can|must|should|may|will|has|have)\b",
        r"['’]s ((?:[\w-]+ )?[\w-]+)\s*\??$",
        r"\bwho (?:is|was|are|were) (?:the |your |its |their )?((?:[\w-]+ ){0,2}?[\w-]+)(?: (?:of|at|in|for)\b|\s*\??$)",
        r"^\W*who (?!is\b|was\b|are\b|were\b|has\b|can\b|do\b|does\b|did\b|will\b|may\b|must\b|should\b)(\w+)",
        r"\bhow (tall|high|long|wide|deep|heavy|far|fast|old|big|large|hot|cold|bright|loud|strong|often)\b",
        r"\bhow (?:many|much) ((?:[\w-]+ )?[\w-]+) (?:is|are|was|were|does|do|did|can|may|must|should|will|has|have|goes|go|came|took|live|work|fit)\b",
        r"\bhow (?:long|large|big|high|often) (?:is|are|was|were) (?:the |a |an |my |your )?([\w-]+)",
    )
]


def _english(text: str) -> list[Concept]:
    text = re.sub(r"\b(?:takes?|took) place\b", lambda m: " " * len(m[0]), text, flags=re.IGNORECASE)
    tokens = [
        (m[0], m.start())
        for m in re.finditer(
            r"[A-Za-z0-9][A-Za-z0-9_\u00c0-\u024f’'.+#:/-]*[A-Za-z0-9_\u00c0-\u024f+#]|[A-Za-z0-9]", text
        )
    ]  # Latin words of a Chinese question are names
    if not tokens:
        return []
    mixed = bool(re.search(f"[{CJK}]", text))
    asked = {stem(w) for p in _ASKED for m in p.finditer(text) for w in m[1].lower().split()}
    kept = set(terms(text, words=False))
    begins = {0} | {m.end() for m in re.finditer(r"[.?!:]\s+", text)}
    price = bool(
        re.search(
            r"\bhow (?:much|expensive)\b|\bprice\b|\bwhat (?:does|do|did|is|are)\b.*\b(?:cost|fee|price|charge)s?\b",
            text,
            re.IGNORECASE,
        )
    )
    when = bool(re.search(r"\bwhen\b|\b(?:what|which) (?:time|date|day|year|month)\b", text, re.IGNORECASE))
    yes_no = bool(_YES_NO.search(text))
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
            if yes_no and _CASE.match(text, at):
                continue
            number = word.replace(",", "")
            found.append(
                Concept(word, "number", frozenset({word.lower(), number, key, *_number_words(number)}))
            )
        elif mixed or ((word[0].isupper() and at not in begins) or word.isupper()):
            # A name stands for itself alone: another name is another thing.
            found.append(Concept(word, "name", frozenset({key, word.lower()}) | _plain_synonyms(key, word)))
        else:
            kind = "weak" if key in _WEAK or word.lower() == "own" else "asked" if key in asked else "term"
            if price and _by_word().get(key, frozenset()) & _PRICES:
                kind = "implied"  # what it costs must stand in the sentence itself
            elif when and (key in _TIMES or word.lower() in ("start", "starts", "begin", "begins")):
                kind = "weak"
            found.append(Concept(word, kind, _by_word().get(key, frozenset()) | {key}))
    if any(c.kind in ("asked", "term") and c.words.isdisjoint(_SIZES) for c in found):
        # "How large is the deposit?" asks for the deposit; "How large is the Beacon?" for its size.
        found = [Concept(c.shown, "weak", c.words) if stem(c.shown.lower()) in _SIZES else c for c in found]
    if re.search(
        r"\bhow (?:do|can|should|does) (?:i|we|you|one|people) (?:get (?:to|there)|reach|travel to)\b",
        text,
        re.IGNORECASE,
    ):
        found.append(Concept("transport", "asked", _TRANSPORT))
    return _with_phrases(text, found)


_PRICES = frozenset(stem(w) for w in ("price", "cost", "fee"))
_TIMES = frozenset(stem(w) for w in ("time", "date", "day", "year", "month", "hour"))
_TRANSPORT = frozenset({"transport", stem("directions"), "metro", "underground", "tram", "bu", "bus", "walk", "train",
                        "交通", "公交", "地铁", "乘", "步行", "自驾"})  # fmt: skip
_YES_NO = re.compile(
    r"^\W*(?:is|are|do|does|did|can|could|may|must|should|will|has|have)\b|[吗嘛][?？]?$|能否|可否|是否|能不能|可不可以",
    re.IGNORECASE,
)
_CASE = re.compile(
    r"\d[\d.,]*[\s-]*(?:€|euros?|dollars?|pounds?|yuan|years?|days?|weeks?|months?|hours?|kg|km|people|persons?|[元块岁天周年人]|公斤|公里|个月|小时)",
    re.IGNORECASE,
)
"""In a question for yes or no, "an order of 80 euros" is a case that a rule may cover without naming it."""
_SIZES = frozenset(stem(w) for w in ("large", "big", "high", "long", "often"))


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
                found.append(Concept(shown, "asked" if "asked" in kinds else "term", group.keys))
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
    "时速|时代|时刻|时段|有效|有限|有害|有机|所有|会员|会议|年会|要求|主要|重要|需求|应用|应急|现在|存在|在职|行为|作为|迟到|方向|就餐|就业|首都|中国|上课|网上|下载|室内|"
    "国内|售后|个人|成本|时间|小时|时长|超过|过期|最多|最少|最高|最低|最大|最小|更换|更新|功能|智能|能源|能力|还书|归还|还款|偿还|其他|其中|逾期|到期|到货|到达|"
    "前台|后台|对象|本人|本科|中午|下午|上午|上限|下限|内容|前提|后果|以上|以下|以内|以前|以后|于是|位于|高于|低于|和平|温和|与会|参与|或者|向导|为期|"
    "从业|由来|给付|被子|让步|也许|又名|再生|很多|着装|着陆|中学|中心|集中|高中|初中|上市|下架|下单|里程|公里|前往|提前|后勤|之后|个月|个性|种类|种子|是非"
)
_FILLER = re.compile(
    f"({_KEPT})|"
    "请问|卖(?=多少|什么价)|请|可以|这款|该款|那款|告诉我|我想知道|想知道|根据(?:资料|文档|手册|文件|材料)?|按照|是什么|是多少|有多少|有哪些|是哪些|有什么|什么样|什么时候|什么地方|"
    "什么|多少钱|多少|多久|多长时间|多长|多大|多高|多重|多远|多宽|多深|多快|几点|几天|几个|几年|几月|几号|几次|几|哪一年|哪一天|哪年|哪天|哪里|哪儿|哪个|哪些|"
    "(?:星期|周|礼拜)几|一[块份瓶包件]|第?几[种本岁楼层所条项份页张把台名位支辆家座点月号倍]|哪[里国]人|什么样的?|每个?月|每个?年|"
    "哪位|哪|谁|怎么样|怎么办|怎么|怎样|如何|为什么|为何|是否|能否|可否|能不能|可不可以|可以不可以|有没有|是不是|会不会|要不要|需不需要|"
    "何时|何地|何处|何人|能够|需要|应该|必须|吗|呢|吧|啊|的话|的|了|们|一共|总共|一般|通常|大约|大概|我们|你们|他们|我|你|您|他|她|它|这个|那个|这些|那些|"
    "这|那|时候|之间|里面|离(?!开)|距离?|能|会|应|需|要|着|过|和|与|及|或|跟|在|是|有|为|被|把|让|对|于|从|到|向|由|给|以|就|都|也|还|又|再|很|最|更|该|本|其|所|"
    "里|中|上|下|一?[个次种些]|一[年天月页杯张本份件台只条位册副斤碗双晚趟节堂套头间辆把]|时|后|前|内"
)


def _without_fillers(text: str) -> str:
    """Return a question without the words that ask; a word that merely begins with one of them stays."""
    end = 0

    def blank(match: re.Match[str]) -> str:
        nonlocal end
        # 馆内, 地铁上: a place's suffix follows a word. 上海, 中国, 里程: at the start of one it is part of it.
        if match[1] or (match[0] in _SUFFIXES and match.start() == end):
            return match[0]
        end = match.end()
        return " " * len(match[0])

    return _FILLER.sub(blank, text)


_SUFFIXES = frozenset("里中上下后前内")


_ASKED_ZH = [
    ("多少钱", "price"), ("几点", "time"), ("多久", ""), ("多高", "height"),
    ("多重", "weight"), ("多远", "distance"), ("多宽", "width"), ("多深", "depth"), ("多快", "speed"),
    ("多大", "size"), ("在哪", ""), ("谁", ""),
]  # fmt: skip
_WEAK_ZH = frozenset(_words("weak_words.zh.txt"))


COUNTED_ZH = re.compile(
    f"多少(?![天年月周日次元钱米度分秒岁倍页字块]|小时|公里|千米)(?:[个名位本种条辆间台册张座]|平方)?([{CJK}]{{1,6}}?)(?:[?？,，]|$)"
)
"""多少名员工: what is counted."""
_WHEN_ZH = re.compile("几点|什么时候|何时|哪一?[天年]|几月|几号")
_WEAK_RUN = re.compile("|".join(sorted(_WEAK_ZH, key=len, reverse=True)))


def _chinese(text: str) -> list[Concept]:
    if not re.search(f"[{CJK}]", text):
        return []
    found: list[Concept] = []
    rest = text
    for marker, group in _ASKED_ZH:
        if marker in text and group in ("price", "height", "weight", "distance", "width", "depth", "speed"):
            known = _by_word()[_key(group)]
            shown = next(w for g in _groups() if _key(group) in g.keys for w in g.words if _is_chinese(w))
            found.append(Concept(shown, "implied", known))
    last_of = re.search(f"的([{CJK}]{{1,8}}?)(?:是|有|为)?(?:多少|什么|哪|几|怎|谁|吗|[?？]|$)", text)
    asked = last_of[1] if last_of else ""
    if counted := COUNTED_ZH.search(text):
        asked += counted[1]
    doer = re.search(f"谁([{CJK}])(?=[{CJK}]{{2}})", rest)
    if doer and doer[1] in _by_word():  # 谁教少儿编程: 教, and 少儿编程
        found.append(Concept(doer[1], "term", _by_word()[doer[1]] | {doer[1]}))
        rest = rest.replace(f"谁{doer[1]}", "谁 ", 1)
    if re.search("怎么(?:去|到|走|前往)|如何(?:去|到达?|前往)", text):
        found.append(Concept("交通", "asked", _TRANSPORT))
    if what := re.search(f"什么([{CJK}]{{1,4}}?)(?:[?？,，]|$)", text):  # 获得过什么奖
        asked += what[1]
    for match in _chinese_words().finditer(_without_fillers(text)):
        word = match[0]
        begins = word in ("开始", "举行", "举办") and _WHEN_ZH.search(text)
        kind = "weak" if word in _WEAK_ZH or begins else "asked" if word in asked else "term"
        if text[: match.start()].endswith(_OFFICE):  # the deputy is another person
            office = f"{text[match.start() - 1]}{word}"
            found.append(Concept(office, "asked", frozenset({office})))
            continue
        found.append(Concept(word, kind, _by_word()[word] | {word}))
        rest = rest.replace(word, " ", 1)
    if re.search("哪[里国]人", text):  # where somebody comes from
        found.append(Concept("籍贯", "asked", frozenset({"籍贯", "出生", "生于", "祖籍", "人氏"})))
    for run in re.findall(f"[{CJK}]+", _WEAK_RUN.sub(" ", _without_fillers(rest))):
        if len(run) == 1 and run in _by_word():
            found.append(Concept(run, "term", _by_word()[run] | {run}))
            continue
        if (
            len(run) == 1
            and any(c.kind != "implied" for c in found)
            and (run in _SUFFIXES or not asked.endswith(run))
        ):
            continue
        kind = "weak" if run in _WEAK_ZH else "asked" if asked and (run in asked or asked in run) else "term"
        found.append(Concept(run, kind, frozenset({run})))
    return found


def _share_of(run: str, text: str) -> float:
    """Return the share of a Chinese run's characters that stand in the text in pairs, or the run itself."""
    if run in text:
        return 1.0
    if len(run) < 3:
        return 0.0
    covered = [False] * len(run)
    for i in range(len(run) - 1):
        if run[i : i + 2] in text:
            covered[i] = covered[i + 1] = True
    # Squared: 河西分馆 has half of its characters in 河东分馆 and is another thing.
    return (sum(covered) / len(run)) ** 2
