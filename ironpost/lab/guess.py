"""A stranger who guesses passwords: what the bans are for. Runs on the stranger's host with Python alone."""

from __future__ import annotations

import secrets

from ironpost.lab.lab import Lab

# Arguments: source, address, port, how often. Prints what the server said each time; all at once, since each waits.
PROGRAM = r"""
import base64, concurrent.futures, socket, ssl, sys
source, address, port, times = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
tls = ssl.create_default_context()
tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
def guess(number):
    try:
        with socket.create_connection((address, port), 15, (source, 0)) as plain:
            stream = tls.wrap_socket(plain).makefile("rwb")
            def ask(line, start):
                stream.write(line + b"\r\n")
                stream.flush()
                while line := stream.readline():
                    if line.startswith(start):
                        return line.decode().strip()
                return "closed"
            stream.readline()
            if port == 993:
                return ask(b"a LOGIN nobody@example.org wrong%d" % number, b"a ")
            if port == 995:
                ask(b"USER nobody@example.org", b"+OK")
                return ask(b"PASS wrong%d" % number, b"-ERR")
            ask(b"EHLO host.stranger.example", b"250 ")
            return ask(b"AUTH PLAIN " + base64.b64encode(b"\0nobody@example.org\0wrong%d" % number), b"5")
    except OSError as error:
        return type(error).__name__
with concurrent.futures.ThreadPoolExecutor(times) as pool:
    print(*pool.map(guess, range(times)), sep="\n")
"""


def newcomer(lab: Lab, version: int) -> str:
    """An address for the stranger that nobody has seen before; of IPv6 in a /64 of its own."""
    number = secrets.randbelow(200)
    if version == 4:
        address, mask = f"{lab.host('stranger').ipv4.rpartition('.')[0]}.{20 + number}", 20
    else:
        address, mask = f"{':'.join(lab.host('stranger').ipv6.split(':')[:3])}:{0x6001 + number * 16:x}::7", 48
    # deprecated (RFC 4862 §5.5.4): whoever does not ask for it goes on coming from the stranger's own address
    link = "$(ls /sys/class/net | grep -vx lo | head -1)"
    lab.run("stranger", f"ip address replace {address}/{mask} dev {link} nodad preferred_lft 0")
    return address


def guess(lab: Lab, source: str, address: str, port: int, times: int) -> list[str]:
    """The replies to so many wrong passwords, given at the same time."""
    ran = lab.run("stranger", f"python3 - {source} {address} {port} {times}", input=PROGRAM, timeout=90)
    return ran.stdout.splitlines()


def reaches(lab: Lab, address: str, port: int, source: str = "", host: str = "stranger") -> bool:
    """Whether a connection from that host, and that address of it, comes about."""
    return reached(lab, [(address, port)], source, host) == [True]


# Arguments: source, then address and port by turns. Prints 1 or 0 for each.
KNOCK = """
import concurrent.futures, socket, sys
def knock(door):
    try:
        socket.create_connection((door[0], int(door[1])), 4, (sys.argv[1].strip("-"), 0)).close()
        return 1
    except OSError:
        return 0
with concurrent.futures.ThreadPoolExecutor() as pool:
    print(*pool.map(knock, zip(sys.argv[2::2], sys.argv[3::2])))
"""


def reached(lab: Lab, doors: list[tuple[str, int]], source: str = "", host: str = "stranger") -> list[bool]:
    """The same for several doors at once."""
    words = " ".join(f"{address} {port}" for address, port in doors)
    said = lab.run(host, f"python3 - {source or '-'} {words}", input=KNOCK, timeout=60).stdout.split()
    return [word == "1" for word in said]
