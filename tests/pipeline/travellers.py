"""Agents whose runs travel: small, long, large, in every script, failing, side by side.

Run as a script with the path of a file, it records all of them there and through an export of their own into a collector; what to
do may be chosen by name: python -m tests.pipeline.travellers FILE [NAME…]
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import chronicle_otel as chronicle

STEPS = 400
LARGE = 5_000_000
SCRIPTS = 'größe, 東京, Ελληνικά, עברית, 👩‍👩‍👧‍👦, e\u0301, \u2028, nul \x00, half a pair \ud83d, tab\t, quote ", \\u0041'


class Refused(Exception):
    """A warehouse said no."""

    def __init__(self, item: str, why: str) -> None:
        super().__init__(item, why)
        self.item = item


@chronicle.tool(name="stock")
def stock(item: str, place: int) -> dict[str, Any]:
    return {"item": item, "place": place, "left": 3 * place % 7, "note": f"shelf {place} of hall {place % 4}"}


@chronicle.tool(name="manual")
def manual(item: str) -> str:
    """Five million characters that do not repeat."""
    lines, size, at = list[str](), 0, 0
    while size < LARGE:
        at += 1
        lines.append(f"{at}. Part {at * 7919 % 100_003} of {item} is held by bolts of type {at % 89}.\n")
        size += len(lines[-1])
    return "".join(lines)


@chronicle.tool(name="echo")
def echo(**what: Any) -> dict[str, Any]:
    return {"echo": what, SCRIPTS: [SCRIPTS[::-1], None, True, 2**70, -0.0, 1e-9, [], {}]}


@chronicle.tool(name="reserve")
def reserve(item: str) -> None:
    raise Refused(item, f"no {item} is left")


@chronicle.agent(name="small")
def small(item: str) -> str:
    return f"{stock(item, 1)['left']} left"


@chronicle.agent(name="long")
def long(item: str) -> int:
    return sum(stock(item, place)["left"] for place in range(1, STEPS))


@chronicle.agent(name="large")
def large(item: str) -> int:
    return len(manual(item))


@chronicle.agent(name="scripts")
def scripts(text: str) -> list[str]:
    return sorted(str(key) for key in echo(text=text, größe=text))


@chronicle.agent(name="failing")
def failing(item: str) -> None:
    try:
        reserve(item)
    except Refused as error:
        raise RuntimeError(f"cannot order {error.item}") from error


@chronicle.agent(name="beside")
def beside(number: int) -> list[int]:
    """One of several runs at once, with steps that are at once as well."""
    with ThreadPoolExecutor(4) as pool:
        return [answer["left"] for answer in pool.map(lambda place: stock(f"lamp {number}", place), range(6))]


ENTRIES: dict[str, Any] = {entry.__name__: entry for entry in (small, long, large, scripts, failing, beside)}


def travel(name: str) -> None:
    """Do what a name stands for."""
    if name == "beside":
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(beside, range(8)))
    elif name == "failing":
        try:
            failing("lamp")
        except RuntimeError:
            pass
    else:
        ENTRIES[name](SCRIPTS if name == "scripts" else "lamp")


def main() -> None:
    """Record what was asked for."""
    # a span of 5 MB: this stack takes 8 MiB, other receivers 4
    chronicle.init(sys.argv[1], export="own", service_name="travellers", span_bytes=8_000_000, shutdown_seconds=60)
    with chronicle.session(customer="C-1042", desk="größe"):
        for name in sys.argv[2:] or ENTRIES:
            travel(name)
    chronicle.shutdown()


if __name__ == "__main__":
    main()
