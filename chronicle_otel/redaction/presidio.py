"""Presidio as a hook: `hooks: [{use: "chronicle_otel.redaction.presidio:Presidio", options: {entities: ["PERSON"]}}]`."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from typing import Any


class Presidio:
    """Names, places and whatever else an AnalyzerEngine of Presidio knows. It brings the models; none is fetched here."""

    def __init__(
        self, language: str = "en", entities: Sequence[str] = ("PERSON", "LOCATION"), threshold: int = 50, analyzer: Any = None
    ) -> None:
        self._language = language
        self._entities = list(entities)
        self._threshold = threshold / 100
        self._analyzer = analyzer or importlib.import_module("presidio_analyzer").AnalyzerEngine()

    def find(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Yield what the analyzer is sure enough of."""
        for result in self._analyzer.analyze(text, language=self._language, entities=self._entities):
            if result.score >= self._threshold:
                yield result.start, result.end, result.entity_type
