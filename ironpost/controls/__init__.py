"""The controls, in reading order: what a hardened mail host must be, each on evidence of its own."""

from __future__ import annotations

from ironpost.controls import auth, certificates, dkim, dmarc, dns, evidence, firewall, relay, smtp, spf, tls
from ironpost.controls.control import Control, control_of

CLAIMED: tuple[type, ...] = (
    tls.Port25OffersTls,
    tls.NoOldTls,
    tls.SpeaksTls13,
    tls.OnlyStrongSuites,
    tls.NoAnonymousSuites,
    tls.NoSha1Signatures,
    tls.SubmissionOnlyInsideTls,
    tls.NothingSurvivesStarttls,
    certificates.ChainIsTrusted,
    certificates.CertificateNamesTheHost,
    certificates.CertificateIsOurs,
    smtp.NoSmuggling,
    smtp.NoEarlyPipelining,
    smtp.NoVrfy,
    smtp.NothingSuperfluousOffered,
    smtp.UnknownRecipientsRefused,
    smtp.FilterFailsClosed,
    auth.NoAuthOn25,
    auth.NoLoginOutsideTls,
    auth.PasswordsAreArgon2id,
    auth.SendersBelongToLogins,
    auth.MailLoginsAreNotSystemLogins,
    relay.NoOpenRelay,
    relay.RelayRefusalIsFinal,
    relay.OnlyLoopbackIsTrusted,
    relay.SubmissionNeedsLogin,
    dkim.EveryLetterIsSigned,
    dkim.RsaKeysHave2048Bits,
    dkim.SignaturesLeaveNoRoom,
    dkim.PublishedKeysAreThoseInUse,
    spf.OneReadableSpfPolicy,
    spf.SpfFitsTheAddresses,
    spf.SpfIsEvaluated,
    dmarc.OneValidDmarcPolicy,
    dmarc.DmarcIsActedUpon,
    dmarc.ForgedResultsAreRemoved,
    dns.MxLeadsToWorkingHosts,
    dns.PointersLeadBack,
    firewall.FirewallDropsByDefault,
    firewall.OnlyTheDoorsOfTheRole,
    evidence.WaiversHaveAnEnd,
)
CONTROLS: tuple[Control, ...] = tuple(control_of(claimed) for claimed in CLAIMED)
