"""systemd timers for the controller: what is done on schedule is an ordinary command that anybody can run by hand."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

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
    command = shlex.join([str(Path(sys.executable).parent / "ironpost"), *words])
    values = {"about": about, "user": user_name(), "folder": str(Path.cwd()), "command": command.replace("%", "%%")}
    folder.mkdir(parents=True, exist_ok=True)
    paths = folder / f"{name}.service", folder / f"{name}.timer"
    for path, text in zip(paths, (SERVICE, TIMER), strict=True):
        path.write_text(text.format(**values))
    return paths


def user_name() -> str:
    import pwd

    return pwd.getpwuid(os.getuid()).pw_name
