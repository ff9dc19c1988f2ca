#!/usr/bin/env python3
"""Writes the seeds of the fuzz targets into FOLDER/TARGET; with --list it prints the targets alone.

    make_corpus.py FOLDER|--list

Each seed is a row here: an example of an RFC, or an attack that has been published, in the form
that the target's first comment describes. What a fuzzer finds is not added; inputs that once broke
something are in tests/fuzz/regressions.
"""

import base64
import gzip
import io
import json
import pathlib
import shutil
import sys
import zipfile

SEEDS = {}


def seeds(target, *rows):
    SEEDS[target] = [row.encode() if isinstance(row, str) else row for row in rows]


def crlf(text):
    return text.replace("\n", "\r\n")


# RFC 8463 appendix A: one message, signed with both algorithms.
RSA_KEY = ("v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08"
           "a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3"
           "rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB")
ED_KEY = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
RSA_SIGNATURE = """ v=1; a=rsa-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=test; t=1528637909; h=from : to : subject :
 date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3
 DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz
 dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8="""
ED_SIGNATURE = """ v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw=="""
FIELDS = """From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>
"""
BODY = "\nHi.\n\nWe lost the game.  Are you hungry yet?\n\nJoe.\n"
SIGNED = crlf(f"DKIM-Signature:{ED_SIGNATURE}\nDKIM-Signature:{RSA_SIGNATURE}\n{FIELDS}{BODY}")
KEYS = (f"@test._domainkey.football.example.com {RSA_KEY}\n"
        f"@brisbane._domainkey.football.example.com {ED_KEY}\n")
SIMPLE_SIGNATURE = RSA_SIGNATURE.replace("c=relaxed/relaxed", "c=simple/simple; l=20")

seeds("pkcs11_uri", "pkcs11:object=my-key;type=private?pin-source=file:/etc/token",
      "pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;manufacturer=Snake%20Oil,%20Inc.;model=1.0;"
      "object=my-certificate;type=private;id=%69%95%3E%5C%F4%BD%EC%91;serial=?pin-source=file:/etc/token_pin",
      "pkcs11:library-manufacturer=Snake%20Oil,%20Inc.;library-version=1.23;slot-id=327;object=k",
      "pkcs11:object=k?module-name=mypkcs11&pin-source=credential:pin", "pkcs11:object=k?pin-source=|/bin/pin",
      "pkcs11:token=my-token;object=c;type=cert;vendor-aaa=value-a?module-path=/mnt/libmypkcs11.so.1", "pkcs11:",
      "pkcs11:object=k%4?pin-value=the-pin", "PKCS11:id=%01;id=%02")

seeds("stored_rows",
      "20000\t192.0.2.1\t3\texample.org\trrrrrnu\t0\tmailto:d@example.org\t\t\texample.org\t=\t\tpppa\t\t\tp= s1\tpm=",
      "20000\t2001:db8::1\t1\t\t\t\t\t\t\texample.org\t?\t\trffrm\tdmarc.reject\tlmonitor%20mode;t\t"
      "f= s1 body-hash-mismatch;p%3d s\tfmhelo.example dns-timeout",
      "-1\t192.0.2.1\t18446744073709551615\t\t\t\t\t\t\t%\t%4\t%zz\tnffw\tspf.fail\tx\t\t",
      "\x81\x01\x02\x01\xc0\x00\x02\x01\x1a\x05\x01\x00\x09\x20\x01\x0d\xb8" + 12 * "\x00",
      "\x01\x00\x00\x05\x01\x07\xc0\x00\x02\x01\x00", 10 * "\xff")

def audit_answer(name, type, *records, **members):
    data = [[type, *(record if isinstance(record, (list, tuple)) else [record])] for record in records]
    return {"name": name, "type": type, "status": "success" if data else "nxdomain", **({"records": data} if data else {}), **members}


def audit_facts(*answers, **members):
    """A line of a file of facts."""
    return json.dumps({"domain": "example.org", "dns": answers, "selectors": [{"selector": "s1", "origin": "given", "own_record": "v=DKIM1; p=AA"}],
                       "servers_asked": True, "servers": [], "mta_sts_policy": None, "webmail": [], **members})


AUDIT_SERVER = {"protocol": "smtp", "host": "mx.example.org", "address": "2001:db8::1", "port": 25, "connected": True, "trouble": "",
                "greeting": "220 hi", "starttls": True, "plain_logins": ["PLAIN"], "needs_small_hello": False, "chain": [{"base64": "MIID/w=="}],
                "versions": [{"version": "tls1.2", "state": "offered", "cipher": "AES128-SHA", "group": "", "detail": ""}],
                "weak_ciphers": [{"kind": "rc4", "state": "refused", "cipher": ""}], "trust": "untrusted", "trust_detail": "x", "ocsp_stapled": False}
AUDIT_FETCH = {"url": "https://mta-sts.example.org/.well-known/mta-sts.txt", "status": 200, "trouble": "", "certificate_good": True,
               "content_type": "text/plain", "location": "", "strict_transport_security": ["max-age=1"], "body": "version: STSv1\r\nmode: enforce\r\n"}
AUDIT_HOST = {"name": "mx", "postfix": [["myhostname", "mx"]], "postfix_version": "3.7", "postfix_services": ["smtp inet"], "postfix_trouble": "",
              "name_servers": ["127.0.0.1"], "signed_name_fault": "none", "signed_name_secure": True, "signed_name": "x", "bogus_name_fault": None,
              "bogus_name": "", "authmilter": [["policy.spf_fail", "tag"]]}
seeds("audit_facts",
      audit_facts(),
      audit_facts(audit_answer("example.org", "TXT", "v=spf1 mx include:a.example.org ptr ?all", "v=spf1 -all", {"base64": "AP8="}, secure=True, ttl=60),
                  audit_answer("a.example.org", "TXT", "v=spf1 ip4:10.0.0.0/8 include:example.org +all ip6:::1"),
                  audit_answer("_dmarc.example.org", "TXT", "v=DMARC1; p=none; sp=x; pct=5; rua=mailto:a@b.example; t=y"),
                  audit_answer("s1._domainkey.example.org", "TXT", RSA_KEY),
                  audit_answer("example.org", "SOA", ["ns.example.org", 1, 2, 3, 4, 86400]), audit_answer("example.org", "DS", [1, 5, 1, "AAEC"]),
                  audit_answer("example.org", "DNSKEY", [257, 3, 5, "AAEC"])),
      audit_facts(audit_answer("example.org", "MX", [10, "mx.example.org"], [0, ""]), audit_answer("mx.example.org", "A", "192.0.2.1"),
                  audit_answer("mx.example.org", "AAAA", "2001:db8::1"), audit_answer("mx.example.org", "CNAME"),
                  audit_answer("1.2.0.192.in-addr.arpa", "PTR", "mx.example.org"), audit_answer("_25._tcp.mx.example.org", "TLSA", [3, 1, 1, "AAEC"]),
                  audit_answer("gone.example", "CAA", [128, "issue", "ca.example"], secure=True),
                  {"name": "x.example", "type": "SRV", "status": "temperror", "fault": "bogus"},
                  servers=[AUDIT_SERVER, {**AUDIT_SERVER, "address": None}], mta_sts_policy=AUDIT_FETCH, webmail=[AUDIT_FETCH]),
      json.dumps({"audit": 1, "program": "authmilter 1.0", "time": 1764374400, "resolver": "127.0.0.1", "tls_library": "OpenSSL", "host": AUDIT_HOST}),
      audit_facts(domain="a b"), audit_facts({"name": "x.example", "type": "ANY", "status": "success"}), 200 * "[", "{")

seeds("tag_list", RSA_KEY, crlf(ED_SIGNATURE), "a=1;b=2;", "a=1;a=2", "v=1; b =\r\n x y ; n=",
      "a=\xfc\xe4;b", "=x", "a=1;;b=2", "t1_x=z;T1_X=y", "d=a\x00b")

seeds("dkim_signature", crlf(RSA_SIGNATURE), crlf(ED_SIGNATURE), crlf(SIMPLE_SIGNATURE),
      " v=1; a=rsa-sha256; d=example.com; s=s; h=from; bh=AAAA; b=AAAA",
      crlf(RSA_SIGNATURE).replace("i=@", "i=a=40b@sub."),
      crlf(RSA_SIGNATURE).replace("d=football", "d=legitimate.com; d=football"),
      crlf(RSA_SIGNATURE).replace("s=test", "s=test._domainkey.attack.com.\x00.any"),
      crlf(RSA_SIGNATURE).replace("d=football.example.com", "d=legitimate.com'a.attack.com"),
      crlf(RSA_SIGNATURE) + "; i=a@football.example.com=",
      crlf(RSA_SIGNATURE).replace("h=from", "h=from::from"),
      crlf(RSA_SIGNATURE) + "; l=18446744073709551614", crlf(RSA_SIGNATURE) + "; x=1528637909",
      crlf(RSA_SIGNATURE).replace("q=dns/txt", "q=foo:dns/txt; z=From:a|To:b"),
      crlf(ED_SIGNATURE).replace("d=football", "d=f\u00fc\u00dfball"))

