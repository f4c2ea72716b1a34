"""Recordings in which pseudonyms stand for private values, replayed against the values themselves."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

import chronicle_otel as chronicle
from chronicle_otel.errors import ReplayError, UsageError

from .conftest import Lab, kinds, levels

pytest.importorskip("re2")
from chronicle_otel.redaction import Redactor, load_policy

ANNA, BEN = "anna.bauer@kestrel.de", "ben.okafor@tern.example.org"
CARD, OTHER_CARD = "4539148803436467", "5555341244441115"
POLICY = load_policy()
KEYED = Redactor(POLICY, b"0" * 32, "acme")


class Desk:
    """An agent that looks customers up and writes to them; what it is told to do differently is set from outside."""

    def __init__(self, lab: Lab) -> None:
        world = lab.world
        self.order = [ANNA, BEN]
        self.amount = 12
        self.card_of = {ANNA: CARD, BEN: OTHER_CARD}
        desk = self

        @chronicle.tool(name="card_of")
        def card_of(email: str) -> dict[str, Any]:
            world.ran.append("card_of")
            return {"card": desk.card_of[email], "pan": int(desk.card_of[email]), email: "known"}

        @chronicle.guardrail(name="ends_well")
        def ends_well(card: str) -> bool:
            return card.endswith("67")

        @chronicle.llm(name="model")
        def model(prompt: str, amount: int, facts: list[Any]) -> str:
            return world.answers(f"wrote to {prompt.split()[-1]}")

        @chronicle.agent(name="desk")
        def run(customers: list[str], check: bool = False) -> list[str]:
            said: list[str] = []
            for email in desk.order:
                facts = card_of(email)
                good = ends_well(facts["card"]) if check else True
                answer = model(f"Card {facts['card']}, <{email}> -> {email}", desk.amount, [facts])
                said.append(f"{good} {answer}")
            return said

        self.run = run


@pytest.fixture
def desk(lab: Lab) -> Desk:
    return Desk(lab)


def around(run: Any, desk: Desk, **options: Any) -> Any:
    """Replay around a call with the real values."""
    with chronicle.replaying(run, live=["tool"], **options) as replay:
        desk.run([ANNA, BEN])
    return replay.result


def test_the_recording_holds_nothing_private(lab: Lab, desk: Desk) -> None:
    """With `init(redact=…)` no private value reaches the file, and the recording says who redacted it."""
    run = lab.record(desk.run, [ANNA, BEN], redact=KEYED)
    text = (lab.folder / "1.jsonl").read_text()
    assert [value for value in (ANNA, BEN, CARD, OTHER_CARD) if value in text] == []
    assert run.checks.kinds() == {"redacted"}


def test_the_entry_is_replayed_with_its_pseudonyms(lab: Lab, desk: Desk) -> None:
    """Where everything is answered, pseudonyms meet pseudonyms: the run is reproduced without any key."""
    run = lab.record(desk.run, [ANNA, BEN], redact=KEYED)
    desk.order = run.root.input["customers"]
    result = lab.replay(run, desk.run)
    assert (result.verdict, levels(result)) == ("reproduced", ["card_of exact", "model exact"] * 2)


def test_a_real_value_is_equal_to_its_pseudonym(lab: Lab, desk: Desk) -> None:
    """Real values, as texts, numbers and member names, get the answers that were recorded for their pseudonyms."""
    run = lab.record(desk.run, [ANNA, BEN], redact=KEYED)
    result = around(run, desk)
    assert (result.verdict, levels(result), lab.world.ran) == ("reproduced", ["model alias"] * 2, ["card_of"] * 2)


def test_each_person_gets_what_was_said_to_them(lab: Lab, desk: Desk) -> None:
    """A value stands for one pseudonym in the whole run, so another order confuses nobody."""
    run = lab.record(desk.run, [ANNA, BEN], redact=KEYED)
    recorded = run.root.output
    desk.order = [BEN, ANNA]
    with chronicle.replaying(run, live=["tool"]) as replay:
        said = desk.run([ANNA, BEN])
    assert [kind for kind in kinds(replay.result) if kind != "output_changed at desk"] == []
    assert said == recorded[::-1]


def test_with_the_key_comparison_is_exact(lab: Lab, desk: Desk) -> None:
    """Given the redactor, live values are redacted before they are compared."""
    run = lab.record(desk.run, [ANNA, BEN], redact=KEYED)
    result = around(run, desk, redactor=KEYED)
    assert (result.verdict, levels(result)) == ("reproduced", ["model exact"] * 2)


def test_a_key_changes_nothing_where_nothing_was_redacted(lab: Lab, desk: Desk) -> None:
    """A recording that holds the values themselves is compared with the values themselves."""
    run = lab.record(desk.run, [ANNA, BEN])
    result = around(run, desk, redactor=KEYED)
    assert (result.verdict, levels(result)) == ("reproduced", ["model exact"] * 2)


def test_another_key_is_refused(lab: Lab, desk: Desk) -> None:
    """A redactor that did not redact the run cannot compare with it."""
    run = lab.record(desk.run, [ANNA, BEN], redact=KEYED)
    with pytest.raises(UsageError, match="did not redact run"):
        around(run, desk, redactor=Redactor(POLICY, b"1" * 32, "acme"))


def test_a_real_change_beside_pseudonyms_diverges(lab: Lab, desk: Desk) -> None:
    """Pseudonyms hide no other difference, and do not clutter its report."""
    run = lab.record(desk.run, [ANNA, BEN], redact=KEYED)
    desk.amount = 13
    result = around(run, desk)
    assert result.verdict == "diverged"
    changed = [d for d in result.divergences if d.kind == "input_changed"]
    assert [[difference.place for difference in d.diff] for d in changed] == [["amount"], ["amount"]]


def test_a_value_of_another_type_diverges(lab: Lab, desk: Desk) -> None:
    """Only a card can stand where a card's pseudonym does."""
    run = lab.record(desk.run, [ANNA, BEN], redact=KEYED)
    desk.card_of = {ANNA: "1000000000", BEN: OTHER_CARD}
    assert "output_changed at card_of" in kinds(around(run, desk))


