"""Personal values once more, held out: other people, other formats, other habits than `people`."""

from __future__ import annotations

import string

from tests.redaction.corpus import checksums
from tests.redaction.corpus.labelling import mark, number
from tests.redaction.corpus.people import WORD, People

NAMES = [
    "Beatrix Novak",
    "Ahmed El-Sayed",
    "Wei Zhang",
    "Ingrid Sørensen",
    "Raúl Ibáñez",
    "Deepa Krishnan",
    "Sean McAllister",
    "Noor de Vries",
    "Paulo Figueira",
    "Eszter Tóth",
]
DOMAINS = [
    "web.de",
    "proton.me",
    "outlook.com",
    "law.harvard.edu",
    "st-marys.nhs.uk",
    "data.gouv.fr",
    "uol.com.br",
    "kolumbus.fi",
    "naver.com",
    "city.lviv.ua",
    "startup.xyz",
    "example-shop.museum",
]
BINS = [
    ("400012", 16),
    ("4917", 16),
    ("5105", 16),
    ("2221", 16),
    ("2720", 16),
    ("3714", 15),
    ("3005", 14),
    ("3095", 14),
    ("3852", 14),
    ("3589", 16),
    ("1800", 15),
    ("6445", 16),
    ("6212", 17),
    ("5020", 14),
    ("6390", 17),
    ("0604", 12),
]
COUNTRIES = [
    ("FI", 14),
    ("DK", 14),
    ("LU", 16),
    ("GR", 23),
    ("HU", 24),
    ("CZ", 20),
    ("TR", 22),
    ("AE", 19),
    ("IE", -18),
    ("LT", 16),
    ("RO", -20),
    ("BR", -25),
]


