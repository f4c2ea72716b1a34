"""Every configuration that would damage recordings is named: each sample says in its first lines what is to be found in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chronicle_otel.doctor.checkup import checked
from chronicle_otel.doctor.diagnosis import Report
from tests.conftest import ROOT, Chronicle

SAMPLES = Path(__file__).parent / "samples"
GOOD = SAMPLES / "good.yaml"
HARMFUL = sorted(path for path in SAMPLES.glob("*.yaml") if path != GOOD)
STORES = sorted((SAMPLES / "stores").glob("*.yaml"))
PIPELINES = ROOT / "collector-config" / "pipelines"
SHIPPED = sorted(PIPELINES.glob("*.yaml"))
DOCKER = [ROOT / "docker" / "jaeger.yaml", ROOT / "docker" / "tempo.yaml"]


def expected(path: Path) -> list[str]:
    """What the first lines of a sample say."""
    return sorted(line[2:] for line in path.read_text().splitlines() if re.match(r"# (error|warning|note) ", line))


def found(report: Report) -> list[str]:
    """Severity, kind and key of what was found."""
    return sorted(
        f"{each.severity} {each.kind} {each.where.rpartition(': ')[2] or each.where}" for each in report.diagnoses if each.severity != "ok"
    )


def test_a_good_configuration_is_clean() -> None:
    """Nothing is said against a gateway in which sizes, queue, retry and redaction fit together."""
    assert found(checked([GOOD])) == []


@pytest.mark.parametrize("sample", HARMFUL, ids=lambda path: path.stem)
def test_each_harm_is_named_where_it_stands(sample: Path) -> None:
    """One change to the good configuration is found, with its key, and nothing else is."""
    assert found(checked([GOOD, sample])) == expected(sample) != []


@pytest.mark.parametrize("sample", STORES, ids=lambda path: path.stem)
def test_each_limit_of_a_store_is_named(sample: Path) -> None:
    """A Tempo and a Jaeger are recognised by their keys, and their limits are found."""
    assert found(checked([sample])) == expected(sample)


@pytest.mark.parametrize("config", SHIPPED, ids=lambda path: path.stem)
def test_what_ships_damages_nothing(config: Path) -> None:
    """No shipped pipeline has an error."""
    assert [each for each in checked([config]).diagnoses if each.severity == "error"] == []


def test_the_stack_fits_together() -> None:
    """The sizes of stores.yaml fit what Jaeger and Tempo of docker/ take; that this Jaeger forgets is all there is to say."""
    report = checked([PIPELINES / "stores.yaml", *DOCKER])
    assert [(each.severity, each.kind) for each in report.diagnoses if each.severity in ("error", "warning")] == [
        ("warning", "store_in_memory")
    ]


def test_the_two_rows_of_collectors_fit_together() -> None:
    """What spread.yaml hands on is what sampling.yaml takes."""
    report = checked([PIPELINES / "spread.yaml"], [PIPELINES / "sampling.yaml"])
    assert "request_above_next" not in report.kinds()


def test_a_next_hop_that_takes_less_is_an_error(tmp_path: Path) -> None:
    """Where the configuration of the next hop is at hand, a batch above its limit is no guess."""
    stock = tmp_path / "tempo.yaml"
    stock.write_text(
        "distributor: {receivers: {otlp: {protocols: {grpc: {endpoint: '0.0.0.0:24317'}}}}}\nstorage: {trace: {backend: local}}\n"
    )
    report = checked([PIPELINES / "stores.yaml", stock])
    [harm] = [each for each in report.diagnoses if each.severity == "error" and each.kind == "batch_above_next"]
    assert "exporters::otlp_grpc/tempo::sending_queue::batch::max_size" in harm.where
    assert "takes 4,194,304" in harm.what


def test_a_connector_is_followed(tmp_path: Path) -> None:
    """What stands in front of a connector is on the way of what comes behind it."""
    config = tmp_path / "routing.yaml"
    text = (PIPELINES / "routing.yaml").read_text()
    config.write_text(text.replace("processors: [memory_limiter, chronicle_redaction]", "processors: [memory_limiter]"))
    assert [each.where.rpartition(": ")[2] for each in checked([config]).diagnoses if each.kind == "headers_on_disk"] == [
        "receivers::otlp::protocols::grpc::include_metadata",
        "receivers::otlp::protocols::http::include_metadata",
        "receivers::otlp::protocols::grpc::include_metadata",
        "receivers::otlp::protocols::http::include_metadata",
    ]


def test_the_command_line_names_file_line_and_setting(chronicle: Chronicle, tmp_path: Path) -> None:
    """Each finding says where it stands, what happens and what to change; the exit code is 1 where recordings are damaged."""
    (tmp_path / "tempo.yaml").write_text(
        "distributor:\n  max_attribute_bytes: 512\noverrides: {defaults: {global: {max_bytes_per_trace: 60000000}}}\n"
    )
    done = chronicle("doctor", "--config", "tempo.yaml")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines()[:3] == [
        "error    tempo.yaml, line 2: distributor::max_attribute_bytes",
        "         strings are cut at 512 bytes without a mark: recordings cannot be replayed",
        "         → set distributor.max_attribute_bytes: 0 and overrides.defaults.ingestion.max_attribute_bytes: 0 in Tempo",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1", "x.yaml, line 1: no YAML: expected ',' or ']', but got '<stream end>'"),
        ("- 1", "x.yaml: no configuration: its outermost value is no mapping"),
        ("", "x.yaml: neither a collector's configuration nor one of Jaeger 2 or Tempo; it has nothing"),
        ("apiVersion: v1\nkind: ConfigMap", "it has apiVersion, kind"),
        ("a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
            f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n" for old, new in zip("abcdef", "bcdefg", strict=True)
        ), "more than a configuration can hold"),
        ("receivers: &r\n  otlp: *r", "more than a configuration can hold"),
        ("receivers: !!python/object/apply:os.system ['touch hacked']", ""),
    ],
)  # fmt: skip
def test_a_file_that_is_none_is_one_line(chronicle: Chronicle, tmp_path: Path, text: str, message: str) -> None:
    """A file that cannot be read as a configuration is refused with file and line, and nothing in it is executed."""
    (tmp_path / "x.yaml").write_text(text)
    done = chronicle("doctor", "--config", "x.yaml")
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "hacked").exists()
    if message:
        assert (done.returncode, done.stdout) == (2, "")
        assert message in done.stderr


def test_every_kind_is_documented() -> None:
    """docs/doctor.md names each kind of finding, and none that there is not."""
    package = ROOT / "chronicle_otel"
    text = "".join(path.read_text() for path in [*(package / "doctor").glob("*.py"), package / "recording" / "limits.py"])
    given = re.findall(r'Diagnosis\(\s*[^,()]*(?:if [^,()]*)?,\s*"([a-z_]+)"', text)
    kinds = {
        *given,
        "endpoint_away",
        "endpoint_refuses",
        *re.findall(r'"(switched_off|string_cut|attributes_evicted|sampled|batch_by_count)"', text),
    }
    table = (ROOT / "docs" / "doctor.md").read_text().partition("## What is found")[2]
    named = {word for line in table.splitlines() if line.startswith("| `") for word in re.findall(r"`(\w+)`", line.split("|")[1])}
    assert named == kinds
