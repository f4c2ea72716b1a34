"""Judge the answers to the threat list."""

from __future__ import annotations

from tests.redaction.corpus.cases import Case
from tests.redaction.corpus.readings import holds
from tests.redaction.corpus.threats import CASES
from tests.redaction.judging import Engine, is_json, same_shape


def failures(engine: Engine) -> dict[str, list[str]]:
    """Return what is wrong with the answers, by case."""
    judged = {case.name: faults(engine, case) for case in CASES}
    return {name: wrong for name, wrong in judged.items() if wrong}


def faults(engine: Engine, case: Case) -> list[str]:
    """Return everything that is wrong with the answer to one case."""
    redact = engine.payload if case.payload else engine.text
    answer = redact(case.given)
    wrong = [f"still holds {needle!r}" for needle in case.gone if holds(answer, needle)]
    for value in case.same_as:
        pseudonym = engine.text(value)
        if pseudonym == value or not holds(answer, pseudonym):
            wrong.append(f"does not hold {pseudonym!r}, which {value!r} becomes elsewhere")
    wrong += [f"lost {text!r}" for text in case.kept if text not in answer]
    if case.unchanged and answer != case.given:
        wrong.append("was changed")
    if case.payload and is_json(case.given) and not opaque(answer) and not same_shape(case.given, answer):
        wrong.append("is no JSON any more, or JSON of another shape")
    if redact(answer) != answer:
        wrong.append("is changed by a second pass")
    return [*wrong, f"answer {answer[:300]!r}"] if wrong else []


def opaque(answer: str) -> bool:
    """Tell whether a container was taken out, which a limit may do."""
    return "$chronicle.opaque" in answer and is_json(answer)
