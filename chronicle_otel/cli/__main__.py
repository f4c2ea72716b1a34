"""`python -m chronicle_otel.cli`, where the console script is not installed."""

from __future__ import annotations

import sys

from . import main

sys.exit(main())
