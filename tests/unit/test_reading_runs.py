"""Runs: the tree of Steps with decoded values, whatever order, copies and gaps their spans came in."""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path
from typing import Any

import pytest

from chronicle_otel import reading, semconv, values, wire
from chronicle_otel.errors import RecordedError
from tests.unit import spans
from tests.unit.spans import line, root, run_start, span_id, step, write

IN, OUT = semconv.INPUT, semconv.OUTPUT


@pytest.fixture
def load(tmp_path: Path) -> Any:
    """Read spans as the only ones of a file."""
    return lambda *written: reading.load(write(tmp_path / "a.jsonl", [line(each) for each in written]))


def test_a_run_is_what_was_recorded(load: Any) -> None:
    """Entry, session variables, resource, values and parents of a small Run."""
    run = load(root(2, flagged=("loss",)), step(2, payloads={IN: {"symbol": "ACME", "on": values.to_tree(dt.date(2026, 1, 2))}, OUT: 190}))
    assert (run.id, run.session, run.flagged, run.root.output) == (spans.RUN, {"user": "u1"}, ("loss",), "sold")
    assert run.entry == reading.Entry("agent", "agent.run", "agent", "run", "agent.py", 3, "d", "m")
    price = run.calls("price")[0]
    assert (price.seq, price.kind, price.index, price.parent, run.root.children) == (2, "tool", 0, run.root, [price])
    assert (price.input, price.output, price.error, price.form) == ({"symbol": "ACME", "on": dt.date(2026, 1, 2)}, 190, None, "value")
    assert run.checks.ok


def test_order_does_not_matter(load: Any) -> None:
    """Spans in any order give the same Run; `index` counts by kind in order of start."""
    written = [root(6), *(step(seq, kind="tool" if seq % 2 else "llm") for seq in range(2, 7))]
    random.Random(3).shuffle(written)
    assert [(each.seq, each.kind, each.index) for each in load(*written).steps] == [
        (1, "agent", 0), (2, "llm", 0), (3, "tool", 0), (4, "llm", 1), (5, "tool", 1), (6, "llm", 2),
    ]  # fmt: skip


def test_spans_of_others_between_a_step_and_its_parent(load: Any) -> None:
    """A Step's parent is the nearest Step above it, however many other spans are between."""
    between = [spans.span(f"{number:016x}", f"{number - 1:016x}" if number > 1 else span_id(2)) for number in range(1, 5)]
    run = load(root(3), step(2), *between, step(3, parent_span=f"{4:016x}"))
    assert run.steps[2].parent is run.steps[1]


def test_a_named_parent_wins(load: Any) -> None:
    """`chronicle.parent` is believed where the parent span is another."""
    assert load(root(3), step(2), step(3, parent=2)).steps[2].parent.seq == 2


@pytest.mark.parametrize("fields", [{"parent": 9}, {"parent": 2}, {"parent_span": "f" * 16}])
def test_a_step_without_a_parent_hangs_below_the_root(load: Any, fields: dict[str, Any]) -> None:
    """A parent that is missing, or the Step itself, is replaced by the root, and that is a finding."""
    run = load(root(2), step(2, **fields))
    assert run.steps[1].parent is run.root
    assert run.checks.kinds() == {"orphan"}


def test_parents_in_a_ring(load: Any) -> None:
    """Steps that claim to be each other's parent are still a tree."""
    run = load(root(3), step(2, parent=3), step(3, parent=2))
    assert sorted(each.seq for each in _below(run.root)) == [2, 3]


def _below(top: Any) -> list[Any]:
    return [found for child in top.children for found in (child, *_below(child))]


def test_a_killed_process_leaves_a_partial_run(load: Any) -> None:
    """Without the root span, inputs and session come from the run-start span, and what ended is there."""
    run = load(run_start(), step(2))
    assert (run.partial, run.root.input, run.session, run.entry.qualname) == (True, {"task": "sell"}, {"user": "u1"}, "run")
    assert (run.root.kind, run.root.name, run.root.form, run.steps[1].parent) == ("agent", "agent.run", "none", run.root)
    assert run.checks.kinds() == {"partial"}


def test_only_steps_are_left(load: Any) -> None:
    """With root and run-start lost there is still something to look at."""
    run = load(step(2), step(3))
    assert [each.seq for each in run.steps] == [1, 2, 3]
    assert not run.checks.ok


def test_the_run_start_span_is_no_step(load: Any) -> None:
    """A complete Run does not count its run-start span, which its root refers to."""
    complete = root(1, payloads={IN: wire.make_ref(0, IN, []), OUT: None}, run_start=span_id(0))
    run = load(run_start(), complete)
    assert ([each.seq for each in run.steps], run.root.input, run.root.output, run.root.form) == ([1], {"task": "sell"}, None, "value")
    assert run.checks.ok


