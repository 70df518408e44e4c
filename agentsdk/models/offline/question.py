"""Takes a question apart into the tasks that it sets: calculate, ask the clock, look up, or talk."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from agentsdk.i18n import language_of
from agentsdk.models.offline.calculate import expression_in
from agentsdk.models.offline.concepts import concepts_in
from agentsdk.models.offline.dates import clock_arguments
from agentsdk.models.offline.look_up import query_for

MOST_PARTS = 8

Skill = Literal["calculate", "clock", "look_up", "summarise", "hello", "thanks", "cannot"]
TOOL = {"calculate": "calculator", "clock": "clock", "look_up": "look_up", "summarise": "look_up"}


@dataclass(frozen=True, slots=True)
class Task:
    """One thing that a question asks for."""

    skill: Skill
    part: str
    """The part of the question that sets it."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """For the tool that does it."""

    @property
    def tool(self) -> str:
        """The tool that does it; "" where none is needed."""
        return TOOL.get(self.skill, "")


_HELLO = re.compile(
    r"(?:hi|hello|hey|good (?:morning|day|evening|afternoon)|greetings|help|test|who are you|what are you|what(?:'s| is) your name|"
    r"what can (?:you|i) (?:do|ask)(?: (?:for me|you))?|what do you do|how do (?:you|i) (?:work|use (?:you|this))|are you (?:a |an )?(?:real |language )?(?:model|ai|llm|bot|human|there)|"
    r"how are you(?: doing)?(?: today)?|introduce yourself|你好|您好|嗨|哈喽|早上好|晚上好|在吗|帮助|你是谁|你是什么|你叫什么(?:名字)?|你能做什么|你会(?:做)?什么|你可以做什么|"
    r"你能(?:帮我)?(?:做)?(?:些)?什么|有什么功能|怎么用|你好吗|介绍一下(?:你)?自己)(?:[\s,，]+(?:there|agent|agentsdk|you|啊|呀|吗))*",
    re.IGNORECASE,
)
_THANKS = re.compile(
    r"(?:thanks?(?: you)?(?: very much| a lot)?|bye|goodbye|ok(?:ay)?|谢谢你?|多谢|再见|拜拜|好的?)",
    re.IGNORECASE,
)
_SUMMARY = re.compile(
    r"\bsummar(?:y|ise|ize|ies)\b|\btl;?dr\b|\boverview\b|\bkey points\b|\bmain (?:points|ideas?)\b|"
    r"\bwhat (?:is|does) (?:this|the|that|my) (?:file|document|text|pdf|article|page|handbook|manual)s? (?:about|say)\b|"
    r"总结|摘要|概括|概述|归纳|大意|主要内容|讲了什么|说了什么|要点",
    re.IGNORECASE,
)
_CANNOT = re.compile(
    r"^(?:please |can you |could you |i want you to |help me |请|帮我|给我|替我|麻烦)*\s*(?:to )?(?:translate|write|compose|draft|draw|paint|sing|"
    r"generate|create|code|program|implement|debug|rewrite|paraphrase|rephrase|imagine|pretend|tell me a (?:joke|story)|recommend|suggest|predict|convert|"
    r"翻译|写[一首篇封个段]|写(?:诗|信|文章|代码|作文|邮件)|创作|画|唱|生成|编写|编一|改写|润色|推荐|预测|想象|假装|扮演|讲[一个]*(?:笑话|故事)|作诗|把.{1,200}翻译|.{1,100}用(?:英|中|法|日|德)[文语]怎么说)",
    re.IGNORECASE,
)
_THIS_FILE = re.compile(
    r"\b(?:this|the|that|my|attached) (?:file|document|text|pdf|handbook|manual|page|article|attachment)s?\b|"
    r"(?:这|该|此)(?:个|份|篇|本)?(?:文件|文档|资料|文章|手册|附件|文本)",
    re.IGNORECASE,
)
_COMPARE_EN = re.compile(
    r"(?:compare|(?:what(?:'s| is| are) )?the differences? between|how do(?:es)?|which (?:is|one is|costs?) \w+[,:]?)\s+(.+?)\s+"
    r"(?:and|with|to|vs\.?|versus|or|differ from|compare (?:to|with))\s+(.+?)(?:\s+(?:compare|differ))?$",
    re.IGNORECASE,
)
_VERSUS = re.compile(r"(.+?)\s+(?:vs\.?|versus)\s+(.+)", re.IGNORECASE)
_COMPARE_ZH = re.compile(
    r"(?:比较|对比)(?:一下)?(.+?)(?:和|与|跟|及|同)(.+?)(?:的(区别|差异|不同|异同|.{1,12}))?$"
    r"|(.+?)(?:和|与|跟|同)(.+?)(?:的?(?:区别|差异|不同|异同)(?:是什么|在哪里?|有哪些)?|有(?:什么|何)(?:区别|不同|差异)|(?:相比)?哪个.*|谁.*)$"
)
_PARTS = re.compile(
    r"(?<=[?？!！])\s*|[;；。]\s*|\n+|(?<!\d)(?<!\bDr)(?<!\bMr)(?<!\bMs)(?<!\bMrs)(?<!\bSt)(?<!\bNo)(?<!\b[A-Z])\.\s+(?=[A-Z])|,?\s+(?:and|also|then|plus)\s+(?:also |then )?(?=(?:what|how|when|where|who|which|why|is|are|does|do|can|"
    r"calculate|compute|compare|tell)\b)|[，,]\s*(?=(?:what|how|when|where|who|which|why|calculate|compute|compare)\b)|"
    r"[，,]?\s*(?:以及|还有|另外|并且|同时|然后|再|并)[，,]?\s*|[，,]\s*(?=[^，,]*(?:多少|什么|几|哪|谁|怎|吗|如何|何时))",
    re.IGNORECASE,
)


def tasks_in(question: str) -> list[Task]:
    """Return the tasks that a question sets, in its order; at most MOST_PARTS of them."""
    text = question.strip()[:4000]
    whole = _one(text)
    if whole is not None:
        return [whole]
    pieces = [p.strip(" ,，;；") for p in _PARTS.split(text) if p and p.strip(" ,，;；?？.。!！")]
    parts = _rejoin(pieces)[:MOST_PARTS]
    tasks: list[Task] = []
    for part in parts:
        if compared := _compared(part):
            tasks += [_look_up(p) for p in compared]
        else:
            tasks.append(_one(part) or _look_up(part))
    unique = list({(t.skill, t.part, str(t.arguments)): t for t in tasks}.values())
    # A greeting in front of a question is not a question.
    return [t for t in unique if t.skill not in ("hello", "thanks")] or unique[:1]


def _one(text: str) -> Task | None:
    """Return the task of a text that is one, wholly; None where it is to be looked up, or taken apart."""
    bare = re.sub(r"^(?:hi|hello|hey|你好|您好)[,，!！.。\s]+(?=\S)", "", text, flags=re.IGNORECASE)
    plain = bare.strip(" ,，;；?？.。!！~～")
    if not re.search(r"\w", plain):
        return Task("hello", text)
    if _HELLO.fullmatch(plain):
        return Task("hello", text)
    if _THANKS.fullmatch(plain):
        return Task("thanks", text)
    if (arguments := clock_arguments(plain)) is not None:
        return Task("clock", bare, arguments)
    if expression := expression_in(bare):
        return Task("calculate", bare, {"expression": expression})
    if _CANNOT.search(plain) and not _SUMMARY.search(plain):
        return Task("cannot", text)
    if _SUMMARY.search(plain) and len(_beside_summary(plain)) < 2:
        return Task("summarise", text)
    return None


def _beside_summary(text: str) -> list[str]:
    """Return what a request for a summary names besides the text as a whole."""
    rest = _THIS_FILE.sub(" ", _SUMMARY.sub(" ", text))
    return [c.shown for c in concepts_in(rest) if c.kind != "weak"]


def _look_up(part: str) -> Task:
    return Task("look_up", part, {"query": query_for(part, language_of(part))})


def _compared(part: str) -> list[str]:
    """Return the questions that a comparison falls into, one a thing compared; none where it is no comparison."""
    text = part.strip(" ?？.。!！")
    if found := _COMPARE_EN.fullmatch(text) or _VERSUS.fullmatch(text):
        first, second = found[1].strip(), found[2].strip()
        if of := re.match(r"(.+?\b(?:of|for|in)) (?:the )?(.+)", first):  # the price of A and B
            return [first, second if of[1].split()[-1] in second.split() else f"{of[1]} {second}"]
        return [first, second]
    if found := _COMPARE_ZH.fullmatch(text):
        first, second, what = (found[1], found[2], found[3] or "") if found[1] else (found[4], found[5], "")
        if what and what not in ("区别", "差异", "不同", "异同"):
            return [f"{first}的{what}", f"{second}的{what}"]
        if "的" in first and "的" not in second:
            return [first, second]
        if "的" in second and "的" not in first:
            return [f"{first}的{second.split('的', 1)[1]}", second]
        return [first, second]
    return []


def _rejoin(pieces: Sequence[str]) -> list[str]:
    """Return the parts with those put back that are no question of their own: too little stands in them."""
    parts: list[str] = []
    for piece in pieces:
        if parts and _one(piece) is None and not [c for c in concepts_in(piece) if c.kind != "weak"]:
            parts[-1] = f"{parts[-1]} {piece}"
        else:
            parts.append(piece)
    return parts


def names_a_file(question: str) -> bool:
    """Return whether the question speaks of a text that should be at hand."""
    return bool(_THIS_FILE.search(question) or _SUMMARY.search(question))
