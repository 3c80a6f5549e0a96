"""The one adapter onto pyinfra's internals: a wave in as JSON, events out as JSON lines.

    python -m ironpost.engine <job.json

It runs as a process of its own, so that gevent's patches never meet probes, pytest or Ctrl-C. The job is
{schema, inventory, deploy, hosts, stop_at_first}; each event is {event, mailhost?, ...}; the last one is `end`. The
same deploy file serves here and under the command `pyinfra`.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from pathlib import Path
from typing import Any

import click
import pyinfra
import pyinfra_cli  # patches sockets and threads; before anything else that uses them  # noqa: F401
from pyinfra.api.config import Config
from pyinfra.api.connect import connect_all, disconnect_all
from pyinfra.api.exceptions import PyinfraError
from pyinfra.api.host import Host
from pyinfra.api.inventory import Inventory
from pyinfra.api.operations import run_ops
from pyinfra.api.state import BaseStateCallback, State, StateStage
from pyinfra.context import ctx_config, ctx_inventory, ctx_state
from pyinfra_cli.util import load_deploy_file

from ironpost.errors import IronpostError
from ironpost.generation import SWITCH_STEP
from ironpost.inventory import read_inventory

SCHEMA = 1
# What pyinfra says of every host and every step.
OWN_WORDS = ("Connected", "Ready:", "No changes", "Success")


def tell(event: str, **facts: Any) -> None:
    print(json.dumps({"schema": SCHEMA, "event": event, "time": round(time.time(), 3)} | facts), flush=True)


class Lines(logging.Handler):
    """What operations say of a host, as events; pyinfra's own headlines are not of interest."""

    def emit(self, record: logging.LogRecord) -> None:
        text = click.unstyle(record.getMessage())
        name, bracket, said = text[1:].partition("] ") if text.startswith("[") else ("", "", "")
        if bracket and said and not said.startswith(OWN_WORDS):
            tell("line", mailhost=name, level=record.levelname.lower(), text=said)


class Callbacks(BaseStateCallback):
    """pyinfra calls these from the greenlet of each host."""

    @staticmethod
    def host_connect(state: State, host: Host) -> None:
        tell("connected", mailhost=host.name)

    @staticmethod
    def host_connect_error(state: State, host: Host, error: Any) -> None:
        tell("failed", mailhost=host.name, step="connect", text=str(error))

    @staticmethod
    def operation_host_start(state: State, host: Host, op_hash: str) -> None:
        tell("step", mailhost=host.name, step=name_of(state, op_hash))

    @staticmethod
    def operation_host_success(state: State, host: Host, op_hash: str, retry_count: int = 0) -> None:
        tell("stepped", mailhost=host.name, step=name_of(state, op_hash))

    @staticmethod
    def operation_host_error(
        state: State, host: Host, op_hash: str, retry_count: int = 0, max_retries: int = 0
    ) -> None:
        tell("failed", mailhost=host.name, step=name_of(state, op_hash), text="")


def name_of(state: State, op_hash: str) -> str:
    return ", ".join(sorted(state.get_op_meta(op_hash).names))


def main() -> int:
    """Runs one wave. Exit status 0 when every host went through, 1 otherwise; what happened is in the events."""
    job = json.load(sys.stdin)
    pyinfra.is_cli = True
    pyinfra.logger.handlers = [Lines()]
    pyinfra.logger.setLevel(logging.INFO)
    os.environ["PYINFRA_PROGRESS"] = "off"
    try:
        state = prepared(job)
    except IronpostError as error:
        tell("end", failed=job["hosts"], switched=[], text=str(error))
        return 1
    said = ""
    try:
        changed(state, job["deploy"])
    except PyinfraError as error:
        said = str(error)
    finally:
        failed = sorted(host.name for host in state.failed_hosts)
        disconnect_all(state)
    tell("end", failed=failed, switched=switched(state), text=said)
    return 1 if failed or said else 0


def switched(state: State) -> list[str]:
    """Hosts with a new generation in place; pyinfra knows it only after the operation, and calls back before."""
    found = set()
    for host, operations in state.ops.items():
        for op_hash, operation in operations.items():
            meta = operation.operation_meta
            if name_of(state, op_hash) == SWITCH_STEP and meta.is_complete() and meta.did_change():
                found.add(host.name)
    return sorted(found)


def prepared(job: dict[str, Any]) -> State:
    """A fresh state for these hosts: hosts of an earlier run keep its order of operations, and break the next one."""
    fleet = read_inventory(Path(job["inventory"]))
    hosts = [(name, data) for name, data in fleet if name in job["hosts"]]
    inventory, config = Inventory((hosts, {})), Config()
    # With 0 a host that fails a step keeps all others from the next: what not all could stage is nowhere switched to.
    config.FAIL_PERCENT = 0 if job["stop_at_first"] else None
    state = State(check_for_changes=False)
    state.cwd = str(Path.cwd())
    ctx_state.set(state)
    ctx_config.set(config)
    ctx_inventory.set(inventory)
    state.init(inventory, config)
    state.add_callback_handler(Callbacks())
    return state


def changed(state: State, deploy: str) -> None:
    state.set_stage(StateStage.Connect)
    connect_all(state)
    state.set_stage(StateStage.Prepare)
    load_deploy_file(state, deploy)
    state.set_stage(StateStage.Execute)
    run_ops(state)


if __name__ == "__main__":
    sys.exit(main())
