"""Our DKIM signatures on a delivered message, as an independent verifier sees them."""

import dataclasses
import re

import dkim


@dataclasses.dataclass
class Signature:
    index: int  # among those of the message, from the top
    selector: str
    domain: str


def as_sent(content):
    return content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def signatures_of(content):
    """The DKIM signatures of a message (bytes)."""
    header = as_sent(content).split(b"\r\n\r\n", 1)[0] + b"\r\n"
    fields = re.findall(rb"(?im)^DKIM-Signature:(?:.*\r\n)(?:[ \t].*\r\n)*", header)
    return [Signature(index, _tag(b"s", one), _tag(b"d", one)) for index, one in enumerate(fields)]


def _tag(name, field):
    return re.search(rb"\b" + name + rb"=([^;\s]+)", field).group(1).decode()


def verifies(content, signature, texts):
    """`texts` gives the key record (bytes) under a name (bytes)."""
    try:
        return dkim.DKIM(as_sent(content)).verify(idx=signature.index, dnsfunc=texts)
    except dkim.DKIMException:  # no key, or no record that it can read
        return False


def signature_problems(content, selectors, records):
    """What is wrong with the signatures of `content` (bytes), which `selectors` must have made. `records`
    maps the names of key records, with a final dot, to their texts."""
    message = as_sent(content)
    found = signatures_of(content)
    names = [signature.selector for signature in found]
    problems = [] if sorted(names) == sorted(selectors) else [f"signed by {names}"]
    for signature in found:
        verifier = dkim.DKIM(message)
        if not verifier.verify(idx=signature.index,
                               dnsfunc=lambda name, timeout=5: records.get(name.decode(), "").encode()):
            problems.append(f"the signature of {signature.selector} does not verify")
        signed = [name.lower() for name in verifier.include_headers or []]
        if signed.count(b"from") < 2 or b"subject" not in signed:
            problems.append(f"{signature.selector} signs only {signed}")
    return problems
