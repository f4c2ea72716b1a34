"""What a live Step gave, against what its counterpart gave when it was recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .. import semconv, values
from .compare import MISSING, Difference, diff, is_items, is_object, without
from .counterparts import Recorded
from .log import Happened, RunLog
from .refusal import raised_by_replay


def compare_outcome(run: RunLog, happened: Happened, r: Recorded, ignore: Sequence[str]) -> None:
    """Compare what a live Step gave with what its counterpart gave, and note where they differ."""
    step = r.step
    damage: Mapping[str, str] = step.damage
    if any(payload in damage for payload in (semconv.OUTPUT, semconv.ERROR, semconv.STREAM)):
        happened.notes.append(("not_recorded", "its recorded outcome is damaged: the live one could not be compared"))
        return
    form = step.form
    if form in (None, "none", "pending"):
        return
    if raised_by_replay(happened.error) and any(h.form == "refused" for h in run.happened):
        return  # that refusal is the divergence; without one it was raised where this log does not reach, as in a child process
    if (
        happened.form == "error"
        or form == "error"
        or (form == "stream" and (step.tree(semconv.ERROR) is not None) != (happened.error is not None))
    ):
        _compare_error(run, happened, r)
        return
    recorded, live = _comparable(step, form, happened)
    found, excuse = run.compared(r, without(recorded, ignore), without(live, ignore))
    if happened.boundary.sdk is not None:
        found = [d for d in found if d.path[:1] == ("body",) or d.path[:1] == ("status",)]
    if found:
        happened.output_kind, happened.output_differences = "output_changed", found
        happened.output_excuse = excuse if happened.boundary.sdk is None else run.excuse(r, found)


def _comparable(step: Any, form: str, happened: Happened) -> tuple[Any, Any]:
    """Both outputs; of streams as far as both were read, for how far a consumer read is no property of the Step."""
    if form != "stream":
        return step.tree(semconv.OUTPUT), happened.output
    decoded: dict[str, Any] = step.stream or {"chunks": [], "end": "abandoned"}
    recorded = [chunk for _, chunk in decoded["chunks"]]
    live = happened.output
    if happened.form == "stream" and is_items(live) and (decoded["end"] != "finished" or happened.cancelled):
        shared = min(len(recorded), len(live))
        return recorded[:shared], live[:shared]
    return recorded, live


def _compare_error(run: RunLog, happened: Happened, r: Recorded) -> None:
    step = r.step
    recorded, live = step.tree(semconv.ERROR), happened.output if happened.form == "error" else None
    if happened.form == "stream" and happened.error is not None:
        live = values.encode_error(happened.error)
    if recorded is not None and live is not None:
        core = ("class", "message", "args", "attributes")
        found = diff({k: recorded[k] for k in core if k in recorded}, {k: live[k] for k in core if k in live})
        if not found:
            return
    elif recorded is None:
        found = [Difference(("error",), "added", MISSING, _brief_error(live)), *_was(step)]
    else:
        found = [
            Difference(("error",), "removed", _brief_error(recorded), MISSING),
            Difference(("output",), "added", MISSING, happened.output),
        ]
    happened.output_kind, happened.output_differences = "error_changed", found
    happened.output_excuse = run.excuse(r, found)


def _was(step: Any) -> list[Difference]:
    tree = step.tree(semconv.OUTPUT)
    return [Difference(("output",), "removed", tree, MISSING)] if tree is not None else []


def _brief_error(facts: Any) -> Any:
    return {k: facts[k] for k in ("class", "message") if k in facts} if is_object(facts) else facts
