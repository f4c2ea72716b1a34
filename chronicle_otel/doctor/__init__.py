"""What would damage a recording on its way, and what did: each thing with the setting to change.

this environment ──environment──┐
configuration files ──checkup───┼──► diagnoses ──► Report: text, JSON, exit code
probe ──sending──► pipeline ──► store ──arrival──┘
"""

from __future__ import annotations
