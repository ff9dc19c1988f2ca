"""The rules of the house, read from the sources: who may include what.

    include_rules.py REPOSITORY

1. lib/ never includes libmilter; milter/ includes of this project only <authmilter/...> and its own files, and of
   milter/ only milter/daemon/protocol/ sees libmilter.
2. Rooms of lib/ include what is below them, by "room/file.h" and by the public headers, each of which belongs to a
   room. Protocol directories do not include each other; they meet in verify/. So do the streets of milter/daemon/
   and of milter/command/, which share milter/command_line/ and milter/http/.
3. Each C library's header is included in exactly one directory.
4. Public headers include nothing but the standard library and each other, as their rooms may.
5. The daemon never answers "accept" (A250): after it an MTA shows a milter nothing more, of a message or of a
   whole connection.
6. Nothing calls gmtime() and its like, whose one buffer belongs to all threads.
7. A header that takes the compiler ten seconds is included by the few sources that are named here, also of tests/.
8. What calls fmt::join() includes <fmt/ranges.h>: up to fmt 10 <fmt/format.h> has it too, and nothing here notices.
"""

import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
SHARED_TIME = re.compile(r"(?<!fmt::)\b(?:gmtime|localtime|ctime|asctime)\s*\(")
LIBRARY_HOME = {
    "libmilter/": "milter/daemon/protocol",
    "spf2/": "lib/spf",
    "opendkim/": "lib/signature",
    "opendmarc/": "lib/dmarc",
    "openssl/ssl.h": "lib/tls",
    "openssl/": "lib/crypto",
    "unbound": "lib/dns/unbound",
    "event": "lib/dns/unbound",
    "idn2.h": "lib/base",
    "toml++/": "lib/config",
    "p11-kit/": "lib/token",
    "libxml/": "lib/xml",
    "archive.h": "lib/archive",
    "archive_entry.h": "lib/archive",
    "zlib.h": "lib/archive",
    "gmime/": "lib/mime",
    "sqlite3.h": "lib/sql",
    "libpq-fe.h": "lib/sql",
    "curl/": "lib/transfer",
    "civetweb": "milter/http",
    "prometheus/": "milter/daemon/metrics",
}
# Everything else has what they do from an interface without templates.
SLOW_HEADERS = {
    "CLI/": {"milter/command_line/command_line.cc", "tests/bench/driver/main.cc", "tests/bench/floor/main.cc"},
    "nlohmann/json.hpp": {
        "lib/audit/facts_json.h",
        "lib/reports/tls_json.cc",
        "lib/status/daemon_status.cc",
        "milter/command/output/json.cc",
        "tests/bench/driver/main.cc",
        "tests/conformance/published_json.cc",
        "tests/fuzz/log_line_fuzz.cc",
    },
    "toml++/": {"lib/config/document.cc"},
    "fmt/chrono.h": {"milter/daemon/log/log.cc"},
    "regex": set(),
}
# What a directory of lib/ may include of the others, below the arrows of the picture. A folder inside of another
# is a directory of its own.
BELOW = {
    "base": set(),
    "dns": {"base"},
    "dns/zone": {"base", "dns"},
    "dns/unbound": {"base", "dns", "dns/zone"},
    "dns/check": {"base", "dns"},
    "dns/authority": {"base", "dns", "dns/check"},
    "message": {"base"},
    "crypto": {"base"},
    "token": {"base", "crypto"},
    "spf": {"base", "dns", "message"},
    "signature": {"base", "dns", "message", "crypto"},
    "dkim": {"base", "dns", "message", "crypto", "signature"},
    "dmarc": {"base", "dns", "message"},
    "results": {"base", "message"},
    "arc": {"base", "dns", "message", "crypto", "signature", "results"},
    "policy": {"base", "message", "results"},
    "config": {"base", "dns", "message", "policy"},
    "rotation": {"base", "crypto", "signature", "config"},
    "keys": {"base", "dns", "crypto", "token", "signature", "config", "rotation"},
    "edits": {"base", "message", "results", "config"},
    "verify": {"base", "dns", "message", "signature", "spf", "dkim", "dmarc", "arc", "results", "policy", "config",
               "edits"},
    "sign": {"base", "dns", "message", "dkim", "signature", "policy", "config", "keys", "edits"},
    "status": {"base", "config"},
    "xml": {"base"},
    "archive": {"base"},
    "mime": {"base"},
    "reports": {"base", "message", "crypto", "xml", "archive", "mime"},
    "sql": {"base"},
    "rows": {"base", "dns", "message", "spf", "dkim", "dmarc", "arc", "policy", "config", "edits", "reports", "verify",
             "sign", "runtime"},
    "store": {"base", "crypto", "sql", "config", "reports", "rows"},
    "page": {"base", "crypto"},
    "report_views": {"base", "crypto", "page"},
    "transfer": {"base"},
    "report_sending": {"base", "dns", "message", "mime", "crypto", "dmarc", "policy", "config", "reports", "rows", "store", "transfer"},
    "runtime": {"base", "dns", "message", "spf", "dkim", "dmarc", "arc", "policy", "config", "keys", "rotation", "verify",
                "sign"},
    "tls": {"base", "dns", "crypto"},
    "audit": {"base", "dns", "dns/check", "message", "crypto", "signature", "spf", "dkim", "dmarc", "config", "keys", "transfer", "tls"},
    "audit_views": {"base", "page", "dns", "tls", "transfer", "audit"},
}

