"""The domains that e2e.audit looks at: each is broken in one way, and the audit names exactly that.

`says` are the ids whose status is not that of the good domain, with what it is instead; `point` those of the measure that are
then not fulfilled. A rule that does not apply any more, as that of a record's syntax where there is no record, says nothing.
"""

from dataclasses import dataclass, field

from harness.audit_laboratory import (CARELESS, GOOD, HSTS, MX, NEXT_KEY, OUTSIDE, POLICY, SELECTOR, TO_HTTPS, Domain, MailHost,
                                      key_text, made_up_key)
from harness.nukib_laboratory import V

SHOWN = 'location / { return 200 "mail"; }'

SIGNED_NAME, BOGUS_NAME = f"mta-sts.{GOOD}", "mta-sts.zone-bogus.example"
HOST_ZONE = "zone-of-host.example"
KEY = f"{SELECTOR}._domainkey TXT"


def ciphers(names):
    return {"smtpd_tls_ciphers": "high", "tls_high_cipherlist": f"{names}:@SECLEVEL=0"}


@dataclass
class Broken:
    domain: Domain
    why: str
    says: str
    point: str = ""

    def statuses(self):
        return dict(one.split("=") for one in self.says.split())


def row(name, why, says, point="", **domain):
    return Broken(Domain(f"{name}.example", **domain), why, says, point)


def spf(name, why, text, says, point="3.1", **records):
    """One whose SPF record is another. `records` of the zone beside it."""
    return row(f"spf-{name}", why, says, point, records={"@ TXT": text, **records.get("records", {})})


def dkim(name, why, text, says, point="3.2"):
    return row(f"dkim-{name}", why, says, point, records={KEY: text})


def dmarc(name, why, tags, says, point="3.3"):
    """One whose DMARC record has other tags between the version and rua."""
    text = f"v=DMARC1; {tags}; rua=mailto:d@dmarc-{name}.example"
    return row(f"dmarc-{name}", why, says, point, records={"_dmarc TXT": text})


def server(name, why, says, point="", **host):
    """One with a mail host of its own."""
    records = host.pop("records", {})
    domain = {key: host.pop(key) for key in ("dnssec", "minimum", "policy") if key in host}
    return row(name, why, says, point, records=records, host=MailHost(**host), **domain)


REJECT = "p=reject; sp=reject; np=reject"