def test_references_are_resolved(load: Any) -> None:
    """A history that was stored once is whole in every Step."""
    first = {"messages": [{"role": "user", "content": "hello"}]}
    second = {"messages": [wire.make_ref(2, IN, [0], 0, 1), {"role": "assistant", "content": "hi"}]}
    run = load(root(3), step(2, payloads={IN: first}), step(3, payloads={IN: second}))
    assert run.steps[2].input == {"messages": [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "hi"}]}


def test_references_to_another_run(tmp_path: Path) -> None:
    """A reference may lead into another Run of the same source, even if that one leads back."""
    other = "e" * 32
    there = step(1, run=other, trace="e" * 32, kind="agent", steps=1, payloads={IN: ["there", wire.make_ref((spans.RUN, 1), IN, [])]})
    here = root(1, payloads={IN: [wire.make_ref((other, 1), IN, [0]), wire.make_ref((other, 1), IN, [1])]})
    run = reading.load(write(tmp_path / "a.jsonl", [line(here), line(there)]), spans.RUN)
    assert run.root.input[0] == "there"
    assert not values.replayable(run.root.tree(IN))


def test_a_streamed_answer(load: Any) -> None:
    """The output of a generator is the list of its chunks; how it ended and when chunks came is kept."""
    stream = wire.encode_stream([(1, "a"), (5, "b")], end="closed", consumed=2)
    only = load(root(2), step(2, payloads={IN: {}, semconv.STREAM: stream})).steps[1]
    assert (only.form, only.output, only.stream["chunks"], only.stream["end"]) == ("stream", ["a", "b"], [[1, "a"], [5, "b"]], "closed")


def test_a_streamed_answer_of_an_sdk(load: Any) -> None:
    """The output of an SDK's stream is status and headers with the events."""
    stream = wire.encode_stream([(1, {"data": {"a": 1}})], end="finished", consumed=1, head={"status": 200, "headers": {}, "attempts": []})
    only = load(root(2), step(2, payloads={IN: {}, semconv.STREAM: stream})).steps[1]
    assert only.output == {"status": 200, "headers": {}, "attempts": [], "events": [{"data": {"a": 1}}]}


@pytest.mark.parametrize(
    ("payloads", "form"),
    [
        ({OUT: 1}, "value"),
        ({OUT: None}, "value"),
        ({semconv.ERROR: {"class": "builtins:ValueError", "message": "no"}}, "error"),
        ({semconv.ERROR: {"class": "asyncio.exceptions:CancelledError", "message": ""}}, "pending"),
        ({semconv.STREAM: {"texts": [], "frames": [], "events": []}}, "stream"),
        ({IN: {}}, "none"),
    ],
)
def test_forms_of_outcomes(load: Any, payloads: dict[str, Any], form: str) -> None:
    """A Step says how it ended: value, error, stream, cancelled from outside, or unknown."""
    assert load(root(2), step(2, payloads=payloads)).steps[1].form == form


def test_an_error_is_an_exception(load: Any) -> None:
    """What was raised can be raised again; a class that is not loaded is a RecordedError."""
    written = [
        step(2, payloads={semconv.ERROR: values.encode_error(KeyError("a"))}),
        step(3, payloads={semconv.ERROR: {"class": "gone:Declined", "message": "m"}}),
    ]
    _, first, second = load(root(3), *written).steps
    assert repr(first.error) == "KeyError('a')"
    assert isinstance(second.error, RecordedError)


def test_session_variables_are_inherited(load: Any) -> None:
    """A Step holds the changes only; what is in force is all of it."""
    inner = [step(2, payloads={semconv.SESSION: {"user": "u2", "rag": ["a"]}}), step(3, parent=2)]
    assert load(root(3), *inner).steps[2].session == {"user": "u2", "rag": ["a"]}


def test_a_nested_run_of_another_service(tmp_path: Path) -> None:
    """A Run that another service's Step called says which."""
    nested = step(
        1, run="e" * 32, kind="agent", name="other", steps=1, payloads={IN: {}, OUT: 1, semconv.RUN_PARENT: [spans.RUN, span_id(2)]}
    )
    nested["spanId"] = "e" * 16
    found = reading.runs(write(tmp_path / "a.jsonl", [line(root(2), step(2)), line(nested)]))
    assert {run.id: run.parent for run in found} == {spans.RUN: None, "e" * 32: (spans.RUN, span_id(2))}


# ---- what a Run is worth ---------------------------------------------------------------------------


def kinds(run: reading.Run) -> list[tuple[str, int | None]]:
    return [(finding.kind, finding.step) for finding in run.checks.findings]


def test_missing_steps_are_named(load: Any) -> None:
    """Steps that the root counted and the source does not have are findings, by number."""
    run = load(root(5), step(2), step(4))
    assert kinds(run) == [("missing_step", 3), ("missing_step", 5)]
    assert run.checks.findings[0].message.startswith("Step 3 of 5 is missing: its span was lost or dropped on the way")


