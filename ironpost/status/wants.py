"""What of a host's state needs somebody's attention, each with what to do; floors are this file's own."""

from __future__ import annotations

from ironpost.status.reading import Reading

LEAST_ROOM = 0.1
LEAST_DAYS = 21  # certbot renews at a third of ninety days; below that something keeps it from doing so
OLDEST_SECONDS = 4 * 3600  # when senders are told that their mail still waits
MOST_CLOCK_SECONDS = 5.0


def wants(reading: Reading) -> list[str]:
    """Sentences, `what; remedy`; empty when all is well."""
    if reading.unread:
        return [reading.unread]
    return [*_of_changes(reading), *_of_mail(reading), *_of_system(reading)]


def _of_changes(reading: Reading) -> list[str]:
    place, found = reading.facts["generation"], []
    if not place["number"]:
        found.append("nothing was ever deployed here; run: pyinfra INVENTORY deploys/mail.py")
    if place["phase"] != "settled":
        found.append(f"a change is {place['phase']}; it is confirmed or undone within two minutes")
    if reading.facts["drained"]:
        found.append("takes no new mail: a rollout took it out of service; it is back within half an hour")
    return found


def _of_mail(reading: Reading) -> list[str]:
    queue, found = reading.facts["queue"], []
    held = queue["waiting"].get("hold", 0)
    if queue["oldest_seconds"] > OLDEST_SECONDS:
        reason = f" ({queue['reason']})" if queue["reason"] else ""
        found.append(f"mail waits since {queue['oldest_seconds'] // 3600} hours{reason}; see postqueue -p")
    if held:
        found.append(f"{held} on hold; release them with postsuper -H ID, or delete them with postsuper -d ID")
    days = reading.certificate_days
    if days is not None and days < LEAST_DAYS:
        left = f"ends in {days:.0f} days" if days >= 0 else "has ended"
        found.append(f"its certificate {left}; see `ironpost tls status` and journalctl -u ironpost-certificate")
    return found


def _of_system(reading: Reading) -> list[str]:
    facts = reading.facts
    found = [f"{unit} does not run; see journalctl -u {unit}" for unit in facts["units"]]
    found += [
        f"{folder}: {share:.0%} free; mail is put off when there is no room"
        for folder, share in facts["room"].items()
        if share < LEAST_ROOM
    ]
    if reading.clock_off > MOST_CLOCK_SECONDS:
        found.append(f"its clock is off by {reading.clock_off:.0f} s; signatures and second factors depend on it")
    if facts["reboot"]:
        found.append("an update waits for a reboot; drain it with a rollout, then reboot")
    return found
