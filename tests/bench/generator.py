"""Sends letters as users of a submission port do, in sessions side by side. Runs on another host of the test network.

Needs nothing but Python's standard library. Standard input: JSON with host, port, how (plain, tls), user, password,
sender, recipient, sessions, letters. Prints JSON: seconds, latencies (each letter's, seconds) and logins (seconds).
"""

from __future__ import annotations

import json
import smtplib
import ssl
import sys
import threading
import time
from typing import Any


def session(job: dict[str, Any], begin: threading.Barrier, found: list[dict[str, Any]]) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if job["how"] == "tls":
        client: smtplib.SMTP = smtplib.SMTP_SSL(job["host"], job["port"], context=context, timeout=60)
    else:
        client = smtplib.SMTP(job["host"], job["port"], timeout=60)
    with client:
        client.ehlo()
        began = time.monotonic()
        if job["user"]:
            client.login(job["user"], job["password"])
        login = time.monotonic() - began
        begin.wait()
        latencies = []
        for number in range(job["letters"]):
            text = f"From: {job['sender']}\r\nTo: {job['recipient']}\r\nSubject: bench {number}\r\n\r\n" + "x" * 4000
            began = time.monotonic()
            client.sendmail(job["sender"], job["recipient"], text)
            latencies.append(time.monotonic() - began)
    found.append({"login": login, "latencies": latencies})


def main() -> None:
    job = json.load(sys.stdin)
    found: list[dict[str, Any]] = []
    begin = threading.Barrier(job["sessions"] + 1)
    threads = [threading.Thread(target=session, args=(job, begin, found)) for _ in range(job["sessions"])]
    for thread in threads:
        thread.start()
    begin.wait()
    began = time.monotonic()
    for thread in threads:
        thread.join()
    seconds = time.monotonic() - began
    latencies = sorted(latency for each in found for latency in each["latencies"])
    print(json.dumps({"seconds": seconds, "latencies": latencies, "logins": [each["login"] for each in found]}))


if __name__ == "__main__":
    main()
