"""How a process ends whose endpoint does not answer: spans are on disk, and that is said."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import chronicle_otel as chronicle
from tests.conftest import environment

from .receiver import Receiver

_START = "import os, signal, sys, threading, time\nimport chronicle_otel as chronicle\nfrom tests.export.agents import collect\n"


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a port that takes connections and says nothing."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(50)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def ended(tmp_path: Path, endpoint: str, script: str) -> subprocess.CompletedProcess[str]:
    """Run a script towards an endpoint."""
    (tmp_path / "ends.py").write_text(_START + script)
    more = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "CHRONICLE_RAISE": ""}
    return subprocess.run(
        [sys.executable, "ends.py"], cwd=tmp_path, env=environment(more), capture_output=True, text=True, timeout=100, check=False
    )


def test_the_end_of_a_process_says_where_spans_are(tmp_path: Path, silent: str) -> None:
    """Without a call of `shutdown` too: whatever was written to the folder, its name and the command are on stderr, once."""
    done = ended(tmp_path, silent, "chronicle.init(instrument=False, export='own', shutdown_seconds=0.3)\ncollect(2, 5000)\n")
    assert done.returncode == 0
    assert len(chronicle.load(tmp_path / ".chronicle/unsent").steps) == 3
    assert done.stderr.count(f"they are kept in {tmp_path}/.chronicle/unsent") == 1
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs signals to a thread")
def test_ctrl_c_while_shutdown_waits_loses_nothing(tmp_path: Path, silent: str) -> None:
    """Who does not want to wait for a slow endpoint leaves at once; what was queued and under way is on disk."""
    script = (
        "signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell ignores it for what it starts in the background\n"
        "main = threading.main_thread().ident\n"
        "def interrupt():\n"
        "    names = []\n"
        "    while 'join' not in names:\n"
        "        time.sleep(0.01)\n"
        "        frame, names = sys._current_frames()[main], []\n"
        "        while frame is not None:\n"
        "            names.append(frame.f_code.co_name)\n"
        "            frame = frame.f_back\n"
        "    signal.pthread_kill(main, signal.SIGINT)\n"
        "chronicle.init(instrument=False, export='own', shutdown_seconds=90, retry_seconds=90)\n"
        "collect(2, 5000)\n"
        "threading.Thread(target=interrupt, daemon=True).start()\n"
        "try:\n"
        "    chronicle.shutdown()\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted', flush=True)\n"
        "    os._exit(3)\n"
    )
    done = ended(tmp_path, silent, script)
    assert (done.returncode, done.stdout) == (3, "interrupted\n"), done.stderr
    assert len(chronicle.load(tmp_path / ".chronicle/unsent").steps) == 3


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_a_killed_process_has_its_spans_on_disk(tmp_path: Path) -> None:
    """With the endpoint away, spans go to disk while the process runs: it is killed as soon as they are there."""
    receiver = Receiver()
    receiver.start()
    receiver.stop()
    script = (
        "chronicle.init(instrument=False, export='own')\n"
        "collect(2, 5000)\n"
        "from chronicle_otel.recording import meters\n"
        "while meters.totals[meters.UNSENT] < 4:\n"
        "    time.sleep(0.05)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = ended(tmp_path, f"http://127.0.0.1:{receiver.port}", script)
    assert done.returncode == -signal.SIGKILL
    assert chronicle.load(tmp_path / ".chronicle/unsent").checks.ok


def test_an_endpoint_that_comes_back_gets_what_is_recorded_then(tmp_path: Path) -> None:
    """After spans have gone to disk, later ones are offered again now and then, and the endpoint gets them once it is there."""
    receiver = Receiver()
    receiver.start()
    receiver.stop()
    script = (
        "from tests.export.receiver import Receiver\n"
        "from chronicle_otel.recording import meters\n"
        "chronicle.init(instrument=False, export='own', retry_seconds=0)\n"
        "collect(1, 50)\n"
        "while meters.totals[meters.UNSENT] < 3:\n"
        "    time.sleep(0.05)\n"
        "receiver = Receiver()\n"
        f"receiver.port = {receiver.port}\n"
        "with receiver:\n"
        "    while not meters.totals[meters.EXPORTED]:\n"
        "        collect(1, 50)\n"
        "        time.sleep(0.05)\n"
        "    chronicle.shutdown()\n"
        "    print(len(list(receiver.spans())) + meters.totals[meters.UNSENT], flush=True)\n"
        "recorded = sum(path.read_text().count('\"spanId\"') for path in __import__('pathlib').Path('.chronicle/unsent').iterdir())\n"
        "print(recorded == meters.totals[meters.UNSENT])\n"
    )
    done = ended(tmp_path, f"http://127.0.0.1:{receiver.port}", script)
    assert done.returncode == 0, done.stderr
    total, whole = done.stdout.split()
    assert int(total) % 3 == 0, "every run has three spans, each of them is there or here"
    assert whole == "True"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_children_of_multiprocessing_send_what_they_recorded(tmp_path: Path) -> None:
    """They end without exit handlers; a worker that is forked and ends at once loses nothing all the same."""
    script = (
        "import multiprocessing\n"
        "chronicle.init(instrument=False, export='own')\n"
        "collect(1, 50)\n"
        "context = multiprocessing.get_context('fork')\n"
        "children = [context.Process(target=collect, args=(count, 50)) for count in (2, 3)]\n"
        "for child in children: child.start()\n"
        "for child in children: child.join()\n"
    )
    with Receiver() as receiver:
        done = ended(tmp_path, f"http://127.0.0.1:{receiver.port}", script)
        assert (done.returncode, done.stderr) == (0, "")
        runs = chronicle.runs(receiver.write(tmp_path / "arrived.jsonl"))
    assert sorted(len(run.steps) for run in runs) == [2, 3, 4]


@pytest.mark.parametrize("where", ["'here'", "export='own', unsent='here', shutdown_seconds=0.3"])
def test_a_first_run_in_an_exit_handler_is_recorded(tmp_path: Path, silent: str, where: str) -> None:
    """No thread can be started there any more, by whatever asks for one: the work is done without."""
    done = ended(tmp_path, silent, f"import atexit\nchronicle.init({where}, instrument=False)\natexit.register(lambda: collect(2, 500))\n")
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    run = chronicle.load(tmp_path / "here")
    assert len(run.steps) == 3
    assert run.steps[0].record.resource["service.name"]
