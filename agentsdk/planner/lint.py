"""Refuses a plan that cannot work, and says why, before anything of it runs."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from agentsdk.errors import PlanError
from agentsdk.i18n import _
from agentsdk.plan import ASK, EXTRACT, ITEM, MAP, REDUCE, STEP_KINDS, THINK, Plan, Ref, Step
from agentsdk.planner.arguments import check_arguments
from agentsdk.planner.cost import Cost, cost_of
from agentsdk.planner.fits import ANY, Schema, brought_by, element, made_of, part
from agentsdk.planner.ledger import Ledger
from agentsdk.planner.wanted import wanted
from agentsdk.step import TESTS, Alt, refs_in
from agentsdk.toolbox import Toolbox

MOST_STEPS = 40
MOST_DEPTH = 30
"""Steps that may wait for one another in a row."""

_NEEDED = {THINK: "goal", EXTRACT: "goal", REDUCE: "goal", ASK: "question"}
_ORDERED = ("above", "below", "at_least", "at_most")
_OPTIONS = {REDUCE: {"goal", "running", "tokens"}, ASK: {"question"}}
"""Inputs of the kinds that take no further ones."""
_LOOKS_LIKE_REF = re.compile(r"\$\{?\s*([\w-]+)(?:\.[\w.-]+)?\s*\}?|\{\{?\s*([\w-]+)(?:\.[\w.-]+)?\s*\}?\}")


def lint(plan: Plan, toolbox: Toolbox, known: Collection[str] = (), ledger: Ledger | None = None) -> list[str]:
    """Return one sentence a fault, each naming the step and the mend; none where the plan can run.

    Args:
        known: ids of steps that are done already; a plan may use their results, and not their ids.
        ledger: what the run may still use; None: no limit.

    """
    linter = Linter(toolbox, known, ledger, later=[s.id for s in plan])
    faults = [fault for step in plan for fault in linter.take(step)]
    return faults + linter.end()


def check_plan(plan: Plan, toolbox: Toolbox, ledger: Ledger | None = None) -> None:
    """Do nothing with a plan that can run.

    Raises:
        PlanError: it cannot; `findings` holds a sentence a fault.

    """
    if faults := lint(plan, toolbox, ledger=ledger):
        raise PlanError(_("The plan cannot run."), why="\n".join(faults), findings=faults)


def has_effect(step: Step, toolbox: Toolbox) -> bool:
    """Return whether a step, its fallback or what a map does with each element changes something outside.

    Such a step waits until the whole plan is there; one whose tool needs an approval counts as well.
    """
    names = [step.do, *([step.alt.do] if step.alt else ())]
    if step.do == MAP and MAP not in toolbox:
        try:
            names += [step.body.do, *([step.body.alt.do] if step.body.alt else ())]
        except PlanError:
            return False  # it never runs
    tools = [toolbox.get(name) for name in names if name in toolbox]
    return any(tool.side_effect or tool.needs_approval for tool in tools)


class Linter:
    """Takes a plan's steps one by one, as they stream in: `take` each, and `end` when the plan is whole.

    Args:
        known: ids of steps that are done already.
        ledger: what the run may still use; None: no limit.
        later: ids of all steps, where they are known: only for a better sentence.

    """

    def __init__(
        self,
        toolbox: Toolbox,
        known: Collection[str] = (),
        ledger: Ledger | None = None,
        *,
        later: Collection[str] = (),
    ) -> None:
        self._toolbox = toolbox
        self._ledger = ledger
        self._later = later
        self._before = set(known)
        self._brings: dict[str, Schema] = {}
        self._depth: dict[str, int] = {}
        self._steps: list[Step] = []
        self._cost = Cost()
        self._dear = False

    def free(self, id: str) -> None:
        """Let the next step take an id that is known: it is that step, or stands in its place."""
        self._before.discard(id)

    def take(self, step: Step) -> list[str]:
        """Return the faults of the next step; where there are none it may be started."""
        faults = [*self._order(step), *self._step(step)]
        self._before.add(step.id)
        self._brings.setdefault(step.id, brought_by(step, self._toolbox))
        self._steps.append(step)
        if not faults:
            self._cost += cost_of(step, self._toolbox)
            faults += self._budget(step)
        return faults

    def end(self) -> list[str]:
        """Return the faults of the plan as a whole."""
        if not self._steps:
            return [_("The plan has no steps.")]
        return list(self._unused())

    def _order(self, step: Step) -> Iterator[str]:
        if step.id in self._before or step.id == ITEM:
            yield _("Step {id}: the id is taken; give it another.").format(id=step.id)
        if len(self._steps) == MOST_STEPS:
            yield _(
                "Step {id} is one too many: a plan has at most {most} steps. Use map, or plan less."
            ).format(id=step.id, most=MOST_STEPS)
        depth = 1
        for need in step.needs:
            if need in self._before:
                depth = max(depth, self._depth.get(need, 0) + 1)
                continue
            if need == ITEM:
                fault = _('Step {id}: {{"$": "item"}} stands only inside a map; put the step into one.')
            elif need == step.id:
                fault = _("Step {id} needs itself; use another step's result.")
            elif need in self._later:
                fault = _("Step {id} needs {need}, which comes later; put {need} first.")
            else:
                fault = _("Step {id} needs {need}, and there is no such step. {known}")
            ids = ", ".join(sorted(self._before))
            known = _("Before it there are: {ids}.").format(ids=ids) if ids else _("It is the first.")
            yield fault.format(id=step.id, need=need, known=known)
        self._depth.setdefault(step.id, depth)
        if depth == MOST_DEPTH + 1:
            yield _(
                "Step {id} waits for {most} steps in a row; plan less, and plan again when they are done."
            ).format(id=step.id, most=MOST_DEPTH)

    def _step(self, step: Step) -> Iterator[str]:
        yield from self._fields(step)
        if step.when is not None:
            yield from self._when(step)
        is_map = step.do == MAP and MAP not in self._toolbox
        if is_map or step.over is not None:
            yield from self._over(step)
        if is_map:
            yield from self._map(step)
        else:
            yield from self._inputs(step.id, step, self._typed)
        if step.alt is not None:
            yield from self._alt(step, step.alt, self._typed)

    def _fields(self, step: Step) -> Iterator[str]:
        """Refuse fields that would mean nothing: they are a misunderstanding, and to pass over them hides it."""
        kind = step.do if step.do not in self._toolbox else ""
        if step.over is not None and kind not in (MAP, REDUCE):
            yield _('Step {id}: only map and reduce have "over"; to do {do} for each, write {example}.').format(
                id=step.id, do=step.do, example=f'"do": "map", "in": {{"do": "{step.do}", "in": {{...}}}}'
            )
        if step.most is not None and kind not in (MAP, EXTRACT):
            yield _('Step {id}: only map and extract have "max"; leave it out.').format(id=step.id)
        if step.returns is not None:
            if kind not in (MAP, EXTRACT):
                yield _('Step {id}: only extract has "as"; put an extract step behind it.').format(id=step.id)
            elif kind == MAP and "do" in step.inputs:
                yield _('Step {id}: "as" belongs into the "in" of the map, beside its "do".').format(id=step.id)
            else:
                try:
                    wanted(step.returns, step.id)
                except PlanError as error:
                    yield error.what

    def _when(self, step: Step) -> Iterator[str]:
        when = step.when
        if when is None:
            return
        if fault := self._path(step.id, when.ref):
            yield fault
        for name, value in when.tests.items():
            if name not in TESTS:
                yield _('Step {id}: "when" knows no test {name}. Use one of: {names}.').format(
                    id=step.id, name=name, names=", ".join(TESTS)
                )
            elif name in _ORDERED and (isinstance(value, (bool, list, Mapping)) or value is None):
                yield _('Step {id}: "{name}" compares with a number.').format(id=step.id, name=name)
            elif name == "one_of" and not isinstance(value, (list, tuple, Ref)):
                yield _('Step {id}: "{name}" compares with a list.').format(id=step.id, name=name)
        if not when.tests:
            yield _('Step {id}: "when" has no test; add one of: {names}.').format(
                id=step.id, names=", ".join(TESTS)
            )

    def _over(self, step: Step) -> Iterator[str]:
        if step.over is None:
            yield _('Step {id}: {do} needs "over": a list, or a text.').format(id=step.id, do=step.do)
        elif element(self._made_of(step.over)) is None:
            fault = _('Step {id}: "over" is {what}, and a list or a text is needed.')
            yield fault.format(id=step.id, what=_shown(step.over))
        yield from filter(None, (self._path(step.id, ref) for ref in refs_in(step.over)))

    def _map(self, step: Step) -> Iterator[str]:
        try:
            body = step.body
        except PlanError as error:
            yield error.what
            return
        if body.do in (MAP, ASK) and body.do not in self._toolbox:
            fault = _("Step {id}: a map cannot hold {do}; take a tool, think, extract or reduce.")
            yield fault.format(id=step.id, do=body.do)
            return
        if body.after:
            yield _('Step {id}: inside a map there is no "after"; write it on the map.').format(id=step.id)
        inner = element(self._made_of(step.over)) or ANY

        def typed(ref: Ref) -> Schema:
            return part(inner, ref.path, inner)[0] if ref.step == ITEM else self._typed(ref)

        for ref in refs_in([body.inputs, body.over, body.when.ref if body.when else None]):
            if ref.step == ITEM and (wrong := part(inner, ref.path, inner)[1]):
                yield _("Step {id} uses {ref}: {fault}.").format(id=step.id, ref=ref, fault=wrong)
        if body.when is not None:
            yield from self._when(body)
        yield from self._fields(body)
        yield from self._inputs(step.id, body, typed)
        if body.do == REDUCE and body.over is None:
            yield _('Step {id}: {do} needs "over": a list, or a text.').format(id=step.id, do=REDUCE)
        if body.alt is not None:
            yield from self._alt(body, body.alt, typed)

    def _alt(self, step: Step, alt: Alt, typed: Any) -> Iterator[str]:
        inputs = step.inputs if alt.inputs is None else alt.inputs
        if alt.do in (MAP, ASK) and alt.do not in self._toolbox:
            yield _('Step {id}: "alt" cannot be {do}; take a tool, think or extract.').format(
                id=step.id, do=alt.do
            )
        elif alt.do == step.do and inputs == step.inputs:
            yield _('Step {id}: "alt" is the step itself; name another tool or other inputs.').format(
                id=step.id
            )
        else:
            yield from self._inputs(step.id, Step(step.id, alt.do, inputs, over=step.over), typed)

    def _inputs(self, id_: str, step: Step, typed: Any) -> Iterator[str]:
        yield from self._references(id_, step)
        if step.do in self._toolbox:
            yield from check_arguments(id_, step, self._toolbox.get(step.do), typed)
        elif step.do in _NEEDED:
            needed = _NEEDED[step.do]
            given = step.inputs.get(needed)
            if not given:
                yield _('Step {id}: {do} needs "{needed}".').format(id=id_, do=step.do, needed=needed)
            elif step.do != ASK and not isinstance(given, str):
                # A result is material and never an instruction; as a goal it would be one.
                yield _('Step {id}: "goal" is a text; put what it works on beside it.').format(id=id_)
            extra = [k for k in step.inputs if k not in _OPTIONS.get(step.do, step.inputs)]
            if extra:
                fault = _('Step {id}: {do} takes no "{name}"; it takes: {names}.')
                names = ", ".join(sorted(_OPTIONS[step.do]))
                yield fault.format(id=id_, do=step.do, name=extra[0], names=names)
            tokens = step.inputs.get("tokens", 1) if step.do == REDUCE else 1
            if isinstance(tokens, bool) or not isinstance(tokens, int) or tokens < 1:
                yield _('Step {id}: "tokens" is not a whole number above 0.').format(id=id_)
        elif step.do not in STEP_KINDS:
            yield _unknown(id_, step.do, self._toolbox)

    def _references(self, id_: str, step: Step) -> Iterator[str]:
        for ref in refs_in(step.inputs):
            if ref.step != ITEM and (fault := self._path(id_, ref)):
                yield fault
        for text in _texts(step.inputs):
            found = _LOOKS_LIKE_REF.fullmatch(text.strip())
            if found and (found[1] or found[2]) in {*self._before, ITEM}:
                mend = f'{{"$": "{re.sub(r"[${} ]", "", text)}"}}'
                yield _("Step {id}: {text} is a text; a result is written {mend}.").format(
                    id=id_, text=text.strip(), mend=mend
                )

    def _path(self, id_: str, ref: Ref) -> str | None:
        schema = self._brings.get(ref.step)
        if schema is None or not ref.path:
            return None
        fault = part(schema, ref.path, schema)[1]
        if fault is None:
            return None
        return _("Step {id} uses {ref}: {fault}.").format(id=id_, ref=ref, fault=fault)

    def _typed(self, ref: Ref) -> Schema:
        schema = self._brings.get(ref.step)
        if schema is None:
            return ANY
        return part(schema, ref.path, schema)[0]

    def _made_of(self, value: Any) -> Schema:
        return made_of(value, self._typed)

    def _unused(self) -> Iterator[str]:
        """Name thoughts that nothing uses although a step waits for them.

        What no step waits for is an end of the plan, and the ends are what the answer is made of.
        """
        used = {ref.step for step in self._steps for ref in step.refs}
        waited = {id_: step.id for step in self._steps for id_ in step.after}
        for step in self._steps:
            if step.id in waited and step.id not in used and self._only_brings(step):
                yield _(
                    "Step {id}: {later} waits for it, and nothing uses what it brings. Write {ref} where it is needed,"
                    " or leave the step out."
                ).format(id=step.id, later=waited[step.id], ref=f'{{"$": "{step.id}"}}')

    def _only_brings(self, step: Step) -> bool:
        """Whether a step has no purpose but its result."""
        if step.do in self._toolbox:
            return self._toolbox.get(step.do).pure
        if step.do == MAP:
            try:
                return self._only_brings(step.body)
            except PlanError:
                return False
        return step.do in (THINK, EXTRACT, REDUCE)

    def _budget(self, step: Step) -> list[str]:
        """Refuse the first step with which the plan must cost more than there is."""
        if self._ledger is None or self._dear:
            return []
        fault = self._cost.beyond(self._ledger)
        if fault is None:
            return []
        self._dear = True
        return [_("Step {id} is beyond the budget: {fault}. Plan less.").format(id=step.id, fault=fault)]


def _unknown(id_: str, do: str, toolbox: Toolbox) -> str:
    names = (*toolbox.names, *STEP_KINDS)
    near = difflib.get_close_matches(do, names, 1)
    text = _("Step {id}: there is no tool {do}. {near}Use one of: {names}.")
    hint = _("Did you mean {near}? ").format(near=near[0]) if near else ""
    return text.format(id=id_, do=do, near=hint, names=", ".join(names))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _texts(each)


def _shown(value: Any) -> str:
    return f"⟨{value}⟩" if isinstance(value, Ref) else str(value)[:40]