seeds("dkim_key_record", RSA_KEY, ED_KEY, "v=DKIM1; p=", "p=MIGf; k=rsa; h=sha1:sha256; s=email",
      RSA_KEY.replace("k=rsa", "k=rsa; t=y:s; n=notes; s=*"), "v=DKIM2; p=AAAA", "k=rsa; v=DKIM1; p=A",
      "v=DKIM1; k=ed25519; p=MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
      "v=spf1 -all", RSA_KEY.replace("MIGf", "MI Gf\r\n "))

SAMPLE = "strong-bad|mx.example.org|192.0.2.3\n"
SAMPLE6 = "strong-bad|mx.example.org|2001:db8::cb01\n"
SPF_RECORDS = [  # RFC 7208 appendix A and section 7.4, and attacks on evaluators
    "v=spf1 +all", "v=spf1 a -all", "v=spf1 a:example.org -all", "v=spf1 mx -all",
    "v=spf1 mx/30 mx:example.org/30 -all", "v=spf1 ptr -all", "v=spf1 ip4:192.0.2.128/28 -all",
    "v=spf1 include:example.com include:example.net -all", "v=spf1 redirect=_spf.example.com",
    "v=spf1 mx -all exp=explain._spf.%{d}", "v=spf1 exists:%{ir}.%{l1r+-}._spf.%{d} -all",
    "v=spf1 a:%{d}//64 ip6:2001:db8::/32 ?all", "v=spf1 ip4:0.0.0.0/0", "v=spf1 a/0//0 -all",
    "v=spf1 exists:%{L}.%{h4r.-}.x.example a:%{p} ~all", "v=spf1 redirect=a.b redirect=c.d",
    "v=spf1 foo=bar ip4:192.0.2.3 -all", "v=spf1 !!+ip4", "V=SPF1 IP4:192.0.2.3",
    "v=spf1 include:%{d}%{d} -all", "v=spf1 redirect=%{d}.%{d}.%{d}.%{d}",
    "v=spf1 a:\xc3\xbc.example ip4:192.0.2.3 -all", "v=spf1 ip4:192.0.2.0/4294967320",
    "v=spf1 " + " ".join(f"ip4:10.1.{n}.1" for n in range(63)) + " ip4:192.0.2.3 -all",
    "v=spf1 " + " ".join(f"include:n{n}.example" for n in range(9)) + " -all"]
seeds("spf_record", *(SAMPLE + record for record in SPF_RECORDS),
      SAMPLE6 + "%{ir}.%{v}._spf.%{d2}", SAMPLE + "%{l}.%{o}.%{s}", SAMPLE + "%{d1r}.t.example",
      "\xff\xfe!x|h|::1\n%{L}.t.example", SAMPLE + "See http://%{d}/why.html?s=%{S}&i=%{C}&t=%{t} %_%%%-",
      SAMPLE + "%{d999999999999}.x", SAMPLE + "a\"(%{d})" * 20)

REQUEST = "192.0.2.3|mx.example.org|<strong-bad@example.org>\n"
REQUEST6 = "2001:db8::cb01|mx.example.org|strong-bad@example.org\n"
seeds("spf_evaluation",
      *(REQUEST + "n\n@example.org " + record + "\nv=spf1 a mx ?all\nbecause of %{i}" for record in SPF_RECORDS),
      REQUEST6 + "f\n@example.org v=spf1 a mx ptr exists:%{p}.example include:x.example -all\n" +
      "\n".join(SPF_RECORDS[:8]),
      REQUEST + "x\n@example.org v=spf1 a:v1.x a:v2.x a:v3.x -all",
      REQUEST + "n\n@example.org v=spf1 " + " ".join(f"include:l{n}.x" for n in range(10)) +
      " -all\nv=spf1 include:%{d1r}.m.x -all\nv=spf1 exists:%{ir}.z.x -all",
      REQUEST + "n\n@example.org v=spf1 redirect=b.example\n@b.example v=spf1 redirect=example.org",
      "192.0.2.3|mx.example.org|<>\nn\n@mx.example.org v=spf1 a -all exp=e.x\n@e.x %{i} is not %{h}",
      "::ffff:192.0.2.3|h|a..b/../%{d} x@example.org\n\n@example.org v=spf1 exists:%{l}.x ip4:192.0.2.3 -all",
      "127.0.0.1|[1.2.3.4]|any@legitimate.com(.attack.com\nq\nv=spf1 +all",
      # The mood is part of every hash: each gives other addresses, exchanges and faults.
      *(f"{request}{mood}\n@example.org v=spf1 {term} ?a:h.example {end} exp=e.example\n@e.example {text}"
        for number, term in enumerate(("a", "mx", "ptr", "exists:%{ir}.%{v}.x.example", "include:%{p}.example", "a:%{o}%{h}/28 mx:%{d2}//60"))
        for mood, request, end, text in (
            ("n", REQUEST, "-all", "%{s} %{o} %{p} %{v} %{c} %{r} %{t} %{l} %%%_%-"), (f"n{number}", REQUEST6, "~all", "x"),
            (f"nw{number}", REQUEST, "-all", "See http://%{D}/?s=%{S}&i=%{I}&h=%{H}"), (f"n.{number}", REQUEST6, "-all", "%{i} %{c} %{ir}"),
            (f"f{number}", REQUEST, "-all", "%{z}"), (f"n-{number}", "::ffff:192.0.2.3|h.example|a@example.org\n", "?all", "x" * 300))),
      *(REQUEST + f"n\n@example.org v=spf1 -all exp=e.example\n@e.example {text}" for text in ("%{r} %{t} %{c}", "100%%%_of%-it", "%{p} %{v} %{S}", "%", "%x", "%{d")),
      *(f"192.0.2.3|mx.example.org|{local}@example.org\nn\n@example.org v=spf1 exists:%{{L}}.{'l' * 60}.{'m' * 60}.{'n' * 60}.{'o' * 60}.x -all"
        for local in ('"quo ted\\"@"', '"open', "a\\@b", "j\u00fcrgen", "\u20ac", "\U0001f4a9", "\ud7ff", "x" * 65, "'a", "\x07")),
      *("192.0.2.3|mx.example.org|".encode() + local + b"@example.org\nn\n@example.org v=spf1 -all" for local in (b"\xff", b"\xc3", b"\xe2\x82", b"\xed\xa0\x80", b"\xf4\x90\x80\x80")))

DMARC_RECORDS = [  # RFC 9989 appendix A, and what has been published under _dmarc
    "v=DMARC1; p=none; rua=mailto:dmarc-feedback@example.com", "v=DMARC1; p=reject; sp=quarantine; np=reject",
    "v=DMARC1; p=quarantine; rua=mailto:a@example.com,mailto:b@example.net!10m; ruf=mailto:c@example.com",
    "v=DMARC1; p=reject; adkim=s; aspf=s; t=y", "v=DMARC1; psd=y; p=reject", "v=DMARC1;p=none;psd=n",
    "v=DMARC1; p=r", "v=DMARC1;p=reject;p=none", "v = DMARC1 ; P = Reject ; fo=1:d:s ; ruf=mailto:x@y.example",
    "v=dmarc1; p=reject", "v=DMARC1p=reject", "v=DMARC1; p=bogus; rua=mailto:a@b.example; pct=101; ri=1e20",
    "v=DMARC1", "v=DMARC1; sp=bogus; p=reject", "v=DMARC1; p=none; rua=https://x.example/,mailto:a@b?cc=z"]
