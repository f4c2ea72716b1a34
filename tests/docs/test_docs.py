"""Documents promise only what is executed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.docs.samples import check, samples

GUIDES = sorted((ROOT / "docs" / "guides").glob("*.md"))
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *GUIDES]
ELSEWHERE = ("cli.md", "wire-format.md", "collector.md", "jaeger.md", "tempo.md", "vendor.md")
"""Documents whose samples are no commands to run, or need a large build: tests/pipeline/test_guides.py runs those."""


@pytest.mark.parametrize(
    "document", [path for path in DOCUMENTS if path.name not in ELSEWHERE], ids=lambda path: str(path.relative_to(ROOT))
)
def test_samples_run_and_print_what_is_shown(document: Path, tmp_path: Path) -> None:
    """Every console block prints what stands below it, every Python block runs. (CHRONICLE_REFILL=1 writes the outputs anew.)"""
    pytest.importorskip("openai")
    problems = check(document, tmp_path)
    assert not problems, "\n".join(problems)


def test_the_command_line_reference_is_what_the_parsers_say() -> None:
    """docs/cli.md cannot drift: `make docs` writes it."""
    from chronicle_otel.cli.reference import reference

    assert (ROOT / "docs" / "cli.md").read_text() == reference().rstrip() + "\n"


def test_every_verb_of_make_in_the_documents_exists() -> None:
    """What README and CONTRIBUTING tell to type is in the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        verb
        for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md")
        for verb in re.findall(r"\bmake ([a-z-]+)`|^make ([a-z-]+)", path.read_text(), re.MULTILINE)
        for verb in verb
        if verb
    }
    assert named
    assert named <= targets


@pytest.mark.parametrize("document", [*DOCUMENTS, ROOT / "CONTRIBUTING.md"], ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    """Relative links of a document point to files that exist."""
    text = re.sub(r"`[^`\n]*`", "", document.read_text())  # a pattern in code can look like a link
    links = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_python_samples_of_the_readme_are_formatted() -> None:
    """Samples have no line that needs scrolling."""
    long = [
        line
        for sample in samples((ROOT / "README.md").read_text())
        if sample.language == "python"
        for line in sample.text.splitlines()
        if len(line) > 110
    ]
    assert long == []


def test_every_setting_and_option_is_documented() -> None:
    """docs/recording.md names every setting of init, docs/replaying.md every option of a replay."""
    import dataclasses
    import inspect

    import chronicle_otel as chronicle
    from chronicle_otel.settings import Settings

    recording, replaying = [(ROOT / "docs" / f"{name}.md").read_text() for name in ("recording", "replaying")]
    assert [field.name for field in dataclasses.fields(Settings) if f"`{field.name}`" not in recording] == []
    assert [name for name in list(inspect.signature(chronicle.replay).parameters)[1:] if f"| `{name}` |" not in replaying] == []
