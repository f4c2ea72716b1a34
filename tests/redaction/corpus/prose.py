"""Running text by people: mails, tickets, notes, forum posts; most of it says what a number is before the number comes."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from tests.redaction.corpus.labelling import Sample, mark, unmark
from tests.redaction.corpus.nobody import Nobody
from tests.redaction.corpus.people import People
from tests.redaction.corpus.things import Things

FILLER = (
    "The delivery was late again, by about 250 minutes.",
    "We tried it three times between 9:30 and 11:45.",
    "I bought two of them in 2019 and 2021 for $1,299.00 each.",
    "It weighs 4.5 kg and measures 120 x 80 x 60 cm.",
    "Version 2.4.1 fixed it for most of us; 2.4.1.7 broke it again.",
    "Paragraph 12-3456 of the handbook says the opposite.",
    "Room 204-118 is booked until 2025-06-30.",
    "The score was 21-19, 18-21, 21-15.",
    "Take 500 mg twice a day for 10 days; BP 120/80, pulse 72.",
    "Flight LH 1234 leaves at 06:55 from gate B42.",
)


def sentence(p: People, t: Things) -> str:
    """One sentence with at most two personal values."""
    return p.pick(
        f"Please write to {p.email()} before Friday.",
        f"You can reach me at {p.phone()} after five.",
        f"My phone is {p.national_phone()}, my mail {p.email()}.",
        f"I paid with {p.card()} on 14 March.",
        f"The money should go to {p.iban()}, thanks.",
        f"Her SSN is {p.ssn()} according to the form.",
        f"The attack came from {p.ip()} and {p.pick(p.ip(), p.ipv6())}.",
        f"Call {p.phone()} and ask for {p.name()}.",
        f"Tel. {p.national_phone()} (office hours only).",
        f"Order {t.order()} was sent with {t.tracking()}.",
        f"His account page is {p.private_url()} as far as I can see.",
        f"Fax: {p.us_phone()}; e-mail: {p.email()}",
    )


def site(p: People) -> str:
    """The home page of a private person or a small business."""
    if not p.personal:
        return "our intranet"
    word = p.pick("lindqvist", "kellerbau", "trinas-pottery", "okaforlaw", "alvarezandsons")
    return mark("url", p.pick(f"http://www.{word}.com/", f"https://{word}.net", f"http://www.{word}.co.uk", f"https://www.{word}.de/"))


def mail(p: People, t: Things) -> str:
    head = f"From: {p.email()}\nTo: {p.email()}\nDate: Fri, 14 Mar 2025 09:30:12 +0100\nSubject: Re: {t.order()}\n\n"
    body = " ".join([sentence(p, t), t.source.choice(FILLER), sentence(p, t)])
    return head + f"Hi {p.name()},\n\n{body}\n\nBest\n{p.name()}\nTel: {p.phone()}\nWeb: {site(p)}\n"


def ticket(p: People, t: Things) -> str:
    return f"[{t.order()}] {sentence(p, t)} {t.source.choice(FILLER)}\nSteps: 1. open the app 2. enter {p.card()} 3. press Pay.\nCallback: {p.national_phone()}\nClient {t.version()}, host {t.machine_ip()}"


def medical(p: People, t: Things) -> str:
    key, value = p.national_id()
    label = {"nhs_number": "NHS number", "bsn": "BSN", "cpf": "CPF", "dni": "DNI", "nir": "NIR", "nino": "NINO"}.get(key, "ID")
    return f"Patient seen on 2025-03-14. {label}: {value}. SSN {p.ssn()}. {t.source.choice(FILLER)} Next of kin: mobile {p.phone()}. Results to {p.email()}."


def forum(p: People, t: Things) -> str:
    return f"> {t.source.choice(FILLER)}\n\n{sentence(p, t)} {sentence(p, t)} My site: {site(p)} . Edit: {t.source.choice(FILLER)}"


def bank(p: People, t: Things) -> str:
    return f"Dear {p.name()}, we received a transfer of EUR 1.250,00 from {p.iban()}. If this was not you, ring {p.phone()} or log in from a known address (last: {p.ip()}). Ref {t.order()}."


def chat(p: People, t: Things) -> str:
    return f"{p.name()}: hey, new number! {p.us_phone()}\nme: ok. and the card?\n{p.name()}: {p.card()} exp 09/28\nme: ty, ip is {p.pick(p.ip(), t.machine_ip())}, {t.source.choice(FILLER).lower()}"


TEMPLATES: tuple[Callable[[People, Things], str], ...] = (mail, ticket, medical, forum, bank, chat)


def generate(count: int, seed: int, *, personal: bool = True) -> Iterator[Sample]:
    """Yield labelled prose."""
    source = random.Random(f"prose {seed} {personal}")
    people, things = (People if personal else Nobody)(source), Things(source)
    for i in range(count):
        template = TEMPLATES[i % len(TEMPLATES)]
        yield unmark(template(people, things), template.__name__, is_payload=False)
