"""Questions over documents: every quote in an answer is found in its source, or it is not shown as one."""

from pathlib import Path

from agentsdk import Agent, References

texts = References.from_files(Path(__file__).parent / "texts")
agent = Agent("offline:extract", references=texts, tools=["calculator"])

for question in ("How long is the warranty?", "读者证的有效期是多久？", "Who is the president of France?"):
    answer = agent.run(question)
    print(f"{question}  ->  {answer.status}")
    for citation in answer.citations:
        name = Path(citation.source).name
        print(f"  {name}:{citation.line} [{citation.start}:{citation.end}] {citation.quote} ({citation.check})")
        assert texts.text(citation.source)[citation.start : citation.end] == citation.quote
