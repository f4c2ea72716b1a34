"""Tell the whole story by running it: an agent loses $190,000, is recorded, replayed, fixed, and gets a test.

It takes some seconds, needs the openai SDK and pytest but no network and no key, and leaves its files to look at.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

from .terminal import paint, print_json, say

HELP = "tell the whole story by running it, offline"
EXAMPLES = ("chronicle demo", "chronicle demo story", "chronicle demo --files-only")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "folder", metavar="FOLDER", nargs="?", default="chronicle-demo", help="where to leave the files (default: chronicle-demo)"
    )
    parser.add_argument("--files-only", action="store_true", help="only write the agent's files, to go through the steps by hand")
    parser.add_argument("--json", action="store_true", help="print the steps, their commands and outputs as JSON")


def execute(options: argparse.Namespace) -> int:
    """Play the story; 1 if a step did not come out as it should."""
    from importlib.util import find_spec

    from ..demo import story
    from ..errors import UsageError

    missing = [name for name in ("openai", "pytest") if find_spec(name) is None]
    if missing:
        raise UsageError(f"demo: {' and '.join(missing)} not installed; pip install 'chronicle-otel[demo]'")
    folder = Path(options.folder)
    story.prepare(folder)
    if options.files_only:
        say(f"The agent is in {folder}.")
        return 0

    told = 0

    def begin(step: int, text: str, command: str) -> None:
        nonlocal told
        if options.json:
            return
        if step != told:
            print(paint(f"\n── {step} ─ {_TITLES[step]} " + "─" * (70 - len(_TITLES[step])), "bold"))
            told = step
        say(f"\n{text}\n")
        print(paint("$ ", "dim") + paint(command, "cyan"), flush=True)

    wrong: list[story.Scene] = []
    played: list[story.Scene] = []
    for scene in story.scenes(folder, begin):
        played.append(scene)
        if not options.json:
            say(scene.output)
        if scene.exit_code != scene.expected:
            wrong.append(scene)
    if options.json:
        print_json({"folder": str(folder), "ok": not wrong, "scenes": [dataclasses.asdict(scene) for scene in played]})
    elif wrong:
        say(f"\nThis did not come out as it should: {wrong[0].command} ended with {wrong[0].exit_code}, not {wrong[0].expected}.")
    else:
        say(f"\nAll of it is in {folder}: the agent before and after, the recording, the test. Read them, change agent.py, replay again.")
    return 1 if wrong else 0


_TITLES = {1: "record", 2: "look", 3: "replay", 4: "fix", 5: "promote to a test"}