BROKEN = [
    # SPF (RFC 7208)
    spf("none", "no SPF record", (), "spf.exists=fail"),
    spf("two", "two records", ["v=spf1 mx -all", "v=spf1 -all"], "spf.single=fail"),
    spf("syntax", "an address that is none", "v=spf1 mx ip4:192.0.2.300 -all", "spf.syntax=fail"),
    spf("lookups", "eleven look-ups", "v=spf1 mx " + " ".join(f"a:a{i}.spf-lookups.example" for i in range(10)) + " -all",
        "spf.lookups=fail", records={f"a{i} A": "192.0.2.1" for i in range(10)}),
    spf("many", "nine look-ups of ten", "v=spf1 mx " + " ".join(f"a:a{i}.spf-many.example" for i in range(8)) + " -all",
        "spf.lookups=warn", "", records={f"a{i} A": "192.0.2.1" for i in range(8)}),
    spf("void", "three names that do not exist", "v=spf1 mx a:x.spf-void.example a:y.spf-void.example a:z.spf-void.example -all",
        "spf.void=fail"),
    spf("loop", "includes itself", "v=spf1 mx include:spf-loop.example -all", "spf.loop=fail"),
    spf("plus", "everybody may send", "v=spf1 mx +all", "spf.all=fail"),
    spf("neutral", "says nothing of others", "v=spf1 mx ?all", "spf.all=fail"),
    spf("open", "no word about others at the end", "v=spf1 mx", "spf.all=fail"),
    spf("ptr", "asks for names of addresses", "v=spf1 mx ptr -all", "spf.ptr=warn", ""),
    spf("behind", "a server behind -all", "v=spf1 mx -all ip4:192.0.2.1", "spf.behind_all=warn", ""),
    spf("size", "longer than an answer without EDNS has room for",
        "v=spf1 mx " + " ".join(f"ip4:192.0.2.{i}" for i in range(1, 40)) + " -all", "spf.size=warn", ""),
    spf("wide", "a network of 16 million addresses", "v=spf1 mx ip4:8.0.0.0/8 -all", "spf.wide=warn", ""),
    spf("mx", "a name with eleven mail hosts", "v=spf1 mx:many.spf-mx.example -all", "spf.mx_ptr=fail",
        records={"many MX": [f"10 h{i}" for i in range(11)], **{f"h{i} A": "192.0.2.1" for i in range(11)}}),
    spf("unused", "includes a record of nobody", "v=spf1 mx include:none.spf-unused.example -all", "spf.unused=warn", "",
        records={"none TXT": "v=spf1 -all"}),
    spf("parked", "nobody may send", "v=spf1 -all", "spf.parked=info", ""),
    # DKIM (RFC 6376)
    dkim("none", "no record at the selector", (), "dkim.exists=fail"),
    dkim("two", "two records at the selector", [key_text(), key_text()], "dkim.single=fail"),
    dkim("syntax", "no tag but text", "this is the key", "dkim.syntax=fail"),
    dkim("type", "a type of key that nobody has", f"v=DKIM1; k=dsa; p={made_up_key()}", "dkim.type=fail"),
    dkim("short", "1024 bits", key_text(1024), "dkim.bits=fail"),
    dkim("old", "2048 bits, accepted and not recommended", key_text(2048), "dkim.bits=warn", ""),
    dkim("revoked", "the key is withdrawn", "v=DKIM1; k=rsa; p=", "dkim.revoked=fail"),
    dkim("testing", "signatures are to be taken as none", f"v=DKIM1; k=rsa; t=y; p={made_up_key()}", "dkim.testing=warn", ""),
    dkim("service", "not for mail", f"v=DKIM1; k=rsa; s=tlsrpt; p={made_up_key()}", "dkim.service=fail"),
    dkim("hash", "SHA-1 alone", f"v=DKIM1; k=rsa; h=sha1; p={made_up_key()}", "dkim.hash=fail"),
    row("dkim-wildcard", "each selector is answered", "dkim.wildcard=warn", records={"*._domainkey TXT": key_text()}),
    # DMARC (RFC 9989)
    row("dmarc-none", "no DMARC record", "dmarc.exists=fail", "3.3", records={"_dmarc TXT": ()}),
    row("dmarc-two", "two records", "dmarc.single=fail", "3.3",
        records={"_dmarc TXT": [f"v=DMARC1; {REJECT}", "v=DMARC1; p=none"]}),
    dmarc("syntax", "a policy that is none", "p=rejct; np=reject", "dmarc.syntax=fail dmarc.policy=fail"),
    dmarc("policy", "asks for nothing", "p=none; sp=reject; np=reject", "dmarc.policy=fail"),
    dmarc("below", "asks for nothing of subdomains", "p=reject; sp=none; np=reject", "dmarc.subdomains=warn", ""),
    dmarc("nobody", "nothing for names that do not exist", "p=reject; sp=reject; np=none", "dmarc.nonexistent=warn", ""),
    dmarc("testing", "test mode", f"{REJECT}; t=y", "dmarc.testing=fail", "3.3"),
    dmarc("half", "half of the mail", f"{REJECT}; pct=50", "dmarc.syntax=fail"),
    dmarc("interval", "a tag that is gone", f"{REJECT}; ri=3600", "dmarc.removed_tags=info", ""),
    row("dmarc-deaf", "no place for reports", "dmarc.rua=warn", records={"_dmarc TXT": f"v=DMARC1; {REJECT}"}),
    row("dmarc-foreign", "reports to somebody who did not ask for them", "dmarc.external=fail",
        records={"_dmarc TXT": f"v=DMARC1; {REJECT}; rua=mailto:dmarc@spf-none.example"}),
    dmarc("registry", "others register names below", f"{REJECT}; psd=y", "dmarc.psd=warn", ""),
    dmarc("strict", "servers named below do not count", f"{REJECT}; adkim=s", "dmarc.alignment=info", ""),
    dmarc("failures", "failure reports are asked for", f"{REJECT}; ruf=mailto:d@dmarc-failures.example", "dmarc.ruf=info", ""),
    row("dmarc-weaker", "a name below asks for nothing", "dmarc.below=warn", records={"_dmarc.mail TXT": "v=DMARC1; p=none"}),
    Broken(Domain(f"news.{GOOD}", {"_dmarc TXT": ()}, inside=GOOD), "the record is that of the domain above", "dmarc.inherited=info"),
    # Mail hosts (RFC 5321, RFC 7505)
    row("mx-none", "no mail host", "mx.exists=fail",
        records={"@ MX": (), "@ TXT": f"v=spf1 a:{MX} -all", "reports MX": f"10 {MX}.",
                 "_dmarc TXT": f"v=DMARC1; {REJECT}; rua=mailto:d@reports.mx-none.example"}),
    server("mx-alias", "the mail host is an alias", "mx.cname=fail", certificate={"also": ["alias.mx-alias.example"]},
           records={"@ MX": "10 alias", "alias CNAME": "mx", "_25._tcp.alias TLSA": ["3 1 1 {key}", NEXT_KEY]},
           policy=POLICY.format(mode="enforce", mx="alias.mx-alias.example")),
    server("mx-v4", "no IPv6", "mx.address=info", records={"mx AAAA": ()}),
    row("mx-refused", "says that it takes no mail, and has a mail host", "mx.null=fail spf.parked=warn",
        records={"@ MX": ["0 .", f"10 {MX}."]}),
    row("mx-nowhere", "the mail host does not exist", "mx.address=fail", records={"@ MX": ["10 gone", f"20 {MX}."]},
        policy=POLICY.format(mode="enforce", mx=f"gone.mx-nowhere.example\\r\\nmx: {MX}")),
    server("mx-ptr", "the addresses have another's name", "mx.ptr=warn", reverse=f"mail.{GOOD}."),
    # TLS
    server("tls-none", "no STARTTLS", "starttls.offered=fail", "1.1", settings={"smtpd_tls_security_level": "none"}),
    server("tls-10", "TLS 1.0 and 1.1 too, by a cipher of theirs", "tls.old=warn tls.cipher=warn", "",
           settings={"smtpd_tls_protocols": ">=TLSv1", **ciphers("ECDHE+AESGCM:ECDHE-ECDSA-AES128-SHA")}),
    server("tls-old", "nothing newer than TLS 1.1", "tls.version=fail tls.old=warn tls.cipher=warn", "1.2.1",
           settings={"smtpd_tls_protocols": ">=TLSv1, <=TLSv1.1", **ciphers("ECDHE-ECDSA-AES128-SHA")}),
    server("tls-cbc", "a cipher with SHA-1", "tls.cipher=warn", "", settings=ciphers("ECDHE+AESGCM:ECDHE-ECDSA-AES128-SHA")),
    server("tls-static", "a cipher without forward secrecy", "tls.cipher=warn", "",
           settings=ciphers("ECDHE+AESGCM:AES256-GCM-SHA384"), certificate={"key": "rsa3072"}),
    server("tls-anonymous", "a cipher without certificates", "tls.cipher=fail", "1.2.4",
           settings={**ciphers("ECDHE+AESGCM:AECDH-AES256-SHA"), "smtpd_tls_exclude_ciphers": ""}),
    server("tls-null", "a cipher that hides nothing", "tls.cipher=fail", "1.2.4",
           settings={**ciphers("ECDHE+AESGCM:ECDHE-ECDSA-NULL-SHA"), "smtpd_tls_exclude_ciphers": ""}),
    server("cert-self", "signed by itself", "cert.chain=fail", "1.3", certificate={"issuer": "self"}),
    server("cert-chain", "the intermediate certificate is not sent", "cert.chain=fail", "1.3", certificate={"issuer": "intermediate"}),
    server("cert-name", "for another name", "cert.name=fail", "1.3", certificate={"name": "mail.cert-name.example"}),
    server("cert-over", "expired", "cert.expiry=fail", "1.3", certificate={"days": (-100, -10)}),
    server("cert-soon", "expires in ten days", "cert.expiry=warn", "", certificate={"days": (-50, 10)}),
    server("cert-early", "not valid yet", "cert.expiry=fail", "1.3", certificate={"days": (10, 50)}),
    server("cert-short", "a key of 1024 bits", "cert.key=fail", "1.2.4", certificate={"key": "rsa1024"}),
    server("cert-sha1", "signed with SHA-1", "cert.signature=fail", "1.2.4", certificate={"digest": "sha1"}),
    # DNSSEC and DANE (RFC 7672)
    row("zone-unsigned", "the zone is not signed", "dnssec.domain=fail dnssec.mx=fail dnssec.records=warn", "1.4", dnssec="unsigned"),
    row("zone-old", "signed with RSA and SHA-1", "dnssec.algorithm=fail", "1.4", dnssec="RSASHA1"),
    row("zone-old-nsec3", "signed with RSA and SHA-1, with NSEC3", "dnssec.algorithm=fail", "1.4", dnssec="RSASHA1_NSEC3"),
    row("zone-denies", "says for a day what is not there", "dnssec.negative_ttl=warn", minimum=86400),
    row("zone-bogus", "the zone above has the digest of another key, so nothing of this one counts",
        "dnssec.domain=fail dnssec.mx=fail spf.exists=unknown dkim.exists=unknown dmarc.exists=unknown mx.exists=unknown", "1.4",
        dnssec="bogus"),
    row("host-unsigned", "the mail host's zone is not signed", "dnssec.host=fail dane.exists=fail", "1.4 1.6",
        host=MailHost(name=f"mx.{HOST_ZONE}.")),
    server("dane-none", "no TLSA record", "dane.exists=fail", "1.6", tlsa=""),
    server("dane-elsewhere", "the record is in a zone that is not signed", "dnssec.tlsa=fail dane.exists=fail", "1.6", tlsa="",
           records={"_25._tcp.mx CNAME": f"tlsa.{HOST_ZONE}."}),
    server("dane-wrong", "the record of another key", "dane.match=fail", "1.6",
           tlsa="3 1 1 " + "00" * 32 + "\n" + NEXT_KEY),
    server("dane-pkix", "a usage that mail servers do not look at", "dane.usage=fail", "1.6", tlsa="1 1 1 {key}"),
    server("dane-stale", "a stronger record of an old key beside the right one", "dane.match=fail dane.rollover=info", "1.6",
           tlsa="3 1 1 {key}\n" + NEXT_KEY + "\n3 1 2 " + "00" * 64),
    server("dane-alone", "no record of the next key", "dane.rollover=info", tlsa="3 1 1 {key}"),
    server("dane-bogus", "the record's signature is missing", "dane.answer=fail", "1.6", dnssec="without RRSIG of TLSA"),
    # MTA-STS (RFC 8461), TLSRPT (RFC 8460)
    row("sts-none", "no record, but a policy", "mtasts.record=warn", records={"_mta-sts TXT": ()}),
    row("sts-gone", "a record, but no policy", "mtasts.policy=fail", policy=""),
    row("sts-other", "the policy names another mail host", "mtasts.policy=fail",
        policy=POLICY.format(mode="enforce", mx="mx.other.example")),
    row("sts-testing", "senders try, and deliver anyway", "mtasts.policy=warn", policy=POLICY.format(mode="testing", mx=MX)),
    row("rpt-none", "no place for reports about TLS", "tlsrpt.exists=warn", records={"_smtp._tls TXT": ()}),
]

