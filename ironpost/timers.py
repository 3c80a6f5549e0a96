"""systemd timers for the controller: what is done on schedule is an ordinary command that anybody can run by hand."""

from __future__ import annotations

import os
import string
import sys
from pathlib import Path

PLAIN = frozenset(string.ascii_letters + string.digits + "-_./=@:+,")

SERVICE = """\
[Unit]
Description={about}
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
User={user}
WorkingDirectory={folder}
ExecStart={command}
"""

TIMER = """\
[Unit]
Description={about}, every day

[Timer]
OnCalendar=daily
RandomizedDelaySec=2h
Persistent=yes

[Install]
WantedBy=timers.target
"""


def write_timer(folder: Path, name: str, about: str, words: list[str]) -> tuple[Path, Path]:
    """NAME.service and NAME.timer in a folder (systemd.timer(5)), for `ironpost WORDS` as whoever runs this."""
    values = {
        "about": plain(about),
        "user": user_name(),
        "folder": plain(str(Path.cwd())),
        "command": command_line(str(Path(sys.executable).parent / "ironpost"), *words),
    }
    folder.mkdir(parents=True, exist_ok=True)
    paths = folder / f"{name}.service", folder / f"{name}.timer"
    for path, text in zip(paths, (SERVICE, TIMER), strict=True):
        path.write_text(text.format(**values))
    return paths


def command_line(program: str, *words: str) -> str:
    """As ExecStart= wants it (systemd.service(5), "Command lines"). In the program's own name no $ is looked at."""
    return " ".join([quoted(program), *(quoted(word).replace("$", "$$") for word in words)])


def quoted(word: str) -> str:
    """One word: between quotes systemd reads backslashes as C does, and %-signs everywhere (systemd.unit(5))."""
    if word and not set(word) - PLAIN:
        return word
    inner = word.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{plain(inner)}"'


def plain(text: str) -> str:
    """%-signs would stand for the name of the unit and the like."""
    return text.replace("%", "%%")


def user_name() -> str:
    import pwd

    return pwd.getpwuid(os.getuid()).pw_name
