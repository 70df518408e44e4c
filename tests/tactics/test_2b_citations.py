"""2b: Instruct the model to answer with citations from a reference text."""

from agentsdk import Agent, References
from agentsdk.testing.scripted import ScriptedModel, call

THINGS = ["kettle", "lamp", "router", "drill", "printer", "脱水机", "电饭锅", "扫地机", "投影仪", "净水器"]
FACTS = [
    ("The {t} is rated at {n} watts and weighs {m} grams.", "rated at {n} watts"),
    ("Clean the {t} every {n} days with a soft, dry cloth.", "Clean the {t} every {n} days"),
    ("A {t} bought in 20{n} is under warranty for {m} months.", "under warranty for {m} months"),
    ("Never open the {t} before {n} minutes have passed.", "Never open the {t} before {n} minutes"),
    ("The {t} was tested {m} times in room {n}.", "tested {m} times in room {n}"),
    ("{t}的额定功率为{n}瓦，重{m}克。", "额定功率为{n}瓦"),
    ("请每隔{n}天用软布擦拭{t}。", "每隔{n}天用软布擦拭{t}"),
    ("{t}自购买之日起保修{m}个月。", "保修{m}个月"),
    ("断电{n}分钟之后才能打开{t}的外壳。", "断电{n}分钟之后才能打开"),
    ("{t}在{n}号房间测试了{m}次。", "{n}号房间测试了{m}次"),
]


def texts() -> tuple[dict[str, str], list[str], list[str]]:
    """Return a text a thing, 100 quotes from them, and the same quotes with a number or a word changed."""
    sources, true, altered = {}, [], []
    for i, thing in enumerate(THINGS):
        lines = []
        for j, (line, quote) in enumerate(FACTS):
            n, m = 11 + 7 * i + j, 1201 + 97 * i + 13 * j
            lines.append(line.format(t=thing, n=n, m=m))
            true.append(quote.format(t=thing, n=n, m=m))
            wrong = quote.format(t=thing, n=n + 500, m=m + 5000)
            altered.append(wrong)
        sources[f"{i}.md"] = f"# {i}\n\n" + "\n\n".join(lines) + "\n"
    return sources, true, altered


def cited(quotes: list[str]) -> tuple[int, int]:
    sources, _true, _altered = texts()
    draft = " ".join(f'So [p1: "{q}"].' for q in quotes)
    model = ScriptedModel([call("look_up", query="watts"), draft, draft])
    answer = Agent(model, references=References.from_texts(sources)).run("What do the texts say?")
    for citation in answer.citations:
        assert sources[citation.source][citation.start : citation.end] == citation.quote
    return len(answer.citations), len(answer.unverified)


def test_a_hundred_true_quotes_are_found_and_none_of_a_hundred_altered_ones_is_accepted() -> None:
    _sources, true, altered = texts()
    assert len(set(true)) == len(set(altered)) == 100
    assert cited(true) == (100, 0)
    assert cited(altered) == (0, 100)


def test_case_width_and_spacing_do_not_hide_a_true_quote() -> None:
    _sources, true, _altered = texts()
    assert cited([q.upper().replace(" ", "  ") for q in true]) == (100, 0)