# Not audited: zones of hosts.
BESIDE = [Domain(HOST_ZONE, {"tlsa TLSA": ["3 1 1 {key}", NEXT_KEY]}, dnssec="unsigned")]
# Rules that no row here breaks: they pass or inform whatever there is, or what would break them is made in unit tests alone
# (SSLv3, groups of too few bits, boxes that swallow large ClientHellos, name servers that deny names above others).
WITHOUT_ROW = {"authmilter.dkim", "bimi.record", "cert.ocsp", "client.ssl3", "dkim.empty_name", "tls.group", "tls.hello", "tls.ssl3"}


@dataclass
class Clients:
    """A server for people's devices: at each port what it says in the clear or, where `tls` has the port, after TLS."""
    name: str
    why: str
    says: str
    point: str
    ports: dict
    certificate: dict = field(default_factory=dict)
    versions: tuple = (V.TLSv1_2, V.TLSv1_3)
    ciphers: str = "ECDHE+AESGCM"

    statuses = Broken.statuses


IMAP = "* OK [CAPABILITY IMAP4rev1 SASL-IR STARTTLS{}] ready"
CLOSED, OPEN = IMAP.format(" LOGINDISABLED"), IMAP.format(" AUTH=PLAIN AUTH=LOGIN")
SECURE = {465: "220 ready ESMTP", 993: IMAP.format(""), 995: "+OK ready"}


