"""What is read of a zone, from a name server on loopback."""

from __future__ import annotations

import dns.message

from ironpost.dns.zone import NameServer, Seen
from tests.dns_server import Answers, serving

SOA = ("ns1.example.org. hostmaster.example.org. 7 3600 600 86400 300",)


class Counted(Answers):
    """Remembers what it was asked."""

    def answer(self, query: dns.message.Message) -> dns.message.Message:
        self.__dict__.setdefault("asked", []).append(query.question[0].to_text())
        return super().answer(query)


def test_what_a_wildcard_answers_does_not_stand_at_the_name() -> None:
    """Else every name of a catch-all would be somebody else's, and nothing could be published."""
    star = ("10 mail.example.org.",)
    names = ["a.example.org", "b.example.org", "c.example.org"]
    records = {(name, "MX"): star for name in ("*.example.org", *names)}
    records |= {("example.org", "SOA"): SOA, ("own.example.org", "MX"): ("20 mail.example.org.",)}
    answers = Counted(records)
    with serving(answers) as port:
        server = NameServer("127.0.0.1", port)
        seen = server.read_all([(name, "MX") for name in (*names, "own.example.org")])
        assert [seen[name, "MX"] for name in names] == [Seen()] * 3
        assert seen["own.example.org", "MX"].values == ("20 mail.example.org.",)


def test_a_wildcard_is_asked_about_once() -> None:
    """Verification asks every server for every record; the wildcard above them is the same for all."""
    records = {(f"{number}.example.org", kind): (value,) for number in range(9) for kind, value in KINDS.items()}
    answers = Counted(records | {("example.org", "SOA"): SOA})
    with serving(answers) as port:
        server = NameServer("127.0.0.1", port)
        places = list(records)
        assert server.read(*places[0]).values
        server.read_all(places)
        stars = [text for text in answers.__dict__["asked"] if text.startswith("*.")]
        assert len(stars) == 1, stars
        server.forget()
        server.read(*places[0])
        assert len([text for text in answers.__dict__["asked"] if text.startswith("*.")]) == 2


KINDS = {"TXT": '"v=DKIM1; p="', "MX": "10 mail.example.org.", "A": "192.0.2.1"}
