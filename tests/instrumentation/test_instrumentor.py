"""Switching on and off: before and after the SDK's import, by the registry, by entry point, and where nothing fits."""

from __future__ import annotations

import os
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from chronicle_otel import instrumentation
from chronicle_otel.errors import UsageError
from chronicle_otel.instrumentation.openai import OpenAIInstrumentor
from tests.conftest import environment

ROOT = Path(__file__).resolve().parents[2]


def run(code: str) -> str:
    """Run a program in a process of its own; its output."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_switching_on_imports_no_sdk_and_patches_it_later() -> None:
    """`instrument_all` leaves the SDK alone until the application imports it; then it is patched, and looks as usual."""
    assert run(
        "import sys\n"
        "from chronicle_otel import instrumentation\n"
        "print(instrumentation.instrument_all(), 'openai' in sys.modules, 'httpx2' in sys.modules, 'httpx' in sys.modules)\n"
        "import openai, importlib\n"
        "print(hasattr(openai._base_client.SyncAPIClient.request, '__wrapped__'), type(openai.__spec__.loader).__name__)\n"
        "instrumentation.uninstrument_all()\n"
        "print(hasattr(openai._base_client.SyncAPIClient.request, '__wrapped__'))"
    ) == ("['openai'] False False False\nTrue SourceFileLoader\nFalse")


def test_uninstrumenting_before_the_import_leaves_the_sdk_alone() -> None:
    """An SDK that is imported after `uninstrument` is not patched."""
    assert (
        run(
            "from chronicle_otel.instrumentation.openai import OpenAIInstrumentor as O\n"
            "O().instrument(); O().uninstrument()\n"
            "import openai\n"
            "print(hasattr(openai._base_client.SyncAPIClient.request, '__wrapped__'))"
        )
        == "False"
    )


def test_the_sdks_own_import_error_is_the_applications() -> None:
    """What goes wrong while the SDK is imported is raised as if we were not there."""
    assert (
        run(
            "import sys\n"
            "from chronicle_otel import instrumentation\n"
            "instrumentation.instrument_all()\n"
            "sys.modules['pydantic'] = None\n"
            "try:\n import openai\n"
            "except ImportError as error: print(type(error).__name__, 'pydantic' in str(error))"
        )
        == "ModuleNotFoundError True"
    )


def test_it_is_a_singleton_that_may_be_switched_twice() -> None:
    """Two instances are one; a second `instrument` or `uninstrument` changes nothing."""
    import openai

    client: Any = openai._base_client.SyncAPIClient
    one, two = OpenAIInstrumentor(), OpenAIInstrumentor()
    assert one is two
    once = client.request
    two.instrument()
    assert client.request is once
    one.uninstrument()
    two.uninstrument()
    assert not hasattr(client.request, "__wrapped__")
    assert not one.is_instrumented_by_opentelemetry


def test_patching_nothing_is_an_error_that_names_the_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    """An SDK whose seam is gone is refused by name and version; what would not be recorded is never passed over."""
    OpenAIInstrumentor().uninstrument()
    monkeypatch.setitem(sys.modules, "openai", types.ModuleType("openai"))
    with pytest.raises(UsageError, match=r"OpenAIInstrumentor found nothing to patch in openai \d+\.\d+"):
        OpenAIInstrumentor().instrument()
    assert not OpenAIInstrumentor().is_instrumented_by_opentelemetry


def test_names_are_checked() -> None:
    """An unknown name, and an SDK that is not installed, are refused in a sentence."""
    with pytest.raises(UsageError, match="no Instrumentor 'opneai'; known are openai"):
        instrumentation.instrument_all(["opneai"])
    assert instrumentation.available() == ["openai"]


def test_a_missing_sdk_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asking for an SDK that is not installed names it."""
    OpenAIInstrumentor().uninstrument()
    monkeypatch.setattr(OpenAIInstrumentor, "distribution", "openai-that-nobody-has")
    with pytest.raises(UsageError, match="openai-that-nobody-has is not installed"):
        OpenAIInstrumentor().instrument()


def test_opentelemetrys_loader_takes_it() -> None:
    """The distro of `opentelemetry-instrument` switches it on by entry point as any other Instrumentor."""
    distro = pytest.importorskip("opentelemetry.instrumentation.distro")
    OpenAIInstrumentor().uninstrument()

    class EntryPoint:
        name = "chronicle_openai"

        @staticmethod
        def load() -> type:
            return OpenAIInstrumentor

    distro.DefaultDistro().load_instrumentor(EntryPoint(), raise_exception_on_conflict=True)
    assert OpenAIInstrumentor().is_instrumented_by_opentelemetry


FOLLOWING = """
import sys
from openai import OpenAI
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import chronicle_otel
from chronicle_otel.demo.provider import Provider, Reply
from chronicle_otel.instrumentation.openai import OpenAIInstrumentor

exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))


def ask():
    with Provider([Reply(text="Hello")]) as model:
        OpenAI(base_url=model.url, api_key="none").chat.completions.create(model="m", messages=[{"role": "user", "content": "Hi"}])
    chronicle_otel.flush()
    return [span.name for span in exporter.get_finished_spans()]

"""


def following(tmp_path: Path, program: str, *launcher: str) -> str:
    """Run a program after the lines above; return what it printed, once it is sure that no file was written."""
    (tmp_path / "program.py").write_text(FOLLOWING + program)
    command = [*launcher, sys.executable, "program.py"]
    done = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert os.listdir(tmp_path) == ["program.py"]
    return done.stdout


@pytest.mark.parametrize("provide", ["OpenAIInstrumentor().instrument(tracer_provider=provider)", "trace.set_tracer_provider(provider)"])
def test_switched_on_by_itself_it_records_into_the_applications_provider(tmp_path: Path, provide: str) -> None:
    """As any Instrumentor of OpenTelemetry it needs no `init`: the provider given, or the global one, gets the spans."""
    program = f"{provide}; OpenAIInstrumentor().instrument(); print(ask()); OpenAIInstrumentor().uninstrument(); print(len(ask()))"
    assert following(tmp_path, program) == "['openai.chat.completions']\n1\n"


def test_switched_on_without_a_provider_it_records_nothing(tmp_path: Path) -> None:
    """Where the application exports no spans, no file appears either; a provider that comes later is found."""
    program = "OpenAIInstrumentor().instrument(); print(ask()); trace.set_tracer_provider(provider); print(ask())"
    assert following(tmp_path, program) == "[]\n['openai.chat.completions']\n"


def test_init_takes_the_place_of_what_the_instrumentor_began(tmp_path: Path) -> None:
    """A call after `init` is recorded once."""
    program = "OpenAIInstrumentor().instrument(); chronicle_otel.init(tracer_provider=provider); print(ask())"
    assert following(tmp_path, program) == "['openai.chat.completions']\n"


def test_opentelemetry_instrument_needs_no_line_of_code(tmp_path: Path) -> None:
    """`opentelemetry-instrument python program.py` records the SDK's calls where the program has a provider."""
    pytest.importorskip("opentelemetry.instrumentation.auto_instrumentation")
    launcher = [sys.executable, "-c", "from opentelemetry.instrumentation.auto_instrumentation import run; run()"]
    program = "trace.set_tracer_provider(provider); print(ask())"
    assert following(tmp_path, program, *launcher) == "['openai.chat.completions']\n"
