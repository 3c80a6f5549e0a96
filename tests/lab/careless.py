"""A deploy with one careless line: every program accepts it, and other servers can smuggle letters in."""

import dataclasses
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from ironpost.component import Component
from ironpost.components import PARTS
from ironpost.components.postfix import postfix
from ironpost.mailhost import MailHost
from ironpost.operations import provision, settle

CARELESS = "smtpd_forbid_bare_newline = no"


def careless(mailhost: MailHost) -> Component:
    component = postfix(mailhost)
    careful = f"smtpd_forbid_bare_newline = {mailhost.bare_newline}"
    files = []
    for file in component.files:
        if file.path == "/etc/postfix/main.cf" and careful not in str(file.content):
            raise ValueError("main.cf no longer says what this deploy spoils")
        spoilt = isinstance(file.content, str)  # a secret is no text
        files.append(dataclasses.replace(file, content=file.content.replace(careful, CARELESS)) if spoilt else file)
    return dataclasses.replace(component, files=tuple(files))


for part in PARTS:
    provision(careless if part is postfix else part)
settle()
