"""Rows of reports for the helper fill_store (tests/command/report/), as people have them: a domain with hosts of its own, a
service that signs as itself, a list, and forgers."""

import math
import subprocess

# In every field that a stranger fills.
HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=document.title='owned'>\u2028&\"'"
LAST = 20785  # 2026-11-28
NOON_AFTER = (LAST + 1) * 86400 + 43200
RECEIVERS = (("google.com", 50), ("Yahoo", 12), ("Enterprise Outlook", 20), ("seznam.cz a.s.", 15), ("mail.example.edu", 2))


def line(word, **members):
    return "\t".join([word, *(f"{key}={value}" for key, value in members.items())])


def good(domain, **more):
    return {"source": "192.0.2.1", "dkim": f"{domain}:s1:pass", "spf": f"{domain}:pass", "aligned": "dkim,spf", **more}


def service(name="mailer.example", **more):
    return {"source": "198.51.100.7", "dkim": f"{name}:k1:pass", "spf": f"bounce.{name}:pass", **more}


def forged(source, **more):
    return {"source": source, **more}


def received(domains, days, last=LAST):
    """Of each day what each receiver tells of each domain; the service is mended when two thirds of the days are over,
    and receivers refuse forgeries in the last half."""
    for number, domain in enumerate(domains):
        for day in range(days):
            late, weekend = day >= days // 2, (last - days + 1 + day + 4) % 7 in (0, 6)
            for receiver, weight in RECEIVERS:
                size = weight / (number + 1) * (0.3 if weekend else 1)

                def row(record, messages, size=size, receiver=receiver, day=day, domain=domain):
                    count = max(1, int(size * messages))
                    return line("received", day=last - days + 1 + day, domain=domain, org=receiver, count=count, **record)

                yield row(good(domain), 40 * (1 + 0.3 * math.sin(day / 9)))
                mended = {"dkim": f"mailer.example:k1:pass,{domain}:mx:pass", "aligned": "dkim"}
                yield row(service(**(mended if day >= days * 2 // 3 else {})), 9)
                yield row(forged("198.51.100.25", dkim=f"{domain}:s1:fail", spf="lists.example.edu:pass",
                                 reason="mailing_list"), 2)
                for forger in range(12):
                    disposition = ("none", "quarantine", "reject", "reject")[forger % 3 + 1] if late else "none"
                    wave = 12 if days * 5 // 9 <= day < days * 5 // 9 + 5 else 0.6
                    yield row(forged(f"203.0.{forger * 17}.9", disposition=disposition), wave)


def own(authors, days, last=LAST):
    """Every fourth author's mail is forged; monitor mode ended in the middle."""
    for number in range(authors):
        for day in range(days):
            base = {"day": last - days + 1 + day, "domain": f"writer-{number}.example",
                    "count": 20 + (number * 37 + day * 11) % 200}
            if number % 4:
                yield line("own", **base, **good(base["domain"]))
                continue
            decided, monitored = "quarantine" if number % 8 else "reject", day < days // 2
            happened = {"monitored": 1} if monitored else {"disposition": decided}
            yield line("own", **base, **forged("203.0.113.1"), decided=decided, **happened)


def others(domain, days, last=LAST):
    """TLS reports, and what was sent to others."""
    for day in range(last - days + 1, last + 1):
        bad = {"result": "certificate-expired", "mx": "mx2.example.org", "bad": 30} if day > last - 10 else {}
        yield line("tls", day=day, domain=domain, org="google.com", policy="sts", good=300, **bad)
    for number in range(30):
        state = {"state": "failed", "detail": "550 5.1.1 no such user"} if number % 9 == 0 else {"state": "sent"}
        yield line("sent", day=last - number // 4, domain=f"writer-{number}.example",
                   destination=f"mailto:dmarc@writer-{number}.example", **state)


def hostile(last=LAST):
    """A report whose every text is markup."""
    text = HOSTILE.replace(",", "").replace(":", "")
    yield line("received", day=last, domain="example.org", org=text, count=77, source="192.0.2.66", **{
        "from": text, "dkim": f"{text}:{text}:pass", "spf": f"{text}:pass", "aligned": "dkim", "doubtful": 1})
    yield line("tls", day=last, domain=text, org=text, policy="sts", good=1, result=text, mx=text, bad=3)
    yield line("sent", day=last, domain="example.net", destination=f"mailto:{text}", state="failed", detail=text)


def fill(program, store, lines):
    subprocess.run([program, store], input="\n".join(lines), text=True, check=True, timeout=300)
