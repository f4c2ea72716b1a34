"""MB/s of the redactor on one core: payloads of 3 KB that hold nothing, a value per KB, and a value per 250 bytes."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable

from chronicle_otel.redaction import Redactor, load_policy

SENTENCE = (
    "the customer wants to know whether the order was shipped on time and asks about the refund policy for an item because delivery "
    "took longer than expected and tracking shows nothing new today please check"
)
WORDS = SENTENCE.split()
VALUES: list[Callable[[random.Random], str]] = [
    lambda draw: f"maria.{draw.randint(10, 99)}@kestrel.de",
    lambda draw: "card 4539 1488 0343 6467",
    lambda draw: f"call +1 212 867 53{draw.randint(10, 99)}",
    lambda draw: "ssn 219-09-9999",
    lambda draw: f"from 93.184.216.{draw.randint(10, 99)}",
    lambda draw: f"https://kestrel.de/users/bob{draw.randint(10, 99)}",
    lambda draw: "DE89 3704 0044 0532 0130 00",
]
KINDS = {"nothing private": 0, "a value per KB": 1000, "a value per 250 bytes": 250}


def payload(draw: random.Random, every: int) -> str:
    """A conversation with a value after about every so many bytes; 0: none."""
    messages: list[dict[str, object]] = []
    size = 0
    for at in range(12):
        content = " ".join(draw.choices(WORDS, k=25))
        size += len(content) + 120
        if every and size > every:
            content += " " + draw.choice(VALUES)(draw)
            size = 0
        message_id = f"msg_{draw.getrandbits(128):032x}"
        messages.append({"role": "user", "id": message_id, "ts": 1732233600000 + at, "content": content})
    return json.dumps({"model": "gpt-4.1", "temperature": 0.2, "messages": messages, "usage": {"prompt_tokens": 1234}})


def measured(count: int = 200, rounds: int = 3) -> list[tuple[str, float]]:
    """What, MB of payload per second of CPU; the best of some rounds."""
    redactor = Redactor(load_policy(), b"0" * 32)
    rows: list[tuple[str, float]] = []
    for name, every in KINDS.items():
        draw = random.Random(1)
        payloads = [payload(draw, every) for _ in range(count)]
        size = sum(map(len, payloads)) / 1e6
        best = 0.0
        for _ in range(rounds):
            began = time.process_time()
            for text in payloads:
                redactor.payload(text)
            best = max(best, size / (time.process_time() - began))
        rows.append((name, best))
    return rows


def main() -> None:
    """Print a table."""
    print("| payloads of 3 KB | MB/s |\n| --- | --- |")
    for name, speed in measured():
        print(f"| {name} | {speed:.1f} |")


if __name__ == "__main__":
    main()