seeds("dmarc_record", *DMARC_RECORDS)
seeds("dmarc_evaluation",
      *(f"a.mail.example.com\nspf mail.example.com\ndkim example.com\n%%\nn\n@_dmarc.example.com {record}"
        for record in DMARC_RECORDS),
      "victim.com\ndkim x.com\nspf x.com\n%%\nnx\n@_dmarc.victim.com v=DMARC1; p=reject\n@_dmarc.com v=DMARC1; psd=y",
      "bank.co.uk\ndkim a.co.uk\n%%\nn\n@_dmarc.bank.co.uk v=DMARC1; p=reject\n@_dmarc.co.uk v=DMARC1; p=none; psd=y",
      "example.com\ndkim b.example.com\nspf c.b.example.com\n%%\nnx\n@_dmarc.example.com v=DMARC1; p=reject\n"
      "@_dmarc.b.example.com v=DMARC1; psd=n", "a.b.c.example\ndkim c.example\n%%\nnx\n@_dmarc.c.example v=DMARC1; p=none; np=reject; t=y",
      "b.c.example\ndkim a.b.c.example\nspf x.c.example\n%%\nnx\n@b.c.example\n@_dmarc.c.example v=DMARC1; psd=y; sp=quarantine; p=none\n"
      "@_dmarc.a.b.c.example v=DMARC1; psd=y", "example.com\nspf temperror example.com\ndkim evil.example.com\n%%\nf\n" + "\n".join(DMARC_RECORDS),
      ".".join("abcdefghijklmnopqrstuvwxyz") + ".example\ndkim z.example\n%%\n\n" + "\n".join(DMARC_RECORDS[:6]),
      "sub.legit.example\ndkim sub.legit.example\ndkim temperror legit.example\nspf temperror legit.example\n%%\nn\n"
      "@_dmarc.legit.example v=DMARC1; p=reject")

FROM_VALUES = [  # attacks.md 1b, each the value of a From field
    "joe@football.example.com", "Joe <joe@football.example.com>", "\"Joe, S.\" (c (n)) <j.s@example.com>",
    "<first@attack.com>, <admin@legitimate.com>", "=?utf-8?B?PGFkbWluQGxlZ2l0aW1hdGUuY29tPg==?=,<second@attack.com>",
    "<@attack.com,@any.com:admin@legitimate.com>", "<admin@legitimate.com>\\,<second@attack.com>",
    "<any@attack.com>admin@legitimate.com", "\"admin@legitimate.com\\\" <x\" <any@attack.com>", "foo (bar",
    "foo\\", "a@b.c, (d@e.f", "(" * 40 + "a@b.example", "a@b@legitimate.com", "\"a@legitimate.com\"@attack.com",
    "a@[192.0.2.1]", "a@legitimate.com.", "a@legitimate..com", "<admin@legitimate.com \t>",
    "<admin@legitimate.com\u2000>", "admin@legitimate\u3002com", "a@XN--MNCHEN-3YA.example", "a@m\u00fcnchen.example",
    "admin@legitimate.com(.attack.com", "=?utf-8?q?admin=40legitimate.com=3e=20?=@attack.com",
    "<<a@attack.com>@legitimate.com>", "<a@legitimate.com", "g: <a@legitimate.com>, <b@x.com>;",
    "undisclosed-recipients:;", "", "<>", "()", "Joe\n\t<joe@example.com>", "\"a\n b\" <a@example.com>",
    "\u202ea <a@example.com>", "x@" + "a" * 63 + ".example", "x@" + "a" * 64 + ".example"]
seeds("author_domain", *(" " + value for value in FROM_VALUES))

seeds("envelope", "<joe@example.com>", "joe@example.com", "<>", "", "\"a b\\\"@legitimate.com\"@attack.com",
      "<(any@legitimate.com>", "<any@legitimate.com(.attack.com>", "<any@legitimate.com'@any.attack.com>",
      "<@legitimate.com,@any.com:'any@attack.com>", "x@attack.com.", "x@", "x@[192.0.2.1]", "@attack.com",
      "<\u00fc@b\u00fccher.example>", "a;dmarc=pass", "[1.2.3.4]", "mx.example.org", "MX.Example.ORG.",
      "SRS0=x=y=example.com=bounce@forward.example", "a" * 64 + "@example.com")

seeds("domain_name", "example.com", "EXAMPLE.com.", "_dmarc.example.com", "b\u00fccher.example", "xn--bcher-kva.example",
      "legitimate\u3002com", "stra\u00dfe.example", "a..b", "-x.com", "1.2.3.4", "xn--zzzzzz.example", "a" * 63 + ".b",
      ".".join(["a" * 49] * 5) + ".xy", "192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1", "192.0.2.0/24", "2001:db8::/32",
      "0.0.0.0/0", "1.2.3.4/33", "xn--a.xn--b", "\u0430pple.example", "\uff41.example", "\u200b.example", "a.xn--\u00fc")

RESULTS = [  # RFC 8601 appendix B, and forgeries of our name
    "example.org 1; none", "example.com;\r\n spf=pass smtp.mailfrom=example.net",
    "example.com;\r\n auth=pass (cram-md5) smtp.auth=sender@example.net;\r\n spf=pass smtp.mailfrom=example.net",
    "example.com; dkim=pass reason=\"good signature\"\r\n header.i=@mail-router.example.net; dkim=fail header.i=@x.example",
    "foo.example.net (foobar) 1 (baz);\r\n dkim (Because I like it) / 1 (One yay) = (wait for it) fail\r\n"
    "  policy (A dot can go here) . (like that) expired\r\n  (this surprised me) = (as I wasn't expecting it) 1362471462",
    "MX.EXAMPLE.ORG; dmarc=pass", "\"mx.example.org\"; dmarc=pass", "(c)mx.example.org; dmarc=pass",
    "mx.example.org/1; dmarc=pass", "\r\n mx.example.org.; dmarc=pass", "mx.example.org 1", "mx.ex(a)ample.org; none",
    "\"mx.\\example.org\"; none", "x; " + "a=b; " * 17, "x; a=b c.d=\"e\\\"f\" g.h=i@j k.l=@m", "(((", "x;;", "mx.example.org;\x00",
    "m\u00fc.example; none", "x; spf=pass smtp.mailfrom=\"a b\"@c.example"]
seeds("authres_parse", *RESULTS)
seeds("authres_compose", "mx.example.org\nspf||pass|||smtp|mailfrom|example.net",
      "mx.example.org|1\ndkim|1|fail|body-hash-mismatch|test mode|header|d|example.com|header|b|a+/=",
      "mx.example.org", "MX Example|x\n||||\nnone||none|none", "a\"b\\c\nspf||pass|x; dmarc=pass|(a)\\|smtp|mailfrom|\"a b\"@c",
      "m\u00fcnchen.example\nspf||pass|a\r\nX: y|\t|smtp|helo|\x00\x7f", "mx.example.org\ndmarc||pass|" + "long " * 40 + "||header|from|" + "x" * 90)

seeds("message", SIGNED, crlf(FIELDS + BODY), FIELDS + BODY, "From joe Mon Jan 1\r\nFrom: <a@b.example>\r\n\r\nx",
      " From: <first@attack.com>\r\nFrom: <admin@legitimate.com>\r\n\r\n", "From\r\n : <a@attack.com>\r\nFrom: <b@x.com>\r\n\r\n",
      "From : <a@attack.com>\r\nFr\x00om: x\r\n\r\n", "A: b\r\r\n c\r\nD:\r\n\r\nbody", "A: b\n\tc\n\n", "A: b", "\r\n", "no field\r\n")

BODIES = ["", "x", "a\r\nb\r\n", "a\nb\n", "a\rb", "a\r\r\nb \t\r\n\r\n\r\n", " \t c  d \r\n\r\n", "\r\n\r\n", "\r", "\n", "a \r b",
          "a\t\t\r\n \r\n", "x\r\n.\r\ny", "l\x00ne\r\n" + "w " * 60, "\r\n\r", "a\r\n\r\nb\r\n\r\n\n", " \r\r\n"]
seeds("body_hash", *("|\n" + body for body in BODIES), "0|3\nabc\r\ndef\r\n", "5|999\nabc  \r\n\r\n\r\n", "7|2\n \r\n x\ty \r\n")

seeds("header_hash", SIGNED, crlf(f"DKIM-Signature:{SIMPLE_SIGNATURE}\n{FIELDS}{BODY}"),
      crlf(f"{FIELDS}Subject : \t two\n  lines \nDKIM-Signature:{RSA_SIGNATURE.replace('b=', 'b =')}; n=b=x\n{BODY}"),
      crlf(f"From: a\ndkim-signature:{RSA_SIGNATURE.replace('h=from', 'h=dkim-signature:from')}\nFROM : b\n{BODY}"),
      crlf(f"DKIM-Signature:{RSA_SIGNATURE.replace('; d', '; xb=zz; d')}\n{FIELDS}{BODY}"))

