"""`chronicle replay` on the trading incident, as a user runs it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.conftest import Chronicle

HARMLESS = "all(order.input['quantity'] <= 6 for order in calls('submit_order'))"


def test_the_incident_is_reproduced_without_network_or_key(chronicle: Chronicle, incident: Path) -> None:
    """The recorded entry is configured, so the command needs nothing but the recording; exit code 0."""
    done = chronicle("replay", "recording.jsonl")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("REPRODUCED")
    assert done.stderr == ""


def test_the_fix_departs_at_the_third_request(chronicle: Chronicle, incident: Path) -> None:
    """On the fixed agent the replay shows the place order, the third model request and the order that is gone; nothing else."""
    shutil.copy(incident / "agent_fixed.py", incident / "agent.py")
    done = chronicle("replay", "recording.jsonl", "--live", "tool:place_order", "--json")
    assert done.returncode == 1
    result = json.loads(done.stdout)
    assert result["verdict"] == "diverged"
    assert [(d["kind"], d["step"]["name"], d["step"]["index"]) for d in result["divergences"]] == [
        ("output_changed", "place_order", 2),
        ("missing_step", "submit_order", 0),
        ("input_changed", "openai.chat.completions", 2),
    ]


def test_an_assertion_makes_it_fixed_or_still_failing(chronicle: Chronicle, incident: Path) -> None:
    """The harm as an assertion: still_failing on the old agent, exit code 1; fixed on the new one, exit code 0."""
    arguments = ("replay", "recording.jsonl", "--live", "tool:place_order", "--assert", HARMLESS)
    old = chronicle(*arguments)
    assert (old.returncode, old.stdout.split(":")[0]) == (1, "STILL FAILING")
    shutil.copy(incident / "agent_fixed.py", incident / "agent.py")
    new = chronicle(*arguments)
    assert (new.returncode, new.stdout.split(":")[0]) == (0, "FIXED")


def test_an_entry_that_cannot_be_started_ends_with_4(chronicle: Chronicle, incident: Path) -> None:
    """Exit code 4, with what to do."""
    done = chronicle("replay", "recording.jsonl", "--entry", "nowhere:trade")
    assert done.returncode == 4
    assert "nowhere cannot be imported" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_misspelt_option_names_the_right_one(chronicle: Chronicle, incident: Path) -> None:
    """A word that --live does not know is refused with the nearest one; an effect needs --allow-effects as well."""
    done = chronicle("replay", "recording.jsonl", "--live", "tol")
    assert done.returncode == 2
    assert "did you mean 'tool'" in done.stderr
    assert "--allow-effects" in chronicle("replay", "recording.jsonl", "--live", "effect").stderr
    assert "write PARAMETER=MODULE:FACTORY" in chronicle("replay", "recording.jsonl", "--provide", "x").stderr


def test_a_script_that_calls_the_agent_replays_around_it(chronicle: Chronicle, incident: Path) -> None:
    """Behind -- stands the script; the agent that it calls takes its recorded run."""
    done = chronicle("replay", "recording.jsonl", "--", "agent.py", "Please sell $1,000 worth of ACME")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "agent:   Done! I sold $1,000 worth of ACME for you." in done.stdout


def test_nothing_leaves_when_the_replay_is_over(chronicle: Chronicle, tmp_path: Path) -> None:
    """What libraries send at exit, such as what they traced of the replay, reaches nobody, whatever key there is."""
    (tmp_path / "agent.py").write_text(AT_EXIT)
    recorded = chronicle("run", "--path", "recording.jsonl", "agent.py", env={"OPENAI_API_KEY": "mine"})
    assert "sent, and the Agents SDK would send to its vendor" in recorded.stdout
    done = chronicle("replay", "recording.jsonl", "--", "agent.py", env={"OPENAI_API_KEY": "mine"})
    assert done.stdout.startswith("REPRODUCED"), done.stdout + done.stderr
    assert "NetworkBlocked, and the Agents SDK is told to send nothing" in done.stdout


AT_EXIT = """
import atexit
import os
import socket

import chronicle_otel as chronicle

told = "is told to send nothing" if os.environ.get("OPENAI_AGENTS_DISABLE_TRACING") == "1" else "would send to its vendor"


@atexit.register
def send():
    with socket.create_server(("127.0.0.1", 0)) as server:
        try:
            socket.create_connection(server.getsockname(), 1).close()
            outcome = "sent"
        except Exception as error:
            outcome = type(error).__name__
    print(f"{outcome}, and the Agents SDK {told}")


@chronicle.agent(name="a")
def agent():
    return "done"


agent()
"""
