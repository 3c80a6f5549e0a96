"""The host below: SSH, kernel, accounts, walls, keys, log, updates."""

from __future__ import annotations

from tests.lab.sabotage import Sabotage

INSIDE = ("inside",)
SSHD = "/etc/ssh/sshd_config"
WALLS = "/etc/systemd/system"


def appended(file: str, *lines: str) -> str:
    return "; ".join(f"echo '{line}' >>{file}" for line in lines)


SYSTEM = (
    Sabotage(
        "OS-01",
        "passwords for one network, in a Match block that sshd -T alone does not show",
        appended(SSHD, "Match Address 198.51.100.0/24", "    PasswordAuthentication yes"),
        INSIDE,
    ),
    Sabotage(
        "OS-02",
        "a key exchange with SHA-1",
        f"sed -i '/^KexAlgorithms/s/$/,diffie-hellman-group14-sha1/' {SSHD}",
        INSIDE,
    ),
    Sabotage("OS-03", "no end to half-open connections", f"sed -i '/^MaxStartups/s/60$/1000/' {SSHD}", INSIDE),
    Sabotage(
        "OS-04",
        "tunnels for one account",
        appended(SSHD, "Match User nobody", "    DisableForwarding no", "    AllowTcpForwarding yes"),
        INSIDE,
    ),
    Sabotage("OS-07", "redirects are believed again", "sysctl -qw net.ipv4.conf.all.accept_redirects=1", INSIDE),
    Sabotage("OS-08", "a password opens root", "echo root:a-password-of-the-hosting-company | chpasswd", INSIDE),
    Sabotage(
        "OS-11",
        "programs may run from shared memory",
        "mount -o remount,exec /dev/shm",
        INSIDE,
    ),
    Sabotage("OS-12", "the mail name is another one", "echo mail.invalid >/etc/mailname", INSIDE),
    Sabotage(
        "SBX-01",
        "the walls of Dovecot are gone from its unit",
        f"echo '[Service]' >{WALLS}/dovecot.service.d/ironpost.conf && systemctl daemon-reload",
        INSIDE,
        frozenset({"SBX-06"}),
    ),
    Sabotage(
        "SBX-03",
        "rspamd runs without walls",
        f"printf '[Service]\\nTimeoutStopSec=5s\\n' >{WALLS}/rspamd.service.d/ironpost.conf"
        " && systemctl daemon-reload && systemctl restart rspamd",
        INSIDE,
        frozenset({"SBX-01", "SBX-06"}),
    ),
    Sabotage(
        "SBX-04",
        "unbound stays root",
        appended("/etc/unbound/unbound.conf.d/ironpost.conf", "server:", '    username: ""')
        + "; systemctl restart unbound",
        INSIDE,
    ),
    Sabotage(
        "SBX-06",
        "Postfix stays down after a crash",
        f"sed -i '/^Restart=/d' {WALLS}/postfix*.service.d/ironpost.conf && systemctl daemon-reload",
        INSIDE,
    ),
    Sabotage(
        "SEC-01",
        "everybody may read the TLS key",
        "chmod 644 /etc/ssl/ironpost/key.pem",
        INSIDE,
        frozenset({"SEC-04"}),
    ),
    Sabotage("SEC-02", "everybody may read a signing key", "chmod 644 /var/lib/rspamd/dkim/DOMAIN.*-r.key", INSIDE),
    Sabotage(
        "SEC-03",
        "everybody may read the password hashes",
        "chmod 644 /etc/dovecot/users",
        INSIDE,
        frozenset({"SEC-04"}),
    ),
    Sabotage(
        "SEC-07",
        "Redis listens on a port of loopback",
        "sed -i 's/^port 0/port 6379\\nbind 127.0.0.1/' /etc/redis/redis.conf && systemctl restart redis-server",
        INSIDE,
    ),
    Sabotage(
        "SEC-08",
        "Postfix may change what it is told",
        "chgrp postfix /etc/postfix/main.cf; chmod 664 /etc/postfix/main.cf",
        INSIDE,
    ),
    Sabotage(
        "LOG-01",
        "the journal is lost at the next boot",
        "sed -i 's/^Storage=.*/Storage=volatile/' /etc/systemd/journald.conf.d/60-ironpost.conf",
        INSIDE,
    ),
    Sabotage(
        "LOG-03",
        "wrong passwords are written down",
        appended("/etc/dovecot/dovecot.conf", "auth_verbose_passwords = plain"),
        INSIDE,
    ),
    Sabotage(
        "UPD-01",
        "security updates wait for a person",
        'sed -i \'/Periodic::Unattended-Upgrade/s/"1"/"0"/\' /etc/apt/apt.conf.d/60ironpost',
        INSIDE,
    ),
    Sabotage(
        "UPD-02",
        "OpenSSL was updated, and what runs uses the old one",
        "for lib in $(ls /usr/lib/*/libssl.so.3); do cp -a $lib $lib.new && mv $lib.new $lib; done",
        INSIDE,
    ),
    Sabotage(
        "UPD-04",
        "apt takes what nobody has signed",
        appended("/etc/apt/apt.conf.d/60ironpost", 'APT::Get::AllowUnauthenticated "true";'),
        INSIDE,
    ),
)
