"""Configuration files as data: YAML with the line of every value, substitutions resolved by their defaults, several files as one.

    text ──yaml──► nodes ──► tree, lines ──merge──► Configuration          ${env:X:-4317} is 4317; ${env:X} is Unknown("X")

Nothing is evaluated, nothing of the environment is read: the file may be meant for another machine.
"""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# (trees are Any; PyYAML has no types)

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, cast

from chronicle_otel.errors import SourceError, UsageError

Path: TypeAlias = tuple[str | int, ...]

_SUBSTITUTION: Final = re.compile(r"\$\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(?::-([^{}]*))?\}|\$\{([a-z]+:[^{}]*)\}")
"""The collector's `${env:NAME:-default}`, Tempo's `${NAME:-default}`; and what only the program itself can resolve, as `${file:…}`."""
_MOST_NODES: Final = 200_000
"""Values of one file, aliases counted each time: a few lines of YAML can name a billion."""
_MOST_BYTES: Final = 4 * 1024 * 1024
_DEEPEST: Final = 100
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")
_UNITS: Final = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that only the environment of the program knows."""

    name: str

    def __str__(self) -> str:
        return f"${{{self.name}}}"


@dataclass(slots=True)
class Configuration:
    """One configuration, of one file or of several that were merged."""

    name: str
    """Its files, for messages."""
    tree: dict[str, Any]
    lines: dict[Path, tuple[str, int]] = field(default_factory=dict["Path", "tuple[str, int]"])
    """File and line (from 1) of every value."""

    def get(self, *path: str | int) -> Any:
        """Return the value at a path; None where there is none."""
        found: Any = self.tree
        for step in path:
            if isinstance(found, Mapping) and isinstance(step, str):
                found = cast("Mapping[str, Any]", found).get(step)
            elif isinstance(found, list) and isinstance(step, int) and step < len(found):
                found = found[step]
            else:
                return None
        return found

    def mapping(self, *path: str | int) -> dict[str, Any]:
        """Return the mapping at a path; an empty one where there is something else, or nothing."""
        found = self.get(*path)
        return cast("dict[str, Any]", found) if isinstance(found, dict) else {}

    def words(self, *path: str | int) -> list[str]:
        """Return the list of names at a path."""
        found = self.get(*path)
        return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []

    def where(self, *path: str | int) -> str:
        """Say where a value stands, or where it would stand."""
        at = path
        while at and at not in self.lines:
            at = at[:-1]
        file, line = self.lines.get(at, (self.name, 0))
        place = f"{file}, line {line}" if line else file
        return f"{place}: {'::'.join(map(str, path))}" if path else place

    def unknown(self) -> Iterator[tuple[Path, Unknown]]:
        """Yield the values that are not known."""
        work: list[tuple[Path, Any]] = [((), self.tree)]
        while work:
            path, value = work.pop()
            if isinstance(value, Unknown):
                yield path, value
            elif isinstance(value, dict):
                work += [((*path, key), each) for key, each in value.items()]
            elif isinstance(value, list):
                work += [((*path, at), each) for at, each in enumerate(value)]

    def merged(self, other: Configuration) -> Configuration:
        """Return both as one: the other's values win, mappings are joined, lists replace."""
        replaced = list(_replaced(self.tree, other.tree, ()))
        lines = {path: at for path, at in self.lines.items() if not any(path[: len(gone)] == gone for gone in replaced)}
        return Configuration(f"{self.name} + {other.name}", _joined(self.tree, other.tree), {**lines, **other.lines})


def _replaced(one: dict[str, Any], other: dict[str, Any], at: Path) -> Iterator[Path]:
    for key, value in other.items():
        if isinstance(value, dict) and isinstance(one.get(key), dict):
            yield from _replaced(one[key], value, (*at, key))
        else:
            yield (*at, key)


