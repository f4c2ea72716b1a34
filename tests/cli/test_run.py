"""`chronicle run`: the script runs as it would without us, and a recording lies there afterwards."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Chronicle

AGENT = """
import sys
import chronicle_otel as chronicle

@chronicle.tool(name="add")
def add(a, b): return a + b

@chronicle.agent(name="sum")
def total(numbers):
    result = 0
    for number in numbers:
        result = add(result, number)
    return result

if __name__ == "__main__":
    print(total([int(word) for word in sys.argv[1:]]))
"""

GROUP = """
import asyncio, sys
import chronicle_otel as chronicle

@chronicle.tool(name="get")
async def get(n): return n

@chronicle.agent(name="all")
async def everything():
    async with asyncio.TaskGroup() as group:
        for n in range(3):
            group.create_task(get(int(sys.argv[1]) + n))

asyncio.run(everything())
"""

PLAIN = """
import sys
import chronicle_otel as chronicle

@chronicle.tool(name="add")
def add(a, b): return a + b

print(add(int(sys.argv[1]), int(sys.argv[2])))
"""


def test_a_script_is_recorded_where_told(chronicle: Chronicle, tmp_path: Path) -> None:
    """The script sees its own arguments and prints as always; the recording is at --path, said on stderr."""
    (tmp_path / "agent.py").write_text(AGENT)
    done = chronicle("run", "--path", "out.jsonl", "agent.py", "1", "2")
    assert (done.returncode, done.stdout, done.stderr) == (0, "3\n", "chronicle: recorded to out.jsonl\n")
    [run] = json.loads(chronicle("runs", "out.jsonl", "--json").stdout)
    assert run["entry"] == {"kind": "agent", "name": "sum", "module": "agent", "qualname": "total"}


def test_the_default_is_a_folder_of_its_own(chronicle: Chronicle, tmp_path: Path) -> None:
    """Without --path every process writes a file of its own below .chronicle."""
    (tmp_path / "agent.py").write_text(AGENT)
    chronicle("run", "agent.py", "1")
    chronicle("run", "agent.py", "2")
    assert len(list((tmp_path / ".chronicle").iterdir())) == 2
    assert len(json.loads(chronicle("runs", ".chronicle", "--json").stdout)) == 2


@pytest.mark.parametrize("command", [["-m", "agent", "-1", "--", "2"], ["--", "agent.py", "-1", "--", "2"]])
def test_everything_behind_the_script_is_the_scripts(chronicle: Chronicle, tmp_path: Path, command: list[str]) -> None:
    """Options and -- behind the script or module are passed on untouched."""
    (tmp_path / "agent.py").write_text("import sys; print(sys.argv[1:])")
    assert chronicle("run", *command).stdout == "['-1', '--', '2']\n"


@pytest.mark.parametrize(
    ("statement", "code", "said"), [("sys.exit(7)", 7, ""), ("sys.exit('no')", 1, "no\n"), ("1 / 0", 1, "ZeroDivisionError")]
)
def test_exit_codes_and_tracebacks_are_the_scripts_own(chronicle: Chronicle, tmp_path: Path, statement: str, code: int, said: str) -> None:
    """A script that exits or raises does so as under python, and what it did before is recorded."""
    (tmp_path / "agent.py").write_text(AGENT + f"    {statement}\n")
    done = chronicle("run", "--path", "out.jsonl", "agent.py", "1")
    assert (done.returncode, done.stdout) == (code, "1\n")
    assert said in done.stderr
    assert "chronicle_otel/cli" not in done.stderr
    assert "runpy" not in done.stderr
    assert json.loads(chronicle("runs", "out.jsonl", "--json").stdout)[0]["ok"]


def test_a_script_without_an_agent_is_its_own_entry(chronicle: Chronicle, tmp_path: Path) -> None:
    """Steps outside any root boundary belong to the script's run, which replays with the script behind --."""
    (tmp_path / "plain.py").write_text(PLAIN)
    chronicle("run", "--path", "out.jsonl", "plain.py", "2", "3")
    [run] = json.loads(chronicle("runs", "out.jsonl", "--json").stdout)
    assert (run["entry"]["name"], run["steps"]) == ("script:plain.py", 2)
    same = chronicle("replay", "out.jsonl", "--json", "--", "plain.py", "2", "3")
    assert same.returncode == 0, same.stdout + same.stderr
    other = chronicle("replay", "out.jsonl", "--", "plain.py", "2", "4")
    assert other.returncode == 1