def without(port):
    return {key: value for key, value in SECURE.items() if key != port}


CLIENTS = [
    Clients("c-imap", "IMAP in the clear, with logins", "client.plain=fail client.imaps=fail", "2.1 2.4", {**SECURE, 143: OPEN}),
    Clients("c-beside", "IMAP with STARTTLS beside it", "client.imaps=fail", "2.4", {**SECURE, 143: CLOSED}),
    Clients("c-imaps", "IMAP without a port for TLS", "client.imaps=fail", "2.4", {**without(993), 143: CLOSED}),
    Clients("c-pop3s", "POP3 without a port for TLS", "client.pop3s=fail", "2.5", {**without(995), 110: "+OK ready"}),
    Clients("c-submission", "submission without a port for TLS", "client.submissions=fail", "2.3",
            {**without(465), 587: "220 ready ESMTP"}),
    Clients("c-tls10", "TLS 1.0 too, by a cipher of its own", "client.old=warn client.cipher=warn", "", SECURE,
            versions=(V.TLSv1, V.TLSv1_3), ciphers="ECDHE+AESGCM:ECDHE-ECDSA-AES128-SHA"),
    Clients("c-old", "nothing newer than TLS 1.1", "client.tls=fail client.old=warn client.cipher=warn", "2.2.1", SECURE,
            versions=(V.TLSv1, V.TLSv1_1), ciphers="ECDHE-ECDSA-AES128-SHA"),
    Clients("c-anonymous", "a cipher without certificates", "client.cipher=fail", "2.1", SECURE, ciphers="ECDHE+AESGCM:AECDH-AES256-SHA"),
    Clients("c-self", "a certificate signed by itself", "client.cert=fail", "2.2.4", SECURE, certificate={"issuer": "self"}),
    Clients("c-name", "a certificate for another name", "client.cert=fail", "2.2.4", SECURE,
            certificate={"name": "other.good.example"}),
    Clients("c-over", "an expired certificate", "client.cert=fail", "2.2.4", SECURE, certificate={"days": (-100, -10)}),
]


