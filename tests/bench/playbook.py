"""The state of one mail host as a playbook that users of Ansible would write: a task for each file, user and unit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ironpost.component import HostFile
from ironpost.generation import Generation, content_of, merged_units, merged_users

CONFIGURATION = """[defaults]
inventory = hosts.ini
host_key_checking = True
stdout_callback = default
retry_files_enabled = False
[ssh_connection]
pipelining = True
ssh_args = -o ControlMaster=auto -o ControlPersist=60s -o UserKnownHostsFile={known_hosts}
"""
Task = dict[str, Any]


def write(folder: Path, generation: Generation, user: str, key: Path, known_hosts: Path) -> None:
    """hosts.ini, ansible.cfg, playbook.yml and the files beside them; secrets are readable by the owner alone."""
    mailhost = generation.mailhost
    (folder / "ansible.cfg").write_text(CONFIGURATION.format(known_hosts=known_hosts))
    login = f"ansible_user={user} ansible_ssh_private_key_file={key} ansible_python_interpreter=/usr/bin/python3"
    (folder / "hosts.ini").write_text(f"[mail]\n{mailhost.ssh_address} {login}\n")
    (folder / "files").mkdir()
    play = {"hosts": "mail", "become": user != "root", "tasks": list(tasks(folder, generation))}
    play["handlers"] = [
        {"name": f"restart {unit['name']}", "ansible.builtin.systemd": {"name": unit["name"], "state": "restarted"}}
        for unit in units(generation)
    ]
    (folder / "playbook.yml").write_text(json.dumps([play], indent=1))  # JSON is YAML


def tasks(folder: Path, generation: Generation) -> list[Task]:
    found: list[Task] = [
        {
            "name": "packages",
            "ansible.builtin.apt": {"name": list(generation.packages), "install_recommends": False, "state": "present"},
        }
    ]
    manifest = generation.manifest({})
    for user in merged_users(manifest["users"]):
        groups = {"groups": user["groups"], "append": True} if user["groups"] else {}
        found.append({"name": f"user {user['name']}", "ansible.builtin.user": {"name": user["name"], **groups}})
    for place in manifest["directories"]:
        settings = {"path": place["path"], "state": "directory", "mode": f"{place['mode']:04o}"}
        owned = {"owner": place["owner"], "group": place["group"]}
        found.append({"name": f"folder {place['path']}", "ansible.builtin.file": settings | owned})
    found += [file_task(folder, number, file, generation) for number, file in enumerate(generation.files)]
    return found + [unit_task(unit) for unit in units(generation)]


def file_task(folder: Path, number: int, file: HostFile, generation: Generation) -> Task:
    if file.link:
        link = {"src": file.link, "dest": file.path, "state": "link", "force": True, "follow": False}
        return {"name": file.path, "ansible.builtin.file": link}
    source = folder / "files" / str(number)
    source.touch(mode=0o600)
    source.write_bytes(content_of(file))
    copied = {"src": str(source), "dest": file.path, "mode": f"{file.mode:04o}"}
    owned = {"owner": file.owner, "group": file.group}
    heeding = [
        f"restart {unit['name']}"
        for unit in units(generation)
        if any(file.path.startswith(prefix) for prefix in (*unit["reload_on"], *unit["restart_on"]))
    ]
    return {"name": file.path, "ansible.builtin.copy": copied | owned, "notify": heeding, "no_log": file.is_secret}


def unit_task(unit: dict[str, Any]) -> Task:
    wanted = {
        "running": {"enabled": True, "state": "started"},
        "enabled": {"enabled": True},
        "masked": {"masked": True},
    }[unit["state"]]
    return {"name": f"unit {unit['name']}", "ansible.builtin.systemd": {"name": unit["name"]} | wanted}


def units(generation: Generation) -> list[dict[str, Any]]:
    return merged_units(generation.manifest({})["units"])
