"""One job: a mail host with its names and addresses, looked at from everywhere at once."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from . import dane, datagrams, exchange, manners, newlines, proven, returns, scan, smtp, tls, tokens, web
from .wire import LATE, SOURCES, ProbeError

PARALLEL = 8  # conversations at once, well below the 20 that a host grants one address
TLS_PORTS = (25, 465, 587, 993, 995)
Work = dict[str, tuple[Any, ...]]  # label → (function, arguments)
MOST_LATE = 8  # parts of one host that are tried once more
OPTIONAL_PORTS = (143, 110)
# What other mail servers see.
AS_A_SERVER = ("smuggling", "relay", "without tls", "pipelining", "manners", "unknown", "reports", "forged srs")


def run(job: dict[str, Any]) -> dict[str, Any]:
    """`job` is {name, addresses, domains, policies, reports, ports, token, deep}. The answer is by address."""
    found: dict[str, Any] = {"addresses": {}, "seconds": {}}
    work = {address: plan(job, address) for address in job["addresses"]}
    with ThreadPoolExecutor(PARALLEL + len(work)) as pool:  # the scans wait for silence, mostly
        names = pool.submit(dane.look, job["name"], TLS_PORTS)
        waiting = {
            address: {
                label: pool.submit(timed, found["seconds"], f"{address} {label}", *each)
                for label, each in parts.items()
            }
            for address, parts in work.items()
        }
        for address, parts in waiting.items():
            found["addresses"][address] = {label: future.result() for label, future in parts.items()}
        found["asked twice"] = again(pool, work, found["addresses"])
        for address in job["addresses"]:
            add_optional(pool, job["name"], address, found["addresses"][address])
        found["dane"] = names.result()
    return dict(found, sources=sorted(SOURCES), unproven=proven.unproven())


def again(pool: ThreadPoolExecutor, work: dict[str, Work], found: dict[str, dict[str, Any]]) -> list[str]:
    """Parts that waited for an answer in vain are tried once more, when the host has less to do; gives their names.

    Where much is silent the host is, and asking it twice would take minutes.
    """
    late = [
        (address, label) for address in found for label in found[address] if LATE in json.dumps(found[address][label])
    ]
    if len(late) > MOST_LATE:
        return []
    waiting = {(address, label): pool.submit(part, *work[address][label]) for address, label in late}
    for (address, label), future in waiting.items():
        found[address][label] = future.result()
    return [f"{address} {label}" for address, label in late]


def plan(job: dict[str, Any], address: str) -> Work:
    """Label → (function, arguments). The long ones first."""
    name, domain = job["name"], job["domains"][0]
    ports = tuple(range(1, 65536)) if job.get("deep") else scan.USUAL
    work: Work = {"ports": (scan.open_ports, address, ports)}
    if job.get("deep"):
        work["datagrams"] = (datagrams.answers, address)
    work["smuggling"] = (smtp.smuggling, address, domain)
    work["relay"] = (smtp.relay, address, domain)
    work |= {f"tls/{port}": (tls.look, address, port, name) for port in TLS_PORTS}
    work |= {f"exchange/{port}": (exchange.look, address, port, name) for port in TLS_PORTS}
    work["without tls"] = (exchange.without_tls, address, domain)
    work |= {f"smtp/{port}": (smtp.session, address, port, name) for port in (25, 587)}
    work["smtp/465"] = (smtp.implicit, address, 465, name)
    work |= {f"injection/{port}": (smtp.injection, address, port, name) for port in (25, 587)}
    work |= {f"tokens/{port}": (tokens.look, address, port, name, job.get("token")) for port in tokens.PORTS}
    work["pipelining"] = (smtp.pipelining, address, domain)
    work["manners"] = (manners.manners, address, name, job["domains"])
    work["bare newline"] = (newlines.bare_newline, address, domain)
    work["unknown"] = (smtp.unknown, address, job["domains"])
    work["forged srs"] = (returns.forged, address, name)
    work["reports"] = (smtp.takes, address, job.get("reports", []))
    work |= {f"policy/{each}": (web.policy, address, f"mta-sts.{each}") for each in job.get("policies", [])}
    absent = set(TLS_PORTS) - set(job.get("ports", TLS_PORTS))
    return {label: each for label, each in work.items() if port_of(label) not in absent}


def port_of(label: str) -> int:
    """Where a part is looked at; 0 for what is at no port of mail."""
    number = label.rpartition("/")[2]
    return 25 if label in AS_A_SERVER else int(number) if number.isdigit() else 0


def add_optional(pool: ThreadPoolExecutor, name: str, address: str, found: dict[str, Any]) -> None:
    """Mailbox ports in clear text are looked at where they answer."""
    answering = [port for port in OPTIONAL_PORTS if port in found["ports"].get("open", [])]
    work: dict[str, Future[Any]] = {}
    for port in answering:
        work[f"tls/{port}"] = pool.submit(part, tls.look, address, port, name)
        work[f"mailbox/{port}"] = pool.submit(part, smtp.mailbox, address, port, name)
    found |= {label: future.result() for label, future in work.items()}


def timed(seconds: dict[str, float], label: str, *work: Any) -> Any:
    """A part, with how long it took."""
    began = time.monotonic()
    found = part(*work)
    seconds[label] = round(time.monotonic() - began, 2)
    return found


def part(work: Callable[..., Any], *arguments: Any) -> Any:
    """A part that did not come about says why, and the others go on."""
    try:
        return work(*arguments)
    except (ProbeError, OSError, ValueError, IndexError) as error:
        return {"error": str(error) or type(error).__name__}


def main(text: str) -> None:
    print(json.dumps(run(json.loads(text))))
