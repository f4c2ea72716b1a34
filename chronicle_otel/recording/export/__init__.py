"""An export of our own: the spans of a private tracer to an OTLP endpoint, cut by bytes, kept on disk where the endpoint stays away."""

from __future__ import annotations

from typing import Any

from ...settings import Settings
from ..budget import Put
from .client import client_of
from .endpoint import of_environment
from .fitting import Fitter
from .sender import OtlpSink, Rules
from .unsent import Unsent


def sink_of(settings: Settings, resource: Any, scope: Any, *, redact: Any = None, put: Put | None = None) -> OtlpSink:
    """Make the sink for the endpoint of the environment. `redact` has `span` and `resource`."""
    endpoint = of_environment()
    return OtlpSink(
        client_of(endpoint),
        str(endpoint),
        redact.resource(resource) if redact is not None else resource,
        scope,
        rules=Rules(settings.queue_bytes, settings.retry_seconds, settings.shutdown_seconds),
        fitter=Fitter(settings.span_bytes, put=put, inline=settings.inline_bytes),
        unsent=Unsent(settings.unsent, settings.unsent_bytes) if settings.unsent_bytes else None,
        redact=redact.span if redact is not None else None,
    )
