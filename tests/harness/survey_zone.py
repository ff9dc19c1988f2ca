"""A made-up country of mail domains: a zone, the list of its domains, and what a survey of them must say.

The shares are exact whatever the seed; the seed says which domain has what.
"""

import collections
import random

KEY = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

# Of a thousand domains. "missing" have nothing else.
SHARES = {
    "name": {"found": 985, "missing": 15},
    "spf": {"hard-fail": 310, "soft-fail": 402, "neutral": 61, "pass": 4, "broken": 23, "none": 200},
    "dmarc": {"reject": 121, "quarantine": 97, "none": 288, "broken": 9, "absent": 485},
    "dkim": {"found": 540, "every-name": 6, "not-found": 454},
    "mx": {"hosts": 842, "own-address": 60, "null-mx": 38, "none": 60},
    "dnssec": {"not-validated": 380, "unsigned": 620},
    "dane": {"insecure": 170, "none": 830},
    "mta-sts": {"record": 31, "several": 2, "none": 967},
    "tls-rpt": {"record": 44, "none": 956},
    "bimi": {"record": 19, "none": 981},
}
NOTHING = {"spf": "none", "dmarc": "absent", "dkim": "not-found", "mx": "none", "dnssec": "unsigned",
           "dane": "no-hosts", "mta-sts": "none", "tls-rpt": "none", "bimi": "none"}
SELECTORS = {"default": 400, "selector1": 250, "google": 150, "k1": 100, "s1": 60, "dkim": 40}

SPF = {"hard-fail": ["v=spf1 mx -all"], "soft-fail": ["v=spf1 include:spf.provider.example ~all"],
       "neutral": ["v=spf1 a mx ?all"], "pass": ["v=spf1 +all"], "none": ["site-verification=1"],
       "broken": ["v=spf1 mx -all", "v=spf1 a -all"]}
DMARC = {"reject": ["v=DMARC1; p=reject; rua=mailto:dmarc@{domain}"], "quarantine": ["v=DMARC1; p=quarantine"],
         "none": ["v=DMARC1; p=none"], "broken": ["v=DMARC1; p=none", "v=DMARC1; p=reject"], "absent": []}


def dealt(rng, shares, count):
    """`count` values whose numbers are as the shares say, in the order of the dice."""
    whole = sum(shares.values())
    values = [value for value, share in shares.items() for _ in range(count * share // whole)]
    values += [next(iter(shares))] * (count - len(values))
    rng.shuffle(values)
    return values


class SurveyZone:
    """With `apexes` each domain is a zone of its own, which a master file of a real name server cannot say."""

    def __init__(self, count, seed=2026, apexes=True):
        self._apexes = apexes
        rng = random.Random(seed)
        columns = {question: dealt(rng, shares, count) for question, shares in SHARES.items()}
        chosen_selectors = dealt(rng, SELECTORS, count)
        self.domains = [f"d{number:05}.example" for number in range(count)]
        self.expected = {question: collections.Counter() for question in SHARES}
        self.selectors = collections.Counter()
        self.rows = {}
        lines = ["$ORIGIN .", "$TTL 3600", "@ SOA ns.example. host.example. 1 3600 600 86400 60", "@ NS ns.example.",
                 "ns.example. A 192.0.2.53", 'spf.provider.example. TXT "v=spf1 ip4:192.0.2.0/24 -all"']
        for number, domain in enumerate(self.domains):
            row = {question: column[number] for question, column in columns.items()}
            if row["name"] == "missing":
                row.update(NOTHING)
            elif row["mx"] in ("null-mx", "none"):
                row["dane"] = "no-hosts"
            self.rows[domain] = row
            for question, choice in row.items():
                self.expected[question][choice] += 1
            if row["name"] == "found":
                lines += self._records(domain, row, chosen_selectors[number])
        self.text = "\n".join(lines) + "\n"

    def _records(self, domain, row, selector):
        def texts(name, values):
            return [f'{name}. TXT "{value.format(domain=domain)}"' for value in values]
        host = {"hosts": f"mx.{domain}", "own-address": domain}.get(row["mx"])
        lines = [f"{domain}. SOA ns.example. host.example. 1 3600 600 86400 60"] if self._apexes else []
        lines += texts(domain, SPF[row["spf"]]) + texts(f"_dmarc.{domain}", DMARC[row["dmarc"]])
        if row["dkim"] == "found":
            self.selectors[selector] += 1
            lines += texts(f"{selector}._domainkey.{domain}", [KEY])
        elif row["dkim"] == "every-name":
            lines += texts(f"*._domainkey.{domain}", [KEY])
        if row["mx"] == "hosts":
            lines.append(f"{domain}. MX 10 {host}.")
        elif row["mx"] == "null-mx":
            lines.append(f"{domain}. MX 0 .")
        if host:
            lines.append(f"{host}. A 192.0.2.25")
        if host and row["dane"] == "insecure":
            lines.append(f"_25._tcp.{host}. TLSA 3 1 1 {'00' * 32}")
        if row["dnssec"] == "not-validated":
            lines.append(f"{domain}. DS 1 13 2 {'00' * 32}")
        for question, name, value in (("mta-sts", "_mta-sts", "v=STSv1; id={}"), ("bimi", "default._bimi", "v=BIMI1"),
                                      ("tls-rpt", "_smtp._tls", "v=TLSRPTv1; rua=mailto:tls@{domain}")):
            times = {"record": 1, "several": 2}.get(row[question], 0)
            lines += texts(f"{name}.{domain}", [value.replace("{}", str(one)) for one in range(times)])
        return lines