@dataclass
class Page:
    """Mail on the web: what its server says at port 80 and at port 443."""
    name: str
    why: str
    says: str
    point: str
    clear: str = TO_HTTPS
    secure: str = HSTS + SHOWN

    statuses = Broken.statuses


PAGES = [
    Page("webmail", "good", "", ""),
    Page("w-clear", "the page in the clear too", "webmail.https=fail", "2.6", clear=SHOWN),
    Page("w-here", "redirects, but not to HTTPS", "webmail.https=fail", "2.6", clear="return 301 http://$host/mail;"),
    Page("w-name.more", "a certificate for other names", "webmail.https=fail", "2.6"),
    Page("w-once", "no word to browsers", "webmail.hsts=fail", "2.7", secure=SHOWN),
    Page("w-zero", "for no time", "webmail.hsts=fail", "2.7",
         secure='add_header Strict-Transport-Security "max-age=0";' + SHOWN),
]


@dataclass
class Host:
    """The mail server itself: settings of main.cf that are others, and what stands in the place of words of
    authmilter.toml."""
    why: str
    says: str
    point: str
    postfix: dict = field(default_factory=dict)
    ours: tuple = ()
    resolver: str = "127.0.0.1"

    statuses = Broken.statuses


HOSTS = [
    Host("mail is taken in the clear", "postfix.tls_in=fail", "1.1", {"smtpd_tls_security_level": "none"}),
    Host("mail is sent in the clear", "postfix.tls_out=fail postfix.dane=fail", "1.1 1.5 1.7", {"smtp_tls_security_level": "none"}),
    Host("TLS 1.0 is taken", "postfix.protocols=warn", "", {"smtpd_tls_protocols": ">=TLSv1"}),
    Host("SSLv3 is taken", "postfix.ssl3=fail postfix.protocols=warn", "1.2.2", {"smtpd_tls_protocols": ">=SSLv3"}),
    Host("TLS 1.2 is not taken", "postfix.tls12=fail postfix.protocols=warn", "1.2.1", {"smtpd_tls_protocols": ">=TLSv1, <=TLSv1.1"}),
    Host("TLSA records are not looked at", "postfix.dane=fail", "1.5 1.7", {"smtp_dns_support_level": "enabled"}),
    Host("passwords in the clear", "postfix.submission=fail", "2.3", {"smtpd_tls_auth_only": "no", "smtpd_sasl_auth_enable": "yes"}),
    Host("authmilter is not asked", "postfix.milter=fail", "3.4 3.5 3.6", {"smtpd_milters": ""}),
    Host("bare newlines are taken", "postfix.bare_newline=fail", "", {"smtpd_forbid_bare_newline": "no"}),
    Host("what SPF says has no effect", "authmilter.spf=fail", "3.4", ours=('spf_fail = "tag"', 'spf_fail = "accept"')),
    Host("what DMARC says has no effect", "authmilter.dmarc=fail", "3.6",
         ours=('dmarc_reject = "reject"', 'dmarc_reject = "accept"')),
    Host("all is only looked at", "authmilter.spf=fail authmilter.dmarc=fail", "3.4 3.6", ours=('mode = "enforce"', 'mode = "monitor"')),
    Host("nothing is signed", "authmilter.signing=warn", "", ours=('domain = "good.example"', 'domain = "other.example"')),
    Host("another key signs than is published", "dkim.own_key=fail", "3.2", ours=("keys/s1.pem", "keys/other.pem")),
    Host("a resolver that does not validate", "resolver.validates=fail", "1.5", resolver=CARELESS),
    Host("a resolver out in the Internet", "resolver.local=unknown", "", resolver=OUTSIDE),
]


def silent(_):
    while True:
        yield 1


def drop_by_drop(_):
    for octet in b"220 " + b"x" * 3600:
        yield bytes([octet])
        yield 1


def endless_greeting(_):
    while True:
        yield b"220-" + b"x" * 60 + b"\r\n"


def long_line(_):
    yield b"220 " + b"x" * (1 << 20) + b"\r\n"
    yield from silent(_)


def says_starttls(connection):
    yield b"220 ready\r\n"
    connection.recv(1000)
    yield b"250-here\r\n250 STARTTLS\r\n"
    connection.recv(1000)
    yield b"220 go on\r\n"


def silent_after_starttls(connection):
    yield from says_starttls(connection)
    yield from silent(connection)


def babble_after_starttls(connection):
    yield from says_starttls(connection)
    while True:
        yield b"x" * 1000


# Mail hosts that take their time, and the memory of whoever keeps what they send.
DAWDLERS = {"silent": silent, "drops": drop_by_drop, "endless": endless_greeting, "long": long_line,
            "mute-tls": silent_after_starttls, "babble": babble_after_starttls}
