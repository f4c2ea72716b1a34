"""OpenAI's SDK, 2.x on httpx and 3.x on httpx2: chat completions, Responses, embeddings; every other request as an effect."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Collection
from types import ModuleType
from typing import Any

from chronicle_otel.instrumentation._api_client import (
    ApiClientSdk,
    wrap_async_credential,
    wrap_async_request,
    wrap_build_request,
    wrap_credential,
    wrap_request,
)
from chronicle_otel.instrumentation._instrumentor import Instrumentor, replace
from chronicle_otel.instrumentation.openai_assembly import JOINED
from chronicle_otel.instrumentation.openai_view import view
from chronicle_otel.recording.interceptor import Boundary, registered
from chronicle_otel.recording.views import register_view

_MODELS = (
    ("/chat/completions", Boundary(kind="llm", name="openai.chat.completions", sdk="openai", list_members=("messages",))),
    ("/responses", Boundary(kind="llm", name="openai.responses", sdk="openai", list_members=("input",))),
    ("/embeddings", Boundary(kind="embedding", name="openai.embeddings", sdk="openai", list_members=("input",))),
    ("/completions", Boundary(kind="llm", name="openai.completions", sdk="openai")),
)
"""Tails of the URLs that ask a model, the longer before the shorter; a deployment or a prefix may stand before them."""

for _, _boundary in _MODELS:  # so that a replay never takes one endpoint for another that was renamed
    registered[_boundary.kind, _boundary.name] = _boundary

_WORD = re.compile(r"[a-z_]+")


@functools.lru_cache(maxsize=512)
def boundary_of(method: str, url: str) -> Boundary:
    """Return the boundary that a request crosses; ids in the path are no part of its name."""
    path = url.partition("?")[0].rstrip("/")
    if "://" in path:
        path = "/" + path.partition("://")[2].partition("/")[2]
    if method.lower() == "post":
        for tail, boundary in _MODELS:
            if path.endswith(tail):
                return boundary
    words = [word if _WORD.fullmatch(word) else "{id}" for word in path.split("/") if word]
    return Boundary(kind="effect", name=".".join(("openai", *words)), sdk="openai")


OPENAI = ApiClientSdk(
    name="openai",
    boundary=boundary_of,
    terminal=(
        b"data: [DONE]",
        b"event: response.completed",
        b"event: response.failed",
        b"event: response.incomplete",
        b'data: {"type":"response.completed"',
        b'data: {"type":"response.failed"',
        b'data: {"type":"response.incomplete"',
    ),
)

_CREDENTIALS = ("_refresh_api_key", "_get_azure_ad_token")
"""Methods of clients that call the user's own function for a key or token."""


class OpenAIInstrumentor(Instrumentor):
    """Puts chronicle's seam into every client of the openai SDK, also into those that exist already."""

    sdk = "openai"
    distribution = "openai"

    def instrumentation_dependencies(self) -> Collection[str]:
        return ("openai >= 2.40, < 4",)

    def patch(self, module: ModuleType) -> list[Callable[[], None]]:
        base: Any = getattr(module, "_base_client", None)
        wanted = (("SyncAPIClient", "request"), ("AsyncAPIClient", "request"), ("BaseClient", "_build_request"))
        if base is None or any(name not in vars(getattr(base, cls, object)) for cls, name in wanted):
            return []
        register_view("openai", view, pieces=JOINED)
        undo: list[Callable[[], None]] = [
            replace(base.SyncAPIClient, "request", lambda original: wrap_request(original, OPENAI)),
            replace(base.AsyncAPIClient, "request", lambda original: wrap_async_request(original, OPENAI)),
            replace(base.BaseClient, "_build_request", wrap_build_request),
        ]
        for cls in _client_classes(module):
            for name in _CREDENTIALS:
                original = vars(cls).get(name)
                if original is not None:
                    undo.append(replace(cls, name, wrap_async_credential if inspect.iscoroutinefunction(original) else wrap_credential))
        return undo


def _client_classes(module: ModuleType) -> list[type]:
    names = ("OpenAI", "AsyncOpenAI", "AzureOpenAI", "AsyncAzureOpenAI")
    return [found for found in (getattr(module, name, None) for name in names) if isinstance(found, type)]
