"""What the demo's model says: a rule per state of the conversation, so that it also answers an agent that was changed."""

from __future__ import annotations

import json
from typing import Any

from .provider import Call, Reply

INSTRUCTION = "Please sell $1,000 worth of ACME"


def answer(request: dict[str, Any]) -> Reply:
    """Take the dollar amount for a number of shares, as a model once did."""
    last = request["body"]["messages"][-1]
    if last["role"] != "tool":
        return Reply(calls=[Call("get_quote", {"symbol": "ACME"}), Call("get_position", {"symbol": "ACME"})])
    result = json.loads(last["content"])
    if "shares" in result:
        return Reply(calls=[Call("place_order", {"symbol": "ACME", "side": "sell", "quantity": 1000})])
    if result.get("status") == "rejected":
        return Reply(text=f"I did not place the order: {result['reason']}.")
    return Reply(text="Done! I sold $1,000 worth of ACME for you.")
