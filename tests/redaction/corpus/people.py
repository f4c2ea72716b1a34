"""Personal values in the spellings that people and programs give them, from a seeded source."""

from __future__ import annotations

import itertools
import random
import string

from tests.redaction.corpus import checksums
from tests.redaction.corpus.labelling import mark, number

GIVEN = [
    "maria",
    "tom",
    "aisha",
    "yuki",
    "lars",
    "priya",
    "ines",
    "olu",
    "jan",
    "sofia",
    "pierre",
    "chen",
    "fatima",
    "diego",
    "anna",
    "kwame",
]
FAMILY = [
    "keller",
    "okafor",
    "tanaka",
    "lindqvist",
    "rao",
    "moreau",
    "kowalski",
    "alvarez",
    "smith",
    "o'brien",
    "van-dyk",
    "nguyen",
    "haddad",
    "costa",
    "weiss",
    "mensah",
]
HOSTS = [
    "kestrel.de",
    "gmail.com",
    "northwind.co.uk",
    "acme-labs.io",
    "posteo.net",
    "corp.example-bank.fr",
    "yahoo.co.jp",
    "uni-graz.ac.at",
    "fabrikam.technology",
    "mail.gov.in",
]
NPA = ["212", "415", "312", "646", "718", "303", "206", "617", "702", "813", "404", "503", "214", "919"]
ISSUERS = [("4", 16), ("4", 13), ("53", 16), ("2345", 16), ("34", 15), ("37", 15), ("36", 14), ("305", 14), ("3528", 16), ("6011", 16)]
ISSUERS += [("65", 16), ("5018", 12), ("6304", 13), ("6759", 16), ("6762", 18), ("6763", 19), ("6250", 16), ("6221", 19), ("2131", 15)]
ACCOUNTS = [("DE", "d18"), ("FR", "d23"), ("GB", "a4d14"), ("NL", "a4d10"), ("ES", "d20"), ("IT", "a1d22"), ("CH", "d17"), ("PL", "d24")]
ACCOUNTS += [("NO", "d11"), ("BE", "d12"), ("SE", "d20"), ("AT", "d16"), ("PT", "d21"), ("SA", "d20"), ("MT", "a4d23")]
WORD = string.ascii_letters + string.digits


