"""5a: Use embeddings-based search to implement efficient knowledge retrieval.

The gold set was written for this test: passages of a shop's handbook in English and Chinese, and questions of which
half use other words than the passage, or the other language. There are no weights here: `Concepts` stands in for a
model, as a table of words that mean the same, so what is measured is our part: cutting, keeping, ranking, fusing.
"""

from pathlib import Path

from langchain_core.embeddings import Embeddings

from agentsdk import Agent, References
from agentsdk.testing.scripted import ScriptedModel, call

HANDBOOK = {
    "shop.md": """# Returns

Goods may be sent back within thirty days, and the money is paid out again.

# Delivery

A parcel is with the customer after two days.

# Warranty

Lamps are repaired free of charge for five years.

# Opening hours

The store is open from nine to six, and closed on Sundays.

# Payment

Invoices are settled by card or transfer.
""",
    "店铺.md": """# 会员

会员积分每年年底清零。

# 停车

地下车库停放车辆，头两小时免费。

# 宠物

导盲犬可以进入店内，其他动物不可以。

# 发票

电子发票在付款后第二天发到邮箱。

# 招聘

应聘者请把简历交到前台。
""",
}

GOLD = [
    ("When are goods sent back?", "thirty days"),
    ("Can I get a refund?", "thirty days"),
    ("退货期限多长", "thirty days"),
    ("How long does shipping take?", "two days"),
    ("快递几天能到", "two days"),
    ("For how long are lamps repaired?", "five years"),
    ("灯坏了保修多久", "five years"),
    ("On which day is the store closed?", "Sundays"),
    ("几点营业", "Sundays"),
    ("Are invoices settled by card?", "transfer"),
    ("会员积分什么时候清零", "清零"),
    ("Do loyalty points expire?", "清零"),
    ("车库停放免费吗", "两小时"),
    ("Where can I park?", "两小时"),
    ("May I bring my dog?", "导盲犬"),
    ("狗能进店吗", "导盲犬"),
    ("电子发票何时发到邮箱", "第二天"),
    ("简历交到哪里", "简历"),
    ("How do I apply for a job?", "简历"),
]

SAME = [
    ("sent back", "return", "refund", "退货", "退款"), ("delivery", "shipping", "parcel", "快递", "配送"),
    ("warranty", "repaired", "保修", "坏"), ("opening", "open", "closed", "营业", "几点"), ("payment", "settled", "card", "付款"),
    ("会员", "积分", "loyalty", "points"), ("停车", "停放", "车库", "park"), ("宠物", "犬", "狗", "动物", "dog", "pet"),
    ("invoice", "发票"), ("招聘", "应聘", "简历", "job", "apply"), ("lamp", "灯"),
]  # fmt: skip


class Concepts(Embeddings):
    model = "concepts"

    def embed_query(self, text: str) -> list[float]:
        return [0.01, *(float(any(word in text.lower() for word in words)) for words in SAME)]

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self.embed_query(text) for text in texts]


def recall(references: References, k: int) -> float:
    found = [any(proof in p.text for p in references.search(question, k)) for question, proof in GOLD]
    return sum(found) / len(GOLD)


def test_search_by_meaning_finds_what_other_words_ask_for_in_both_languages(tmp_path: Path) -> None:
    words = References.from_texts(HANDBOOK)
    both = References.from_texts(HANDBOOK, index=tmp_path, embeddings=Concepts())
    by_words, by_both = recall(words, 2), recall(both, 2)
    assert by_words < 0.7
    assert by_both >= 0.95
    assert recall(both, 1) >= 0.85
    easy = [(q, proof) for q, proof in GOLD if any(proof in p.text for p in words.search(q, 2))]
    assert all(any(proof in p.text for p in both.search(q, 2)) for q, proof in easy), (
        "fusing lost what words find"
    )


def test_an_answer_cites_the_place_that_meaning_found() -> None:
    model = ScriptedModel([call("look_up", query="Where can I park?"), 'Underground [p1: "地下车库停放车辆"].'])
    references = References.from_texts(HANDBOOK, embeddings=Concepts())
    answer = Agent(model, references=references).run("Where can I park?")
    (citation,) = answer.citations
    assert citation.check == "exact"
    assert references.text(citation.source)[citation.start : citation.end] == "地下车库停放车辆"
    assert answer.findings == ()
