"""What is accepted for a password, before a hash is made of it."""

from __future__ import annotations

import pytest

from ironpost import passwords

RELATED = passwords.related_words("anna.maria@mail-house.example.org")
REFUSED = [
    ("fourteen-chars", "has 14 characters; use at least 15"),
    ("1234567890123456", "stands in the list of common and stolen ones"),
    ("PasswordPassword", "stands in the list of common and stolen ones"),
    ("qwertyuiopasdfghjkl12", "can be guessed"),
    ("summer2024summer2024!", "can be guessed (zxcvbn 2 of 4"),
    ("vgd8-Maria-q2wz9-trp", "holds 'maria'"),
    ("vgd8-mailH-house-q2wz9", "holds 'house'"),
    ("vgd8-IronPost-q2wz9-t", "holds 'ironpost'"),
    ("vgd8-q2wz9\tk3mnb-trp", "U+0009 (no name), a control character"),
    ("vgd8-q2wz9\x00k3mnb-trp", "a control character"),
    ("vgd8-q2wz9\u200bk3mnb-trp", "U+200B ZERO WIDTH SPACE, an invisible character"),
    ("vgd8-q2wz9\ud800k3mnb-trp", "half a character"),
    ("ж" * 300, "longer than 400 bytes"),
]
ACCEPTED = [
    "correct horse battery staple gun",
    "vgd8'q2wz9\"k3\\mnb$(trp)`;|&<>*?",
    "Straße 17 führt über Łódź",
    "小さな猫が静かに庭を歩いて窓から月を見る",
    "🐈‍paw".replace("\u200d", "") + " lantern mosaic",
]


@pytest.mark.parametrize(("password", "words"), REFUSED, ids=[words for _, words in REFUSED])
def test_a_weak_or_unusable_password_is_refused_without_being_shown(password: str, words: str) -> None:
    """The reason must be told, the password must not: terminals are recorded."""
    found = passwords.faults(passwords.prepared(password), RELATED)
    assert any(words in fault for fault in found), found
    assert not any(password in fault for fault in found)


@pytest.mark.parametrize("password", ACCEPTED)
def test_any_script_and_any_mark_is_welcome(password: str) -> None:
    """NIST SP 800-63B-4 §3.1.1.2: all of Unicode, spaces included, and no rules of composition."""
    assert passwords.faults(passwords.prepared(password), RELATED) == []


def test_twelve_characters_are_enough_beside_a_second_factor() -> None:
    """And eleven are not."""
    assert passwords.faults("vgd8-q2wz9-k", least=passwords.LEAST_WITH_SECOND) == []
    assert passwords.faults("vgd8-q2wz9-", least=passwords.LEAST_WITH_SECOND)


def test_one_password_has_one_form() -> None:
    """RFC 8265 §4.2.2: a keyboard that composes letters otherwise must not lock its owner out."""
    assert passwords.prepared("Scho\u0308ner\u00a0Tag") == "Schöner Tag"


def test_generated_passwords_pass_their_own_rules_and_differ() -> None:
    """What we make ourselves must not be refused by us."""
    made = [passwords.generated() for _ in range(20)]
    assert len(set(made)) == 20 and not any(passwords.faults(each) for each in made)
    assert len(passwords.generated_app_password().replace("-", "")) * 5 >= 128


def test_two_app_hashes_of_one_password_have_salts_of_their_own() -> None:
    """Equal rows would tell equal passwords."""
    assert passwords.app_hash("x") != passwords.app_hash("x")
