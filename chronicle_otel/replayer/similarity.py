"""How alike two calls are, by what tells them from the other calls at their place. Pure.

live input, recorded input, all recorded inputs there ──► similarity: 0 … 1
                                                      └─► same_conversation: equal history around a change
"""

from __future__ import annotations

import collections
import functools
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from .compare import Path, is_items, is_object, same

_FRAMING: Final = frozenset({"role", "type", "id", "tool_call_id", "call_id", "object", "index", "model", "item_id", "status"})
_SAMPLING: Final = frozenset(
    [
        "model",
        "temperature",
        "top_p",
        "top_k",
        "max_tokens",
        "max_completion_tokens",
        "max_output_tokens",
        "n",
        "stop",
        "stop_sequences",
        "stream",
        "stream_options",
        "seed",
        "user",
        "tools",
        "tool_choice",
        "functions",
        "function_call",
        "response_format",
        "reasoning_effort",
        "reasoning",
        "metadata",
        "store",
        "logprobs",
        "top_logprobs",
        "presence_penalty",
        "frequency_penalty",
        "parallel_tool_calls",
        "text",
        "include",
        "safety_identifier",
        "prompt_cache_key",
        "service_tier",
        "verbosity",
        "encoding_format",
        "dimensions",
        "output_config",
        "thinking",
    ]
)
"""Members that say how a model is to be asked, not what: two requests are no more alike for sharing them."""
MODEL_KINDS: Final = frozenset({"llm", "embedding"})


def features(kind: str, tree: Any) -> list[str]:
    """The leaf texts by which a call is told from another, framing left out."""
    if is_object(tree) and kind in MODEL_KINDS:
        members = tree
        if members.keys() <= {"method", "path", "body"} and "body" in members:
            tree = members["body"]
        if is_object(tree):
            tree = {name: member for name, member in tree.items() if name not in _SAMPLING}
    found: list[str] = []
    work: list[tuple[Any, str, int]] = [(tree, "", 0)]
    while work:
        node, name, depth = work.pop()
        if is_object(node):
            work.extend((m, k, depth + 1) for k, m in node.items() if depth == 0 or k not in _FRAMING)
        elif is_items(node):
            work.extend((item, name, depth + 1) for item in node)
        elif type(node) is str:
            found.append(node)
        elif type(node) is bool:
            found.append(f"{name}_is_{node}")
        elif node is not None:  # one word each, whatever signs and points are in it
            found.append(re.sub(r"\W", "_", repr(int(node)) if type(node) is float and node.is_integer() else repr(node)))
    return found


_WORD: Final = re.compile(r"[A-Za-z0-9_]+|[^\W\d_]", re.UNICODE)
"""Words of ASCII text, single letters of other scripts (many write no spaces)."""


@functools.lru_cache(maxsize=8192)
def _length(text: str) -> int:
    return len(_WORD.findall(text))


def similarity(kind: str, live: Any, recorded: Any, siblings: Sequence[Any]) -> float:
    """Say how alike two calls are, from 0 to 1, by what tells them from the other calls at the place.

    `siblings` are the inputs of all recorded calls there (`recorded` among them). A text that the live call shares with
    all of them is common to the place (a system prompt) and proves nothing; with a single sibling that holds for models only.
    """
    counts = len(siblings) > 1 or kind in MODEL_KINDS
    return alike(features(kind, live), features(kind, recorded), common_features(kind, siblings) if counts else None)


def common_features(kind: str, siblings: Sequence[Any]) -> frozenset[str]:
    """Return the texts that all calls at a place hold."""
    common: set[str] | None = None
    for sibling in siblings:
        texts = set(features(kind, sibling))
        common = texts if common is None else common & texts
    return frozenset(common or ())


def alike(a: Sequence[str], b: Sequence[str], common: frozenset[str] | None) -> float:
    """Compare two calls by their texts: twice the words that both hold, over the words of both.

    `common` are the texts of all calls at the place; None: they prove something here.
    """
    if common is not None:
        common = common.intersection(a)
        own_a, own_b = [t for t in a if t not in common], [t for t in b if t not in common]
        if own_a and own_b:
            a, b = own_a, own_b
        elif not own_a and not own_b:
            return 1.0
    count_a, count_b = collections.Counter(a), collections.Counter(b)
    both = count_a & count_b
    same_words = sum(_length(text) * times for text, times in both.items())
    words_a, words_b = _words(count_a - both), _words(count_b - both)
    total = 2 * same_words + words_a.total() + words_b.total()
    return 2 * (same_words + (words_a & words_b).total()) / total if total else 1.0


def _words(texts: collections.Counter[str]) -> collections.Counter[str]:
    count: collections.Counter[str] = collections.Counter()
    for text, times in texts.items():
        for word in _WORD.findall(text):
            count[word.lower()] += times
    return count


def same_conversation(live: Any, recorded: Any, siblings: Sequence[Any]) -> bool:
    """Say whether two calls hold the same history up to something that changed in it.

    That is: a list of equal length and equal framing (roles, kinds, call ids) at the same place, of which an element is
    equal that not every sibling has there.
    """
    for path, history in _histories(live):
        other = _at(recorded, path)
        if not is_items(other) or len(other) != len(history) or any(_frame(a) != _frame(b) for a, b in zip(history, other, strict=True)):
            continue
        lists = [_at(sibling, path) for sibling in siblings]
        for at, (a, b) in enumerate(zip(history, other, strict=True)):
            if same(a, b) and any(not is_items(s) or at >= len(s) or not same(s[at], b) for s in lists):
                return True
    return False


def _histories(tree: Any) -> Iterator[tuple[Path, list[Any]]]:
    """Lists of at least two elements among the members of a call, and of the body of an SDK call."""
    if is_object(tree):
        for name, member in tree.items():
            if is_items(member) and len(member) > 1:
                yield (name,), member
            elif name == "body" and is_object(member):
                yield from (((name, *path), history) for path, history in _histories(member))


def _at(tree: Any, path: Path) -> Any:
    for part in path:
        tree = tree.get(str(part)) if is_object(tree) else None
    return tree


def _frame(element: Any) -> Any:
    if not is_object(element):
        return type(element).__name__
    return {name: member for name, member in element.items() if name in _FRAMING and type(member) in (str, int)}
