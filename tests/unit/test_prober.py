"""The prober against servers that are weak on purpose: what it cannot see there it would not see anywhere."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from ironpost.compliance.programs.prober import hello, job, proven, scan, smtp, wire
from ironpost.evidence import NotCollectedError
from ironpost.evidence.probes import Probes


@contextlib.contextmanager
def serving(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server on loopback that treats each connection so; gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection, contextlib.suppress(OSError):
                    connection.settimeout(5)
                    answer(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.close()
    thread.join(12)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed RSA certificate with its key, in one file."""
    import datetime

    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "weak.example")])
    now = datetime.datetime.now(datetime.UTC)
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    built = built.serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
    pem = built.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    path = tmp_path_factory.mktemp("weak") / "both.pem"
    path.write_bytes(private + pem)
    return path


def weak_tls(certificate: Path, oldest: ssl.TLSVersion, newest: ssl.TLSVersion) -> Callable[[socket.socket], None]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.set_ciphers("ALL:aNULL:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = oldest, newest

    def answer(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as encrypted:
            encrypted.recv(1)

    return answer


def flight(
    port: int, version: str, suites: tuple[int, ...], signatures: tuple[int, ...] = hello.SIGNATURES
) -> dict[str, object]:
    with wire.Wire("127.0.0.1", port) as connection:
        return hello.flight(connection, hello.client_hello("weak.example", version, suites, signatures))


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_old_tls_is_seen_where_it_is_served(certificate: Path) -> None:
    """The client's own library would refuse first, and the check would pass falsely."""
    with serving(weak_tls(certificate, ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_2)) as port:
        assert flight(port, "TLSv1", hello.SUITES)["version"] == "TLSv1"
        assert flight(port, "TLSv1.1", hello.SUITES)["version"] == "TLSv1.1"
        assert "alert" in flight(port, "TLSv1.3", hello.TLS13_SUITES)


def test_weak_suites_and_signatures_are_seen(certificate: Path) -> None:
    """Static RSA, anonymous suites, and SHA-1 in the key exchange."""
    with serving(weak_tls(certificate, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2)) as port:
        assert flight(port, "TLSv1.2", (0x002F,))["suite"] == "AES128-SHA"
        assert flight(port, "TLSv1.2", hello.ANONYMOUS)["code"] in hello.ANONYMOUS
        found = flight(port, "TLSv1.2", hello.SUITES, hello.SHA1)
        assert found["signature"] in hello.SHA1 and found["complete"]


def test_tls_1_3_is_seen(certificate: Path) -> None:
    """Its answer is encrypted after the first record."""
    with serving(weak_tls(certificate, ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_3)) as port:
        assert flight(port, "TLSv1.3", hello.TLS13_SUITES)["version"] == "TLSv1.3"
        assert "alert" in flight(port, "TLSv1.2", hello.SUITES)


def test_a_hello_offers_one_version_only() -> None:
    """supported_versions and legacy_version must not offer more than is asked (RFC 8446 §4.2.1)."""
    for version, number in hello.VERSIONS.items():
        record = hello.client_hello("mx.example", version, hello.SUITES)
        assert record[0] == 22 and len(record) == 5 + struct.unpack(">H", record[3:5])[0]
        assert struct.unpack(">H", record[9:11])[0] == min(number, 0x0303)
        assert (b"\x00\x2b\x00\x03\x02\x03\x04" in record) is (version == "TLSv1.3")


def smuggled_twice(connection: socket.socket) -> None:
    """A server that takes a bare line feed for a line end: every dot on a line of its own ends the message."""
    lines = connection.makefile("rb")
    connection.sendall(b"220 weak.example\r\n")
    data = False
    for line in lines:
        if data:
            data = line.strip(b"\r\n") != b"."
            connection.sendall(b"" if data else b"250 queued\r\n")
        elif line.upper().startswith(b"DATA"):
            data = True
            connection.sendall(b"354 go on\r\n")
        elif line.upper().startswith(b"QUIT"):
            connection.sendall(b"221 bye\r\n")
            return
        else:
            connection.sendall(b"250 ok\r\n")


def test_smuggling_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than one reply to one letter means more than one letter."""
    with serving(smuggled_twice) as port:
        monkeypatch.setattr(smtp, "Wire", lambda address, _port: wire.Wire(address, port))
        codes = smtp.smuggled("127.0.0.1", "weak.example", b"\n.\n")
        assert len([code for code in codes if code != 221]) > 1
        clean = smtp.smuggled("127.0.0.1", "weak.example", b" nothing ")
        assert [code for code in clean if code != 221] == [250]


def test_open_refused_and_silent_ports_are_told_apart() -> None:
    """A port that is dropped and one that is refused are two policies."""
    with serving(lambda connection: None) as port:
        with socket.create_server(("127.0.0.1", 0)) as other:
            closed = other.getsockname()[1]
        found = scan.open_ports("127.0.0.1", (port, closed))
    assert found == {"open": [port], "refused": [closed], "asked": 2}


def test_a_dead_port_is_an_error_and_never_a_result() -> None:
    """Nothing must be concluded from silence."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = server.getsockname()[1]
    with pytest.raises(wire.ProbeError):
        wire.Wire("127.0.0.1", closed)


def test_the_prober_proves_itself_wherever_it_runs() -> None:
    """Each version with a weak suite, against a server that takes anything."""
    assert proven.unproven() == []


def without_tls_1_0(name: str, version: str, *more: object) -> bytes:
    """A client whose library refuses old versions: it offers TLS 1.2 in their place."""
    newer = "TLSv1.2" if version in ("TLSv1", "TLSv1.1") else version
    return REAL_HELLO(name, newer, *more)  # type: ignore[arg-type]


def deaf(wire: object, record: bytes) -> dict[str, object]:
    raise wire_error("no answer in time")


REAL_HELLO = hello.client_hello
wire_error = wire.ProbeError


def test_a_prober_that_cannot_speak_tls_1_0_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would find TLS 1.0 refused everywhere: that must be unknown, never a pass."""
    monkeypatch.setattr(hello, "client_hello", without_tls_1_0)
    said = proven.unproven()
    assert len(said) == 2 and said[0].startswith("TLSv1 with a weak suite is not recognised from here")
    refused = {"versions": {version: {"alert": 70} for version in hello.VERSIONS}}
    probes = Probes({"addresses": {"192.0.2.1": {"tls/25": refused}}, "sources": ["198.51.100.1"], "unproven": said})
    with pytest.raises(NotCollectedError, match="the prober does not prove itself: TLSv1 "):
        probes.each("tls/25")


def test_a_prober_that_hears_nothing_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error in the proof is no proof."""
    monkeypatch.setattr(hello, "flight", deaf)
    assert len(proven.unproven()) == len(hello.VERSIONS)


def greeting_late(silent_times: int) -> Callable[[socket.socket], None]:
    """Says nothing to the first so many connections, which a busy host may do."""
    seen: list[int] = []

    def answer(connection: socket.socket) -> None:
        seen.append(1)
        if len(seen) > silent_times:
            connection.sendall(b"220 ready\r\n")
        connection.recv(1)

    return answer


def greeting(port: int) -> list[object]:
    with wire.Wire("127.0.0.1", port) as connection:
        return list(connection.reply())


@pytest.mark.parametrize(("silent", "parts", "answered"), [(1, 1, True), (2, 1, False), (9, 9, False)])
def test_what_was_late_is_asked_once_more_unless_much_is_silent(
    monkeypatch: pytest.MonkeyPatch, silent: int, parts: int, answered: bool
) -> None:
    """A moment's load is no verdict; nor is a host that says nothing asked all over again."""
    monkeypatch.setattr(wire, "ANSWER_SECONDS", 0.2)
    with serving(greeting_late(silent)) as port, ThreadPoolExecutor(1) as pool:
        work = {"127.0.0.1": {f"part {number}": (greeting, port) for number in range(parts)}}
        found = {"127.0.0.1": {label: job.part(*each) for label, each in work["127.0.0.1"].items()}}
        assert all(wire.LATE in str(each) for each in found["127.0.0.1"].values())
        twice = job.again(pool, work, found)
    assert (found["127.0.0.1"]["part 0"] == [220, ["ready"]]) is answered
    assert twice == (["127.0.0.1 part 0"] if parts == 1 else [])
