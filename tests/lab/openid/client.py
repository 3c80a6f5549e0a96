"""Who gets a token from the provider: the code flow with PKCE (RFC 6749 §4.1, RFC 7636), and forms filled in."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import re
import secrets
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlencode, urlsplit

from ironpost.lab import Lab
from ironpost.lab.mail import trust
from tests.lab.openid.server import SERVER, issuer

DONE = "https://mail-program.example/done"
MOST_STEPS = 12


@dataclass
class Browser:
    """Follows where the provider leads, with its cookies."""

    lab: Lab
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, url: str, form: dict[str, str] | None = None) -> tuple[str, str]:
        """(where the answer leads, else empty; its text)."""
        parts = urlsplit(url)
        address = self.lab.host(SERVER).ipv4
        talk = http.client.HTTPSConnection(address, 443, timeout=20, context=trust(self.lab, SERVER))
        headers = {"Host": str(urlsplit(issuer(self.lab)).hostname), "Accept": "text/html"}
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        talk.request(method, f"{parts.path}?{parts.query}", urlencode(form) if form else None, headers)
        answer = talk.getresponse()
        for value in answer.headers.get_all("Set-Cookie", []):
            name, _, rest = value.partition("=")
            self.cookies[name] = rest.partition(";")[0]
        text = answer.read().decode()
        talk.close()
        assert answer.status < 400, text[:500]
        return answer.headers.get("Location", ""), text


def token_of(lab: Lab, person: str, variant: str = "mail", scope: str = "mail") -> str:
    """An access token of the provider for that address, as a mail program would get it."""
    browser, verifier = Browser(lab), secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    resource = f"https://mail.example/{variant}"
    asked = {"client_id": "mail-program", "response_type": "code", "redirect_uri": DONE, "resource": resource}
    asked |= {"scope": f"openid {scope}", "code_challenge": challenge, "code_challenge_method": "S256"}
    where = f"{issuer(lab)}/auth?{urlencode(asked)}"
    code = code_at_the_end(browser, where, person)
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": DONE, "code_verifier": verifier}
    form |= {"client_id": "mail-program", "resource": resource}
    return str(json.loads(browser.ask("POST", f"{issuer(lab)}/token", form)[1])["access_token"])


def code_at_the_end(browser: Browser, where: str, person: str) -> str:
    form: dict[str, str] | None = None
    for _ in range(MOST_STEPS):
        leads, text = browser.ask("POST" if form else "GET", where, form)
        if leads.startswith(DONE):
            assert "code=" in leads, leads
            return parse_qs(urlsplit(leads).query)["code"][0]
        if leads:
            where, form = leads, None
            continue
        prompt = re.search(r'name="prompt" value="(\w+)"', text)
        action = re.search(r'action="([^"]+)"', text)
        assert prompt and action, text[:500]
        where, form = action.group(1), {"prompt": prompt.group(1), "login": person, "password": "any"}
    raise AssertionError("the provider leads in a circle")