seeds("dkim_verifier", f"n\n{KEYS}%%\n{SIGNED}", f"n\n{KEYS}%%\n{SIGNED}appended\r\n",
      f"f\n{RSA_KEY}\n{ED_KEY}\nv=DKIM1; p=\n%%\n{SIGNED}",
      f"n\n{KEYS}%%\n" + crlf(f"DKIM-Signature:{RSA_SIGNATURE}\n" * 12 + FIELDS + BODY),
      f"n\n{KEYS}%%\n" + crlf(f"DKIM-Signature:{SIMPLE_SIGNATURE}\nDKIM-Signature: garbage\n{FIELDS}{BODY}"),
      f"n\n{KEYS.replace('v=DKIM1;', 'v=DKIM1; t=y:s;')}%%\n{SIGNED}".replace("\r\n", "\n"))

# Two sets over the same message, with the RSA key of RFC 8463.
ARC_SETS = ["""ARC-Seal: i=1; a=rsa-sha256; d=football.example.com; s=test; t=1528637909;
 cv=none;
 b=NVT0QuQbKbg1yDCyr7HTq7ZPAGBFuV4N8JIDZVOxDoR0fpu2P9UVuxhHbdmKyOk8oSRgmr
 ahcUZ5UJLWtb3I2ePwZyIIm10RVU4lYg9YbiW7U2yVUxaPGolHEIZTepOW7T7j3bU71vMs
 oQH2cLm8znPBEnhJYwExvlIZoiF0Gwo=
ARC-Message-Signature: i=1; a=rsa-sha256; c=relaxed/relaxed; d=football.example.com; s=test;
 t=1528637909; h=from:subject:date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=ZCwnvrl/q3E6FrBtzF2y2SN7dz96xdJdTDLCtWM2Zlwr2528HGysupIUO3Rc3R0yzn9HIU
 hEsihwyB76R9Ox1cer5G35M+aIlqyf4p83YvB4rOmd0QoUZeFJQ2JfLIJWRYISNqoeTWoY
 u8H26BSm8XVgZQwfawFhsP78KA5/9NE=
ARC-Authentication-Results: i=1; mx.football.example.com; dmarc=pass header.from=football.example.com
""",
            """ARC-Seal: i=2; a=rsa-sha256; d=football.example.com; s=test; t=1528637909;
 cv=pass;
 b=jKTuGG98mbyVwGXFnOQ8+LKLI4ptCOez+/7kvjmR6yqN2OvVHJGpb9FpsuM8mwH0fTqxdY
 5Fq9EAaKviioDqel+s2hrI7OqSEHeELnvpepgad90bQI8/dtO+MedzM1nnY2zK0RyVtx0u
 ksWy95XxQCBhTJIoydqICrYE9n+SPFw=
ARC-Message-Signature: i=2; a=rsa-sha256; c=relaxed/relaxed; d=football.example.com; s=test;
 t=1528637909; h=from:subject:date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=yuaYs14cjabOjj9CBB29CpLGGDrEGSywO3NneBrrRH804psdUOGfxWjDHyFc6HDAEX+8sT
 BbfRfyin1Jv1Nb6C564op+FvMTw2SWtdhW7MaEV9izK0T4vD5YG95BHcgoc1pSSQ6+l9fb
 G5sE1ek7S4OQRER1Nb856s1U3pZKuhc=
ARC-Authentication-Results: i=2; mx.example.org 1; arc=pass; dmarc=fail header.from=football.example.com
"""]
ARC_CHAIN = ARC_SETS[1] + ARC_SETS[0]
ARC_MESSAGE = f"{ARC_CHAIN}{FIELDS}{BODY}"
seeds("arc_chain", *(f"n\n{KEYS}%%\n" + crlf(text) for text in (
    ARC_MESSAGE, ARC_SETS[0] + FIELDS + BODY, ARC_SETS[0] + ARC_SETS[1] + FIELDS + BODY, ARC_SETS[1] + FIELDS + BODY,
    ARC_MESSAGE + "appended\n", ARC_MESSAGE.replace("Subject: Is", "Subject: [list] Is"), ARC_MESSAGE.replace("cv=pass", "cv=fail"),
    ARC_MESSAGE.replace("cv=none", "cv=pass"), ARC_MESSAGE.replace("i=1;", "i=3;"), ARC_MESSAGE.replace("i=2;", "i=51;"),
    ARC_MESSAGE.replace("dmarc=fail", "(null)=pass; dmarc"), ARC_MESSAGE.replace("c=relaxed/relaxed; ", ""),
    ARC_MESSAGE.replace("h=from:subject:date", "h=from:arc-seal:"), ARC_MESSAGE.replace("cv=pass;", "cv=pass; h=from;"),
    "ARC-Seal: i=1\n" * 51 + FIELDS + BODY, ARC_SETS[0] * 2 + FIELDS + BODY)),
    f"f\n{KEYS}%%\n" + crlf(ARC_MESSAGE), f"n\n{RSA_KEY}\n%%\n{ARC_MESSAGE}")

seeds("sign_verify", *(f"{letters}\n" + crlf(
    "From: Joe <joe@example.org>\nTo: Suzie <s@example.net>\nSubject:  Is\n  dinner ready? \nX-Y: z\n" + BODY) for letters in
    ("rr", "rs", "sr", "ss")),
    "rr\nFrom: a@b.example.org\nSubject : x\r\n\r\nno line end", "ss\nFrom: a@example.org\r\nA:\r\n\r\n\r\n\r\nx \t\r\r\n\r\n",
    "sr\nAuthentication-Results: mx.example.org; none\nfrom:\ta@example.org\nDKIM-Signature: x\n\n", "rr\nFrom: a@example.org\n\n")

seeds("seal_verify", *(crlf(text) for text in (
    "From: Joe <joe@example.org>\nTo: Suzie <s@example.net>\nSubject:  Is\n  dinner ready? \nX-Y: z\n" + BODY, ARC_MESSAGE,
    ARC_SETS[0] + FIELDS + BODY, "ARC-Seal: i=1; cv=none\nFrom: a@example.org\n" + BODY,
    "ARC-Authentication-Results: i=50; x; none\nFrom: a@example.org\n" + BODY,
    "Authentication-Results: mx.example.org; none\nSubject: a\nsubject: b\nFrom: a@b.example\nFrom: c@d.example\n" + BODY,
    "ARC-Seal : i=1\nFrom: a@example.org\n\n", "From: a@example.org\n\n")))

HOPS = ("from a.example (b.example [198.51.100.7]) by mx.f.example (Postfix) with ESMTP id 1 for <x@y.example>; Sun",
        "from a.example (b.example [198.51.100.7] (may be forged)) by mx.f.example (8.17/8.17) id x; Sun",
        "from b.example ([198.51.100.7]:25 helo=a.example) by mx.f.example with esmtp (Exim); Sun",
        "from [198.51.100.7] (helo=a.example) by mx.f.example; x", "by mx.f.example (Postfix, from userid 0); x",
        "from x (unknown [IPv6:2001:db8::1]) by mx.f.example; x", "from x (HELO [1.2.3.4]) (1.2.3.4) by mx.f.example; x",
        "from x (x.example [192.0.2.25]) by mx.f.example; x", "from x (x.example [192.0.2.25]) by mx.g.example; x")
seeds("received", *HOPS, HOPS[5] + "\n" + HOPS[8] + "\n" + HOPS[0], "\n".join(HOPS[7:8] * 11), "from (a(b)\\)c", "from \"a\" (")

