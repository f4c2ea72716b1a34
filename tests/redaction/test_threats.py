"""No hiding place keeps a private value, and nothing harmless is taken for one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.redaction.corpus import cases
from tests.redaction.corpus.cases import CARD, IBAN, MAIL, PHONE, SSN, Case
from tests.redaction.corpus.threats import CASES
from tests.redaction.verdicts import faults

pytest.importorskip("re2", reason="redaction needs google-re2")
from chronicle_otel.redaction import Redactor, load_policy  # only where re2 is installed
from tests.redaction.engine import ENGINE, KEY, OTHER_TENANT

VALUES = (
    MAIL,
    CARD,
    PHONE,
    SSN,
    IBAN,
    "8.8.8.8",
    "2001:4860:4860::8888",
    f"Bearer {cases.JWT}",
    "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_threat(case: Case) -> None:
    """The answer holds no private value in any reading, keeps what it must, and stands still in a second pass."""
    assert faults(ENGINE, case) == []


@pytest.mark.parametrize("value", VALUES)
def test_a_second_pass_of_any_redactor_changes_nothing(value: str) -> None:
    """38: what one redactor wrote is left alone by those with another tenant or key."""
    once = ENGINE.text(f"value {value} end")
    assert once != f"value {value} end"
    assert OTHER_TENANT.text(once) == once
    assert Redactor(load_policy(), key=b"another key of 32 bytes or more.").text(once) == once


@pytest.mark.parametrize("value", VALUES)
def test_tenants_do_not_share_pseudonyms(value: str) -> None:
    """36: the same value becomes something else in another tenant."""
    assert ENGINE.text(value) != OTHER_TENANT.text(value)


def test_an_allowed_address_shields_no_other(tmp_path: Path) -> None:
    """40: an allow list acts on the match, not on the text that holds it."""
    engine = with_policy(tmp_path, 'allow: [{type: "email", value: "help@kestrel.de"}]')
    answer = engine.text(f"from help@kestrel.de to {MAIL}")
    assert answer == f"from help@kestrel.de to {ENGINE.text(MAIL)}"


def test_a_policy_may_spare_ids_that_look_like_cards(tmp_path: Path) -> None:
    """10: a card under a name of an id stays where the policy vetoes it."""
    engine = with_policy(tmp_path, 'keys: [{id: "ids", names: ["message_id"], veto: ["card"]}]')
    given = f'{{"message_id": "{CARD}", "pan": "{CARD}"}}'
    assert engine.payload(given) == given.replace(f'"pan": "{CARD}"', f'"pan": "{ENGINE.text(CARD)}"')


def test_a_match_tells_no_value() -> None:
    """41: what is reported about a find holds its rule and place, never the value."""
    found = ENGINE.find(f"scrubbed {MAIL} and {CARD}")
    assert [match.type for match in found] == ["email", "card"]
    assert "maria" not in repr(found)
    assert CARD not in repr(found)


def test_the_key_is_not_shown() -> None:
    """48: a redactor in a log or a crash report does not show its key."""
    shown = repr(Redactor(load_policy(), key=b"not-to-be-shown-" * 2)) + str(vars(type(ENGINE)))
    assert "not-to-be-shown" not in shown
    assert KEY.decode() not in repr(ENGINE)


def with_policy(folder: Path, line: str) -> Redactor:
    """A redactor whose policy adds one line to the default."""
    path = folder / "policy.yaml"
    path.write_text(f'version: 1\nextends: "default"\n{line}\n')
    return Redactor(load_policy(path), key=KEY, tenant="acme")
