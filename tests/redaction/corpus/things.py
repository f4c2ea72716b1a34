"""Values that look personal and are not: ids, times, measures, versions and addresses of nobody."""

from __future__ import annotations

import base64
import random
import string

from tests.redaction.corpus.checksums import passes_luhn

HEX = "0123456789abcdef"
WORD = string.ascii_letters + string.digits
MODELS = ["gpt-4o-2024-08-06", "claude-sonnet-4-20250514", "gemini-2.5-pro", "o3-mini-2025-01-31", "text-embedding-3-large"]
AGENTS = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
    "python-httpx/0.27.2",
    "OpenAI/Python 1.54.4",
    "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
]


class Things:
    """Draws look-alikes."""

    def __init__(self, source: random.Random) -> None:
        self.source = source

    def of(self, alphabet: str, count: int) -> str:
        return "".join(self.source.choices(alphabet, k=count))

    def digits(self, count: int) -> str:
        """Digits that begin with none of an issuer's and do not pass Luhn."""
        while True:
            drawn = self.source.choice("178") + self.of(string.digits, count - 1)
            if not passes_luhn(drawn):
                return drawn

    def uuid(self) -> str:
        h = self.of(HEX, 32)
        return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:]}"

    def hex(self, count: int) -> str:
        return self.of(HEX, count)

    def epoch_ms(self) -> int:
        return 1_700_000_000_000 + self.source.randrange(90_000_000_000)

    def epoch(self) -> int:
        return self.epoch_ms() // 1000

    def moment(self) -> str:
        s = self.source
        return f"202{s.randint(4, 6)}-{s.randint(1, 12):02d}-{s.randint(1, 28):02d}T{s.randint(0, 23):02d}:{s.randint(0, 59):02d}:{s.randint(0, 59):02d}.{s.randint(0, 999):03d}Z"

    def order(self) -> str:
        s, d = self.source, self.of
        day = f"2025{s.randint(1, 12):02d}{s.randint(1, 28):02d}"
        return s.choice(
            [
                f"ORD-{day}-{d(string.digits, 4)}",
                f"#{self.digits(7)}",
                f"INV-2025-{d(string.digits, 6)}",
                f"PO {self.digits(10)}",
                f"TCK{self.digits(9)}",
                f"RMA-{d(string.digits, 3)}-{d(string.digits, 4)}",
            ]
        )

    def tracking(self) -> str:
        return self.source.choice(
            [
                f"1Z{self.of(string.ascii_uppercase + string.digits, 6)}03{self.digits(8)}",
                self.digits(12),
                f"JD01{self.digits(16)}",
                "9400" + self.digits(18),
            ]
        )

    def dated(self) -> str:
        s = self.source
        return f"run-2025{s.randint(1, 12):02d}{s.randint(1, 28):02d}-{s.randint(0, 235959):06d}-{self.hex(4)}"

    def version(self) -> str:
        s = self.source
        n = [str(s.randint(0, 30)) for _ in range(4)]
        return s.choice(
            [
                ".".join(n[:3]),
                f"v{'.'.join(n)}",
                f"version {'.'.join(n)}",
                f"{n[0]}.{n[1]}.{n[2]}-rc{n[3]}",
                f"10.0.{self.digits(5)}.{n[0]}{self.digits(3)}",
                f"2024.{n[0]}.{n[1]}",
            ]
        )

    def triple(self) -> str:
        s = self.source
        a, b, c = s.randint(100, 400), s.randint(200, 800), s.randint(1000, 9900)
        return s.choice(
            [f"{a} {b} {c}", f"p50/p95/p99: {a}/{b}/{c} ms", f"latency_ms={a},{b},{c}", f"{a}ms {b}ms {c}ms", f"[{a}, {b}, {c}]"]
        )

    def score(self) -> float:
        return round(self.source.random(), self.source.choice([4, 9, 16, 17]))

    def embedding(self, size: int = 24) -> list[float]:
        return [round(self.source.uniform(-1, 1), 16) for _ in range(size)]

    def machine_ip(self) -> str:
        s = self.source
        return s.choice(
            [
                f"10.{s.randint(0, 255)}.{s.randint(0, 255)}.{s.randint(1, 254)}",
                f"192.168.{s.randint(0, 9)}.{s.randint(1, 254)}",
                "127.0.0.1",
                "::1",
                f"172.20.0.{s.randint(2, 99)}",
                "fe80::1c2a:7bff:fe3d:9e21",
                "0.0.0.0",
            ]
        )

    def blob(self) -> str:
        return base64.b64encode(self.source.randbytes(self.source.choice([48, 96, 300]))).decode()

    def code(self) -> str:
        s = self.source
        return s.choice(
            [
                "std::vector<int> v{1, 2};",
                "@pytest.fixture(scope='module')",
                "pip install react-agent==1.2.3.4",
                "npm i @types/node@22.9.0 react@18.2.0",
                "git@github.com:kestrel/agent.git",
                f"nginx@sha256:{self.hex(64)}",
                "0x7ffd5e8a9b40 in __libc_start_main",
                f"mac {':'.join(self.of(HEX, 2) for _ in range(6))}",
                "ISBN 978-3-16-148410-0",
                "range(1000, 2000) step 250",
                "lat/lon 40.712776, -74.005974",
                "total $1,234,567.89 (+3.14159 %)",
                f"id = {self.digits(18)}",
                "12:30:45.123 -> 12:31:02.004",
                "dial 112 in an emergency, room 204-118",
                "sk-learn-style pipelines, hf_transfer and pat-match helpers",
                "ratio 4539.1488 / 0343.6467",
                "0.4539148803436467",
                "1.0.0.1-alpha, 2.0.0.0",
                "call_" + self.of(WORD, 24),
                "chatcmpl-" + self.of(WORD, 29),
                "toolu_" + self.of(WORD, 24),
                "SELECT count(*) FROM t WHERE ts > 1732233600123 AND n IN (100, 200, 3000)",
            ]
        )

    def public_url(self) -> str:
        s = self.source
        return s.choice(
            [
                "https://docs.kestrel.dev/guides/configure-the-pipeline",
                "https://en.wikipedia.org/wiki/Payment_card_number#Structure",
                "https://arxiv.org/abs/2305.10601v2",
                "https://api.northwind.io/v1/orders?limit=50&page=3&sort=-created",
                "http://localhost:8080/healthz",
                f"https://github.com/kestrel/agent/blob/main/src/tools.py#L{s.randint(1, 400)}",
                f"https://cdn.kestrel.dev/img/{s.randint(100, 999)}x{s.randint(100, 999)}/hero.png",
                "https://news.example.org/2025/03/14/markets-fall-again",
                "http://10.0.3.7:9090/metrics",
                "https://pkg.go.dev/go.opentelemetry.io/collector/component@v0.115.0",
            ]
        )
