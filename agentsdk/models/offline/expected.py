"""Tells what kind of thing a question asks for, a date, a price, a person, and whether a sentence holds one."""

from __future__ import annotations

import re
from dataclasses import dataclass

from agentsdk.references.words import CJK


@dataclass(frozen=True, slots=True)
class Expected:
    """What kind of thing a question asks for, and whether a sentence holds one."""

    kind: str
    test: re.Pattern[str]

    def holds(self, sentence: str) -> bool:
        """Whether a sentence holds such a thing."""
        return self.test.search(" ".join(sentence.split())) is not None


_DIGIT = re.compile(
    r"\d|\b(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fifteen|twenty|thirty|forty|fifty|"
    r"sixty|ninety|hundred|thousand|million|half|once|twice|third|dozen|daily|weekly|monthly|yearly|annually|every|each|free|no)\b|"
    r"[〇一二两三四五六七八九十百千万亿半每]|免费|终身",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"\d|noon|midnight|morning|evening|afternoon|night|daily|every|always|spring|summer|autumn|winter|\b(?:mon|tues|wednes|thurs|fri|satur|sun)day|"
    r"\b(?:january|february|march|april|may|june|july|august|september|october|november|december)\b|century|before|after|during|"
    r"[一二三四五六七八九十]+[年月日号点天]|早上|中午|下午|晚上|凌晨|每|周|星期|世纪|年|月|日|后|前|期间|随时|全天",
    re.IGNORECASE,
)
_PLACE = (
    r"\b(?:street|road|avenue|lane|square|floor|quay|located|situated|lies?|stands?|behind|beside|opposite|next to|near|above|below|between|"
    r"upstairs|downstairs|box|cupboard|desk|console|header|cabinet|https?|@)\b|\b(?:at|in|on|to|from) (?:the |a |an )?(?:\d+ )?"
    r"(?!mon|tues|wednes|thurs|fri|satur|sun|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]|"
    r"位于|坐落|在|放入|放在|存放|路|街|号|楼|层|区|市|省|侧|旁|处|柜|网|官网|@"
)
_SPAN = (
    r"\b(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?|decades?|century|centuries|nights?|lifetime|forever|permanent\w*|"
    r"met(?:re|er)s?|km|kilomet(?:re|er)s?|cm|mm|feet|foot|miles?|inch(?:es)?|characters?|words?|pages?|digits?)\b|"
    r"[秒分时天日周月年米页字位]|小时|公里|终身|永久|长期|期满|为止"
)
_SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔"
    "白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文骆温岑祁柳陶鲁葛韦俞穆"
)
_WHO_ZH = (
    rf"(?:^|[是由为叫，、。；：（“|]|[长师员家人商监理任者授诗手州官匠队])[{_SURNAMES}][{CJK}]{{1,2}}|(?:欧阳|司马|上官|诸葛|慕容)[{CJK}]|"
    r"[甲乙丙]方|公司|委员会|部门|总监|主管|主任|经理|家长|监护人|老师|教师|管理员|负责人|[局处会组部院](?:负责|主办|主持|承办|解释|审批|批准)|本人|[买卖业雇东]家|业主|雇主"
)
"""The hundred commonest surnames of the census of 2020 and some more, where a name can begin; and who acts in rules."""
_EXPECTED: list[tuple[re.Pattern[str], str, re.Pattern[str]]] = [
    (re.compile(p, re.IGNORECASE), kind, re.compile(test, 0 if kind == "who" else re.IGNORECASE))
    for p, kind, test in (
        (r"^\W*when (?:was|were|did)\b|\bwhat year\b|\bwhich year\b|哪一?年|何年", "year", r"\b\d{3,4}\b|century|\d\s*年|世纪"),
        (r"^\W*when\b|\bwhen (?:is|was|were|are|does|do|did|will|can|must|should)\b|\bwhat (?:date|year|day|time|month)\b|\bwhich (?:date|year|day|month)\b|什么时候|何时|哪一?年|哪一?天|几月|几号|几点|日期|哪个月", "when", _TIME.pattern),
        (r"\bhow long\b|多久|多长时间|多长", "how long", _SPAN),
        (r"\b(?:tele)?phone\b|\bhotline\b|\bcall(?:ed)? (?:on|at)\b|电话|手机号|热线", "phone", r"\d[\d\s()+–-]{3,}\d"),
        (r"\be-?mail\b|邮箱|电子邮件|邮件地址", "email", r"\S+@\S+\.\w|@"),
        (r"\b(?:url|web address|homepage|(?:address of|what is|what\'s|which is) (?:the|your|its|their)? ?web ?site)\b|网站地址|网址|官网是|官网地址", "url", r"https?://|www\.|\w\.(?:com|org|net|cn|io|example)\b"),
        (r"^\W*where\b|\bwhere (?:is|are|do|does|can|was|were)\b|在哪|哪里|哪儿|何处|什么地方|地址", "where", _PLACE),
        (r"\bhow old\b|几岁|多大年纪|年龄", "age", r"\b\d+[- ]years?\b|\bage|\bborn\b|岁|出生|年龄"),
        (r"\bhow (?:much|expensive)\b.*\b(?:cost|price|pay|charge|fee|is|are)\b|\bprice\b|\bcosts?\b|\bfees?\b|多少钱|价格|费用|售价|收费", "price", _DIGIT.pattern + r"|gratis|no charge"),
        (r"\bhow (?:many|much|old|tall|high|far|heavy|fast|deep|wide|large|big|hot|often|soon)\b|多少|多久|多长|多高|多重|多远|多大|多宽|多深|多快|几[个天年次点号位人名本张条元月周小]", "how many", _DIGIT.pattern),
        (r"^\W*who(?:m|se)?\b|\b(?:and|by|to|from|of) whom?\b|谁|哪位|何人", "who", rf"(?<=[a-z,;:] )[A-Z][a-z]+|\b(?:Mr|Mrs|Ms|Dr|Prof)\b|(?i:\b(?:team|staff|manager|director|teacher|mayor|committee|department|owner|parent|principal|head|author|architect|company|council|office)\w*)|{_WHO_ZH}"),
    )
]  # fmt: skip


def expected_in(question: str) -> Expected | None:
    """Return what kind of thing the question asks for, or None where any sentence may answer."""
    for pattern, kind, test in _EXPECTED:
        if pattern.search(question):
            return Expected(kind, test)
    return None