# Whose each public header is.
PUBLIC = {
    "audit": "audit",
    "audit_facts": "audit",
    "audit_gather": "audit",
    "audit_host": "audit",
    "audit_profile": "audit",
    "audit_simulation": "audit",
    "audit_survey": "audit",
    "audit_survey_view": "audit_views",
    "audit_view": "audit_views",
    "dane": "tls",
    "https_fetch": "transfer",
    "tls_probe": "tls",
    "aggregate_report": "reports",
    "aggregate_writer": "reports",
    "arc": "arc",
    "arc_config": "config",
    "arc_sealer": "arc",
    "authentication_results": "results",
    "canonicalization": "signature",
    "config": "config",
    "config_place": "config",
    "crypto": "crypto",
    "daemon_status": "status",
    "dkim": "dkim",
    "dmarc": "dmarc",
    "budget_resolver": "dns",
    "dns_answer": "dns",
    "dns_check": "dns",
    "dns_config": "dns",
    "dns_health": "dns",
    "dns_name": "dns",
    "dns_observer": "dns",
    "dns_record": "dns",
    "recording_resolver": "dns",
    "report_advice": "report_views",
    "report_anomalies": "report_views",
    "report_page": "report_views",
    "report_mail": "reports",
    "report_name": "reports",
    "report_reader": "reports",
    "report_row": "rows",
    "report_sending": "report_sending",
    "report_source": "report_views",
    "report_store": "store",
    "report_text": "report_views",
    "report_view": "report_views",
    "reports_config": "config",
    "row_spool": "store",
    "resolver": "dns",
    "paced_resolver": "dns",
    "resolver_set": "dns",
    "unbound_resolver": "dns",
    "zone_resolver": "dns",
    "zone_watch": "dns",
    "domain_name": "base",
    "envelope": "message",
    "failure_note": "rows",
    "failure_report": "reports",
    "failure_spool": "report_sending",
    "failure_report_mail": "reports",
    "file_version": "base",
    "findings": "policy",
    "forwarder": "policy",
    "header_edit": "edits",
    "host_name": "config",
    "ip_address": "base",
    "key_file": "keys",
    "config_edit": "config",
    "key_publication": "rotation",
    "key_ring": "keys",
    "key_source": "config",
    "login_map": "config",
    "key_states": "keys",
    "key_watch": "keys",
    "match_set": "message",
    "message": "message",
    "message_record": "runtime",
    "name_server": "dns",
    "other_methods": "verify",
    "network_set": "base",
    "parsed_forms": "dns",
    "pattern": "message",
    "pkcs11_uri": "token",
    "policy": "policy",
    "policy_record": "dmarc",
    "private_key": "crypto",
    "published_key": "keys",
    "reason": "dns",
    "result": "base",
    "runtime": "runtime",
    "secret_memory": "crypto",
    "rotation": "rotation",
    "rotation_config": "config",
    "selector": "signature",
    "sign": "sign",
    "signing_config": "config",
    "signing_key": "signature",
    "signing_profile": "config",
    "signing_tables": "config",
    "smtp_reply": "policy",
    "socket_address": "base",
    "spf": "spf",
    "tls_report": "reports",
    "tls_requirement": "policy",
    "token_health": "token",
    "toml_literal": "config",
    "verify": "verify",
}
# Rooms that take values from the public headers of others, though nothing of their code: what was found, and which
# settings there are.
VALUES = {
    "policy": {"spf", "dkim", "dmarc", "arc"},
    "config": {"dkim", "signature", "token"},
    "reports": {"spf", "dkim", "dmarc", "policy"},
    "store": {"dmarc", "policy"},
    "report_views": {"dmarc", "rows", "store"},
}
# The same for the streets of the two programs; "" is what stands at the head of a program.
STREETS = {
    "milter/command_line": {"": set()},
    "milter/http": {"": set()},
    "milter/daemon": {
        "workarounds": set(),
        "log": set(),
        "metrics": {"log", "http"},
        "reports": {"log", "metrics"},
        "protocol": {"log", "metrics", "reports", "workarounds"},
        "process": {"log", "metrics", "protocol", "reports", "workarounds"},
        "": {"log", "metrics", "protocol", "process", "command_line"},
    },
    "milter/command": {
        "output": set(),
        "options": {"output", "command_line"},
        "rotation": {"output", "options"},
        "status": set(),
        "import": set(),
        "report": {"output", "options", "http"},
        "audit": {"output", "options", "report"},
        "": {"output", "options", "rotation", "status", "import", "report", "audit", "command_line"},
    },
}


def includes(path):
    return [(kind == '"', name) for kind, name in INCLUDE.findall(path.read_text())]


