"""A support agent on the real `openai` SDK that handles personal data in every place a recording has.

Run as a script with the path of a file, it answers one request and records it there and into a collector; the endpoints of the
model and the collector come from the environment.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Any

from openai import OpenAI

import chronicle_otel as chronicle

EMAIL, PHONE, CARD, SSN = "maria.keller@kestrel.de", "(212) 867-5309", "4539148803436467", "219-09-4321"
IBAN, ADDRESS, KEY = "DE89370400440532013000", "8.8.4.4", "ghp_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
PLANTED = (EMAIL, PHONE, CARD, SSN, IBAN, ADDRESS, KEY)
"""Every private value that passes through the agent."""
REQUEST = f"Please refund {EMAIL}, phone {PHONE}, to the card {CARD[:4]} {CARD[4:8]} {CARD[8:12]} {CARD[12:]}"
CUSTOMER = {"email": EMAIL, "phone": PHONE, "pan": int(CARD), "ssn": SSN, "iban": IBAN, "last_ip": ADDRESS}


class Declined(Exception):
    """A bank said no."""


@chronicle.tool(name="customer")
def customer(email: str) -> dict[str, Any]:
    return {**CUSTOMER, "note": f"prefers {PHONE}"}


@chronicle.tool(name="refund")
def refund(pan: int, amount: float) -> dict[str, Any]:
    raise Declined(f"card {pan} of {EMAIL} was declined from {ADDRESS}")


@chronicle.tool(name="transfer")
def transfer(iban: str, amount: float) -> dict[str, Any]:
    return {"status": "sent", "receipt": f"https://bank.example/receipts?email={EMAIL.replace('@', '%40')}", "iban": iban}


@chronicle.guardrail(name="is_card")
def is_card(number: int) -> bool:
    """Sixteen digits that pass Luhn."""
    digits = [int(digit) for digit in str(number)][::-1]
    return len(digits) == 16 and sum(digits[::2] + [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]) % 10 == 0


@chronicle.guardrail(name="is_email")
def is_email(text: str) -> bool:
    return re.fullmatch(r"[^@\s]+@[^@\s]+\.[a-z]{2,}", text) is not None


@chronicle.effect(name="send_mail")
def send_mail(to: str, body: str) -> str:
    return f"queued for {to}"


TOOLS: dict[str, Any] = {"customer": customer, "refund": refund, "transfer": transfer}


def called(name: str, arguments: dict[str, Any]) -> str:
    """Call a tool with its guardrails; an error is an answer to the model."""
    if name == "refund" and not is_card(arguments["pan"]):
        return "error: no card number"
    try:
        return json.dumps(TOOLS[name](**arguments))
    except Declined as error:
        return f"error: {error}"


@chronicle.agent(name="desk")
def desk(request: str) -> str:
    """Carry out one request of a customer, streaming the model's answers."""
    messages: list[Any] = [{"role": "system", "content": f"You work for support@kestrel.de. Token: {KEY}"}]
    messages.append({"role": "user", "content": request})
    client = OpenAI()
    while True:
        text, calls = "", dict[int, dict[str, Any]]()
        counted: Any = {"include_usage": True}
        for chunk in client.chat.completions.create(model="gpt-4.1", messages=messages, stream=True, stream_options=counted):
            delta = chunk.choices[0].delta if chunk.choices else None
            text += (delta.content or "") if delta else ""
            for part in (delta.tool_calls or []) if delta else []:
                call = calls.setdefault(part.index, {"id": part.id, "name": part.function.name, "arguments": ""})
                call["arguments"] += part.function.arguments or ""
        if not calls:
            break
        functions = [
            {"id": call["id"], "type": "function", "function": {"name": call["name"], "arguments": call["arguments"]}}
            for call in calls.values()
        ]
        messages.append({"role": "assistant", "content": text or None, "tool_calls": functions})
        for call in calls.values():
            arguments = json.loads(call["arguments"])
            with chronicle.step.span(f"{call['name']} for {arguments.get('email', 'a customer')}"):
                result = called(call["name"], arguments)
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": result})
    addresses = re.findall(r"[\w.]+@[\w.]+[a-z]", text)
    if addresses and is_email(addresses[0]):
        send_mail(addresses[0], text)
    return text


def answer(request: dict[str, Any]) -> Any:
    """What the model says: look the customer up, try the card, take the account, say so."""
    from chronicle_otel.demo.provider import Call, Reply

    last = request["body"]["messages"][-1]
    if last["role"] != "tool":
        return Reply(calls=[Call("customer", {"email": EMAIL})])
    if last["content"].startswith("error"):
        return Reply(calls=[Call("transfer", {"iban": IBAN, "amount": 12.5})])
    result = json.loads(last["content"])
    if "pan" in result:
        return Reply(calls=[Call("refund", {"pan": int(CARD), "amount": 12.5})])
    return Reply(text=f"Dear customer, 12.50 went to {IBAN}, since card {CARD} was declined. We write to {EMAIL} or call {PHONE}.")


def main() -> None:
    """Record into the application's own provider, which exports to a collector, and raw into a file beside it."""
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": "desk", "enduser.id": EMAIL}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    chronicle.init(sys.argv[1])
    with chronicle.session(customer=EMAIL, desk="retail"):
        print(desk(REQUEST))
    chronicle.shutdown()
    provider.shutdown()


if __name__ == "__main__":
    main()