@pytest.mark.parametrize(("statement", "code"), [("sys.exit()", 0), ("sys.exit(0)", 0), ("sys.exit(3)", 3), ("sys.exit('no')", 1)])
def test_a_script_that_ends_with_sys_exit_is_reproduced(chronicle: Chronicle, tmp_path: Path, statement: str, code: int) -> None:
    """`sys.exit(main())` is how many a script ends; ending the same way again is no divergence."""
    (tmp_path / "plain.py").write_text(PLAIN + f"{statement}\n")
    assert chronicle("run", "--path", "out.jsonl", "plain.py", "2", "3").returncode == code
    same = chronicle("replay", "out.jsonl", "--", "plain.py", "2", "3")
    assert (same.returncode, same.stdout.splitlines()[1].split(":")[0]) == (0, "REPRODUCED")


READS = """
import datetime, random, sys, time, uuid
import chronicle_otel as chronicle

@chronicle.tool(name="note")
def note(text): return text

DECORATED
def main():
    note(f"{random.random()} {uuid.uuid4().hex[:5]}")
    return note(f"{datetime.datetime.now().microsecond} {time.time() % 1:.9f} {random.choice(range(10**6))}")

if __name__ == "__main__":
    random.randint(1, 9)
    main()
"""


@pytest.mark.parametrize("decorated", ['@chronicle.agent(name="main")', ""])
@pytest.mark.parametrize("how", [["reads.py"], ["-m", "reads"]])
def test_what_a_script_reads_is_answered(chronicle: Chronicle, tmp_path: Path, decorated: str, how: list[str]) -> None:
    """Clock, random and uuid are recorded for modules that were imported after recording began, and for a script without an agent."""
    (tmp_path / "reads.py").write_text(READS.replace("DECORATED", decorated))
    chronicle("run", "--path", "out.jsonl", *how)
    same = chronicle("replay", "out.jsonl", "--json", "--", *how)
    found = json.loads(same.stdout)
    assert (found["verdict"], [served["level"] for served in found["served"]], found["notes"]) == ("reproduced", ["exact", "exact"], [])


def test_threads_that_outlive_the_script_are_recorded(chronicle: Chronicle, tmp_path: Path) -> None:
    """A thread that is not a daemon may go on after the last line; its runs are in the recording."""
    (tmp_path / "agent.py").write_text(
        AGENT + "    import threading, time\n    threading.Thread(target=lambda: (time.sleep(0.2), total([4]))).start()\n"
    )
    chronicle("run", "--path", "out.jsonl", "agent.py", "1")
    assert [run["ok"] for run in json.loads(chronicle("runs", "out.jsonl", "--json").stdout)] == [True, True]


@pytest.mark.parametrize("pool", ["ThreadPoolExecutor", "ProcessPoolExecutor"])
def test_a_pool_that_nobody_shuts_down_does_not_keep_the_script(chronicle: Chronicle, tmp_path: Path, pool: str) -> None:
    """A pool that a script, or a library of its, leaves open ends with it, as without chronicle; what it still had to do is recorded."""
    (tmp_path / "agent.py").write_text(LEAVES_A_POOL.replace("POOL", pool))
    done = chronicle("run", "--path", "out.jsonl", "agent.py")
    assert (done.returncode, done.stdout) == (0, "main is done\n"), done.stdout + done.stderr
    if pool == "ThreadPoolExecutor":
        assert [run["entry"]["name"] for run in json.loads(chronicle("runs", "out.jsonl", "--json").stdout)] == ["late"]


