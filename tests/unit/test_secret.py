"""Secrets are read from their source, and refused when they are not secrets."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ironpost.errors import SecretError
from ironpost.secret import Secret


def secret_file(tmp_path: Path, text: str, mode: int = 0o600) -> Secret:
    path = tmp_path / "secret"
    path.write_text(text)
    path.chmod(mode)
    return Secret.file(path)


def test_a_file_loses_one_closing_newline_and_nothing_else(tmp_path: Path) -> None:
    """Editors add a newline; a secret may hold blanks."""
    assert secret_file(tmp_path, " two words \n\n").read() == " two words \n"


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    """A secret that another user of the controller can read is none."""
    with pytest.raises(SecretError, match="chmod 600"):
        secret_file(tmp_path, "x7Gq", mode).read()


def test_a_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    """Its owner could change it under us."""
    secret = secret_file(tmp_path, "x7Gq")
    os.chown(secret.source[0], 65534, 65534)
    with pytest.raises(SecretError, match="belongs to user id 65534"):
        secret.read()


@pytest.mark.parametrize("text", ["", "\n", "   ", "changeme", "CHANGE-ME", "<your key here>", "secret", "xxxx"])
def test_an_empty_one_or_a_placeholder_is_refused(tmp_path: Path, text: str) -> None:
    """An example that was never filled in must not reach a host."""
    with pytest.raises(SecretError, match=r"is empty|placeholder"):
        secret_file(tmp_path, text).read()


def test_a_command_gives_what_it_prints(tmp_path: Path) -> None:
    """pass, sops and age print the secret; no shell sees the words."""
    assert Secret.command(["printf", "%s\n", "$HOME;x7Gq"]).read() == "$HOME;x7Gq"


def test_a_failing_command_is_told_without_its_output() -> None:
    """What a program prints while it fails may be half of the secret."""
    with pytest.raises(SecretError, match="exits 3") as refused:
        Secret.command(["sh", "-c", "echo half-a-secret; exit 3"]).read()
    assert "half-a-secret" not in str(refused.value).replace("echo half-a-secret", "")


def test_a_missing_program_is_told_before_anything_runs() -> None:
    """`complaint` is what fleet() asks: it must not run a program that could prompt."""
    assert "not installed" in str(Secret.command(["no-such-program-here"]).complaint())
    assert Secret.command(["sh", "-c", "exit 3"]).complaint() is None