ENVELOPE = "192.0.2.3|mx.football.example.com|<joe@football.example.com>|suzie@shopping.example.net|"
ZONE = ("@football.example.com v=spf1 ip4:192.0.2.3 -all\n@_dmarc.football.example.com v=DMARC1; p=reject\n" + KEYS)
seeds("message_verifier", f"{ENVELOPE}\nn\n{ZONE}%%\n{SIGNED}", f"{ENVELOPE}mq\nf\n{ZONE}%%\n{SIGNED}",
      f"198.51.100.1|x|<>|y@example.net|ts\nn\n{ZONE}%%\nFrom: <a@football.example.com>\r\nSubject: s\r\n\r\n",
      *(f"{ENVELOPE}q\nn\n{ZONE}%%\nFrom: {value}\r\nAuthentication-Results: {result}\r\n\r\nx"
        for value, result in zip(FROM_VALUES[:20], RESULTS)),
      f"{ENVELOPE}t\nn\n{ZONE}v=spf1 include:%{{d}}.x a mx ptr -all\n%%\nFrom: a@b.example\r\nFrom: c@d.example\r\n"
      "X-Authmilter-Verdict: clean\r\nx-authmilter-verdict : y\r\n\r\n",
      # Every result with every action.
      *(f"{ENVELOPE}{letters}\n{mood}\n@football.example.com {spf}\n@_dmarc.football.example.com {dmarc}\n%%\nFrom: joe@{author}football.example.com\r\n\r\n"
        for letters, mood, spf, dmarc, author in (
            ("r", "n", "v=spf1 -all", "v=DMARC1; p=none", ""), ("e", "n", "v=spf1 -all", "", ""), ("d", "n", "v=spf1 ~all", "", ""), ("g", "n", "v=spf1 foo", "", ""),
            ("r", "n", "v=spf1 ~all", "v=spf1", "a."), ("e", "n", "v=spf1 foo", "v=DMARC1; p=none; rua=mailto:a@b.example,mailto:c@d.example!1k,https://e", ""),
            ("a", "n", "v=spf1 a:x.example mx ptr exists:%{ir}.%{l}.x include:football.example.com -all", "v=DMARC1; p=reject; t=y", ""), ("hq", "n", "v=spf1 -all", "v=DMARC1; p=quarantine", ""),
            ("h", "n", "v=spf1 -all", "v=DMARC1; p=quarantine; sp=reject; np=none", "b."), ("r", "n", "v=spf1 -all", "v=DMARC1; p=bogus", ""), ("rt", "n", "v=spf1 -all", "v=DMARC1; p=reject; adkim=s; aspf=s", "b."),
            ("e", "f", "v=spf1 include:a.example include:b.example include:c.example mx:d.example -all", "v=DMARC1; p=reject", "a.b."), *((letter, mood, "v=spf1 mx:a.example include:b.example mx:c.example ~all", "v=DMARC1; p=none; psd=n; fo=1:d; x=y", "") for letter in "er" for mood in ("f", "f2")),
            ("e", "F", "", "", ""), ("r", "F", "", "", ""), ("rm", "F", "", "", ""),
            ("o", "n", "v=spf1 -all", "v=DMARC1; p=quarantine", ""), ("o", "n", "v=spf1 -all", "v=DMARC1; p=reject", "b."), ("t", "n", "v=spf1 -all", "v=DMARC1; p=none", ""))),
      *(f"198.51.100.7|x|{path}|{recipient}|o\nn\n{ZONE}%%\nFrom: joe@football.example.com\r\n\r\n" for path in ("<>", "<Joe@football.example.com>", "<j@x.example>")
        for recipient in ("<EXEMPT@example.net>", "<a@b.exempt.example>", "<c@exempt.example>", "<d>")),
      f"{ENVELOPE}o\nn\n{ZONE.replace('p=reject', 'p=quarantine')}%%\n{SIGNED}", f"{ENVELOPE}o\nn\n{ZONE.replace('ip4:192.0.2.3', '')}%%\n{SIGNED.replace('joe@foot', 'joe@a.foot')}",
      *(f"{ENVELOPE}r\n{mood}\n@football.example.com v=spf1 -all\n@_dmarc.football.example.com v=DMARC1; p=reject\n{keys}\n%%\n{message}" for mood, keys, message in (
          ("n", KEYS, SIGNED + "appended\r\n"), ("n", KEYS, SIGNED.replace("Is dinner", "No dinner")), ("nx", "", SIGNED), ("f", "", SIGNED), ("f1", "", SIGNED), ("n", KEYS.replace("v=DKIM1", "v=spf1"), SIGNED),
          ("n", KEYS.replace("p=", "p=; x="), SIGNED), ("n", KEYS.replace("k=rsa", "k=ed25519"), SIGNED), ("n", KEYS.replace("v=DKIM1;", "v=DKIM1; t=s;"), SIGNED.replace("i=@", "i=@a.")),
          ("n", "@test._domainkey.football.example.com v=DKIM1; p=x\n" + KEYS, SIGNED), ("n", KEYS, crlf(f"DKIM-Signature:{RSA_SIGNATURE}\n" * 12 + FIELDS + BODY)),
          ("n", KEYS, crlf("".join(f"DKIM-Signature:{RSA_SIGNATURE}; l={n}\n" for n in range(10)) + FIELDS + BODY)), ("n", KEYS, SIGNED.replace("From:", "To: x\r\nFrom:")))),
      f"{ENVELOPE}\nn\n{ZONE}%%\nFrom: joe@football.example.com\r\n" + "X: y\r\n" * 100 + "BIMI-Location: x\r\nAuthentication-Results: y\r\nX-Authmilter-Verdict: z\r\n\r\n",
      *(f"{ENVELOPE}{letters}\nn\n{ZONE}%%\nFrom: joe@football.example.com\r\nX-Authmilter-Verdict: clean\r\nBIMI-Location: x\r\n"
        "bimi-indicator : x\r\nAuthentication-Results: mx.example.org; none\r\n\r\n" for letters in ("", "m")),
      f"|||y|\n\n%%\n" + "X: y\r\n" * 120 + "From: a@football.example.com\r\n\r\n")


def wire_name(text):
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".")) + b"\0"


def answer(kind, number, name, rdata, flags=0x8180, alias=None, extra=b""):
    number = number.to_bytes(2, "big")
    records = b""
    count = 0
    owner = b"\xc0\x0c"
    if alias:
        target = wire_name(alias)
        records += owner + b"\0\5\0\1\0\0\1\0" + len(target).to_bytes(2, "big") + target
        owner = target
        count += 1
    for data in rdata:
        records += owner + number + b"\0\1\0\0\0\x3c" + len(data).to_bytes(2, "big") + data
        count += 1
    head = b"\x12\x34" + flags.to_bytes(2, "big") + b"\0\1" + count.to_bytes(2, "big")
    head += (b"\0\1" if extra else b"\0\0") + b"\0\0"
    return f"{kind} {name}\n".encode() + head + wire_name(name) + number + b"\0\1" + records + extra


SOA = b"\xc0\x0c\0\6\0\1\0\0\x0e\x10\0\x1a\1m\xc0\x0c\1n\xc0\x0c" + b"\0\0\0\1" * 4 + b"\0\0\0\x3c"
seeds("dns_answer", answer("A", 1, "example.org", [b"\xc0\0\2\1", b"\xc0\0\2\2"]),
      answer("AAAA", 28, "example.org", [b"\x20\1\x0d\xb8" + b"\0" * 11 + b"\1"]),
      answer("TXT", 16, "example.org", [b"\6v=spf1\5 -all", b"\0"]), answer("TXT", 16, "example.org", [b"\xffshort"]),
      answer("MX", 15, "example.org", [b"\0\x14\2mx\xc0\x0c", b"\0\x0a\0"]), answer("PTR", 12, "1.2.in-addr.arpa", [b"\1a\1b\0"]),
      answer("A", 1, "a.example", [b"\x7f\0\0\1"], alias="b.example"), answer("A", 1, "nx.example", [], flags=0x8183, extra=SOA),
      answer("TXT", 16, "nodata.example", [], extra=SOA), answer("A", 1, "x.example", [], flags=0x8182),
      answer("PTR", 12, "loop.example", [b"\xc0\x1d"]), answer("MX", 15, "big.example", [b"\0\1" + b"\x3f" + b"a" * 63 + b"\xc0\x0c"]))

seeds("zone_file", "$ORIGIN example.org.\n$TTL 1h\n@ IN SOA ns hostmaster 1 3600 600 86400 60\n@ TXT \"v=spf1 -all\"\nmx 300 IN A 192.0.2.1\n"
      " AAAA 2001:db8::1\n@ MX 10 mx\nwww CNAME mx\n*.w A 192.0.2.9\n", "a. TXT \"x\" ( \"y\"\n ; c\n\"z\" )\n", "a. A 1.2.3",
      "b\\.c. A 192.0.2.1\n", "x. TXT \"\\000\\255\\\"\"\n", "$INCLUDE /etc/passwd\n", "a. CNAME b.\nb. CNAME a.\n", "a. IN A 192.0.2.1 ; c\n\tTXT t",
      "@ PTR a\n", "a. 1h30m IN TXT x\na. IN 60 TXT y\n", "a. TYPE99 \\# 0\n", "1.2.0.192.in-addr.arpa. PTR \xff\\255.example.\n", "a. TXT " + "x" * 256)

