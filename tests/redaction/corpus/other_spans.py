"""Payloads of agents' spans, held out: other frameworks, other shapes, other nesting than `spans`."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from tests.redaction.corpus.labelling import Sample, dumps, unmark
from tests.redaction.corpus.nobody import Nobody
from tests.redaction.corpus.other_people import OtherPeople
from tests.redaction.corpus.people import People
from tests.redaction.corpus.spans import Template
from tests.redaction.corpus.things import AGENTS, Things


def messages_api(p: People, t: Things) -> Any:
    tool = {
        "type": "tool_use",
        "id": "toolu_" + t.of("abcdefXYZ01234567", 24),
        "name": "send_invoice",
        "input": {
            "recipient": {"displayName": p.name(), "emailAddress": p.email()},
            "lineItems": [{"sku": "A-" + t.digits(6), "qty": 2, "unitPrice": 19.99}],
            "dueInDays": 30,
        },
    }
    result = {
        "type": "tool_result",
        "tool_use_id": tool["id"],
        "content": [{"type": "text", "text": f"queued as {t.uuid()}; smtp 250 2.0.0 OK {t.epoch()} {t.hex(12)} - gsmtp for <{p.email()}>"}],
    }
    return {
        "model": "claude-sonnet-4-20250514",
        "max_tokens": 1024,
        "system": [{"type": "text", "text": "Answer in Dutch.", "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {
                "role": "user",
                "content": [
                    {
                        "type": "text",
                        "text": f"Stuur de factuur naar {p.email()}; betaald vanaf {p.iban()} op 14-03-2025, kenmerk {t.order()}.",
                    },
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": t.blob()}},
                ],
            },
            {"role": "assistant", "content": [{"type": "thinking", "thinking": f"Check {t.code()}", "signature": t.blob()}, tool]},
            {"role": "user", "content": [result]},
        ],
    }


def rpc(p: People, t: Things) -> Any:
    text = f"name: {p.name()}\nphone: {p.pick(p.us_phone(), p.national_phone())}\nemail: {p.email()}\nlast_seen: {t.moment()}\nclient: {t.version()}\nnotes: |\n  {t.code()}\n"
    return {
        "jsonrpc": "2.0",
        "id": t.epoch() % 5000,
        "result": {
            "content": [{"type": "text", "text": text}],
            "isError": False,
            "_meta": {"progressToken": t.hex(16), "elapsed_ns": t.epoch_ms() * 1000},
        },
    }


def chain_run(p: People, t: Things) -> Any:
    document = {
        "page_content": f"{p.name()} <{p.email()}> reported p95 of {t.triple()} from {p.pick(p.ip(), p.ipv6())} on build {t.version()}.",
        "metadata": {"source": t.public_url(), "start_index": t.epoch() % 90000, "doc_id": t.digits(16), "relevance": t.score()},
        "type": "Document",
    }
    return {
        "lc": 1,
        "type": "constructor",
        "id": ["langchain", "schema", "runnable", "RunnableSequence"],
        "run_id": t.uuid(),
        "inputs": {"question": f"who is {p.email()}?"},
        "outputs": {"documents": [document, document]},
        "tags": ["seq:step:2", t.dated()],
        "execution_order": 12,
    }


def incident(p: People, t: Things) -> Any:
    lines = [
        dumps(
            {
                "level": "info",
                "time": t.epoch_ms(),
                "pid": t.epoch() % 40000,
                "remoteAddress": p.ip(),
                "remotePort": 51344,
                "req": {"id": t.uuid(), "method": "GET", "url": f"/v2/items/{t.digits(10)}?fields=a,b"},
                "msg": t.code(),
            }
        )
        for _ in range(3)
    ]
    lines.append(f"{t.moment()} [conn-{t.epoch() % 900}] peer=[{p.ipv6()}]:44321 user={p.email()} bytes={t.epoch()} ua={p.pick(*AGENTS)!r}")
    lines.append(
        f"panic: cannot dial {p.database_url()}: i/o timeout\ngoroutine {t.epoch() % 90000} [running]:\nmain.main()\n\t/app/main.go:{t.epoch() % 400} +0x{t.hex(3)}"
    )
    return {
        "service": "checkout",
        "pod": f"checkout-{t.hex(10)}-{t.of('bcdfg', 5)}",
        "log": "\n".join(lines),
        "window": {"fromMs": t.epoch_ms(), "toMs": t.epoch_ms()},
    }


def booking(p: People, t: Things) -> Any:
    key, value = p.national_id()
    return {
        "pnr": t.of("ABCDEFGHJKLMNPQRSTUVWXYZ", 6),
        "passengers": [
            {
                "lastName": p.named(),
                "mobile": p.pick(p.foreign_phone(), p.national_phone()),
                "documents": {key: value},
                "frequentFlyer": "LH" + t.digits(12),
            }
        ],
        "payment": {"creditCard": {"cardNumber": p.card(), "expiry": "2028-09"}, "authorizationCode": t.digits(6), "amountMinor": 48250},
        "contact": {"Phone-Number": p.us_phone(), "E-Mail": p.email()},
        "segments": [{"flight": "LH 1234", "dep": t.moment(), "gate": "B42", "seat": "12A", "distanceKm": 1094.5381}],
        "bookingRef": t.order(),
        "priceBreakdown": [129900, 4539, 1488, 343, 6467001],
    }


def wire_transfer(p: People, t: Things) -> Any:
    xml = f"<Document><CdtTrfTxInf><PmtId><EndToEndId>{t.order()}</EndToEndId></PmtId><CdtrAcct><Id><IBAN>{p.iban()}</IBAN></Id></CdtrAcct><Amt Ccy='EUR'>1250.00</Amt><CreDtTm>{t.moment()}</CreDtTm><MsgId>{t.digits(20)}</MsgId></CdtTrfTxInf></Document>"
    return {
        "name": "submit_pain001",
        "arguments": dumps({"xml": xml, "notify": p.email(), "checksum": t.hex(64)}),
        "call_id": "call_" + t.hex(24),
    }


def ci_job(p: People, t: Things) -> Any:
    config = f"[default]\nregion = eu-west-1\nbuild = {t.version()}\nkey = {p.secret()}\nretries = 3\ncommit = {t.hex(40)}\n"
    return {
        "step": "write_file",
        "args": {"path": "/srv/app/.env", "content": config},
        "result": {"sha256": t.hex(64), "bytes_written": t.epoch() % 9000, "mtime": t.epoch()},
        "headers": {"Authorization": f"Bearer {p.jwt()}", "X-Request-Id": t.uuid(), "X-RateLimit-Reset": str(t.epoch())},
    }


def spreadsheet(p: People, t: Things) -> Any:
    rows = ["row,customer_no,mail,cell,amount,ssn"] + [
        f"{i},{t.digits(9)},{p.email()},{p.pick(p.us_phone(), p.foreign_phone())},{t.epoch() % 9999}.50,{p.ssn()}" for i in range(3)
    ]
    return {
        "tool": "read_csv",
        "preview": "\n".join(rows),
        "dtypes": {"row": "int64", "amount": "float64"},
        "shape": [1000, 6],
        "describe": {"mean": 4539.1488, "std": 343.64671234567, "p50": 250.0, "p95": 300.0, "max": 9999.5},
    }


def speech(p: People, t: Things) -> Any:
    words = [
        {"w": word, "s": round(i * 0.31, 2), "e": round(i * 0.31 + 0.28, 2)}
        for i, word in enumerate(["thanks", "for", "calling", "how", "can", "I", "help"])
    ]
    return {
        "transcript": f"Agent: may I have a callback number? Caller: sure, it's {p.us_phone()}. Agent: and the card? Caller: {p.card()}. Agent: order {t.order()}?",
        "words": words,
        "duration_sec": 183.44,
        "audio_sha": t.hex(64),
        "caller_id": p.foreign_phone(),
        "channel": {"sip": f"sip:{t.digits(6)}.pbx.local;transport=tls", "codec": "opus/48000/2"},
    }


def crawl(p: People, t: Things) -> Any:
    markdown = f"# Team\n\n* [{p.name()}](mailto:{p.email()})\n* tel: {p.us_phone()}\n* [profile]({p.private_url()})\n\n![x]({t.public_url()})\n\nUpdated {t.moment()} | rev {t.hex(7)} | {t.version()}\n"
    return {
        "tool_name": "fetch_page",
        "tool_input": {"url": t.public_url(), "depth": 2},
        "tool_output": {
            "status": 200,
            "markdown": markdown,
            "headers": {"etag": f'W/"{t.hex(32)}"', "age": "1732", "content-length": "48213"},
            "outlinks": [t.public_url() for _ in range(4)],
        },
    }


TEMPLATES: tuple[Template, ...] = (messages_api, rpc, chain_run, incident, booking, wire_transfer, ci_job, spreadsheet, speech, crawl)


def generate(count: int, seed: int, *, personal: bool = True) -> Iterator[Sample]:
    """Yield held-out payloads."""
    source = random.Random(f"other spans {seed} {personal}")
    people, things = (OtherPeople if personal else Nobody)(source), Things(source)
    for i in range(count):
        template = TEMPLATES[i % len(TEMPLATES)]
        yield unmark(
            dumps(template(people, things), ascii_only=i % 2 == 0, indent=4 if i % 9 == 0 else None), template.__name__, is_payload=True
        )
