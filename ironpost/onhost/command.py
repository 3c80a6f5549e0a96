"""The verbs, and how they are told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from . import audit, certificate, challenge, drain, past, rollover, rotation, stage, survey, switch, tell
from .state import TOP, Refused, locked, manifest_of, read_state

PROGRAM = Path(__file__).parent
UNIT = "ironpost-switch"
ANSWER = TOP / "answer.json"


def main(words: list[str]) -> int:
    verb, *rest = words
    os.environ["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    try:
        answer = VERBS[verb](*rest)
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 1
    if isinstance(answer, int):
        return answer
    print(json.dumps(answer))
    return 0


def heard() -> Any:
    return json.load(sys.stdin)


def do_survey() -> dict[str, Any]:
    return survey.survey(heard())


def do_show() -> dict[str, str]:
    return survey.show(heard())


def do_changed() -> dict[str, str]:
    return audit.last_changes(heard())


def do_stage(incoming: str) -> dict[str, Any]:
    folder = Path(incoming)
    with locked(who_of(folder)):
        return stage.stage(folder, PROGRAM)


def who_of(folder: Path) -> str:
    meta: dict[str, Any] = json.loads((folder / "manifest.json").read_text())["meta"]
    return str(meta["who"])


def do_try(folder: str) -> int:
    return stage.try_now(Path(folder))


def do_switch() -> dict[str, Any]:
    """Starts the switch as a unit of its own and waits for it; it goes on when this connection is lost."""
    ANSWER.unlink(missing_ok=True)
    command = ["systemd-run", "--quiet", "--wait", "--collect", f"--unit={UNIT}", "--property=KillMode=process"]
    done = subprocess.run(
        [*command, "/usr/bin/python3", "-B", str(PROGRAM), "switch-now"], capture_output=True, text=True, check=False
    )
    if not ANSWER.exists():
        raise Refused(f"the switch left no answer ({done.stderr.strip()}); see journalctl -u {UNIT}")
    answer: dict[str, Any] = json.loads(ANSWER.read_text())
    if "refused" in answer:
        raise Refused(answer["refused"])
    return answer


def do_switch_now() -> int:
    with locked("a switch"):
        try:
            answer: dict[str, Any] = switch.switch()
        except Refused as refused:
            answer = {"refused": str(refused)}
    ANSWER.write_text(json.dumps(answer))
    return 1 if "refused" in answer else 0


def do_confirm() -> dict[str, Any]:
    with locked("a confirmation"):
        return {"generation": switch.confirm()}


def do_revert() -> int:
    """From the timer, when nobody confirmed."""
    with locked("the way back"):
        switch.undo()
    return 0


def do_recover() -> int:
    """At boot, when the host died in between."""
    with locked("recovery"):
        switch.undo(live=False)
    return 0


def do_tell() -> dict[str, Any]:
    return tell.tell(manifest_of(read_state()["current"]))


def do_tls_status() -> dict[str, Any]:
    return tell.tls_status(manifest_of(read_state()["current"]))


def do_dkim_step() -> list[str]:
    with locked("a rotation of DKIM keys"):
        return rotation.step(manifest_of(read_state()["current"]), heard())


def do_state() -> dict[str, Any]:
    state = read_state()
    return state | {"meta": manifest_of(state["current"]).get("meta", {})}


def do_generations() -> list[dict[str, Any]]:
    return past.generations()


def do_rollback(who: str, number: str = "") -> dict[str, Any]:
    """Stages an earlier generation and switches to it; to be confirmed like any other."""
    with locked(who):
        back_to = past.stage_again(int(number) if number else None, who, PROGRAM)
    return do_switch() | {"back_to": back_to}


def do_drain(seconds: str, *exempt: str) -> dict[str, Any]:
    return drain.drain(list(exempt), int(seconds))


def do_undrain() -> dict[str, Any]:
    return drain.undrain()


VERBS: dict[str, Any] = {
    "survey": do_survey,
    "show": do_show,
    "changed": do_changed,
    "stage": do_stage,
    "try": do_try,
    "switch": do_switch,
    "switch-now": do_switch_now,
    "confirm": do_confirm,
    "revert": do_revert,
    "recover": do_recover,
    "tell": do_tell,
    "certificate": certificate.serve,
    "certificate-ask": certificate.ask,
    "challenge": challenge.prove,
    "tls-status": do_tls_status,
    "tls-roll": rollover.roll,
    "dkim-step": do_dkim_step,
    "state": do_state,
    "generations": do_generations,
    "rollback": do_rollback,
    "drain": do_drain,
    "undrain": do_undrain,
}
