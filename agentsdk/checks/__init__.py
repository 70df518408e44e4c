"""What an answer must be: checks for `Agent(checks=[...])`, and the shape that own ones have.

    Agent("openai:gpt-4o-mini", checks=[Length(max_words=80), Facts(["30 days"]), polite])

    def polite(candidate: Candidate) -> str | None:
        return None if "please" in candidate.text else "Say please."

Checks are code: none asks the model whether its own answer is good. Faults of all of them go back to the model once;
the better draft is kept, and what remains is a finding of the answer.
"""

from agentsdk.checks.check import Candidate, Check, Fault, On, Verdict
from agentsdk.checks.count import Counted, count
from agentsdk.checks.facts import Facts
from agentsdk.checks.form import Format
from agentsdk.checks.length import Length
from agentsdk.checks.private import Private
from agentsdk.checks.second import Rule, SolveThenCompare, UntilDry
from agentsdk.checks.sourced import Sourced

__all__ = [
    "Candidate",
    "Check",
    "Counted",
    "Facts",
    "Fault",
    "Format",
    "Length",
    "On",
    "Private",
    "Rule",
    "SolveThenCompare",
    "Sourced",
    "UntilDry",
    "Verdict",
    "count",
]
