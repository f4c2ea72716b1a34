"""The text report: verdict, what really ran, then each divergence with its place, both sides, its cause and what to do."""

from __future__ import annotations

import collections
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from .. import values
from .compare import MISSING, Difference
from .readable import readable
from .result import NO_VALUE, Divergence, Note, Result
from .volatile import mask_volatile

Paint = Callable[[str, str], str]
"""(text, role) → text; roles: good, bad, warn, dim, strong, old, new."""

_SHOWN_DIFFERENCES: Final = 8
_WINDOW: Final = 60
_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_MEANING: Final = {
    "reproduced": "the code still does what was recorded",
    "diverged": "the code and the recording disagree",
    "failed": "the run raised, and the recorded one did not",
    "fixed": "the assertion was false on the recording and is true on this code",
    "still_failing": "the assertion is false on this code",
    "cannot_judge": "the recording is not good enough to say",
    "cannot_reproduce": "the entry could not be started",
}
_ROLE: Final = {"reproduced": "good", "fixed": "good", "diverged": "bad", "failed": "bad", "still_failing": "bad"}


def plain(text: str, role: str) -> str:
    """No colour."""
    return text


def clean(text: str) -> str:
    """Escape what a terminal would obey: recorded data is anybody's."""
    return _CONTROL.sub(lambda m: f"\\x{ord(m.group()):02x}" if ord(m.group()) < 256 else f"\\u{ord(m.group()):04x}", text)


def render(result: Result, paint: Paint = plain) -> str:
    """Write the report of a replay."""
    lines = list(_head(result, paint))
    if result.results:
        for each in result.results:
            lines += ["", *_body(each, paint)]
        covered = {id(d) for each in result.results for d in each.divergences}
        rest = [d for d in result.divergences if id(d) not in covered]
        lines += _divergences(rest, paint)
    else:
        lines += _body(result, paint, headed=False)
    return "\n".join(lines).rstrip() + "\n"


def _head(result: Result, paint: Paint) -> Iterable[str]:
    verdict = result.verdict.replace("_", " ").upper()
    yield paint(f"{verdict}", _ROLE.get(result.verdict, "warn")) + f": {_MEANING[result.verdict]}"
    if result.results:
        yield f"  {len(result.results)} runs of {clean(result.entry)}"
    for obstacle in result.obstacles:
        yield "  " + paint("obstacle: ", "warn") + clean(obstacle)
    for warning in result.warnings:
        yield "  " + paint("warning: ", "warn") + clean(warning)


def _body(result: Result, paint: Paint, *, headed: bool = True) -> list[str]:
    lines: list[str] = []
    if headed:
        lines.append(paint(f"run {result.run}: {result.verdict}", "strong"))
    else:
        lines.append(f"  run {result.run} of {clean(result.entry)}")
    lines += _what_ran(result, paint)
    lines += _divergences(result.divergences, paint)
    lines += _notes(result.notes, paint)
    lines += _end(result, paint)
    return lines


def _what_ran(result: Result, paint: Paint) -> list[str]:
    lines = ["", paint("What really ran", "strong")]
    live = collections.Counter(
        f"{r.kind} {r.name}" + (" (new)" if r.added else " (code changed)" if r.code_changed else "") for r in result.ran_live
    )
    lines.append("  live      " + (_counted(live) or "nothing"))
    levels: dict[str, collections.Counter[str]] = {}
    for s in result.served:
        marks = (", ambiguous" if s.ambiguous else "") + (", stale" if s.stale else "")
        levels.setdefault(s.level + marks, collections.Counter())[f"{s.step.kind} {s.step.name}"] += 1
    if not levels:
        lines.append("  answered  nothing")
    for at, (level, names) in enumerate(levels.items()):
        lines.append(("  answered  " if at == 0 else "            ") + f"{level}: {_counted(names)}")
    if result.refused:
        lines.append("  refused   " + _counted(collections.Counter(f"{s.kind} {s.name}" for s in result.refused)))
    if result.unused:
        lines.append("  left over " + _counted(collections.Counter(f"{s.kind} {s.name}" for s in result.unused)))
    return lines


def _counted(names: collections.Counter[str]) -> str:
    return clean(", ".join(name + (f" \u00d7{count}" if count > 1 else "") for name, count in names.items()))


def _divergences(divergences: Sequence[Divergence], paint: Paint) -> list[str]:
    if not divergences:
        return []
    lines = ["", paint(f"{len(divergences)} divergence" + ("s" if len(divergences) > 1 else ""), "strong")]
    for number, d in enumerate(divergences, 1):
        lines += _divergence(number, d, paint)
    return lines


def _divergence(number: int, d: Divergence, paint: Paint) -> list[str]:
    where = f"step {d.step.seq}" if d.step.recorded else f"step {d.step.seq} of the replay, not in the recording"
    lines = [f"  {number}. " + paint(d.kind, "bad") + f"  {clean(str(d.step))} ({where})" + (f", {d.count} times" if d.count > 1 else "")]
    if d.text:
        lines.append(
            f"     {clean(d.text)}"
            + (" (stale: the answer was given to another question)" if d.stale and d.kind == "input_changed" else "")
        )
    if d.kind == "unexpected_step" and d.nearest is not None:
        lines.append(f"     nearest recorded: {clean(str(d.nearest))} (step {d.nearest.seq}), {d.likeness:.0%} alike; it differs at")
    elif d.kind == "unexpected_step" and d.live is not NO_VALUE:
        lines.append("     asked: " + paint(_short(d.live, 160), "new"))
    elif d.kind == "missing_step" and d.recorded is not NO_VALUE:
        lines.append("     recorded: " + paint(_short(d.recorded, 160), "old"))
    for difference in d.diff[:_SHOWN_DIFFERENCES]:
        lines += _difference(difference, paint)
    if len(d.diff) > _SHOWN_DIFFERENCES:
        lines.append(f"       … and {len(d.diff) - _SHOWN_DIFFERENCES} more places")
    if d.cause:
        lines.append("     cause: " + clean(d.cause))
    action = _action(d)
    if action:
        lines.append(paint(f"     next: {clean(action)}", "dim"))
    return lines


