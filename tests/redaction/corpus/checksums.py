"""Check digits, written here once more so that the corpus owes nothing to the engine that it judges."""

from __future__ import annotations


def luhn_digit(digits: str) -> str:
    """Return the digit that makes `digits` followed by it pass Luhn."""
    total = sum(sum(divmod(int(digit) * (2 - i % 2), 10)) for i, digit in enumerate(reversed(digits)))
    return str(-total % 10)


def passes_luhn(digits: str) -> bool:
    return luhn_digit(digits[:-1]) == digits[-1]


def iban(country: str, account: str) -> str:
    """Return the IBAN of an account, with its check digits."""
    number = "".join(str(int(char, 36)) for char in account + country + "00")
    return f"{country}{98 - int(number) % 97:02d}{account}"


def weighted(digits: str, weights: list[int], modulus: int, table: str) -> str:
    """Return the character that a weighted sum selects."""
    return table[sum(int(digit) * weight for digit, weight in zip(digits, weights)) % modulus]


def cpf(nine: str) -> str:
    """Return a Brazilian CPF from its first nine digits."""
    ten = nine + weighted(nine, list(range(10, 1, -1)), 11, "00987654321")
    return ten + weighted(ten, list(range(11, 1, -1)), 11, "00987654321")


def dni(eight: str) -> str:
    """Return a Spanish DNI from its digits."""
    return eight + "TRWAGMYFPDXBNJZSQVHLCKE"[int(eight) % 23]


def nhs(nine: str) -> str | None:
    """Return a British NHS number from its first nine digits, where one exists."""
    digit = weighted(nine, list(range(10, 1, -1)), 11, "0-987654321")
    return None if digit == "-" else nine + digit


def bsn(eight: str) -> str | None:
    """Return a Dutch BSN from its first eight digits, where one exists."""
    digit = weighted(eight, list(range(9, 1, -1)), 11, "0123456789-")
    return None if digit == "-" else eight + digit


def nir(thirteen: str) -> str:
    """Return a French NIR from its first thirteen digits."""
    return f"{thirteen}{97 - int(thirteen) % 97:02d}"
