"""The queue and its limits: nothing is given up early, nobody takes all the room, nothing is lost on a full disk."""

from __future__ import annotations

from ironpost.controls.control import Verdict, control, holds_unless
from ironpost.controls.smtp import seconds
from ironpost.controls.tls import REDEPLOY, smtpd
from ironpost.evidence.probes import Probes
from ironpost.evidence.snapshot import Snapshot
from ironpost.mailhost import MailHost

HOUR, DAY = 3600, 86400
MEBIBYTE = 1024 * 1024


@control(
    "QUEUE-01",
    claim="Mail that cannot be delivered at once is tried again within half an hour, and for days",
    reference="RFC 5321 §4.5.4.1; postconf(5) maximal_queue_lifetime",
    cost="passive",
)
class RetriesFollowTheStandard:
    """A host that gives up after an hour loses mail each time the other side is being repaired."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        value = {
            name: seconds(snapshot.postfix.value(name))
            for name in ("maximal_queue_lifetime", "bounce_queue_lifetime", "minimal_backoff_time", "queue_run_delay")
        }
        faults = []
        # what the inventory asks for, within the standard's four to five days, or shorter where an operator said so
        if value["maximal_queue_lifetime"] < min(4, mailhost.limits.queue_days) * DAY:
            faults.append(f"maximal_queue_lifetime = {value['maximal_queue_lifetime']} s")
        if not HOUR <= value["bounce_queue_lifetime"] <= 5 * DAY:
            faults.append(f"bounce_queue_lifetime = {value['bounce_queue_lifetime']} s")
        faults += [
            f"{name} = {value[name]} s" for name in ("minimal_backoff_time", "queue_run_delay") if value[name] > 1800
        ]
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "QUEUE-02",
    claim="A client may be slow, but not for ever, and makes few mistakes before it is sent away",
    reference="RFC 5321 §4.5.3.2; STRESS_README; postconf(5) smtpd_hard_error_limit",
    cost="passive",
)
class PatienceHasAnEnd:
    """A hundred clients that send a byte now and then are enough to keep everybody else out."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        faults = []
        for name, service in smtpd(snapshot):
            if service["smtpd_per_request_deadline"] != "yes" or int(service["smtpd_min_data_rate"]) < 500:
                faults.append(f"{name}: a client may send as slowly as it likes")
            for setting, most in (("smtpd_hard_error_limit", 20), ("smtpd_junk_command_limit", 100)):
                normal = service[setting].rpartition(":")[2].strip("{}")
                if not normal.isdigit() or not 0 < int(normal) <= most:
                    faults.append(f"{name}: {setting} = {service[setting]}")
            if seconds(service["smtpd_timeout"]) != 300:  # as it is while there is no stress
                faults.append(f"{name}: smtpd_timeout = {service['smtpd_timeout']}")
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "QUEUE-03",
    claim="One source holds at most a fifth of the places, and of IPv6 a /64 is one source",
    reference="TUNING_README; RFC 4732; postconf(5) smtpd_client_connection_count_limit",
    severity="high",
    cost="passive",
)
class NobodyTakesAllPlaces:
    """Otherwise one broken machine somewhere closes the port for the rest of the world."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        places = int(snapshot.postfix.value("default_process_limit"))
        most = max(places // 5, mailhost.limits.smtp_parallel)
        faults = []
        for name, service in smtpd(snapshot):
            held = int(service["smtpd_client_connection_count_limit"])
            if not 0 < held <= most:
                faults.append(f"{name}: one client may hold {held or 'all'} of {places} places")
            if service.get("smtpd_client_ipv6_prefix_length", "64") != "64":
                faults.append(f"{name}: IPv6 is counted by /{service['smtpd_client_ipv6_prefix_length']}")
        counted = {"mx", "submission"} & set(mailhost.roles)
        if counted and not any("ct count" in str(row["rule"]["expr"]) for row in snapshot.nftables if "rule" in row):
            faults.append("the firewall does not count the connections of a /64")
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "QUEUE-04",
    claim="Without room for one and a half of the largest letters, mail is put off and not lost",
    reference="RFC 5321 §4.2.3; postconf(5) queue_minfree",
    cost="passive",
)
class FullDiskLosesNothing:
    """A letter that was taken and could not be written is gone, and both sides believe that it arrived."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        free, size = (int(snapshot.postfix.value(name)) for name in ("queue_minfree", "message_size_limit"))
        faults = [] if size and free >= size * 3 // 2 else [f"queue_minfree = {free}, message_size_limit = {size}"]
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "QUEUE-07",
    claim="Of the machine's users only root sees and flushes the queue",
    reference="postconf(5) authorized_mailq_users, authorized_flush_users",
    severity="low",
    cost="passive",
)
class OnlyRootSeesTheQueue:
    """mailq(1) tells who writes to whom; stock Postfix tells it to every program of the machine."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        found = {name: snapshot.postfix.value(name) for name in ("authorized_mailq_users", "authorized_flush_users")}
        faults = [f"{name} = {value or 'nobody'}" for name, value in found.items() if value != "root"]
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "SMTP-14",
    claim="A letter has a largest size, between 10 and 50 MiB, and is told so before it is sent",
    reference="RFC 1870 §6; postconf(5) message_size_limit, hopcount_limit, header_size_limit",
)
class LettersHaveASize:
    """Without one a single letter fills the disk; without a count of hops a loop goes on for ever."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        size = int(snapshot.postfix.value("message_size_limit"))
        faults = [] if 10 * MEBIBYTE <= size <= 50 * MEBIBYTE else [f"message_size_limit = {size}"]
        for name, most in (("header_size_limit", 102400), ("hopcount_limit", 50), ("mime_nesting_limit", 100)):
            value = int(snapshot.postfix.value(name))
            faults += [] if 0 < value <= most else [f"{name} = {value}"]
        return holds_unless(faults, remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = []
        for address, seen in probes.each("manners"):
            if not 10 * MEBIBYTE <= seen["size"] <= 50 * MEBIBYTE:
                faults.append(f"{address}: EHLO offers SIZE {seen['size']}")
            elif seen["too large"][0] != 552:
                faults.append(f"{address}: a larger letter gets {seen['too large'][0]} {seen['too large'][1]}")
        return holds_unless(faults, remedy=REDEPLOY)