class People:
    """Draws labelled values."""

    personal = True

    def __init__(self, source: random.Random) -> None:
        self.source = source

    def pick(self, *options: str) -> str:
        return self.source.choice(options)

    def digits(self, count: int) -> str:
        return "".join(self.source.choices(string.digits, k=count))

    def of(self, alphabet: str, count: int) -> str:
        return "".join(self.source.choices(alphabet, k=count))

    def name(self) -> str:
        return f"{self.source.choice(GIVEN)} {self.source.choice(FAMILY)}".title()

    def named(self) -> str:
        """A full name where its key says that it is one."""
        return mark("name", self.name())

    def email(self) -> str:
        given, family, host = self.source.choice(GIVEN), self.source.choice(FAMILY), self.source.choice(HOSTS)
        local = self.pick(
            f"{given}.{family}",
            f"{given[0]}{family}",
            f"{given}_{self.digits(2)}",
            f"{family}+{self.of('abcdef', 5)}",
            f"{given}.{family}-{self.digits(4)}",
        )
        address = f"{local}@{host}"
        return mark("email", self.pick(address, address, address, address.upper(), address.title()))

    def us_phone(self) -> str:
        npa, exchange, line = self.source.choice(NPA), f"{self.source.randint(2, 9)}{self.source.randint(10, 99)}", self.digits(4)
        forms = [f"({npa}) {exchange}-{line}", f"{npa}-{exchange}-{line}", f"{npa}.{exchange}.{line}", f"+1 {npa} {exchange} {line}"]
        forms += [
            f"+1{npa}{exchange}{line}",
            f"1-{npa}-{exchange}-{line}",
            f"+1 ({npa}) {exchange}-{line}",
            f"{npa}-{exchange}-{line} x{self.digits(3)}",
        ]
        return mark("phone", self.source.choice(forms))

    def foreign_phone(self) -> str:
        d = self.digits
        forms = [f"+44 20 7{d(3)} {d(4)}", f"+447{self.pick('4', '8', '9')}{d(8)}", f"+44 7{self.pick('4', '8', '9')}{d(2)} {d(6)}"]
        forms += [
            f"+49 30 {self.source.randint(2, 9)}{d(6)}",
            f"+49 (0)89 {self.source.randint(2, 9)}{d(5)}",
            f"+49 151 2{d(7)}",
            f"+33 6 {d(2)} {d(2)} {d(2)} {d(2)}",
        ]
        forms += [
            f"+33 1 4{d(1)} {d(2)} {d(2)} {d(2)}",
            f"+81-3-5{d(3)}-{d(4)}",
            f"+91 98{d(3)} {d(5)}",
            f"+61 4{d(2)} {d(3)} {d(3)}",
            f"+55 11 9{d(4)}-{d(4)}",
        ]
        forms += [
            f"+34 6{d(2)} {d(3)} {d(3)}",
            f"+39 06 {self.source.randint(4, 8)}{d(7)}",
            f"+31 6 {self.source.randint(1, 5)}{d(7)}",
            f"+65 9{d(3)} {d(4)}",
            f"0044 20 7{d(3)} {d(4)}",
        ]
        return mark("phone", self.source.choice(forms))

    def national_phone(self) -> str:
        """A number as it is dialled at home, in one of the default regions; only for places that say that it is one."""
        d = self.digits
        forms = [
            f"020 7{d(3)} {d(4)}",
            f"07{self.pick('4', '8', '9')}{d(2)} {d(6)}",
            f"030 {self.source.randint(2, 9)}{d(6)}",
            f"0151-2{d(7)}",
        ]
        forms += [f"089/{self.source.randint(2, 9)}{d(5)}", f"01 4{d(1)} {d(2)} {d(2)} {d(2)}", f"06.{d(2)}.{d(2)}.{d(2)}.{d(2)}"]
        forms += [
            f"{self.source.choice(NPA)}{self.source.randint(2, 9)}{self.source.randint(10, 99)}{d(4)}",
            f"{self.source.choice(NPA)} {self.source.randint(2, 9)}{self.source.randint(10, 99)} {d(4)}",
        ]
        return mark("phone", self.source.choice(forms))

    def phone(self) -> str:
        return self.us_phone() if self.source.random() < 0.6 else self.foreign_phone()

    def card_digits(self) -> str:
        prefix, length = self.source.choice(ISSUERS)
        body = prefix + self.digits(length - 1 - len(prefix))
        return body + checksums.luhn_digit(body)

    def card(self) -> str:
        pan = self.card_digits()
        cuts = {16: [4, 8, 12], 15: [4, 10], 14: [4, 10], 19: [4, 8, 12, 16]}.get(len(pan), [])
        edges = [0, *cuts, len(pan)]
        groups = [pan[left:right] for left, right in itertools.pairwise(edges)]
        return mark("card", self.pick(pan, " ".join(groups), "-".join(groups)))

    def card_number(self) -> str:
        return number("card", self.card_digits())

    def iban(self) -> str:
        country, form = self.source.choice(ACCOUNTS)
        letters = int(form[1]) if form[0] == "a" else 0
        account = self.of(string.ascii_uppercase, letters) + self.digits(int(form.rpartition("d")[2]))
        plain = checksums.iban(country, account)
        spaced = " ".join(plain[i : i + 4] for i in range(0, len(plain), 4))
        return mark("iban", self.pick(plain, plain, spaced, spaced, plain.lower(), spaced.lower()))

    def ssn(self) -> str:
        area = self.source.choice([f"{n:03d}" for n in (*range(1, 665, 7), *range(667, 899, 7))])
        return mark("us_ssn", f"{area}-{self.source.randint(1, 99):02d}-{self.source.randint(1, 9999):04d}")

    def ssn_number(self) -> str:
        return number("us_ssn", f"{self.source.randint(100, 665)}{self.source.randint(10, 99)}{self.source.randint(1000, 9999)}")

    def national_id(self) -> tuple[str, str]:
        """Return a name of a key and a number that belongs under it."""
        options = [("cpf", checksums.cpf(self.digits(9))), ("dni", checksums.dni(self.digits(8)))]
        digits = checksums.cpf(self.digits(9))
        options.append(("cpf", f"{digits[:3]}.{digits[3:6]}.{digits[6:9]}-{digits[9:]}"))
        options.append(
            (
                "nir",
                checksums.nir(
                    f"{self.source.randint(1, 2)}{self.digits(2)}{self.source.randint(1, 12):02d}{self.source.randint(10, 95)}{self.digits(6)}"
                ),
            )
        )
        options.append(("nino", f"{self.pick('AB', 'JG', 'SC', 'PX')}{self.digits(6)}{self.pick(*'ABCD')}"))
        options += [
            (key, value) for key, value in [("nhs_number", checksums.nhs(self.digits(9))), ("bsn", checksums.bsn(self.digits(8)))] if value
        ]
        key, value = self.source.choice(options)
        return key, mark("id", value)

    def ip(self) -> str:
        octets = [self.source.choice([3, 8, 18, 34, 52, 81, 91, 104, 139, 185, 203, 212]), *(self.source.randint(1, 200) for _ in range(3))]
        return mark("ip", ".".join(map(str, octets)) if octets[:3] != [203, 0, 113] else "81.2.69.142")

    def ipv6(self) -> str:
        groups = [self.pick("2a02", "2001", "2600", "2606", "2804"), *(f"{self.source.randint(0x10, 0xFFFF):x}" for _ in range(7))]
        if groups[0] == "2001":
            groups[1] = "4860"
        full = ":".join(groups)
        short = ":".join(groups[:3]) + "::" + groups[7]
        return mark("ip", self.pick(full, short, short, full.upper(), ":".join(groups[:4]) + "::" + ":".join(groups[6:])))

    def secret(self) -> str:
        d, w = self.source, self.of
        hexa = "0123456789abcdef"
        forms = [
            f"sk-{w(WORD, 48)}",
            f"sk-proj-{w(WORD + '-_', 74)}{w(WORD, 2)}",
            f"sk-ant-api03-{w(WORD + '-_', 90)}{w(WORD, 3)}AA",
            f"ghp_{w(WORD, 36)}",
            f"gho_{w(WORD, 36)}",
        ]
        forms += [
            f"github_pat_{w(WORD, 22)}_{w(WORD, 59)}",
            f"glpat-{w(WORD, 20)}",
            f"AKIA{w('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', 16)}",
            f"AIza{w(WORD, 35)}",
            f"xoxb-{self.digits(12)}-{self.digits(13)}-{w(WORD, 24)}",
        ]
        forms += [
            f"sk_live_{w(WORD, 24)}",
            f"rk_live_{w(WORD, 24)}",
            f"whsec_{w(WORD, 32)}",
            f"SG.{w(WORD, 22)}.{w(WORD, 43)}",
            f"npm_{w(WORD, 36)}",
            f"pypi-AgEIcHlwaS5vcmc{w(WORD, 80)}",
            f"hf_{w(string.ascii_letters, 34)}",
        ]
        forms += [
            f"dop_v1_{w(hexa, 64)}",
            f"shpat_{w(hexa, 32)}",
            f"lin_api_{w(WORD, 40)}",
            f"gsk_{w(WORD, 52)}",
            f"r8_{w(WORD, 37)}",
            f"xai-{w(WORD, 80)}",
            f"hvs.{w(WORD, 24)}",
            f"SK{w(hexa, 32)}",
        ]
        forms += [
            f"PMAK-{w(hexa, 24)}-{w(hexa, 34)}",
            f"glsa_{w(WORD, 32)}_{w(hexa, 8)}",
            f"lsv2_pt_{w(hexa, 32)}_{w(hexa, 10)}",
            f"pplx-{w(WORD, 48)}",
            f"dapi{w(hexa, 32)}",
            f"sbp_{w(hexa, 40)}",
            f"key-{w(hexa, 32)}",
        ]
        return mark("secret", d.choice(forms))

    def password(self) -> str:
        return mark(
            "secret",
            self.pick(
                f"{self.of(WORD, 9)}!{self.digits(2)}x", f"Tr0ub4dor&{self.digits(2)}", f"correct-horse-{self.digits(3)}", self.of(WORD, 20)
            ),
        )

    def jwt(self) -> str:
        return mark("secret", f"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ{self.of(WORD, 80)}.{self.of(WORD + '-_', 43)}")

    def database_url(self) -> str:
        return mark(
            "url",
            f"{self.pick('postgresql', 'mysql', 'redis', 'amqp')}://svc_{self.of('abcdef', 4)}:{self.of(WORD, 14)}7@db-{self.digits(1)}.internal:5432/app",
        )

    def private_url(self) -> str:
        w = self.of(WORD, 26) + "7aZ"
        host = self.pick("portal.kestrel.de", "app.northwind.co.uk", "files.fabrikam.technology")
        forms = [
            f"https://{host}/users/{self.source.choice(GIVEN)}.k{self.digits(2)}/settings",
            f"https://{host}/reset?token={w}",
            f"https://{host}/share/{w}",
        ]
        forms += [
            f"https://admin:{self.of(WORD, 12)}@{host}/api/v2",
            f"https://{host}/files/q3.pdf?sig={w}&expires=1732233600",
            f"https://{host}/invite/{self.of(WORD, 10)}",
        ]
        return mark("url", self.source.choice(forms))
