"""Every attribute name that chronicle writes or reads, and the words that stand in their values.

The `chronicle.*` names are wire format 1 (docs/wire-format.md). The `gen_ai.*` names follow the OpenTelemetry
GenAI conventions, which have no Python package of their own yet and are all of status Development.
"""

from __future__ import annotations

from typing import Final

# ---- boundary kinds -------------------------------------------------------------------------
KINDS: Final = ("agent", "step", "llm", "embedding", "retrieval", "tool", "guardrail", "memory", "effect", "human", "ambient")
LIVE_BY_DEFAULT: Final = frozenset({"agent", "step", "guardrail"})
"""Kinds that a replay executes unless told otherwise; none of them acts on the world by itself."""

# ---- chronicle.*: the lossless envelope -----------------------------------------------------
VERSION: Final = "chronicle.version"
KIND: Final = "chronicle.kind"
NAME: Final = "chronicle.name"
RUN_ID: Final = "chronicle.run.id"
SEQ: Final = "chronicle.seq"
PARENT: Final = "chronicle.parent"
PARENT_GUESS: Final = "chronicle.parent.guess"
BRANCH: Final = "chronicle.branch"
LANE: Final = "chronicle.lane"
INPUT: Final = "chronicle.input"
OUTPUT: Final = "chronicle.output"
ERROR: Final = "chronicle.error"
STREAM: Final = "chronicle.stream"
CODE: Final = "chronicle.code"
SESSION: Final = "chronicle.session"
AMBIENT: Final = "chronicle.ambient"
REDACTION: Final = "chronicle.redaction"
RUN_PARENT: Final = "chronicle.run.parent"
RUN_STEPS: Final = "chronicle.run.steps"
RUN_LOST: Final = "chronicle.run.lost"
RUN_START: Final = "chronicle.run.start"
"""On the root: span id of the run-start span. On the run-start span it is the span's name instead."""
FLAGGED: Final = "chronicle.flagged"
LATE: Final = "chronicle.late"
BAGGAGE_PREFIX: Final = "chronicle.session."
"""Baggage keys of session variables that travel to called services (`session(propagate=True, …)`)."""
REPLAY_OF: Final = "chronicle.replay.of"
REPLAY_VERDICT: Final = "chronicle.replay.verdict"
REPLAY_LEVEL: Final = "chronicle.replay.level"
DIVERGENCE: Final = "chronicle.divergence"
DOCTOR: Final = "chronicle.doctor"
"""On every span that `chronicle doctor` sends: the id of its probe. They are nobody's recordings and may be deleted."""
SIZE_SUFFIX: Final = ".size"

PAYLOADS: Final = (INPUT, OUTPUT, ERROR, STREAM, CODE, SESSION, AMBIENT, RUN_PARENT, REDACTION)
"""Attributes whose value is JSON text, accompanied by `<name>.size`."""

RUN_START_SPAN: Final = "chronicle.run.start"

# ---- the semconv view ------------------------------------------------------------------------
OPERATION_NAME: Final = "gen_ai.operation.name"
PROVIDER_NAME: Final = "gen_ai.provider.name"
REQUEST_MODEL: Final = "gen_ai.request.model"
RESPONSE_MODEL: Final = "gen_ai.response.model"
RESPONSE_ID: Final = "gen_ai.response.id"
FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
INPUT_MESSAGES: Final = "gen_ai.input.messages"
OUTPUT_MESSAGES: Final = "gen_ai.output.messages"
SYSTEM_INSTRUCTIONS: Final = "gen_ai.system_instructions"
TOOL_DEFINITIONS: Final = "gen_ai.tool.definitions"
TOOL_NAME: Final = "gen_ai.tool.name"
TOOL_CALL_ARGUMENTS: Final = "gen_ai.tool.call.arguments"
TOOL_CALL_RESULT: Final = "gen_ai.tool.call.result"
AGENT_NAME: Final = "gen_ai.agent.name"
RETRIEVAL_QUERY: Final = "gen_ai.retrieval.query.text"
RETRIEVAL_DOCUMENTS: Final = "gen_ai.retrieval.documents"
SESSION_ID: Final = "session.id"
ERROR_TYPE: Final = "error.type"
SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"

OPERATION_OF_KIND: Final = {
    "agent": "invoke_agent",
    "tool": "execute_tool",
    "embedding": "embeddings",
    "retrieval": "retrieval",
    "llm": "chat",
}

# ---- markers inside payloads -----------------------------------------------------------------
MARKER_PREFIX: Final = "$chronicle."
REF: Final = "$chronicle.ref"
PIECE: Final = "$chronicle.piece"
TYPE: Final = "$chronicle.type"
BLOB: Final = "$chronicle.blob"
OPAQUE: Final = "$chronicle.opaque"
