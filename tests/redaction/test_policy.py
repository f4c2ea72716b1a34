"""Policies: what is refused, and how one builds on another."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("re2", reason="redaction needs google-re2")

from chronicle_otel.redaction import PolicyError, RedactionError, Redactor, load_policy
from chronicle_otel.redaction.keys import key_name, read_key
from tests.conftest import environment

KEY = b"0" * 32
REFUSED = {
    "unknown name": ("version: 1\nrulez: []\n", "line 2: rulez: unknown; did you mean rules?"),
    "unknown rule": ('version: 1\nrules:\n  - {use: "emial"}\n', "line 3: rules.0.use: 'emial' is none of"),
    "unknown action": ('version: 1\nrules: [{use: "email", action: "erase"}]\n', "rules.0.action: 'erase' is none of"),
    "no version": ("rules: []\n", "`version` is missing"),
    "newer version": ("version: 2\n", "version: 2 is none of 1"),
    "yes": ('version: 1\nrules: [{use: "email", disabled: yes}]\n', "'yes' can be read in more than one way"),
    "date": ("version: 1\non_limit: 2026-01-02\n", "can be read in more than one way"),
    "anchor": ("version: 1\nkeys: &a []\nallow: *a\n", "line 2: anchors and aliases are not allowed"),
    "tag": ("version: 1\nkeys: !!seq []\n", "line 2: tags are not allowed"),
    "twice": ("version: 1\nallow: []\nallow: []\n", "allow: stands twice"),
    "same id twice": ('version: 1\nkeys: [{id: "k", names: ["a"]}, {id: "k", names: ["b"]}]\n', "'k' stands twice"),
    "two documents": ("version: 1\n---\nversion: 1\n", "one document is wanted"),
    "not YAML": ("version: [1\n", "line 2"),
    "word boundary": ('version: 1\nrules: [{id: "r", pattern: "\\\\bx"}]\n', "is not allowed: write classes out"),
    "flag": ('version: 1\nrules: [{id: "r", pattern: "(?i)x"}]\n', "is not allowed"),
    "anchor in a pattern": ('version: 1\nrules: [{id: "r", pattern: "^x"}]\n', "is not allowed"),
    "dot": ('version: 1\nrules: [{id: "r", pattern: "x.*"}]\n', "a bare `.` is not allowed"),
    "look-ahead": ('version: 1\nrules: [{id: "r", pattern: "x(?=y)"}]\n', "is not allowed"),
    "empty match": ('version: 1\nrules: [{id: "r", pattern: "x*"}]\n', "it can match nothing at all"),
    "no pattern": ('version: 1\nrules: [{id: "r", pattern: "(x"}]\n', "RE2 refuses it"),
    "unknown hint": ('version: 1\nkeys: [{id: "k", names: ["a"], hint: "fone"}]\n', "'fone' is no rule of this policy"),
    "network": ('version: 1\nallow: [{type: "ipv4", cidr: "10.0.0.0/33"}]\n', "is no network"),
}


@pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=REFUSED)
def test_a_doubtful_policy_is_refused_with_file_line_and_field(tmp_path: Path, text: str, message: str) -> None:
    """What cannot be meant is named where it stands, before anything is redacted with it."""
    path = tmp_path / "policy.yaml"
    path.write_text(text)
    with pytest.raises(PolicyError) as refusal:
        load_policy(path)
    assert str(path) in str(refusal.value)
    assert message in str(refusal.value)


def test_a_policy_on_top_of_the_default_keeps_its_rules() -> None:
    """`extends` adds to the lists, and an entry of the same name replaces the default's."""
    own: dict[str, Any] = {"version": 1, "extends": "default", "rules": [{"use": "email", "action": "keep"}], "on_limit": "drop"}
    redactor = Redactor(load_policy(own), KEY)
    assert redactor.text("maria@kestrel.de").startswith("maria@")
    assert redactor.text("8.8.8.8") != "8.8.8.8"
    assert redactor.policy.tree["on_limit"] == "drop"