def _action(d: Divergence) -> str:
    name = f"{d.step.kind}:{d.step.name}"
    if d.step.kind == "network":
        return f'allow it with allow_net=["{d.step.name}"], or make the call a boundary'
    if d.kind == "unexpected_step" and d.step.kind == "agent":
        return "record a run of it, and replay that one too"
    if d.kind == "unexpected_step" and d.step.kind == "effect":
        return (
            "record the run again with this code, or let it act on the world with "
            f'live=["{name}"], allow_effects=True (--live {name} --allow-effects)'
        )
    if d.kind == "unexpected_step":
        return f'run it with live=["{name}"] (--live {name}), or record the run again with this code'
    if d.kind == "not_recorded":
        return "record the run again; the record holds no more than this"
    if d.kind == "missing_step" and d.step.seq == 1:
        return "see that the entry is called while the replay is active"
    if d.kind == "missing_step" and not (d.cause or "").startswith("follows"):
        return "if the call is no longer needed, record the run again"
    if d.kind == "input_changed" and d.stale:
        answers = "the model says" if d.step.kind == "llm" else "it answers"
        return f"what follows rests on an answer to another question; only a new recording shows what {answers} now"
    return ""


def _difference(d: Difference, paint: Paint) -> list[str]:
    where = clean(d.place)
    if d.op == "changed" and isinstance(d.recorded, str) and isinstance(d.live, str) and len(d.recorded) + len(d.live) > _WINDOW:
        old, new = _windows(d.recorded, d.live)
        return [f"       {where}", "         - " + paint(old, "old"), "         + " + paint(new, "new")]
    if d.recorded is MISSING:
        return [f"       {where}: " + paint(f"added {_short(d.live, 160)}", "new")]
    if d.live is MISSING:
        return [f"       {where}: " + paint(f"gone {_short(d.recorded, 160)}", "old")]
    old, new = _short(d.recorded, 100), _short(d.live, 100)
    if len(old) + len(new) > 90:
        return [f"       {where}", "         - " + paint(old, "old"), "         + " + paint(new, "new")]
    return [f"       {where}: " + paint(old, "old") + " → " + paint(new, "new")]


def _windows(old: str, new: str) -> tuple[str, str]:
    """Cut two long texts to the part around their first and last difference; times and ids differ too, and are not it."""
    shown = old, new
    masked = mask_volatile(old), mask_volatile(new)
    if masked[0] != masked[1] and len(masked[0]) == len(old) and len(masked[1]) == len(new):
        old, new = masked
    first = next((at for at, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    shared = min(len(old), len(new)) - first
    last = next((at for at in range(shared) if old[-1 - at] != new[-1 - at]), shared)
    begin = max(0, first - 30)
    return _cut(shown[0], begin, len(old) - last + 30), _cut(shown[1], begin, len(new) - last + 30)


def _cut(text: str, begin: int, end: int) -> str:
    end = min(end, begin + 240)
    return ("…" if begin else "") + clean(values.dumps(text[begin:end]))[1:-1] + ("…" if end < len(text) else "")


def _short(tree: Any, limit: int) -> str:
    text = clean(readable(tree))
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _notes(notes: Sequence[Note], paint: Paint) -> list[str]:
    if not notes:
        return []
    grouped: dict[tuple[str, str, str | None], list[str]] = {}
    for note in notes:
        grouped.setdefault((note.kind, note.text, note.cause), []).append(str(note.step))
    lines = ["", paint("Notes", "strong")]
    for (kind, text, cause), steps in grouped.items():
        named = ", ".join(steps[:4]) + (f" and {len(steps) - 4} more" if len(steps) > 4 else "")
        lines.append(clean(f"  {kind}: {named}: {text}" + (f" (cause: {cause})" if cause and cause != "ambient" else "")))
    return lines


def _end(result: Result, paint: Paint) -> list[str]:
    outcome = result.outcome
    lines = ["", paint("Outcome", "strong")]
    if not outcome.ended:
        lines.append("  the run did not come to an end")
    elif outcome.error is not None:
        lines.append("  raised " + paint(clean(f"{type(outcome.error).__qualname__}: {outcome.error}")[:400], "bad"))
    else:
        lines.append(f"  returned {_short(result.outcome_tree, 200)}")
    if outcome.stale:
        names = ", ".join(str(step) for step in outcome.stale[:4]) + (
            f" and {len(outcome.stale) - 4} more" if len(outcome.stale) > 4 else ""
        )
        lines.append("  " + paint("not a valid answer of this code: ", "warn") + clean(f"it rests on stale answers ({names})"))
    if result.assertion is not None:
        recorded, replayed = result.assertion
        lines.append(f"  assertion: {_holds(recorded)} on the recording, {_holds(replayed)} on this code")
    return lines


def _holds(value: bool) -> str:
    return "true" if value else "false"
