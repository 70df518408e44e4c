"""What offline:extract says in its own words, in both languages."""

from __future__ import annotations

HELLO = {
    "en": """I am offline:extract, a small program and not a language model: I understand nothing, I know nothing of
the world, and I never make anything up. I can do four things:

- calculate: "What is 17% of 2,340?"
- dates and times: "What date is 45 days after 2026-03-01?"
- look things up in your texts, by quoting them: agentsdk ask "How long is the warranty?" --ref handbook.md
- say what I cannot do: everything else, such as "Write me a poem".

For a real model add --model openai:gpt-4o-mini, --model dashscope:qwen-plus or --model ollama:llama3.1
(set OPENAI_API_KEY or DASHSCOPE_API_KEY, or start Ollama); `agentsdk models` shows what is reachable.""",
    "zh": """我是 offline:extract，一个小程序，不是语言模型：我并不理解内容，对外界一无所知，也从不编造。我会做四件事：

- 计算：“2340 的 17% 是多少？”
- 日期和时间：“2026-03-01 起 45 天后是几号？”
- 在你的资料里查找并引用原文：agentsdk ask "保修期多长？" --ref 手册.md
- 说明自己做不到的事：其余一切，例如“写一首诗”。

要用真正的模型，请加上 --model openai:gpt-4o-mini、--model dashscope:qwen-plus 或 --model ollama:llama3.1
（先设置 OPENAI_API_KEY 或 DASHSCOPE_API_KEY，或启动 Ollama）；用 agentsdk models 查看当前可用的模型。""",
}

_TEXTS = {
    "thanks": {"en": "You are welcome.", "zh": "不客气。"},
    "cannot": {
        "en": "I cannot do that: I am offline:extract, not a language model. I calculate, tell dates and times, and "
        "quote from your texts. A real model can: add --model openai:gpt-4o-mini, dashscope:qwen-plus or ollama:llama3.1.",
        "zh": "这件事我做不到：我是 offline:extract，不是语言模型，只会计算、回答日期和时间、引用你的资料。"
        "真正的模型可以：请加上 --model openai:gpt-4o-mini、dashscope:qwen-plus 或 ollama:llama3.1。",
    },
    "no_world": {
        "en": "I am offline:extract, not a language model, and know nothing of the world. Give me texts that hold "
        "the answer (--ref FILE), or take a real model (--model openai:gpt-4o-mini).",
        "zh": "我是 offline:extract，不是语言模型，对外界一无所知。请提供包含答案的资料（--ref 文件），"
        "或者换用真正的模型（--model openai:gpt-4o-mini）。",
    },
    "not_in_texts": {
        "en": "The references do not say this, as far as looking for its words can tell.",
        "zh": "就按词语查找的结果看，参考资料中没有提到这一点。",
    },
    "part_not_found": {"en": "The references do not say: {part}", "zh": "参考资料中没有提到：{part}"},
    "which_text": {
        "en": "Which text? Give it with --ref FILE_OR_FOLDER. I cannot summarise, but I can quote its first sentences.",
        "zh": "哪份资料？请用 --ref 文件或文件夹 指定。我不会做摘要，但可以引用它的开头几句。",
    },
    "no_summary": {
        "en": "I cannot summarise: I only quote. The first sentences of its sections:",
        "zh": "我不会做摘要，只会引用。以下是各部分开头的句子：",
    },
    "no_tool": {
        "en": "For this I need the tool {tool}, and it is not at hand.",
        "zh": "这需要用到工具 {tool}，但目前没有提供。",
    },
    "failed": {"en": "{part}: {error}", "zh": "{part}：{error}"},
    "no_more": {
        "en": "There is no budget left for the tools that this needs.",
        "zh": "预算已用完，无法使用所需的工具。",
    },
    "found": {"en": "From the references:", "zh": "参考资料中写道："},
}


def say(key: str, language: str, **values: str) -> str:
    """Return a sentence in the language of the question."""
    return _TEXTS[key][language].format(**values)