def sources(folder):
    return sorted([*folder.glob("**/*.cc"), *folder.glob("**/*.h")])


def room_of(name):
    """Of "dns/dns_name.h": dns."""
    return name.rpartition("/")[0]


def public_room(name):
    """Of "authmilter/dns.h": dns. Nothing for what is not one of the project's public headers."""
    return PUBLIC.get(name.removeprefix("authmilter/").removesuffix(".h")) if name.startswith("authmilter/") else None


def home_of(name):
    """Of "openssl/ssl.h": lib/tls, though the rest of OpenSSL lives elsewhere. Nothing for what belongs to nobody."""
    prefixes = [prefix for prefix in LIBRARY_HOME if name.startswith(prefix)]
    return LIBRARY_HOME[max(prefixes, key=len)] if prefixes else None


def rooms_of_library(root):
    for path in sources(root / "lib"):
        room = path.parent.relative_to(root / "lib").as_posix()
        if room not in BELOW:
            yield f"{path}: {room}/ is not among the rooms"
            continue
        for own, name in includes(path):
            if name.startswith("libmilter"):
                yield f"{path}: lib/ includes <{name}>"
            # What is in a folder of lib/ is, in angle brackets too.
            inside = own or room_of(name) in BELOW
            if inside and room_of(name) not in {room, *BELOW[room]}:
                yield f"{path}: {room}/ includes {name}"
            owner = public_room(name)
            if owner and owner not in {room, *BELOW[room], *VALUES.get(room, ())}:
                yield f"{path}: {room}/ includes <{name}>, which belongs to {owner}/"


def streets_of_programs(root):
    for path in sources(root / "milter"):
        if not any(path.is_relative_to(root / program) for program in STREETS):
            yield f"{path}: is of no program"
    for program, streets in STREETS.items():
        for path in sources(root / program):
            street = path.parent.relative_to(root / program).as_posix().removeprefix(".")
            if street not in streets:
                yield f"{path}: {street}/ is not among the streets"
                continue
            for own, name in includes(path):
                if not own:
                    continue
                shared = f"milter/{room_of(name)}" in STREETS
                if not (root / ("milter" if shared else program) / name).exists():
                    yield f'{path}: includes "{name}", which is not in {program}/'
                elif room_of(name) not in {street, *streets[street]}:
                    yield f'{path}: {street}/ includes "{name}"'


def public_headers(root):
    for path in sources(root / "include/authmilter"):
        room = PUBLIC.get(path.stem)
        if not room:
            yield f"{path}: belongs to no room"
            continue
        for _, name in includes(path):
            if "/" in name and not name.startswith("authmilter/") or name.endswith(".h") and "/" not in name:
                yield f"{path}: a public header includes <{name}>"
            owner = public_room(name)
            if owner and owner not in {room, *BELOW[room], *VALUES.get(room, ())}:
                yield f"{path}: of {room}/, includes <{name}>, which belongs to {owner}/"


def slow_headers(root):
    for path in [source for folder in ("lib", "milter", "tests", "include") for source in sources(root / folder)]:
        for _, name in includes(path):
            for prefix, users in SLOW_HEADERS.items():
                slow = name.startswith(prefix) if prefix.endswith("/") else name == prefix
                if slow and path.relative_to(root).as_posix() not in users:
                    yield f"{path}: <{name}> takes long to compile; only {', '.join(sorted(users)) or 'nothing'} has it"
    # Nor comes one in with a precompiled header.
    for path in [root / "CMakeLists.txt", *root.glob("lib/**/CMakeLists.txt"), *root.glob("milter/**/CMakeLists.txt"),
                 *root.glob("tests/**/CMakeLists.txt")]:
        for prefix in SLOW_HEADERS:
            if f"<{prefix}" in path.read_text():
                yield f"{path}: precompiles <{prefix}...>"


def problems(root):
    yield from slow_headers(root)
    yield from rooms_of_library(root)
    yield from streets_of_programs(root)
    yield from public_headers(root)
    for path in [*sources(root / "lib"), *sources(root / "milter")]:
        place = path.parent.relative_to(root).as_posix()
        for _, name in includes(path):
            home = home_of(name)
            if home and place != home:
                yield f"{path}: <{name}> belongs to {home}/"
        text = path.read_text()
        if SHARED_TIME.search(text):
            yield f"{path}: calls gmtime(), localtime(), ctime() or asctime()"
        if "fmt::join(" in text and "#include <fmt/ranges.h>" not in text:
            yield f"{path}: calls fmt::join() without <fmt/ranges.h>"
    for path in sources(root / "milter"):
        if "SMFIS_ACCEPT" in path.read_text():
            yield f"{path}: answers accept"


def main():
    root = pathlib.Path(sys.argv[1])
    count = len([*root.glob("lib/**/*.cc"), *root.glob("milter/**/*.cc"), *root.glob("include/**/*.h")])
    if count < 30:
        sys.exit(f"only {count} sources found below {root}: wrong folder?")
    found = [str(problem).replace(f"{root}/", "") for problem in problems(root)]
    print("\n".join(found) or f"{count} sources keep the rules")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
