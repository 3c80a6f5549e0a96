"""The verifier as a stranger's mail server: letters that an honest server would not send, and the replies to them."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from ironpost.compliance.vantage import Vantage
from ironpost.errors import UnverifiableError
from ironpost.evidence.letters import Reply

SECONDS = 20
PAUSES = (5, 10, 0)

# Runs at the vantage point, with Python's standard library alone. In: letters as JSON. Out: {name: [code, text]}.
SCRIPT = """
import json, smtplib, socket, sys, time
def send(letter, seconds):
    name = socket.getfqdn()
    with smtplib.SMTP(letter["host"], 25, local_hostname=name if "." in name else "probe.invalid",
                      timeout=seconds) as session:
        session.ehlo()
        for code, text in (session.mail(letter["sender"]), session.rcpt(letter["recipient"])):
            if code >= 400:
                return code, text
        try:
            return session.data(letter["text"])
        except smtplib.SMTPDataError as error:
            return error.smtp_code, error.smtp_error
def answer(letter, seconds):
    try:
        code, text = send(letter, seconds)
        return code, [code, text.decode("utf-8", "replace")]
    except smtplib.SMTPResponseException as error:
        return error.smtp_code, [0, str(error)]
    except (OSError, smtplib.SMTPException) as error:
        return 0, [0, str(error) or type(error).__name__]
found = {}
job = json.loads(JOB)
for letter in job["letters"]:
    for pause in job["pauses"]:
        code, found[letter["name"]] = answer(letter, job["seconds"])
        if code != 421:  # the server has too much to do just now; whoever is honest comes again
            break
        time.sleep(pause)
print(json.dumps(found))
"""


@dataclasses.dataclass(frozen=True)
class StrangersLetter:
    """One letter to port 25 of `host`. `text` is complete, with CRLF line ends."""

    name: str
    host: str
    sender: str
    recipient: str
    text: str


def send(vantage: Vantage, letters: list[StrangersLetter]) -> dict[str, Reply]:
    """Name of the letter → the last reply. Raises UnverifiableError when the vantage point cannot be used."""
    job = json.dumps(
        {"seconds": SECONDS, "pauses": PAUSES, "letters": [dataclasses.asdict(letter) for letter in letters]}
    )
    program = f"JOB = {job!r}\n{SCRIPT}"
    done = vantage.run("python3 -", program, 2 * SECONDS * len(letters))
    try:
        found: dict[str, list[Any]] = json.loads(done.stdout)
    except ValueError:
        said = " ".join(done.stderr.split())[-200:] or f"exits {done.returncode}"
        raise UnverifiableError(f"vantage point: sends no letters ({said}); it needs python3") from None
    return {name: Reply(int(code), str(text)) for name, (code, text) in found.items()}