STATUS = """{"version": "0.1.0", "started": 1700000000, "processes": [{"socket": "unix:/run/a.sock", "mode": "monitor",
 "last_reload_successful": false, "configured": 1700000000, "reloads": {"good": 1, "bad": 2}, "dns_validating": true,
 "open_descriptors": 9, "descriptor_limit": 18446744073709551615}], "connections": {"total": 3, "open": 1,
 "messages_in_hand": 1}, "messages": {"accept": 3}, "policy": {}, "rules": {"default": 3}, "aborted_messages": 0,
 "tls_refusals": 0, "internal_errors": 0, "spf": {"pass": 3}, "dkim": {"none": 3}, "dmarc": {"pass": 3},
 "dns": {"questions": 9, "queries": 5, "median_seconds": 0.0125, "percentile95_seconds": null,
 "failures": {"timeout": 1}, "recent_queries": 5, "recent_failures": {}, "trouble": "timeout"},
 "signing": {"signed": 0, "signatures": {"rsa": 0}, "unsigned": {}, "failures": {}},
 "keys": [{"domain": "example.org", "selector": "a", "written": 1700000000, "age_days": 3}],
 "limits": {"header": 0}, "warnings": ["\\u001b[31m"]}"""
seeds("daemon_status", STATUS, STATUS.replace(": 3", ": -3"), STATUS.replace("1700000000", "1e300"), STATUS.replace("0.0125", "5"),
      STATUS.replace('"accept"', '"accept": 1, "accept"'), STATUS[:-9], "[" * 99 + "]" * 99, "{" * 9, '{"a":' * 9, "<html>\n", "{}", "null", '"\xff"')

seeds("config", "", "[milter]\nsocket = [\"unix:/run/x.sock\", \"inet:8891@127.0.0.1\"]\nsocket_mode = \"0660\"\n",
      "[identity]\nauthserv_id = \"mx.example.org\"\ntrusted_authserv_ids = [\"border.example.org\"]\n[network]\ninternal = [\"10.0.0.0/8\", \"::1/128\"]\n",
      "[dns]\nnameservers = [\"192.0.2.53\", \"127.0.0.1@5353\"]\ndnssec = \"auto\"\ntimeout = \"5s\"\nmessage_timeout = \"20s\"\nzones = [\"z\"]\n",
      "[verify]\nmode = \"monitor\"\nmaximum_signatures = 10\nminimum_rsa_bits = 2048\n[policy]\nspf_fail = \"tag\"\ntag_subject = \"[x] \"\n"
      "[[policy.override]]\nauthor_domain = \"*.list.example\"\nclient = [\"192.0.2.0/24\"]\nmail_from = \"<>\"\ndmarc_reject = \"quarantine\"\n",
      "[signing]\nheaders = [\"from\", \"subject\"]\ncanonicalization = \"relaxed/simple\"\nrequire_sender_match = false\n[[signing.domain]]\n"
      "domain = \"example.org\"\nsubdomains = true\nkeys = [{ selector = \"2026a\", file = \"/k.pem\" }]\n",
      "[log]\ntarget = \"stderr\"\nformat = \"json\"\nlevel = \"debug\"\n[metrics]\nlisten = \"127.0.0.1:9253\"\n",
      "x = 1\n", "[milter]\nsokcet = \"a\"\n", "[dns]\ntimeout = 5\n", "a = [[[[[[[[\n", "[milter]\nsocket = \"\\u0000\\u001B\"\n", "[[milter]]\n", "\ufeff[log]\n", "na\u00efve = 1\n")

seeds("import", "k\nDomain a.org\nSelector s\nKeyFile /k.pem\nSubDomains yes\nSignHeaders *,+X-A,-Date\nOmitHeaders *,To\nOversignHeaders To\n",
      "kc\nKeyTable /1\nSigningTable refile:/2\nMultipleSignatures yes\nInternalHosts csl:::1, 10.0.0.0/8, !10.1.*\n%%\n%%\n"
      "a a.org:s:/a.pem\nany %:s:/keys/%/s.pem\n%%\n*@a.org a\n*@*.b.org any\njoe@* any\n* %\n",
      "km\nKeyTable file:/1\nSigningTable /2\nInclude /3\nSocket inet:8891@[127.0.0.1]\nUMask 007\n%%\nRejectFailures yes\nIgnoreHosts /4\n"
      "IgnoreMailFrom a.org\nAuthservID OpenDMARC\nTrustedAuthservIDs HOSTNAME,b\n%%\na a.org:s:/a.pem\n%%\n.a.org a:joe@a.org\n%%\nInclude /3\n%%\n"
      "192.0.2.0/255.255.255.128\nmx.a.org\n",
      "k\nInclude /1\n%%\n%%\nInclude /1\n", "m\nSocket local:/run/m.sock\nSyslog no\nRequiredHeaders 1\n", "m\nCanonicalization simple\n",
      b"k\nDomain a.org\nSelector s\nKeyFile /\xff.pem\nSocket /run/dkim/\xc3\nAuthservID \xe2\x80\xae\n",
      "k\nNameservers ::1,x\nDNSTimeout 0x7f\nSignatureTTL -1\nMaximumHeaders 0\nOn-DNSError t\nLDAPUseTLS x\nDomain dsn:x\nX-Y\n")

PEM = """-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----
"""
seeds("crypto", RSA_KEY.partition("p=")[2], ED_KEY.partition("p=")[2], PEM, PEM.replace("PRIVATE", "RSA PRIVATE"), "AAAA", "AA==", "AA=A", "\x30\x03\x02\x01\x01",
      "MBkwDQYJKoZIhvcNAQEBBQADCAAwBQIBAwIBAw==", "MAgCAQ8CAwEAAQ==", PEM.replace("-----BEGIN", "-----BEGIN ENCRYPTED"))

seeds("log_line", "\nexample.org\n%%\n2001:db8::1", "cannot reload\na b=c\n%%\n", "\n\n%%\n\x1b[2J\"\\", "a\x00b\u202e\n" + "x" * 257 + "\n%%\n" + "\x07" * 400,
      "t" * 1100 + "\n\\x41\\\n%%\n\\", "x\na\nid=1\n%%\n\"} {\"", b"\xff\n\x80\n%%\n\xc3\xbc")

seeds("sendmail_form", "To\n a@x.example,b@x.example", "REPLY-to\na@x.example , \n\tb@x.example,,", "Cc\n \"A,B\" <a,x@y>,b (c,\\),d(e,f)),g", "From\n \"a,b",
      "To\n <a,b", "To\n (a,b", "Subject\n a,b", "To\n , ,", "Bcc\n friends:a@x,b@x;", "Sender\na\\,b,c\\", "Resent-To\r\n a>,<b,c>,d")


def script(*lines):
    return "\n".join(lines) + "\n"


def fields(text):
    """The packets of a header, whose lines end in LF on this wire."""
    return [("L " + field).replace("\\", "\\\\").replace("\n", "\\n")
            for field in text.replace("\n ", "\n\0").replace("\n\t", "\n\1").splitlines()
            for field in [field.replace("\0", "\n ").replace("\1", "\n\t")]]


OFFER = "O 6 1ff 1fffff"
OLD_OFFER = "O 2 3f 7f"
CLIENT = "C client.example.net 4 192.0.2.1"
BEGIN = ("D Mi=4Xk2|{mail_addr}=a@example.org", "M <a@example.org> SIZE=100", "R <b@example.net>")
HEADER = ("L From: Joe <a@example.org>", "L Subject: hello", "N")
END = ("B Hello.\\r\\n", "D Ei=4Xk2", "E")
MESSAGE = (*BEGIN, *HEADER, *END)
GREETING = (OFFER, "D Cj=mx.example.net|v=Postfix 3.7.11", CLIENT, "D Hj=x", "H client.example.net")
STRANGER = (OFFER, "C attack.example 4 198.51.100.7", "H attack.example", *BEGIN)
SUBMISSION = (OFFER, "C localhost 4 127.0.0.1", "H localhost", "M <a@example.org>", "R <b@example.net>")
FOOTBALL = (*fields(f"DKIM-Signature:{ED_SIGNATURE}\n{FIELDS}"), "N", "B " + crlf(BODY[1:]).replace("\r\n", "\\r\\n"), "E")
FORGERIES = ("L From: x@attack.example", "L Authentication-Results: mx.example.net; dmarc=pass", "L AUTHENTICATION-results : \"mx.example.net\"; spf=pass",
             "L Authentication-Results: other.example; none", "L X-Authmilter-Verdict: clean", "L BIMI-Location: v=BIMI1; l=https://x.example/l.svg", "N")
