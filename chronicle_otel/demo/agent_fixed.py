"""A trading agent. The customer says what to trade, the model decides which tools to call."""

from __future__ import annotations

import json
import re
import sys
from contextvars import ContextVar

from openai import OpenAI

import chronicle_otel as chronicle

MARKET = {"ACME": 190.00, "GLOBEX": 52.50}
ACCOUNT = {"cash": 0.0, "ACME": 2_500, "GLOBEX": 40}
INSTRUCTION: ContextVar[str] = ContextVar("instruction", default="")


@chronicle.effect(name="submit_order")
def submit_order(symbol: str, side: str, quantity: float) -> dict:
    """The paper broker: it fills every order at the market's price."""
    sign = 1 if side == "sell" else -1
    ACCOUNT[symbol] -= sign * quantity
    ACCOUNT["cash"] += sign * quantity * MARKET[symbol]
    return {"status": "filled", "symbol": symbol, "side": side, "quantity": quantity, "notional": quantity * MARKET[symbol]}


@chronicle.tool(name="get_quote")
def get_quote(symbol: str) -> dict:
    return {"symbol": symbol, "price": MARKET[symbol]}


@chronicle.tool(name="get_position")
def get_position(symbol: str) -> dict:
    return {"symbol": symbol, "shares": ACCOUNT[symbol]}


@chronicle.guardrail(name="within_instruction")
def within_instruction(instruction: str, symbol: str, quantity: float) -> str | None:
    """Compare an order with the dollar amount that the customer named; return what is wrong with it, if anything."""
    named = re.search(r"\$([\d,]+(?:\.\d+)?)", instruction)
    notional = quantity * MARKET[symbol]
    if named and notional > float(named[1].replace(",", "")) * 1.02:
        return f"{quantity:,g} {symbol} cost ${notional:,.2f}, the customer said {named[0]}"
    return None


@chronicle.tool(name="place_order")
def place_order(symbol: str, side: str, quantity: float) -> dict:
    if problem := within_instruction(INSTRUCTION.get(), symbol, quantity):
        return {"status": "rejected", "reason": problem}
    return submit_order(symbol, side, quantity)


TOOLS = {"get_quote": get_quote, "get_position": get_position, "place_order": place_order}


def describe(name: str, **parameters: str) -> dict:
    properties = {parameter: {"type": type_} for parameter, type_ in parameters.items()}
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "function", "function": {"name": name, "parameters": schema}}


TOOL_SCHEMAS = [
    describe("get_quote", symbol="string"),
    describe("get_position", symbol="string"),
    describe("place_order", symbol="string", side="string", quantity="number"),
]


@chronicle.agent(name="trade")
def trade(instruction: str) -> str:
    """Carry out one instruction of the customer and say what was done."""
    INSTRUCTION.set(instruction)
    messages = [
        {"role": "system", "content": "You are a brokerage assistant. Use the tools to carry out the order, then confirm."},
        {"role": "user", "content": instruction},
    ]
    client = OpenAI()
    while True:
        answer = client.chat.completions.create(model="gpt-4.1", messages=messages, tools=TOOL_SCHEMAS)
        message = answer.choices[0].message
        if not message.tool_calls:
            return message.content or ""
        messages.append(message.model_dump(exclude_none=True))
        for call in message.tool_calls:
            result = TOOLS[call.function.name](**json.loads(call.function.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": json.dumps(result)})


if __name__ == "__main__":
    with chronicle.session(customer="C-1042", desk="retail"):
        print("agent:  ", trade(sys.argv[1]))
    print("account:", ACCOUNT)
