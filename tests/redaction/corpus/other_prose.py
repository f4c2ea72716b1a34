"""Running text, held out: forms, transcripts, letters, posts in several languages."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from tests.redaction.corpus.labelling import Sample, mark, unmark
from tests.redaction.corpus.nobody import Nobody
from tests.redaction.corpus.other_people import OtherPeople
from tests.redaction.corpus.people import People
from tests.redaction.corpus.things import Things

ASIDES = (
    "Meeting ID 842 1234 5678, passcode in the invite.",
    "The 2024-25 season ended 102-99 in overtime.",
    "See sections 4.5.3.9 and 1488-0343 of the code.",
    "Population grew from 1 250 300 to 1 732 233 in 2023.",
    "Serial SN-2025-0042-7781, firmware 10.0.22631.4460.",
    "Set the timer to 00:12:30 and the oven to 200 C.",
    "Rated 4.8/5 by 12,345 people; 3 for 2 until 31/12/2025.",
    "Latitude 48.2082, longitude 16.3738, altitude 171 m.",
)


def home(p: People) -> str:
    """Somebody's site."""
    return (
        mark(
            "url",
            p.pick(
                "http://www.novakphoto.com/", "https://www.figueira-vinhos.pt", "http://zhangpiano.net/", "http://www.WanderingNoor.com/"
            ),
        )
        if p.personal
        else "the usual page"
    )


def form(p: People, t: Things) -> str:
    key, value = p.national_id()
    label = {"nhs_number": "NHS No", "bsn": "BSN", "cpf": "CPF", "dni": "DNI", "nir": "N° NIR", "nino": "NI number"}.get(key, "ID")
    return f"Name ........ {p.name()}\nPhone ....... {p.us_phone()}\nE-mail ...... {p.email()}\nSSN ......... {p.ssn()}\n{label}: {value}\nReference ... {t.order()}\n{t.source.choice(ASIDES)}"


def german(p: People, t: Things) -> str:
    return f"Sehr geehrte Damen und Herren,\nbitte überweisen Sie auf {p.iban()} und rufen Sie mich an: {p.pick(p.foreign_phone(), p.national_phone())}. Meine Adresse: {p.email()}. {t.source.choice(ASIDES)}\nMobil: {p.national_phone()}\nMit freundlichen Grüßen\n{p.name()}"


def french(p: People, t: Things) -> str:
    return f"Bonjour, je n'arrive pas à payer avec la carte {p.card()} depuis le 14/03/2025. Vous pouvez m'appeler au {p.foreign_phone()} ou écrire à {p.email()}. Tél. : {p.national_phone()}. {t.source.choice(ASIDES)}"


def review(p: People, t: Things) -> str:
    return f"{t.source.choice(ASIDES)} ★★☆☆☆ They never answered at {p.us_phone()}, so I wrote to {p.email()}. {t.source.choice(ASIDES)} More on my page, {home(p)}, cheers."


def abuse(p: People, t: Things) -> str:
    return f"Abuse report: host {p.ip()} (also {p.ipv6()}) scanned {t.machine_ip()}:22 at {t.moment()}. Contact {p.email()}, NOC {p.foreign_phone()}. Evidence: {t.hex(64)}."


def transcript(p: People, t: Things) -> str:
    return f"A: What's the best number? B: It's {p.us_phone()}. A: Great, and e-mail? B: {p.email()}. A: Card on file? B: {p.card()}, valid thru 04/27. A: {t.source.choice(ASIDES)} B: And my social is {p.ssn()}. A: Your home page {home(p)} is down, ticket {t.order()}."


TEMPLATES: tuple[Callable[[People, Things], str], ...] = (form, german, french, review, abuse, transcript)


def generate(count: int, seed: int, *, personal: bool = True) -> Iterator[Sample]:
    """Yield held-out prose."""
    source = random.Random(f"other prose {seed} {personal}")
    people, things = (OtherPeople if personal else Nobody)(source), Things(source)
    for i in range(count):
        template = TEMPLATES[i % len(TEMPLATES)]
        yield unmark(template(people, things), template.__name__, is_payload=False)