def test_the_id_depends_on_what_is_meant_and_not_on_how_it_is_written(tmp_path: Path) -> None:
    """Comments, order and spelled-out defaults do not change the id of a policy; a rule does."""
    one, two, three = (tmp_path / name for name in ("one.yaml", "two.yaml", "three.yaml"))
    one.write_text('version: 1\nrules: [{use: "email"}]\n')
    two.write_text('# the same\nrules:\n  - use: "email"\non_limit: opaque\nversion: 1\n')
    three.write_text('version: 1\nrules: [{use: "card"}]\n')
    ids = [load_policy(path).id for path in (one, two, three)]
    assert ids[0] == ids[1] != ids[2]


def test_a_short_key_is_refused() -> None:
    """Less than 32 bytes are no key, and the message says how to make one."""
    with pytest.raises(RedactionError, match=r"has 31 bytes, at least 32 are needed.*openssl rand -hex 32"):
        Redactor(load_policy(), b"0" * 31)


def test_keys_come_from_one_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line end of a key file is not part of the key; a missing key is an error."""
    path = tmp_path / "key"
    path.write_bytes(b"k" * 32 + b"\r\n")
    assert read_key(file=path) == b"k" * 32
    monkeypatch.setenv("SOME_KEY", "e" * 40)
    assert read_key(env="SOME_KEY") == b"e" * 40
    monkeypatch.delenv("SOME_KEY")
    with pytest.raises(RedactionError, match="SOME_KEY, which is to hold the redaction key, is not set"):
        read_key(env="SOME_KEY")


def test_without_re2_nothing_is_redacted_by_other_means() -> None:
    """There is no fallback to Python's `re`: the engine refuses to start and names the extra."""
    code = (
        "import sys; sys.modules['re2'] = None\n"
        "from chronicle_otel.redaction import Redactor, load_policy, RedactionError\n"
        "try: Redactor(load_policy(), b'0' * 32)\n"
        "except RedactionError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True)
    assert "pip install 'chronicle-otel[redaction]'" in done.stdout


def test_recognising_own_output_needs_no_engine() -> None:
    """The replayer recognises pseudonyms without RE2 and without a policy."""
    code = (
        "import sys; sys.modules['re2'] = sys.modules['yaml'] = None\n"
        "import chronicle_otel.redaction.recognise as r\n"
        "print(r.is_card('4000002161683857'))"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"


class Names:
    """A hook as somebody would write one: a list of names."""

    def __init__(self, names: list[str]) -> None:
        self._names = names

    def find(self, text: str) -> list[tuple[int, int, str]]:
        return [(text.index(name), text.index(name) + len(name), "PERSON") for name in self._names if name in text]


def test_a_hook_finds_what_has_no_form() -> None:
    """A detector that a policy names is asked about every text; what it finds becomes a token, the same everywhere."""
    hooks = [{"use": f"{__name__}:Names", "options": {"names": ["Zoe Muller"]}}]
    sys.modules.setdefault(__name__, sys.modules[Names.__module__])
    redactor = Redactor(load_policy({"version": 1, "extends": "default", "hooks": hooks}), KEY)
    assert redactor.policy.id.endswith("+py")
    once = redactor.payload('{"text": "日本: Zoë Müller was here"}')
    assert "Müller" not in once
    assert once.startswith('{"text": "日本: chr')
    assert redactor.payload(once) == once


def test_a_hook_that_is_not_there_is_refused() -> None:
    """A misspelt hook is an error at the start, not a hole."""
    with pytest.raises(PolicyError, match="cannot be loaded"):
        Redactor(load_policy({"version": 1, "hooks": [{"use": "no_such_module:Thing"}]}), KEY)


@pytest.mark.parametrize(
    ("env", "file", "name"),
    [(None, None, "CHRONICLE_REDACTION_KEY"), ("OUR_KEY", None, "OUR_KEY"), ("KEY_2", None, "env"), (None, "key.txt", "file")],
)
def test_a_report_names_the_place_of_the_key(env: str | None, file: str | None, name: str) -> None:
    """The variable, if its name is a plain word, or that it was a file: never the path, which may name a person."""
    assert key_name(env, file) == name
