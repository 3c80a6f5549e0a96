"""One look at a host without pyinfra, for commands that change nothing."""

from __future__ import annotations

import difflib
import json
import shlex

from ironpost.errors import HostError
from ironpost.facts.survey import SCRIPT, Survey, parse, words_for
from ironpost.generation import PROGRAM_ON_HOST, Generation
from ironpost.mailhost import MailHost
from ironpost.remote import run_on

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; export PATH\n"
SHOW = f"[ ! -d {PROGRAM_ON_HOST} ] && echo '{{}}' && exit; python3 -B {PROGRAM_ON_HOST} show"


def look(mailhost: MailHost, generation: Generation) -> Survey:
    """How the host differs from that generation. Raises HostError when it cannot be reached or read."""
    manifest = generation.manifest({})
    lines = asked(mailhost, SCRIPT, json.dumps(manifest), *words_for(mailhost))
    return parse(lines, manifest)


def differences_in_text(mailhost: MailHost, generation: Generation, survey: Survey) -> dict[str, str]:
    """Path → unified diff, of each changed file without a secret; `secret differs` for the others."""
    changed = {found.name for found in survey.differences if found.kind == "file"}
    files = [file for file in generation.files if file.path in changed and not file.link]
    plain = [file for file in files if not file.is_secret]
    if not files:
        return {}
    before = json.loads(asked(mailhost, SHOW, json.dumps([file.path for file in plain]))[-1])
    found = {file.path: "secret differs" for file in files if file.is_secret}
    for file in plain:
        old, new = before.get(file.path, "").splitlines(), str(file.content).splitlines()
        lines = difflib.unified_diff(old, new, f"{file.path} (host)", f"{file.path} (new)", lineterm="")
        found[file.path] = "\n".join(lines)
    return found


def asked(mailhost: MailHost, script: str, stdin: str, *words: str) -> list[str]:
    done = run_on(mailhost, shlex.join(["sh", "-c", PATH + script, "ironpost", *words]), stdin, seconds=120)
    if done.returncode:
        said = " ".join(done.stderr.split())[-300:] or f"exits {done.returncode}"
        raise HostError(f"{mailhost.name}: cannot be read ({said}); see that {mailhost.ssh.user} may become root there")
    return done.stdout.splitlines()
