"""Our DKIM signatures on a delivered message, as an independent verifier sees them."""

import re

import dkim


def signature_problems(content, selectors, records):
    """What is wrong with the signatures of `content` (bytes), which `selectors` must have made. `records`
    maps the names of key records, with a final dot, to their texts."""
    message = content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    header = message.split(b"\r\n\r\n", 1)[0] + b"\r\n"
    fields = re.findall(rb"(?im)^DKIM-Signature:(?:.*\r\n)(?:[ \t].*\r\n)*", header)
    found = [re.search(rb"\bs=([^;\s]+)", one).group(1).decode() for one in fields]
    problems = [] if sorted(found) == sorted(selectors) else [f"signed by {found}"]
    for index, selector in enumerate(found):
        verifier = dkim.DKIM(message)
        if not verifier.verify(idx=index, dnsfunc=lambda name, timeout=5: records.get(name.decode(), "").encode()):
            problems.append(f"the signature of {selector} does not verify")
        signed = [name.lower() for name in verifier.include_headers or []]
        if signed.count(b"from") < 2 or b"subject" not in signed:
            problems.append(f"{selector} signs only {signed}")
    return problems