seeds("milter_packets",
      script(*GREETING, *MESSAGE, "Q"), script(OLD_OFFER, CLIENT, "H client.example.net", *MESSAGE, "Q"),
      script(OFFER, CLIENT, "H x.example", "H y.example", *MESSAGE, "K", "C h 6 2001:db8::1", "H z.example", *MESSAGE, "A", *BEGIN, "A", *MESSAGE),
      script(*STRANGER, *FOOTBALL, *BEGIN, *FORGERIES, *END), script(OLD_OFFER, *STRANGER[1:], *FOOTBALL), script("O 4 1ff 7f", *STRANGER[1:], *FORGERIES, *END),
      *(script(*STRANGER, f"L From: a@{domain}.example", "L Subject: a\\n\\tb", "L Authentication-Results: mx.example.net; none", "N", *END)
        for domain in ("legit", "held", "tagged", "attack", "broken")),
      script(*SUBMISSION[:3], "M <a@attack.example>", "R <b@example.net>", *HEADER, *END, *BEGIN, *HEADER, "A", "B x", "E"),
      script("O 6 1f 100", *STRANGER[1:], "L From: a@held.example", "L Subject:", "N", *END),
      script(*STRANGER, "L From: a@tagged.example", "L subject : x\\r\\nBcc: y@z.example\\n\\nbody", "L Subject: x\\n y", "N", *END),
      script(*SUBMISSION, *fields(FIELDS.replace("football.example.com", "example.org")), *FORGERIES, *END),
      script("O 6 13f 0fffff", *SUBMISSION[1:], *HEADER, "B one\\r\\n", "B two \\r\\n\\r\\n", "B \\r", "B \\nthree", "E", *BEGIN, "L From: a@b.example", "N", "E"),
      script(OFFER, "D C{v}=8.17.1|v=8.17.1", "C local U", "M <>", "R <b@example.net>", "L From:\\ta@example.org", "L To: a,\\n b@example.net (c)", "N", *END),
      script(OFFER, "C h 4 198.51.100.7", "D M{auth_authen}=joe|i=1", "M <a@example.org>", "R <b@example.net>", *HEADER, "E", *MESSAGE),
      *(script(offer, "C h 4 203.0.113.7", "H h.example", macros, "M <a@attack.example>", "R <b@example.net>", "L From: a@attack.example", "N", *END, *MESSAGE)
        for offer in (OFFER, OLD_OFFER) for macros in ("D M{mail_addr}=x", "D M{tls_version}=TLSv1", "D M{tls_version}=TLSv1.3|{cipher}=x")),
      script(OFFER, "C h L /run/x", *MESSAGE), script(OFFER, "C h 4 127.1", *MESSAGE), script(OFFER, "C h 6 IPv6:::1", *MESSAGE),
      script(OFFER, "C h 6 ::ffff:127.0.0.1", *MESSAGE), script(OFFER, "C h 6 ::ffff:192.0.2.1", *MESSAGE), script(OFFER, *MESSAGE), script(CLIENT, *MESSAGE),
      script(OFFER, CLIENT, "M <a@example.org>", "M <a@attack.example>", "R <>", *HEADER, *END), script(OFFER, CLIENT, *HEADER, *END, "E", "E", "N", "B x", "U XYZZY", "T", "Q", "K", "A"),
      script(OFFER, CLIENT, *BEGIN, "U NOOP", *HEADER, *END, "K", "M <a@example.org>", "R x", "L From: a@example.org", "N", "E late"), script(*GREETING, *BEGIN, "*1200 R <someone@example.net>", *HEADER, *END),
      script(*GREETING, *BEGIN, "*101 L X: y", *HEADER, *END), script(*GREETING, *BEGIN, "*40 L X: " + "y" * 500, *HEADER, *END), script(*STRANGER, *HEADER[:2], "N", "*300 B " + "x" * 200 + "\\r\\n", "E"),
      script(*(OFFER, CLIENT) + BEGIN, *HEADER, *END, *MESSAGE * 4), script("O 1 1ff 1fffff"), script("O 6 0 0", CLIENT), script("O 6 1 0", CLIENT), script("O ffffffff 1ff ffffffff", CLIENT, *MESSAGE),
      script("=O\\0\\0", CLIENT), script(OFFER, OFFER, CLIENT, "=Ch\\0", *MESSAGE), script(OFFER, "=Ch\\04\\x19\\x19192.0.2.1", *MESSAGE), script(OFFER, CLIENT, "=Hno end", *MESSAGE),
      script(OFFER, CLIENT, "=M", *MESSAGE), script(OFFER, CLIENT, "=Mx", *MESSAGE), script(*GREETING, *BEGIN, "=LFrom\\0", *HEADER, *END), script(*GREETING, *BEGIN, "=L\\0\\0", "=LFrom\\0 x\\0y\\0", *HEADER, *END),
      script(*GREETING, *BEGIN, "=LFrom\\0 a@example.org", *HEADER), script(OFFER, "=D", CLIENT), script(OFFER, "=DM", "=DZi\\0x\\0", "=DMi", "=DMi\\0", CLIENT, *MESSAGE),
      script(*GREETING, "#0 E", "#4294967295 E", "#2147483648 N", *MESSAGE), script(*GREETING, "#2147483647 B"), script(*GREETING, "#1048577 B", *MESSAGE), script(*GREETING, "#1048576 B" + "x" * 80),
      script(*GREETING, *BEGIN, *HEADER, "#70 Bcut off"), script(*GREETING, "!\\0\\0"), script(*GREETING, "!GET / HTTP/1.1\\r\\n\\r\\n"), script("!EHLO x\\r\\nMAIL FROM:<a@example.org>\\r\\n"),
      script(*GREETING, "z", *MESSAGE), script(*GREETING, *BEGIN, "L \\xff\\xfe: \\x01\\x7f\\n", "L From: a@example.org", "L From : b@legit.example", "N", *END),
      script(*STRANGER, "L From: a@attack.example\\nFrom: b@legit.example", "L A:b\\rc", "N", "B \\n.\\n", "B \\r.\\r", *END), script(*GREETING, *BEGIN, *HEADER[:2], "E", "B x", "E", *MESSAGE))


# Aggregate reports: of the RFCs, and of what writers make of them.
def aggregate(root="feedback", metadata="", policy="<p>none</p>", row="", identifiers="", results="", more=""):
    return (f"<{root}><version>1.0</version><report_metadata><org_name>R</org_name><email>a@r.example</email>"
            f"<report_id>1</report_id><date_range><begin>1700000000</begin><end>1700086399</end></date_range>{metadata}"
            f"</report_metadata><policy_published><domain>example.org</domain>{policy}</policy_published>{more}<record><row>"
            f"<source_ip>192.0.2.1</source_ip><count>2</count><policy_evaluated><disposition>none</disposition>"
            f"<dkim>pass</dkim><spf>fail</spf>{row}</policy_evaluated></row><identifiers><header_from>example.org"
            f"</header_from>{identifiers}</identifiers><auth_results>{results}</auth_results></record></feedback>")


AGGREGATE = aggregate()
seeds("aggregate_report", AGGREGATE, aggregate("feedback xmlns='urn:ietf:params:xml:ns:dmarc-2.0'"),
      aggregate("feedback xmlns='http://dmarc.org/dmarc-xml/0.1' xmlns:x='urn:x'", more="<x:extension><x:a/></x:extension>"),
      aggregate(metadata="<extra_contact_info lang='en'>x</extra_contact_info><error>a</error><error>b</error><generator>g</generator>"),
      aggregate(policy="<p>REJECT</p><sp>none</sp><np>quarantine</np><adkim>s</adkim><aspf>r</aspf><pct>100</pct><fo>1</fo>"
                       "<testing>y</testing><discovery_method>psl</discovery_method>"),
      aggregate(row="<reason><type></type><comment></comment></reason><reason><type>sampled_out</type></reason>"
                    "<reason><type>arc</type></reason><reason><type>local_policy</type><comment>arc=fail</comment></reason>"),
      aggregate(identifiers="<envelope_from/><envelope_to>b.example</envelope_to>",
                results="<spf><domain>a</domain><scope>helo</scope><result>hardfail</result></spf>"
                        "<dkim><domain>EXAMPLE.org</domain><selector>s</selector><result>Pass</result><human_result>x</human_result></dkim>"),
      aggregate(results="<dkim><domain>a</domain><result>pass</result></dkim>" * 110), aggregate(identifiers="<x><header_from>y</header_from></x>"),
      aggregate(row="<!-- <b> --><![CDATA[x]]>&lt;&#65;&#x202e;&#0;&y; AT&T <a@b>"), "<?xml version='1.0' encoding='ISO-8859-1'?>" + AGGREGATE,
      AGGREGATE.encode("utf-16"), AGGREGATE.encode() + b"\xff\x00<x>", AGGREGATE.replace("R<", "\ufffe\u202e\x01<").encode(),
      AGGREGATE[:400], AGGREGATE.replace("1700086399", "253402300800"), AGGREGATE.replace("<count>2", "<count>-2"),
      "<!DOCTYPE l [<!ENTITY l 'lol'><!ENTITY m '&l;&l;&l;&l;'>]><feedback>&m;</feedback>", "<a>" * 70, "<html/>",
      "<feedback>" + AGGREGATE[AGGREGATE.index("<record>"):AGGREGATE.index("</feedback>")] + AGGREGATE[10:])