LEAVES_A_POOL = """
import concurrent.futures
import threading

import chronicle_otel as chronicle

pool = concurrent.futures.POOL(1)
main_is_done = threading.Event()


@chronicle.agent(name="late")
def late():
    return 1


if __name__ == "__main__":
    pool.submit(abs, -1).result()
    if isinstance(pool, concurrent.futures.ThreadPoolExecutor):
        pool.submit(main_is_done.wait)
        pool.submit(late)
    print("main is done")
    main_is_done.set()
"""


def test_a_script_that_fails_replays_its_failure(chronicle: Chronicle, tmp_path: Path) -> None:
    """A script that raised does so again in the replay, with its own traceback, and the report is there all the same."""
    (tmp_path / "agent.py").write_text(AGENT + "    raise ValueError('as always')\n")
    chronicle("run", "--path", "out.jsonl", "agent.py", "1", "2")
    done = chronicle("replay", "out.jsonl", "--", "agent.py", "1", "2")
    assert "ValueError: as always" in done.stderr
    assert done.stdout.startswith("3\nREPRODUCED")
    assert done.returncode == 0


def test_a_failure_in_a_replay_shows_the_scripts_own_frames(chronicle: Chronicle, tmp_path: Path) -> None:
    """The traceback of a script that is replayed begins in the script, as that of one that is recorded."""
    (tmp_path / "agent.py").write_text(AGENT + "    raise ValueError('as always')\n")
    chronicle("run", "--path", "out.jsonl", "agent.py", "1", "2")
    lines = chronicle("replay", "out.jsonl", "--", "agent.py", "1", "2").stderr.splitlines()
    assert [line.strip().partition(",")[0] for line in lines if line.startswith("  File")] == ['File "agent.py"']


def test_refusals_in_a_task_group_print_no_traceback(chronicle: Chronicle, tmp_path: Path) -> None:
    """Where tasks of a group were refused, the report says so; the group is not printed as an error of the script."""
    (tmp_path / "agent.py").write_text(GROUP)
    chronicle("run", "--path", "out.jsonl", "agent.py", "1")
    done = chronicle("replay", "out.jsonl", "--", "agent.py", "200")
    assert done.stdout.startswith("DIVERGED")
    assert "Traceback" not in done.stderr


def test_a_killed_script_leaves_a_run_to_look_at(chronicle: Chronicle, tmp_path: Path) -> None:
    """Of a process that dies in the middle, the run is there, its entry and arguments too, and checks say that it is partial."""
    (tmp_path / "agent.py").write_text(AGENT.replace("    return result", "    import os, time; time.sleep(1); os._exit(9)"))
    assert chronicle("run", "--path", "out.jsonl", "agent.py", "1", "2").returncode == 9
    [run] = json.loads(chronicle("runs", "out.jsonl", "--json").stdout)
    assert (run["entry"]["name"], run["ok"], "partial" in run["findings"]) == ("sum", False, True)
    assert "numbers=[1, 2]" in chronicle("show", "out.jsonl").stdout


def test_json_says_where_and_what(chronicle: Chronicle, tmp_path: Path) -> None:
    """With --json the last thing printed is the recording's place and its runs."""
    (tmp_path / "agent.py").write_text(AGENT)
    done = chronicle("run", "--json", "--path", "out.jsonl", "agent.py", "1", "2")
    told = json.loads(done.stdout.removeprefix("3\n"))
    assert (told["path"], [run["steps"] for run in told["runs"]]) == (str(tmp_path / "out.jsonl"), [3])


def test_nothing_recorded_is_said(chronicle: Chronicle, tmp_path: Path) -> None:
    """A script that crosses no boundary leaves no file, and the user is told."""
    (tmp_path / "idle.py").write_text("pass")
    assert chronicle("run", "idle.py").stderr == "chronicle: nothing was recorded: the script crossed no boundary\n"
