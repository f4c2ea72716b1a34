"""The redactor that is judged: the public surface, the default policy, a key that everybody knows."""

from __future__ import annotations

from chronicle_otel.redaction import Redactor, load_policy

KEY = b"0" * 32
POLICY = load_policy()
ENGINE = Redactor(POLICY, key=KEY, tenant="acme")
OTHER_TENANT = Redactor(POLICY, key=KEY, tenant="other")