def test_a_mask_is_not_what_a_pseudonym_stands_for(lab: Lab, desk: Desk) -> None:
    """A tool that saw the real value and now gives what no redactor would have replaced has changed."""
    run = lab.record(desk.run, [ANNA, BEN], redact=KEYED)
    desk.card_of = {ANNA: "4539000000006467", BEN: OTHER_CARD}
    result = around(run, desk)
    assert (result.verdict, kinds(result)[0]) == ("diverged", "output_changed at card_of")


def test_two_values_behind_one_pseudonym_cannot_be_judged(lab: Lab, desk: Desk) -> None:
    """Where another person's card comes from the same place, nobody can tell that it is another's."""
    run = lab.record(desk.run, [ANNA, ANNA], redact=KEYED)
    desk.order = [ANNA, ANNA]
    run = lab.record(desk.run, [ANNA, ANNA], redact=KEYED)
    cards = iter([CARD, OTHER_CARD] * 9)
    desk.card_of = type("Cards", (), {"__getitem__": lambda self, email: next(cards)})()
    result = around(run, desk)
    assert result.verdict == "cannot_judge"
    assert "stands for several values" in " ".join(result.obstacles)


def test_what_depends_on_a_pseudonym_cannot_be_judged(lab: Lab, desk: Desk) -> None:
    """A check of the last digits says something else of a pseudonym: cause redaction, not a divergence of the code."""
    run = lab.record(desk.run, [ANNA, BEN], True, redact=KEYED)
    desk.order = run.root.input["customers"]
    result = lab.replay(run, desk.run)
    assert result.verdict == "cannot_judge"
    assert ("output_changed at ends_well", "redaction") in [(f"{d.kind} at {d.step.name}", d.cause) for d in result.divergences]


def test_a_number_that_looks_replaced_swallows_no_other(lab: Lab) -> None:
    """Where no redactor says that it replaced numbers, 9999 is 9999."""
    limit = [9999]

    @chronicle.tool(name="spend")
    def spend(limit: int, owner: str) -> str:
        return "ok"

    @chronicle.agent(name="root")
    def root() -> str:
        return spend(limit[0], ANNA)

    run = lab.record(root, redact=KEYED)
    limit[0] = 1000
    with chronicle.replaying(run) as replay, contextlib.suppress(ReplayError):
        root()
    assert replay.result.verdict == "diverged"


def test_a_token_hides_a_whole_value(lab: Lab) -> None:
    """What a name gives away is a token in the recording; any live text may stand behind it, the same one throughout."""

    @chronicle.tool(name="greet")
    def greet(first_name: str, text: str) -> str:
        return f"greeted {first_name}"

    @chronicle.agent(name="root")
    def root(first_name: str) -> str:
        return greet(first_name, "hello")

    run = lab.record(root, "Anna", redact=KEYED)
    with chronicle.replaying(run) as replay:
        root("Anna")
    assert (replay.result.verdict, levels(replay.result)) == ("reproduced", ["greet alias"])
