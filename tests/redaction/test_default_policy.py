"""The lists of the default policy mean what they say: each entry finds a value of its kind."""

from __future__ import annotations

import json
import random
import string
from typing import Any

import pytest

pytest.importorskip("re2", reason="redaction needs google-re2")
from chronicle_otel.redaction.yaml_subset import load
from tests.conftest import ROOT
from tests.redaction.engine import ENGINE

# Valid numbers, drawn at random and confirmed by python-stdnum 2.2; where a number needs its name, the text gives it.
NATIONAL_IDS = {
    "uk_nino": ("AB 12 34 56 C", "JG103759A"),
    "uk_nhs": ("NHS number: 943 476 5919", "nhs_number=6426212997"),
    "fr_nir": ("101402509781620", "1 01 40 25 097 816 20"),
    "de_steuer_id": ("Steuer-ID: 70816832583", "IdNr 46 032 395 382"),
    "es_dni": ("13761931L", "45125701-T"),
    "es_nie": ("Z4734025D", "X-6710252-W"),
    "it_codice_fiscale": ("LGKZQD7SP5QX2V7F", "rssmra85t10a562s"),
    "nl_bsn": ("BSN: 952843055", "bsn 4419.06.916"),
    "pl_pesel": ("PESEL: 70012535421", "pesel=53112027889"),
    "br_cpf": ("333.840.190-67", "CPF: 36828266455"),
    "br_cnpj": ("23.311.419/6901-66", "CNPJ 03415046081577"),
    "ca_sin": ("SIN: 791 544 588", "sin=991759242"),
    "au_tfn": ("TFN: 360 875 177", "tfn 384112628"),
    "in_aadhaar": ("2527 1297 8471", "Aadhaar: 850316386356"),
    "se_personnummer": ("personnummer: 090901-3773", "personnummer 19370223-7656"),
    "fi_hetu": ("131052-308T", "090307+5293"),
    "no_fnr": ("200158 34111", "50068543123"),
    "ch_ahv": ("756.9027.7749.58", "7569673839322"),
    "be_nrn": ("43.03.65-803.14", "13026539279"),
    "pt_nif": ("NIF: 249031779", "contribuinte 343657112"),
    "cn_resident_id": ("510129211103163522", "11010519491231002X"),
    "kr_rrn": ("570505-1049111", "030720-3236704"),
    "za_id": ("ID number: 9405019721077", "sa_id=2201201514025"),
    "tr_tckn": ("TCKN: 93150921066", "kimlik 34877846546"),
    "mx_curp": ("FARK061106MZSKJQ40", "VXMO641221HZSGTCA2"),
    "cl_rut": ("80.127.000-K", "RUT: 51273269-0"),
    "ar_cuit": ("20-45286765-7", "CUIT: 24769489904"),
    "ie_pps": ("PPSN: 7581290R", "pps 2049343W"),
    "cz_rodne_cislo": ("007412/9594", "rodne cislo: 9053049632"),
}
CLASSES = {
    "digit": string.digits,
    "hex": "0123456789abcdef",
    "upper": string.ascii_uppercase + string.digits,
    "alnum": string.ascii_letters + string.digits,
    "word": string.ascii_letters + string.digits + "_",
    "base64": string.ascii_letters + string.digits + "+/",
}


def secrets() -> list[dict[str, Any]]:
    """The entries of the list that need no name before them."""
    text = (ROOT / "chronicle_otel" / "redaction" / "data" / "default.yaml").read_text()
    return [entry for entry in load(text, "default.yaml").tree["secrets"] if "keys" not in entry]


def sample(entry: dict[str, Any], prefix: str) -> str:
    """Make up a credential after an entry; the first of its runs ends in a digit."""
    source = random.Random(entry["id"] + prefix)
    runs = ["".join(source.choices(CLASSES[part["of"]], k=part["min"] - 1)) + "7" for part in (entry, *entry.get("then", []))]
    seps = [part["sep"] for part in entry.get("then", [])]
    return prefix + runs[0] + "".join(sep + run for sep, run in zip(seps, runs[1:]))


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in NATIONAL_IDS.items() for text in texts])
def test_a_valid_national_id_is_found(name: str, text: str) -> None:
    """A valid number is found in each of its spellings, as what it is."""
    assert [match.type for match in ENGINE.find(f"- {text}, please check")] == [name]


@pytest.mark.parametrize(
    ("name", "text"), [(name, texts[0]) for name, texts in NATIONAL_IDS.items() if name not in ("uk_nino", "mx_curp", "kr_rrn")]
)
def test_a_wrong_check_digit_is_no_national_id(name: str, text: str) -> None:
    """With another digit in the middle the number is not taken for an id of that kind."""
    places = [place for place, char in enumerate(text) if char.isdigit()]
    place = places[len(places) // 2]
    wrong = text[:place] + str((int(text[place]) + 1) % 10) + text[place + 1 :]
    assert name not in [match.type for match in ENGINE.find(f"- {wrong}, please check")]


@pytest.mark.parametrize(
    ("entry", "prefix"),
    [(entry, prefix) for entry in secrets() for prefix in entry["prefix"]],
    ids=lambda item: item if isinstance(item, str) else item["id"],
)
def test_a_credential_is_found_whole(entry: dict[str, Any], prefix: str) -> None:
    """A credential is found from its prefix to its end, in prose, in JSON and in a shell command."""
    value = sample(entry, prefix)
    for text in (f"use {value} for now.", json.dumps({"note": f"({value})"}), f"export X='{value}'; run"):
        assert [text[match.start : match.end] for match in ENGINE.find(text)] == [value]