def test_late_steps_are_not_counted(load: Any) -> None:
    """A Step that started after its root had ended is there and is no gap."""
    run = load(root(2), step(2), step(3, late=True))
    assert (run.steps[2].late, run.checks.ok) == (True, True)


def test_a_truncated_payload_is_never_used(load: Any) -> None:
    """A payload that a store has cut is damage of its Step; the Step has no output."""
    run = load(root(2), step(2, payloads={OUT: "x" * 3_000}, changes={OUT: "x" * 2_048}))
    only = run.steps[1]
    assert (only.damage, only.form, only.output) == ({OUT: "truncated: 2048 of 3002 bytes"}, "none", None)
    assert kinds(run) == [("truncated", 2)]


def test_a_payload_that_is_no_json(load: Any) -> None:
    """A payload of the right size that does not parse is damage, too."""
    run = load(root(2), step(2, payloads={OUT: "abc"}, changes={OUT: '{"a":'}))
    assert run.steps[1].form == "none"
    assert kinds(run) == [("truncated", 2)]
    assert "not JSON" in run.checks.findings[0].message


def test_a_lost_source_is_an_unresolved_reference(load: Any) -> None:
    """What only a lost Step held is unknown, and the finding names both Steps."""
    run = load(root(3), step(3, payloads={IN: [wire.make_ref(2, IN, [])], OUT: 1}))
    assert kinds(run) == [("missing_step", 2), ("unresolved", 3)]


def test_outputs_that_cannot_be_served_are_lossy(load: Any) -> None:
    """A tool whose result nobody could encode cannot be answered from the recording; a live step need not be."""
    broken = {OUT: {"$chronicle.type": ["?", {"type": "db:Cursor", "repr": "<Cursor>"}]}}
    run = load(root(3), step(2, payloads=broken), step(3, kind="step", payloads=broken))
    assert kinds(run) == [("lossy", 2)]
    assert "an object of type db:Cursor that could not be recorded" in run.checks.findings[0].message


def test_redaction_is_told_and_takes_nothing(load: Any) -> None:
    """A redacted Run is as good as any; two keys in one Run are not."""

    def redacted(kcv: str) -> Any:
        return {semconv.REDACTION: {"v": 1, "passes": [{"policy": "p1", "kcv": kcv}]}}

    one = load(root(2, payloads={IN: {}, **redacted("k1")}), step(2, payloads={OUT: 1, **redacted("k1")}))
    assert (kinds(one), one.checks.ok) == ([("redacted", None)], True)
    two = load(root(2, payloads={IN: {}, **redacted("k1")}), step(2, payloads={OUT: 1, **redacted("k2")}))
    assert (kinds(two), two.checks.ok) == ([("redacted", None), ("mixed_keys", None)], False)


def test_crossings_that_belong_to_no_run(load: Any) -> None:
    """Crossings that could not be told apart between two open Runs are a finding."""
    assert kinds(load(root(1, lost=3))) == [("lost", None)]


# ---- copies ----------------------------------------------------------------------------------------


def test_equal_copies_are_one(load: Any) -> None:
    """A span that was sent twice is one Step, without a word."""
    run = load(root(2), step(2), step(2), root(2))
    assert ([each.seq for each in run.steps], run.checks.ok) == ([1, 2], True)


@pytest.mark.parametrize("first", [0, 1])
def test_the_whole_copy_wins(load: Any, first: int) -> None:
    """Of two differing copies the one whose sizes fit is used, in either order, and the difference is named."""
    whole = step(2, payloads={OUT: "x" * 3_000})
    copies = [whole, step(2, payloads={OUT: "x" * 3_000}, changes={OUT: "x" * 2_048})]
    run = load(root(2), copies[first], copies[1 - first])
    assert run.steps[1].output == "x" * 3_000
    assert kinds(run) == [("duplicate_differs", 2)]


@pytest.mark.parametrize("first", [0, 1])
def test_the_redacted_copy_wins(load: Any, first: int) -> None:
    """Of two whole copies the redacted one is used."""
    copies = [step(2, payloads={OUT: "bob@corp.com"}), step(2, payloads={OUT: "x@example.com", semconv.REDACTION: {"policy": "p"}})]
    assert load(root(2), copies[first], copies[1 - first]).steps[1].output == "x@example.com"


def test_a_step_with_a_number_below_zero(load: Any) -> None:
    """A span that claims to be Step -1 is named and skipped; it does not take the root's place."""
    run = load(root(2), step(2), step(-1))
    assert (run.root.seq, [s.seq for s in run.steps], run.session) == (1, [1, 2], {"user": "u1"})
    assert "claims to be Step -1" in str(run.checks)


def test_two_spans_with_one_number(load: Any) -> None:
    """Two different spans that claim one number are a finding; the Run still loads."""
    run = load(root(2), step(2), {**step(2), "spanId": "d" * 16})
    assert kinds(run) == [("duplicate_differs", 2)]