def _joined(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    result = dict(one)
    for key, value in other.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = _joined(result[key], value) if both else value
    return result


def read(path: str | os.PathLike[str]) -> Configuration:
    """Read a YAML file, or a fragment as the collector takes it (`yaml:exporters::file::path: x`).

    SourceError for what cannot be read; UsageError without PyYAML.
    """
    name = os.fspath(path)
    if name.startswith("yaml:"):
        return _expanded(parse(name.removeprefix("yaml:"), name))
    name = name.removeprefix("file:")
    try:
        with open(name, "rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise SourceError(f"{name}: cannot be read ({error.strerror or error})") from error
    if len(data) > _MOST_BYTES:
        raise SourceError(f"{name}: a configuration of more than {_MOST_BYTES:,} bytes is not read")
    return parse(data.decode("utf-8", "replace"), name)


def _expanded(fragment: Configuration) -> Configuration:
    tree: dict[str, Any] = {}
    for key, value in fragment.tree.items():
        for part in reversed(key.split("::")):
            value = {part: value}
        tree = _joined(tree, value)
    return Configuration(fragment.name, tree)


def parse(text: str, name: str) -> Configuration:
    """Take a YAML text apart. SourceError says file and line of what is wrong."""
    yaml = _yaml()
    loader: Any = None
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        reading = _Reading(yaml, loader, name)
        tree = reading.value(node, ()) if node is not None else {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{name}, line {mark.line + 1}" if mark is not None else name
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or error
        raise SourceError(f"{place}: no YAML: {problem}") from error
    finally:
        if loader is not None:
            loader.dispose()
    if not isinstance(tree, dict):
        raise SourceError(f"{name}: no configuration: its outermost value is no mapping")
    return Configuration(name, tree, reading.lines if node is not None else {})


def _yaml() -> Any:
    try:
        import yaml
    except ImportError as error:
        raise UsageError("configuration files are read with PyYAML: pip install 'chronicle-otel[doctor]'") from error
    return yaml


class _Reading:
    """Makes values of YAML nodes."""

    def __init__(self, yaml: Any, loader: Any, name: str) -> None:
        self._yaml, self._loader, self._name = yaml, loader, name
        self._left = _MOST_NODES
        self.lines: dict[Path, tuple[str, int]] = {}

    def value(self, node: Any, path: Path) -> Any:
        self._left -= 1
        if self._left < 0 or len(path) > _DEEPEST:
            raise SourceError(f"{self._name}, line {node.start_mark.line + 1}: more than a configuration can hold; aliases of aliases?")
        self.lines.setdefault(path, (self._name, node.start_mark.line + 1))
        if isinstance(node, self._yaml.MappingNode):
            self._loader.flatten_mapping(node)
            found: dict[str, Any] = {}
            for key, each in node.value:
                step = str(key.value) if isinstance(key, self._yaml.ScalarNode) else str(key.start_mark.line)
                self.lines[*path, step] = (self._name, key.start_mark.line + 1)
                found[step] = self.value(each, (*path, step))
            return found
        if isinstance(node, self._yaml.SequenceNode):
            return [self.value(each, (*path, at)) for at, each in enumerate(node.value)]
        if "${" in node.value:
            return self._substituted(node.value)
        try:
            return self._loader.construct_object(node)
        except (self._yaml.YAMLError, ValueError):  # a tag of the program's own, a date that is none
            return node.value

    def _substituted(self, text: str) -> Any:
        whole = _SUBSTITUTION.fullmatch(text)
        if whole is not None:
            if whole[2] is None:
                return Unknown(f"env:{whole[1]}" if whole[1] else whole[3])
            return self._yaml.safe_load(whole[2]) if whole[2] else ""
        unknown = [match for match in _SUBSTITUTION.finditer(text.replace("$${", "")) if match[2] is None]
        if unknown:
            return Unknown(f"env:{unknown[0][1]}" if unknown[0][1] else unknown[0][3])
        return _SUBSTITUTION.sub(lambda match: match[2], text)


def merged(configurations: Iterable[Configuration]) -> Configuration | None:
    """Return several as one, in the order in which a collector is given them."""
    result: Configuration | None = None
    for each in configurations:
        result = each if result is None else result.merged(each)
    return result


def number(value: Any) -> float | None:
    """Return a number, also where it stands as text; None for what is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, str):
        try:
            return float(value.strip().rstrip("%"))
        except ValueError:
            return None
    return None


def seconds(value: Any) -> float | None:
    """Return a Go duration (`1m30s`) in seconds; None for what is none."""
    if isinstance(value, str):
        parts = _DURATION.findall(value.strip())
        if parts and "".join(map("".join, parts)) == value.strip():
            return sum(float(count) * _UNITS[unit] for count, unit in parts)
    found = number(value)
    return None if found is None else found if found == 0 else found * 1e-9  # a bare number is nanoseconds to Go


def on(value: Any) -> bool:
    """Say whether a switch is on."""
    return value is True or (isinstance(value, str) and value.strip().lower() == "true")
