"""Python values as payloads and back; what makes two values equal.

    value ──to_tree──► tree ──dumps──► text ──► span ──► text ──loads──► tree ──decode──► value
                         └──key / equal: what two recordings, or a recording and a replay, compare

A *tree* is a JSON value as Python holds it, in which what JSON cannot carry stands as a marker (docs/wire-format.md).
"""

from __future__ import annotations

from chronicle_otel.values.decoding import decode, decode_error
from chronicle_otel.values.encoding import encode, encode_error, to_tree
from chronicle_otel.values.equality import equal, key, replayable
from chronicle_otel.values.foreign import scan_value, tree_and_text, tree_of_json, tree_of_parsed
from chronicle_otel.values.hints import hints_of
from chronicle_otel.values.naming import MAPPINGS, Recorded, call_main, loaded_class, main_module_name, type_name
from chronicle_otel.values.text import dumps, dumps_bytes, escape, has_surrogates, join_surrogates, loads, plain, unescape

__all__ = [
    "MAPPINGS",
    "Recorded",
    "call_main",
    "decode",
    "decode_error",
    "dumps",
    "dumps_bytes",
    "encode",
    "encode_error",
    "equal",
    "escape",
    "has_surrogates",
    "hints_of",
    "join_surrogates",
    "key",
    "loaded_class",
    "loads",
    "main_module_name",
    "plain",
    "replayable",
    "scan_value",
    "to_tree",
    "tree_and_text",
    "tree_of_json",
    "tree_of_parsed",
    "type_name",
    "unescape",
]
