"""Resolve the dependency groups of pyproject.toml into requirements/*.txt, each pin with its reason.

python scripts/lock.py        (or: make lock)
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
WORLDS = {"openai3": ("build", "openai3", "test"), "openai2": ("build", "openai2", "test"), "check": ("check",)}


def main() -> None:
    """Write every lock file; the check tools are resolved with what the openai3 world already has."""
    text = (ROOT / "pyproject.toml").read_text()
    project = tomllib.loads(text)
    reasons = {m[1]: m[2] for m in re.finditer(r'^ +"([^"]+)",? +# (.+)$', text, re.MULTILINE)}
    for world, groups in WORLDS.items():
        direct = [] if world == "check" else list(project["project"]["dependencies"])
        for group in groups:
            direct += project["dependency-groups"][group]
        pins = resolve(direct, ROOT / "requirements" / "openai3.txt" if world == "check" else None)
        write(ROOT / "requirements" / f"{world}.txt", world, direct, pins, reasons)


def resolve(direct: list[str], constraint: Path | None) -> list[dict[str, Any]]:
    """Ask pip for a complete set of versions; nothing is installed."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "pip", "install", "--dry-run", "--quiet", "--ignore-installed", "--report", str(report)]
        subprocess.run([*command, *(["-c", str(constraint)] if constraint else []), *direct], check=True)
        return [item["metadata"] for item in json.loads(report.read_text())["install"]]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def write(path: Path, world: str, direct: list[str], pins: list[dict[str, Any]], reasons: dict[str, str]) -> None:
    """Write one lock file, sorted by name."""
    why = {normal(re.split(r"[<>=!~ \[]", spec)[0]): reasons[spec] for spec in direct}
    needed_by: dict[str, list[str]] = {}
    for pin in pins:
        for requirement in pin.get("requires_dist", []):
            if "extra ==" not in requirement:
                needed_by.setdefault(normal(re.split(r"[<>=!~ \[;(]", requirement)[0]), []).append(normal(pin["name"]))
    lines = [
        f"# World {world}: resolved by `make lock` on Python {sys.version_info[0]}.{sys.version_info[1]} from the groups of pyproject.toml."
    ]
    for pin in sorted(pins, key=lambda item: normal(item["name"])):
        name = normal(pin["name"])
        reason = why.get(name) or "needed by " + ", ".join(sorted(needed_by.get(name, ["an extra"])))
        lines.append(f"{name + '==' + pin['version']:<55} # {reason}")
    path.write_text("\n".join(lines) + "\n")
    print(f"{path.relative_to(ROOT)}: {len(pins)} packages")


if __name__ == "__main__":
    main()
