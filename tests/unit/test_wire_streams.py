"""Streams: every chunk comes back, what it says is kept once, and no reader sees half a word."""

from __future__ import annotations

from typing import Any

import pytest

from chronicle_otel import values, wire


def packed(*chunks: Any) -> dict[str, Any]:
    """The payload of chunks that came a millisecond apart."""
    return wire.encode_stream(list(enumerate(chunks)), end="finished", consumed=len(chunks))


def unpacked(stream: Any) -> list[Any]:
    """The chunks, after a trip through text."""
    return [chunk for _, chunk in wire.decode_stream(values.loads(values.dumps(stream)))["chunks"]]


def chat_chunk(number: int, **delta: Any) -> dict[str, Any]:
    return {
        "data": {
            "id": "chatcmpl-7QyqpwdfhqwajicIEznoc6Q47XAyW", "object": "chat.completion.chunk", "created": 1_790_000_000,
            "model": "gpt-5.1-2026-01-01", "service_tier": "default", "system_fingerprint": "fp_44709d6fcb",
            "choices": [{"index": number, "delta": delta, "logprobs": None, "finish_reason": None}], "usage": None,
        }
    }  # fmt: skip


def test_plain_strings_are_one_text() -> None:
    """The chunks of a generator of strings, in full."""
    assert packed("Hel", "lo", " world") == {
        "texts": ["Hello world"],
        "frames": [{"$chronicle.piece": 0}],
        "events": [[0, 0, 3], [1, 0, 2], [2, 0, 6]],
        "end": "finished",
        "consumed": 3,
    }


def test_500_chat_chunks_are_small() -> None:
    """500 chunks of a chat completion, 143 KB as sent, take at most 11 KB."""
    chunks = [chat_chunk(0, content=f"wo{number} ") for number in range(500)]
    stream = packed(*chunks)
    assert len(values.dumps(chunks)) > 140_000
    assert len(values.dumps(stream)) <= 11_000
    assert unpacked(stream) == chunks


def test_channels_are_told_apart_by_index() -> None:
    """Interleaved answers are joined each by itself."""
    stream = packed(chat_chunk(0, content="Hel"), chat_chunk(1, content="Bon"), chat_chunk(0, content="lo"), chat_chunk(1, content="jour"))
    assert stream["texts"] == ["Hello", "Bonjour"]


def test_tool_calls_are_told_apart_wherever_they_stand_in_their_list() -> None:
    """Arguments of parallel tool calls are joined by the call's index, not its place in the chunk's list."""

    def call(index: int, arguments: str) -> dict[str, Any]:
        return {"index": index, "function": {"arguments": arguments}}

    chunks = [{"tool_calls": [call(0, '{"a"'), call(1, '{"b"')]}, {"tool_calls": [call(1, ":2}")]}, {"tool_calls": [call(0, ":1}")]}]
    stream = packed(*chunks)
    assert stream["texts"] == ['{"a":1}', '{"b":2}']
    assert unpacked(stream) == chunks


def test_events_that_repeat_all_hold_a_mark() -> None:
    """A last event that repeats the whole answer does not store it again."""
    chunks: list[Any] = [
        {"event": "delta", "data": {"type": "delta", "sequence_number": number, "delta": f"piece {number}, "}} for number in range(3)
    ]
    full = "".join(chunk["data"]["delta"] for chunk in chunks)
    chunks.append({"event": "done", "data": {"type": "done", "sequence_number": 3, "text": full}})
    stream = packed(*chunks)
    assert stream["frames"][-1] == {"event": "done", "data": {"type": "done", "sequence_number": 3, "text": {"$chronicle.piece": [0]}}}
    assert stream["frames"][0]["data"]["sequence_number"] == {"$chronicle.piece": None}
    assert unpacked(stream) == chunks


def test_members_that_count_the_chunks_tell_no_channels_apart() -> None:
    """An `index` that numbers the chunks themselves does not cut their text into single pieces."""
    chunks = [{"index": number, "text": f"t{number} "} for number in range(20)]
    stream = packed(*chunks)
    assert stream["texts"] == ["".join(chunk["text"] for chunk in chunks)]
    assert unpacked(stream) == chunks


def test_fields_of_typed_values_are_joined() -> None:
    """Chunks that are dataclasses or models have their texts joined, too; other typed values stay whole."""

    def token(text: str) -> dict[str, Any]:
        return {"$chronicle.type": ["dataclass", "agent:Token", {"text": text}]}

    assert packed(token("4111 "), token("1111"))["texts"] == ["4111 1111"]
    raw = [{"$chronicle.type": ["bytes", "aGVs"]}, {"$chronicle.type": ["bytes", "bG8="]}]
    assert unpacked(packed(*raw)) == raw


def test_half_a_character_stays_in_its_event() -> None:
    """A chunk that ends in half a surrogate pair is not joined, so that it comes back as it was."""
    chunks = ["a", "b\ud83d", "\ude00c", "d"]
    stream = packed(*chunks)
    assert stream["texts"] == ["ad"]
    assert unpacked(stream) == chunks


def test_a_redactor_may_change_the_length_of_a_text() -> None:
    """Pieces of a text that grew or shrank are cut at its end, and the last one takes what is left."""
    stream = packed("I am ", "bob@", "corp", ".example.com")
    assert unpacked({**stream, "texts": ["I am x@example.com"]}) == ["I am ", "x@ex", "ampl", "e.com"]
    assert unpacked({**stream, "texts": ["I am a-much-longer-name@sub.example.com"]})[-1] == "onger-name@sub.example.com"
    assert unpacked({**stream, "texts": ["I"]}) == ["I", "", "", ""]


def test_an_opaque_text_stays_opaque() -> None:
    """A text that was taken out is opaque in every piece."""
    gone = {"$chronicle.opaque": {"why": "failed"}}
    assert unpacked({**packed("a", "b"), "texts": [gone]}) == [gone, gone]


def test_head_end_and_consumption_are_kept() -> None:
    """What is known of a stream beside its chunks comes back."""
    stream = wire.encode_stream([(5, "a")], end="closed", consumed=1, head={"status": 200})
    assert wire.decode_stream(stream) == {"head": {"status": 200}, "chunks": [[5, "a"]], "end": "closed", "consumed": 1}


@pytest.mark.parametrize(
    "chunks", [[], [None], [1, True, 1.0, 1], [0.0, -0.0], [[]], [{}, {}], [[], {}, ""], ["", ""], [{"a": []}, {"a": {}}]]
)
def test_small_and_odd_chunks_come_back(chunks: list[Any]) -> None:
    """Chunks of every JSON type come back with their type."""
    assert repr(unpacked(packed(*chunks))) == repr(chunks)


@pytest.mark.parametrize(
    "tree",
    [
        None,
        [],
        {},
        {"texts": [], "frames": []},
        {"texts": [], "frames": [], "events": [[0]]},
        {"texts": [], "frames": [], "events": [[0, 3]]},
    ],
)
def test_what_is_no_stream_is_refused(tree: Any) -> None:
    """A damaged stream payload is a ValueError."""
    with pytest.raises(ValueError):
        wire.decode_stream(tree)
