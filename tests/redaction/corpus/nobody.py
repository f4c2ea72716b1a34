"""The same methods as `People`, without a person: what the templates are filled with to be free of personal data."""

from __future__ import annotations

from tests.redaction.corpus.people import People
from tests.redaction.corpus.things import Things


class Nobody(People):
    """Draws what stands in the place of a personal value where there is none."""

    personal = False

    def name(self) -> str:
        return self.pick("the customer", "the on-call engineer", "support", "a reviewer")

    def named(self) -> str:
        return ""

    def email(self) -> str:
        return self.pick("the billing team", "@oncall", "n/a", "<address on file>", "sender@", "noreply at the shop")

    def us_phone(self) -> str:
        return self.pick("extension 4", "the hotline", "n/a", "ext. 2041", "not given")

    foreign_phone = national_phone = phone = us_phone

    def card(self) -> str:
        return self.pick("**** 6467", "a Visa ending in 6467", "1234 5678 9012 3456", "card on file")

    def card_number(self) -> str:
        return self.pick("on file", "ending 0005")

    def iban(self) -> str:
        return self.pick("DE**…2913", "the account on file", "IBAN missing")

    def ssn(self) -> str:
        return self.pick("***-**-6789", "withheld", "000-00-0000")

    ssn_number = ssn

    def national_id(self) -> tuple[str, str]:
        return "national_id", self.pick("withheld", "n/a")

    def ip(self) -> str:
        return Things(self.source).machine_ip()

    ipv6 = ip

    def secret(self) -> str:
        return self.pick("<redacted>", "${OPENAI_API_KEY}", "sk-...", "***", "{{ secrets.TOKEN }}")

    password = jwt = secret

    def database_url(self) -> str:
        return "postgresql://db-1.internal:5432/app"

    def private_url(self) -> str:
        return Things(self.source).public_url()