class OtherPeople(People):
    """Draws labelled values that look different from those of `People`."""

    def name(self) -> str:
        return self.source.choice(NAMES)

    def email(self) -> str:
        first, last = (
            part.lower()
            for part in self.source.choice(["Beatrix Novak", "Wei Zhang", "Deepa Krishnan", "Sean Mcallister", "Noor Devries"]).split()
        )
        local = self.pick(
            f"{last}{self.digits(4)}",
            f"{first}",
            f"{first}.{last}",
            f"{first[0]}.{last}",
            f"info.{last}",
            f"{first}-{last}",
            f"{self.digits(6)}",
            f"{first}_{last}+news",
            f"x{self.of(string.ascii_lowercase, 9)}",
            f"{first.upper()}.{last.upper()}",
        )
        return mark("email", f"{local}@{self.source.choice(DOMAINS)}")

    def us_phone(self) -> str:
        npa = self.pick("305", "602", "773", "972", "360", "508", "858", "904")
        exchange, line = f"{self.source.randint(3, 9)}{self.digits(2)}", self.digits(4)
        return mark(
            "phone",
            self.pick(
                f"({npa}){exchange}-{line}",
                f"+1.{npa}.{exchange}.{line}",
                f"+1-{npa}-{exchange}-{line}",
                f"1 ({npa}) {exchange}-{line}",
                f"{npa}-{exchange}-{line} ext. {self.digits(4)}",
                f"({npa}) {exchange} {line}",
                f"+1 {npa}-{exchange}-{line}",
                f"001-{npa}-{exchange}-{line}",
                f"{npa}.{exchange}.{line}",
            ),
        )

    def foreign_phone(self) -> str:
        d = self.digits
        forms = [
            f"+358 40 {d(3)} {d(4)}",
            f"+48 60{d(1)} {d(3)} {d(3)}",
            f"+420 60{d(1)} {d(3)} {d(3)}",
            f"+90 532 {d(3)} {d(2)} {d(2)}",
            f"+972-54-{d(3)}-{d(4)}",
            f"+7 (495) {self.source.randint(100, 999)}-{d(2)}-{d(2)}",
            f"+86 138 {d(4)} {d(4)}",
            f"+41 79 {d(3)} {d(2)} {d(2)}",
        ]
        forms += [
            f"+43 1 {self.source.randint(2, 8)}{d(6)}",
            f"+46 70-{d(3)} {d(2)} {d(2)}",
            f"+353 87 {d(3)} {d(4)}",
            f"+27 82 {d(3)} {d(4)}",
            f"+82-10-{self.source.randint(2, 9)}{d(3)}-{d(4)}",
            f"+351 91{d(1)} {d(3)} {d(3)}",
            f"+49/170/{self.source.randint(2, 9)}{d(6)}",
            f"+44(0)1865 {self.source.randint(200, 999)}{d(3)}",
            f"+33.6.{d(2)}.{d(2)}.{d(2)}.{d(2)}",
        ]
        return mark("phone", self.source.choice(forms))

    def national_phone(self) -> str:
        d = self.digits
        return mark(
            "phone",
            self.pick(
                f"0121 {self.source.randint(200, 999)} {d(4)}",
                f"01865 {self.source.randint(200, 999)}{d(3)}",
                f"0171 {self.source.randint(2, 9)}{d(6)}",
                f"(040) {self.source.randint(3, 9)}{d(5)}",
                f"0221 / {self.source.randint(2, 9)}{d(5)}",
                f"05-6{d(1)}-{d(2)}-{d(2)}-{d(2)}",
                f"07 8{d(1)} {d(2)} {d(2)} {d(2)}",
                f"773 {self.source.randint(300, 999)} {d(4)}",
                f"305{self.source.randint(300, 999)}{d(4)}",
            ),
        )

    def card_digits(self) -> str:
        prefix, length = self.source.choice(BINS)
        body = prefix + self.digits(length - 1 - len(prefix))
        pan = body + checksums.luhn_digit(body)
        return pan if not pan.startswith("400000") else self.card_digits()

    def card_number(self) -> str:
        while (pan := self.card_digits())[0] == "0":
            pass
        return number("card", pan)

    def iban(self) -> str:
        country, length = self.source.choice(COUNTRIES)
        account = self.digits(length) if length > 0 else self.of(string.ascii_uppercase, 4) + self.digits(-length - 4)
        if country == "BR":
            account = self.digits(23) + "P1"
        plain = checksums.iban(country, account)
        return mark(
            "iban",
            self.pick(
                plain,
                " ".join(plain[i : i + 4] for i in range(0, len(plain), 4)),
                "-".join(plain[i : i + 4] for i in range(0, len(plain), 4)),
                plain.lower(),
            ),
        )

    def ip(self) -> str:
        s = self.source
        return mark(
            "ip",
            f"{s.choice([1, 5, 13, 23, 45, 62, 77, 95, 151, 178, 193, 217])}.{s.randint(0, 255)}.{s.randint(0, 255)}.{s.randint(0, 255)}",
        )

    def ipv6(self) -> str:
        h = [f"{self.source.randint(1, 0xFFFF):x}" for _ in range(8)]
        return mark(
            "ip",
            self.pick(
                f"2a00:1450:4001:{h[0]}::{h[1]}",
                f"2003:{h[0]}:{h[1]}:{h[2]}:{h[3]}:{h[4]}:{h[5]}:{h[6]}",
                f"240e:{h[0]}::1",
                f"2620:0:{h[2]}::{h[3]}:{h[4]}",
            ),
        )

    def secret(self) -> str:
        w, hexa, upper = self.of, "0123456789abcdef", string.ascii_uppercase + string.digits
        forms = [
            f"ghs_{w(WORD, 36)}",
            f"ghr_{w(WORD, 76)}",
            f"ASIA{w(upper[:26] + '234567', 16)}",
            f"ya29.a0{w(WORD + '_-', 120)}x",
            f"xoxp-{self.digits(11)}-{self.digits(11)}-{self.digits(13)}-{w(hexa, 32)}",
            f"sk_test_51{w(WORD, 97)}",
            f"AC{w(hexa, 32)}",
        ]
        forms += [
            f"ntn_{w(WORD, 43)}",
            f"secret_{w(WORD, 43)}",
            f"NRAK-{w(upper, 27)}",
            f"glc_eyJ{w(WORD, 60)}",
            f"sntrys_eyJ{w(WORD, 70)}",
            f"dp.pt.{w(WORD, 43)}",
            f"AGE-SECRET-KEY-1{w(upper, 58)}",
            f"tvly-{w(WORD, 32)}",
            f"pcsk_{w(WORD, 6)}_{w(WORD, 63)}",
        ]
        forms += [
            f"{self.digits(10)}:AA{w(WORD + '_-', 32)}x",
            f"sq0atp-{w(WORD, 22)}",
            f"figd_{w(WORD, 42)}",
            f"dckr_pat_{w(WORD, 27)}",
            f"shpss_{w(hexa, 32)}",
            f"GOCSPX-{w(WORD, 28)}",
            f"sk-or-v1-{w(hexa, 64)}",
            f"sk-lf-{w(hexa, 8)}-{w(hexa, 4)}-{w(hexa, 4)}-{w(hexa, 4)}-{w(hexa, 12)}",
            f"nvapi-{w(WORD, 64)}",
        ]
        return mark("secret", self.source.choice(forms))

    def jwt(self) -> str:
        return mark(
            "secret",
            f"eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiIsImtpZCI6Ij{self.of(WORD, 12)}.eyJpc3Mi{self.of(WORD, 140)}.{self.of(WORD + '-_', 342)}",
        )

    def database_url(self) -> str:
        return mark(
            "url",
            self.pick(
                f"mongodb+srv://app:{self.of(WORD, 11)}4@cluster0.{self.of('abcdef', 5)}.mongodb.net/prod?retryWrites=true",
                f"redis://:{self.of(WORD, 20)}@cache:6379/0",
                f"mysql+pymysql://root:{self.of(WORD, 9)}%21@10.1.2.3/crm",
            ),
        )

    def private_url(self) -> str:
        w = self.of(WORD, 30) + "Qz4"
        return mark(
            "url",
            self.pick(
                f"https://hub.city.lviv.ua/u/{self.pick('bnovak', 'wei.zhang', 'noor88')}",
                f"https://api.startup.xyz/v1/me?access_token={w}",
                f"http://intranet.uol.com.br/profile/{self.digits(7)}?tab=2",
                f"https://s3.eu-west-1.amazonaws.com/b/k.csv?X-Amz-Expires=300&X-Amz-Signature={self.of('0123456789abcdef', 64)}",
                f"https://meet.startup.xyz/invite/{w}",
                f"wss://rt.startup.xyz/socket?key={w}",
            ),
        )
