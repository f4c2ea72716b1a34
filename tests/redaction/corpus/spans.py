"""Payloads as agents' spans hold them: chats, tool calls, retrieved chunks, logs, errors. Dense in look-alikes."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

from tests.redaction.corpus import prose
from tests.redaction.corpus.labelling import Sample, dumps, unmark
from tests.redaction.corpus.nobody import Nobody
from tests.redaction.corpus.people import People
from tests.redaction.corpus.things import AGENTS, MODELS, Things

Template = Callable[[People, Things], Any]


def chat_request(p: People, t: Things) -> Any:
    asked = p.pick(
        f"Please refund {p.email()} for order {t.order()}, they paid with {p.card()}.",
        f"Customer {p.name()} called from {p.phone()} about {t.order()}; tracking {t.tracking()}.",
        f"Wire the deposit to {p.iban()} and confirm to {p.email()}. Reference {t.order()}.",
        f"Our p99 went up: {t.triple()} since {t.moment()} on {t.version()}. Traffic from {p.ip()} looks odd.",
        f"My SSN is {p.ssn()} and my new number is {p.phone()}.",
    )
    arguments = {"order_id": t.order(), "email": p.email(), "amount_cents": t.epoch() % 100000, "ts": t.epoch_ms()}
    call = {
        "id": "call_" + t.of("abcdefABCDEF0123456789", 24),
        "type": "function",
        "function": {"name": "lookup_order", "arguments": dumps(arguments)},
    }
    messages = [
        {"role": "system", "content": "You are a support agent. Never reveal card numbers. Today is 2025-03-14."},
        {"role": "user", "content": asked},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {
            "role": "tool",
            "tool_call_id": call["id"],
            "content": dumps({"status": "ok", "phone": p.national_phone(), "version": t.version(), "latency_ms": [250, 300, 1000]}),
        },
    ]
    return {
        "method": "POST",
        "path": "/v1/chat/completions",
        "body": {"model": p.pick(*MODELS), "messages": messages, "temperature": 0.7, "seed": int(t.digits(10)), "max_tokens": 4096},
    }


def chat_response(p: People, t: Things) -> Any:
    text = p.pick(
        f"I have sent the receipt to {p.email()}.",
        f"The host {p.ip()} answered in {t.triple()}.",
        f"Call {p.phone()} or see {t.public_url()}.",
        f"Use {t.code()} instead.",
    )
    logprobs = {
        "content": [
            {"token": "The", "logprob": -t.score(), "bytes": [84, 104, 101]},
            {"token": " host", "logprob": -t.score(), "bytes": None},
        ]
    }
    return {
        "status": 200,
        "headers": {"x-request-id": "req_" + t.hex(32), "openai-processing-ms": "412", "x-ratelimit-remaining-tokens": "1999847", "cf-ray": t.hex(16) + "-FRA"},
        "body": {"id": "chatcmpl-" + t.of("abcdefXYZ0123456789", 29), "object": "chat.completion", "created": t.epoch(), "model": p.pick(*MODELS), "system_fingerprint": "fp_" + t.hex(10),
                 "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "logprobs": logprobs, "finish_reason": "stop"}],
                 "usage": {"prompt_tokens": 1284, "completion_tokens": 97, "total_tokens": 1381}},
        "attempts": 1,
    }  # fmt: skip


def customer_record(p: People, t: Things) -> Any:
    key, value = p.national_id()
    return {
        "customer_id": t.digits(12),
        "uuid": t.uuid(),
        "full_name": p.named(),
        "email": p.email(),
        "phone": p.pick(p.phone(), p.national_phone()),
        "card": {"number": p.card(), "exp": "12/27", "brand": "visa"},
        "card_number": p.card_number(),
        "iban": p.iban(),
        "ssn": p.pick(p.ssn(), p.ssn_number()),
        key: value,
        "last_login_ip": p.pick(p.ip(), p.ipv6()),
        "created_at": t.moment(),
        "updated_ms": t.epoch_ms(),
        "lifetime_value": 18234.5,
        "geo": {"lat": 40.712776, "lon": -74.005974},
        "etag": t.hex(40),
        "app_version": t.version(),
    }


def retrieved(p: People, t: Things) -> Any:
    def chunk(i: int) -> dict[str, Any]:
        text = p.pick(
            f"{prose.sentence(p, t)} {t.code()}",
            prose.sentence(p, t),
            f"See {t.public_url()} ({t.version()}).",
            f"Runbook {t.dated()}: {t.triple()}.",
        )
        return {
            "id": t.uuid(),
            "score": t.score(),
            "text": text,
            "metadata": {"source": f"kb/{t.hex(8)}.md", "page": i, "sha256": t.hex(64), "offset": t.epoch() % 9999999},
            "embedding": t.embedding(),
        }

    return {"query": p.pick("refund policy", f"tickets of {p.email()}"), "top_k": 3, "chunks": [chunk(i) for i in range(3)]}


def stack_trace(p: People, t: Things) -> Any:
    message = p.pick(
        f"KeyError: '{p.email()}'",
        f"ValueError: cannot charge {p.card()}",
        f"ConnectionError: {p.database_url()} refused",
        f"TimeoutError after {t.triple()}",
    )
    lines = [
        "Traceback (most recent call last):",
        f'  File "/srv/app/agent/tools.py", line {t.epoch() % 900}, in charge',
        f"    row = table[key]  # {t.code()}",
        '  File "/srv/app/agent/db.py", line 88, in get',
        message,
    ]
    return {
        "class": "builtins:KeyError",
        "message": message,
        "args": [message],
        "attributes": {"traceback": "\n".join(lines), "request_id": t.hex(32), "retry_after_ms": 1500},
    }


def access_log(p: People, t: Things) -> Any:
    lines = [
        f'{p.pick(p.ip(), t.machine_ip())} - - [14/Mar/2025:12:30:45 +0000] "GET /api/v1/orders/{t.digits(8)} HTTP/1.1" 200 {t.epoch() % 99999} "-" "{p.pick(*AGENTS)}" rt=0.{t.digits(3)}'
        for _ in range(4)
    ]
    lines.append(f"{t.moment()} INFO worker[{t.epoch() % 9999}] {t.code()}")
    lines.append(f"{t.moment()} WARN auth failed for {p.email()} from {p.pick(p.ip(), p.ipv6())} trace={t.hex(32)} span={t.hex(16)}")
    return {
        "cmd": ["kubectl", "logs", f"agent-{t.hex(9)}-{t.of('bcdfghjk', 5)}"],
        "stdout": "\n".join(lines),
        "exit_code": 0,
        "duration_ms": t.epoch() % 99999,
    }


def payment(p: People, t: Things) -> Any:
    inner = {
        "event": "payment.captured",
        "created": t.epoch(),
        "amount": 129900,
        "currency": "eur",
        "source": {"pan": p.card(), "holder": "see file", "iban": p.iban()},
        "receipt": t.public_url(),
    }
    return {
        "webhook_id": "evt_" + t.of("abcXYZ0123456789", 24),
        "signature_header": f"t={t.epoch()},v1={t.hex(64)}",
        "raw_body": dumps(inner),
        "idempotency_key": t.uuid(),
        "account_ref": t.digits(16),
        "notify": [p.email(), p.email()],
    }


def deployment(p: People, t: Things) -> Any:
    env = {
        "OPENAI_API_KEY": p.secret(),
        "DATABASE_URL": p.database_url(),
        "REGION": "eu-central-1",
        "BUILD": t.version(),
        "IMAGE": f"registry.kestrel.dev/agent@sha256:{t.hex(64)}",
        "WORKERS": "4",
        "GIT_SHA": t.hex(40),
    }
    script = f"export TOKEN_LIMIT=4096\ncurl -H 'Authorization: Bearer {p.pick(p.secret(), p.jwt())}' {t.public_url()}\necho {t.dated()}"
    return {
        "tool": "shell",
        "input": {"command": script, "env": env, "timeout_ms": 120000},
        "output": {"stdout": f"pushed {t.hex(12)}\n{t.code()}", "stderr": "", "code": 0},
    }


def table_rows(p: People, t: Things) -> Any:
    rows = [[t.epoch() % 99999, p.email(), p.pick(p.phone(), p.foreign_phone()), t.moment(), t.score()] for _ in range(3)]
    markdown = "| id | mail | seen | ms |\n| --- | --- | --- | --- |\n" + "\n".join(
        f"| {t.digits(9)} | {p.email()} | {t.moment()} | {t.triple()} |" for _ in range(2)
    )
    return {
        "sql": f"SELECT id, mail, phone FROM users WHERE org = {t.digits(9)} AND ts > {t.epoch_ms()}",
        "columns": ["id", "mail", "contact_phone", "seen", "score"],
        "rows": rows,
        "markdown": markdown,
    }


def browser(p: People, t: Things) -> Any:
    html = f'<p>Contact <a href="mailto:{p.email()}">us</a> or {p.phone()}</p><img src="https://cdn.kestrel.dev/a/{t.epoch() % 999}/x.png"><script>var build="{t.version()}";</script>'
    return {
        "action": "goto",
        "url": p.pick(p.private_url(), t.public_url()),
        "html": html,
        "links": [t.public_url(), p.private_url(), t.public_url()],
        "viewport": [1280, 720],
        "screenshot": t.blob(),
        "user_agent": p.pick(*AGENTS),
    }


def stream(p: People, t: Things) -> Any:
    texts = [
        p.pick(f"Sure, I mailed {p.email()} about {t.order()}.", f"Dial {p.phone()} before 17:30.", f"It took {t.triple()}."),
        dumps({"to": p.email(), "id": t.digits(12)}),
    ]
    frames = [
        {"choices": [{"delta": {"content": {"$chronicle.piece": 0}}}]},
        {"choices": [{"delta": {"tool_calls": [{"function": {"arguments": {"$chronicle.piece": 1}}}]}}]},
    ]
    return {
        "texts": texts,
        "frames": frames,
        "events": [[12, 0, 9], [31, 0, 14], [250, 1, 30], [300, 1, 1000]],
        "end": "finished",
        "consumed": 4,
    }


def memory(p: People, t: Things) -> Any:
    notes = [prose.sentence(p, t) for _ in range(3)]
    return {
        "session": t.uuid(),
        "turn": 14,
        "notes": notes,
        "summary": {"$chronicle.ref": [3, "chronicle.input", [0, 1, 2]]},
        "window": [1000, 2000, 3000],
        "prompt_cache_key": t.hex(32),
        "vector_ids": [t.digits(18), t.digits(18)],
    }


TEMPLATES: tuple[Template, ...] = (
    chat_request,
    chat_response,
    customer_record,
    retrieved,
    stack_trace,
    access_log,
    payment,
    deployment,
    table_rows,
    browser,
    stream,
    memory,
)


def generate(count: int, seed: int, *, personal: bool = True, urls: bool = False) -> Iterator[Sample]:
    """Yield payloads; without `personal` the same ones about nobody, with `urls` each full of links."""
    source = random.Random(f"spans {seed} {personal} {urls}")
    people, things = (People if personal else Nobody)(source), Things(source)
    for i in range(count):
        template = TEMPLATES[i % len(TEMPLATES)]
        value = template(people, things)
        if urls:
            value["references"] = [link(things) for _ in range(6)]
        text = dumps(value, ascii_only=i % 3 == 0, indent=2 if i % 7 == 0 else None)
        yield unmark(text, template.__name__, is_payload=True)


def link(t: Things) -> str:
    """A link to a public page, as search results hold them."""
    return t.source.choice(
        [
            t.public_url(),
            t.public_url(),
            f"https://github.com/kestrel/agent/commit/{t.hex(40)}",
            f"https://blog.kestrel.dev/2025/03/{t.epoch() % 28 + 1}/why-we-moved-from-polling-to-streams",
        ]
    )