TLS = ('{"organization-name": "X", "report-id": "t", "contact-info": "a@x.example", "date-range": {"start-datetime": '
       '"2016-04-01T00:00:00Z", "end-datetime": "2016-04-01T23:59:59+01:00"}, "policies": [{"policy": {"policy-type": "sts", '
       '"policy-string": ["version: STSv1", "mode: testing"], "policy-domain": "example.org", "mx-host": "*.example.org"}, '
       '"summary": {"total-successful-session-count": 5, "total-failure-session-count": 2}, "failure-details": [{"result-type": '
       '"certificate-expired", "sending-mta-ip": "192.0.2.1", "receiving-mx-hostname": "mx.example.org", '
       '"failed-session-count": 2, "additional-information": "x", "failure-reason-code": "y"}]}]}')
seeds("tls_report", TLS, TLS.replace(": 2", ": -2"), TLS.replace(": 5", ': "5"'), TLS.replace(": 5", ": 1e300"), TLS[:300], TLS.replace("sts", "tlsa"),
      TLS.replace('"*.example.org"', "[null, true, {}, []]"), TLS.replace('"t"', '"\\ud800\\u202e"'), TLS.encode().replace(b"X", b"\xff"),
      '{"a":' * 40, "[" * 40, '{"policies": {"policy": {}}, "report-id": "1"}', TLS + " text", "{}", "")


STARTTLS_LINES = "smtp\n220 mx.example.org ESMTP\r\n250-mx.example.org\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS\r\n220 go\r\n"
IMAP_LINES = ("imap\n* OK [CAPABILITY IMAP4rev1] ready\r\n* CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN\r\na1 OK done\r\n"
              "a2 OK Begin TLS\r\n")
seeds("server_dialogue", STARTTLS_LINES, STARTTLS_LINES.replace("220 go", "454 no"), STARTTLS_LINES.replace("250-AUTH ", "250-AUTH="),
      STARTTLS_LINES.replace("\r", ""), STARTTLS_LINES + "250 more\r\n", "smtp\n554 no\r\n", "smtp\nSSH-2.0-x\r\n", "smtp\n220-" + 5000 * "x",
      IMAP_LINES, IMAP_LINES.replace("STARTTLS AUTH=PLAIN", "STARTTLS LOGINDISABLED"), "imap\n* PREAUTH hello\r\n", "imap\n* BYE\r\n",
      "pop3\n+OK ready\r\n+OK\r\nUSER\r\nSASL PLAIN\r\nSTLS\r\n.\r\n+OK go\r\n", "pop3\n+OK ready\r\n-ERR what?\r\n", "")
CERTIFICATE = base64.b64decode(
    "MIIBsTCCAVegAwIBAgIUJgjiq+6QJYuwNqIfm67QBdoLX78wCgYIKoZIzj0EAwIwGTEXMBUGA1UEAwwObXguZXhhbXBsZS5vcmcwHhcNMjYxMT"
    "I5MTQzOTM1WhcNMjcwMjI3MTQzOTM1WjAZMRcwFQYDVQQDDA5teC5leGFtcGxlLm9yZzBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABEQ5UjUt"
    "BVfWYSO/++VdvZzWzT+EU9YueGmqAIAFZfuAvcNgWgDKbRa3R85iyEUDXiRKHV2oFEjxMWWt0STqiHCjfTB7MB0GA1UdDgQWBBQ34kynkjfJQP"
    "rkVicwIcXVcOePozAfBgNVHSMEGDAWgBQ34kynkjfJQPrkVicwIcXVcOePozAPBgNVHRMBAf8EBTADAQH/MCgGA1UdEQQhMB+CDm14LmV4YW1w"
    "bGUub3Jngg0qLmV4YW1wbGUubmV0MAoGCCqGSM49BAMCA0gAMEUCIQD/wgMhvCBJ/sd36kXi/eadQeoIbK3IYJn56rykJDSzIwIgCdy8dPVoqC"
    "xAEY4UUVOBmiXoWTefP73UO6fZbO3D0ng=")
seeds("certificate", CERTIFICATE, CERTIFICATE + b"\n%%\n" + CERTIFICATE, CERTIFICATE[:-1], CERTIFICATE.replace(b"mx.example.org", b"mx\0example.org"),
      CERTIFICATE.replace(b"*.example.net", b"*.*****e.\x1b\xff\0"), b"\x30\x84\xff\xff\xff\xff", b"")
STS = "version: STSv1\r\nmode: enforce\r\nmx: mx.example.org\r\nmx: *.example.net\r\nmax_age: 604800\r\n"
seeds("mta_sts_policy", STS, STS.replace("\r", ""), STS.replace("enforce", "none"), STS + "mode: testing\n", STS.replace("604800", "31557601"),
      STS.replace("mx.example.org", "MX.Example.ORG "), STS.replace("mx: ", "mx "), STS + 101 * "mx: a.example\n", "")


def report_mail(content, encoding="base64", media="application/gzip"):
    if encoding.startswith("base64"):
        content = base64.encodebytes(content)
    return (f"From: R <a@r.example>\r\nSubject: Report Domain: example.org\r\nMessage-ID: <1@r>\r\nAuthentication-Results: mx.example.org; "
            f"dmarc=pass\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhello\r\n--b\r\n"
            f"Content-Type: {media}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n").encode() + content + b"\r\n--b--\r\n"


def zipped(*contents):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, content in enumerate(contents):
            archive.writestr(zipfile.ZipInfo(f"{number}.xml"), content, zipfile.ZIP_DEFLATED)
    return file.getvalue()


PACKED = gzip.compress(AGGREGATE.encode(), mtime=0)
ARF = ("From: f@r.example\nMIME-Version: 1.0\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\n\nhi\n--b\n"
       "Content-Type: message/feedback-report\n\nFeedback-Type: auth-failure\nAuth-Failure: dmarc\nIdentity-Alignment: dkim, spf\n"
       "Reported-Domain: example.org\nSource-IP: 192.0.2.1\nArrival-Date: Mon, 7 Apr 2025 23:16:09 +0200\nIncidents: 4\n"
       "DKIM-Canonicalized-Body: YQ==\nSPF-DNS: txt : example.org : \"v=spf1\"\n\n--b\nContent-Type: message/rfc822\n\n"
       "From: a@example.org\nSubject: x\n y\n\nbody\n--b--\n")
seeds("report_mail", AGGREGATE, PACKED, PACKED[:50] + b"\0" + PACKED[51:], PACKED[:-4] + b"abcd", PACKED + b"\0\0" + PACKED, gzip.compress(PACKED, mtime=0),
      zipped(AGGREGATE), zipped(PACKED, TLS), zipped(zipped(AGGREGATE)), zipped(AGGREGATE)[:200], zipped(*["x"] * 70), base64.encodebytes(PACKED),
      report_mail(PACKED), report_mail(AGGREGATE.encode(), "8bit", "text/xml"), report_mail(PACKED, "base64;"), report_mail(base64.encodebytes(PACKED)),
      report_mail(zipped(AGGREGATE), media="application/zip"), report_mail(TLS.encode(), "7bit", "application/tlsrpt+json"), b"From x Sun Nov 29\n" + report_mail(PACKED),
      b"Content-Type: message/rfc822\n\n" + report_mail(PACKED), ARF, ARF.replace("auth-failure", "abuse"), ARF.replace("message/rfc822", "text/rfc822-headers"),
      "A: b\n\nA message claiming to be from you has failed x\n\n  Sender Domain: example.org\n  Sender IP Address: 192.0.2.1\n  SPF Alignment: no\n\n"
      "------ This is a copy of the headers\n\nFrom: a@example.org\n", gzip.compress(b"0" * 5_000_000, mtime=0), "hello", "")


def write(corpus):
    shutil.rmtree(corpus, ignore_errors=True)
    for target, rows in SEEDS.items():
        folder = corpus / target
        folder.mkdir(parents=True)
        for number, row in enumerate(rows, 1):
            (folder / f"{number:02}").write_bytes(row)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    if sys.argv[1] == "--list":
        print(*SEEDS, sep="\n")
    else:
        write(pathlib.Path(sys.argv[1]))
