"""JSON with comments and indentation: the part of YAML that every parser reads the same way.

Anchors, aliases, tags, merge keys, duplicate names, several documents and plain scalars that are not plainly one thing
(`yes`, dates, floats) are refused with file and line.
"""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from .errors import PolicyError, RedactionError

Path: TypeAlias = tuple[str | int, ...]

_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)")
_WORD: Final = re.compile(r"[A-Za-z_*][A-Za-z0-9_.*-]*")
_CONSTANTS: Final[dict[str, Any]] = {"true": True, "false": False, "null": None}
_DOUBTFUL: Final = frozenset({"yes", "no", "on", "off", "y", "n", "true", "false", "null"})


@dataclass(slots=True)
class Source:
    """A parsed file: its tree, and the line on which each value stands."""

    name: str
    tree: Any
    lines: dict[Path, int] = field(default_factory=dict["Path", int])

    def refuse(self, path: Path, message: str) -> PolicyError:
        """Make the error that names file, line and field."""
        at = path
        while at not in self.lines and at:
            at = at[:-1]
        where = ".".join(str(step) for step in path) or "the policy"
        return PolicyError(f"{self.name}, line {self.lines.get(at, 1)}: {where}: {message}")


def load(text: str, name: str) -> Source:
    """Parse a policy; PolicyError names file and line of what is refused."""
    try:
        yaml: Any = importlib.import_module("yaml")
    except ImportError:
        raise RedactionError("reading a policy needs PyYAML: pip install 'chronicle-otel[redaction]'") from None
    source = Source(name, None)
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml, of which Go's parser is a translation, in a tenth of the time
    try:
        documents: list[Any] = list(yaml.compose_all(text, Loader=loader))
        _check_events(list(yaml.parse(text, Loader=loader)), name)
    except yaml.YAMLError as error:
        mark: Any = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 1
        raise PolicyError(f"{name}, line {line}: {getattr(error, 'problem', None) or 'this is not YAML'}") from None
    if len(documents) != 1:
        raise PolicyError(f"{name}, line 1: one document is wanted, the file holds {len(documents)}")
    source.tree = _value(documents[0], (), source)
    return source


def _check_events(events: list[Any], name: str) -> None:
    for event in events:
        line = event.start_mark.line + 1
        if getattr(event, "anchor", None) is not None:
            raise PolicyError(f"{name}, line {line}: anchors and aliases are not allowed; write the value out")
        if getattr(event, "tag", None) is not None:
            raise PolicyError(f"{name}, line {line}: tags are not allowed")
        if getattr(event, "style", None) in ("|", ">"):
            raise PolicyError(f"{name}, line {line}: block text is not allowed; write it in quotes")


def _value(node: Any, path: Path, source: Source) -> Any:
    line = node.start_mark.line + 1
    source.lines[path] = line
    kind = type(node).__name__
    if kind == "SequenceNode":
        return [_value(item, (*path, at), source) for at, item in enumerate(node.value)]
    if kind == "MappingNode":
        made: dict[str, Any] = {}
        for key, value in node.value:
            name = _scalar(key, path, source) if type(key).__name__ == "ScalarNode" else None
            if not isinstance(name, str) or name == "<<":
                raise source.refuse(path, "member names are text")
            if name in made:
                raise source.refuse((*path, name), "stands twice")
            made[name] = _value(value, (*path, name), source)
        return made
    return _scalar(node, path, source)


def _scalar(node: Any, path: Path, source: Source) -> Any:
    text: str = node.value
    if node.style in ("'", '"'):
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _WORD.fullmatch(text) and text.lower() not in _DOUBTFUL:
        return text
    raise source.refuse(path, f"{text!r} can be read in more than one way; put it in quotes")
