"""One document of a provider: HTTPS with a verified certificate, no redirection, JSON of a bounded size."""

from __future__ import annotations

import http.client
import json
import ssl
from typing import Any
from urllib.parse import urlsplit

SECONDS = 3
MOST_BYTES = 256 * 1024


class FetchError(Exception):
    """The provider is away, or what it says is no answer."""


def fetch(url: str, authority: str | None) -> dict[str, Any]:
    """The object at that address. `authority` is a file with the CA to trust in place of the system's."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise FetchError("it names an address that is none") from None
    if parts.scheme != "https" or not parts.hostname:
        raise FetchError("it names an address that is not https")
    try:
        trust = ssl.create_default_context(cafile=authority)
        talk = http.client.HTTPSConnection(parts.hostname, parts.port or 443, timeout=SECONDS, context=trust)
        try:
            talk.request("GET", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
            with talk.getresponse() as answer:
                body = answer.read(MOST_BYTES + 1)
        finally:
            talk.close()
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise FetchError(f"{parts.hostname} cannot be asked ({type(error).__name__})") from None
    if answer.status != 200 or len(body) > MOST_BYTES:
        raise FetchError(f"{parts.hostname} answers {answer.status} with {len(body)} bytes")
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise FetchError(f"{parts.hostname} answers with something that is not a JSON object")
    return found
