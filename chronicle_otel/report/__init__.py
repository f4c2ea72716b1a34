"""Reports of a replay: text for a terminal, JSON for a program."""

from __future__ import annotations
