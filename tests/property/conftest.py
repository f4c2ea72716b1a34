"""Generated tests judge results, never time: machines differ."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("chronicle", deadline=None)
settings.load_profile("chronicle")
