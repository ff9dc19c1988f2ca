#include <authmilter/config.h>

#include <doctest/doctest.h>

#include <string>

using authmilter::parse_config;

namespace {

std::string error_of(const std::string& text) {
  const auto config = parse_config(text, "x.toml", "mx.example.org");
  return config ? "" : config.error().message;
}

}  // namespace

TEST_CASE("a mistake is reported with its file, line and column") {
  const struct {
    std::string why;
    const char* text;
    const char* error;
  } rows[] = {
      {"unknown key", "[milter]\nsokcet = \"unix:/run/x\"\n",
       "x.toml:2:1: unknown key \"sokcet\" in [milter], did you mean \"socket\"?"},
      {"a store of no kind", "[reports]\nstore = \"mysql://h/d\"\n",
       "x.toml:2:9: reports.store: \"mysql://h/d\" is neither \"sqlite:/PATH\" nor "
       "\"postgresql://...\""},
      {"a store somewhere", "[reports]\nstore = \"sqlite:reports.db\"\n",
       "x.toml:2:9: reports.store: needs the whole path of a file: "
       "\"sqlite:/var/lib/authmilter/reports.db\""},
      {"a spool somewhere", "[reports]\nspool = \"spool\"\n",
       "x.toml:2:9: reports.spool: \"spool\" is not the whole path of a directory"},
      {"no address of a reporter", "[reports]\nemail = \"example.org\"\n",
       "x.toml:2:9: reports.email: \"example.org\" is not a mail address"},
      {"what cannot be excluded", "[reports]\nexclude = [\"a b\"]\n",
       "x.toml:2:12: reports.exclude: \"a b\" is neither a network nor an author's domain nor a "
       "recipient \"@domain\""},
      {"what cannot be kept", "[reports]\nkeep = [\"local_parts\"]\n",
       "x.toml:2:9: reports.keep: \"local_parts\" is not \"envelope_to\""},
      {"no time to send anything", "[reports]\nretention = \"1d\"\n",
       "x.toml:2:13: reports.retention: \"1d\" is outside 259200s to 316224000s"},
      {"a part of the date that is not known", "[rotation]\nselector = \"am%H\"\n",
       "x.toml:2:12: rotation.selector: \"am%H\": of % only %Y, %y, %m and %d are known"},
      {"a name of a ring", "[rotation]\nring = [\"a\", \"b\", \"c d\"]\n",
       "x.toml:2:19: rotation.ring: \"c d\" is not a selector, write a name of letters, digits and "
       "hyphens such as \"2026a\""},
      {"a ring that cannot turn", "[rotation]\nring = [\"a\", \"b\"]\n",
       "x.toml:2:8: rotation.ring: needs three names: one signs, one makes way, one comes next"},
      {"a hook that is looked for", "[rotation]\nhook = [\"publish\"]\n",
       "x.toml:2:8: rotation.hook: must begin with the program's whole path"},
      {"an overlap of years", "[rotation]\noverlap = \"1000d\"\n",
       "x.toml:2:11: rotation.overlap: \"1000d\" is outside 0s to 5184000s"},
      {"unknown key like nothing else", "[milter]\nwindow = 1\n",
       "x.toml:2:1: unknown key \"window\" in [milter]"},
      {"no TOML at all", "[[[\n",
       "x.toml:1:3: error while parsing key: expected bare key starting character or string "
       "delimiter, saw '['"},
      {"indented", "[verify]\n   maximum_signature = 3\n",
       "x.toml:2:4: unknown key \"maximum_signature\" in [verify], did you mean "
       "\"maximum_signatures\"?"},
      {"key of another table", "[verify]\ndmarc_reject = \"tag\"\n",
       "x.toml:2:1: unknown key \"dmarc_reject\" in [verify], it belongs in [policy]"},
      {"key outside of any table", "socket = \"unix:/run/x\"\n",
       "x.toml:1:1: unknown key \"socket\", it belongs in [milter]"},
      {"unknown table", "[signig]\n",
       "x.toml:1:2: unknown table [signig], did you mean [signing]?"},
      {"unknown table like nothing else", "[bimi]\n", "x.toml:1:2: unknown table [bimi]"},
      {"dotted key", "dns.timeouts = \"5s\"\n",
       "x.toml:1:5: unknown key \"timeouts\" in [dns], did you mean \"timeout\"?"},
      {"key with a control character", "[dns]\n\"a\\nb\" = 1\n",
       "x.toml:2:1: unknown key \"a\\x0ab\" in [dns]"},
      {"unknown key of an override",
       "[[policy.override]]\nclient = \"192.0.2.1\"\ndmarc_rejct = \"tag\"\n",
       "x.toml:3:1: unknown key \"dmarc_rejct\" in [policy.override], did you mean "
       "\"dmarc_reject\"?"},
      {"unknown key of a signing key",
       "[[signing.domain]]\ndomain = \"example.org\"\nkeys = [\n  { selector = \"a\", path = \"b\" "
       "},\n]\n",
       "x.toml:4:21: unknown key \"path\" in [signing.domain.keys]"},

      {"string for a list", "[network]\ninternal = \"192.0.2.0/24\"\n",
       "x.toml:2:12: network.internal: must be a list, not a string"},
      {"integer for a duration", "[dns]\ntimeout = 5\n",
       "x.toml:2:11: dns.timeout: must be a string, not an integer"},
      {"string for an integer", "[verify]\nminimum_rsa_bits = \"2048\"\n",
       "x.toml:2:20: verify.minimum_rsa_bits: must be an integer, not a string"},
      {"float for an integer", "[verify]\nmaximum_signatures = 3.0\n",
       "x.toml:2:22: verify.maximum_signatures: must be an integer, not a floating-point number"},
      {"string for a boolean", "[signing]\nrequire_sender_match = \"yes\"\n",
       "x.toml:2:24: signing.require_sender_match: must be a boolean, not a string"},
      {"date for a string", "[log]\nlevel = 2026-01-01\n",
       "x.toml:2:9: log.level: must be a string, not a date or time"},
      {"number among strings", "[signing]\nheaders = [\"from\", 5]\n",
       "x.toml:2:20: signing.headers: must be a string, not an integer"},
      {"number for a socket", "[milter]\nsocket = 8891\n",
       "x.toml:2:10: milter.socket: must be a string or a list, not an integer"},
      {"value for a table", "milter = 5\n", "x.toml:1:10: milter: must be a table, not an integer"},
      {"one table for a list of tables", "[policy.override]\nclient = \"192.0.2.1\"\n",
       "x.toml:1:1: policy.override: must be a list of tables, write [[policy.override]]"},

      {"the parser's own complaint", "[dns]\ntimeout = \n",
       "x.toml:2:11: error while parsing key-value pair: expected value, saw '\\n'"},
      {"typographic quotes",
       "[verify]  # gr\xc3\xbc\xc3\x9f\n\tmode = \xe2\x80\x9cmonitor\xe2\x80\x9d\n",
       "x.toml:2:9: a character outside ASCII must stand in quotes"},
      {"letter after strings", "[dns]\n\"\xc3\xbc\\\"\" = '\xc3\xbc\\' \xc3\xbc\n",
       "x.toml:2:14: a character outside ASCII must stand in quotes"},
      {"letter after a string of several lines", "a = \"\"\"\nit's\"\"\" \xc3\xa9\n",
       "x.toml:2:9: a character outside ASCII must stand in quotes"},
      {"broken UTF-8", "[log]\nlevel = \"\xff\"\n",
       "x.toml:2:9: encountered invalid utf-8 sequence"},
      {"twice the same key", "[dns]\ntimeout = \"5s\"\ntimeout = \"6s\"\n",
       "x.toml:3:11: error while parsing key-value pair: cannot redefine existing string "
       "'timeout'"},

      {"word that is none", "[verify]\nmode = \"enforced\"\n",
       "x.toml:2:8: verify.mode: \"enforced\" is none of \"enforce\", \"monitor\""},
      {"words have one case", "[policy]\nspf_fail = \"Tag\"\n",
       "x.toml:2:12: policy.spf_fail: \"Tag\" is none of \"accept\", \"tag\", \"quarantine\", "
       "\"reject\", \"tempfail\", \"discard\""},
      {"below the range (RFC 8301 section 3.2)", "[verify]\nminimum_rsa_bits = 1023\n",
       "x.toml:2:20: verify.minimum_rsa_bits: 1023 is outside 1024 to 8192"},
      {"above the range", "[verify]\nminimum_rsa_bits = 8193\n",
       "x.toml:2:20: verify.minimum_rsa_bits: 8193 is outside 1024 to 8192"},
      {"no signature at all", "[verify]\nmaximum_signatures = 0\n",
       "x.toml:2:22: verify.maximum_signatures: 0 is outside 1 to 100"},
      {"too many signatures", "[verify]\nmaximum_signatures = 101\n",
       "x.toml:2:22: verify.maximum_signatures: 101 is outside 1 to 100"},
      {"below zero", "[dns]\nmessage_queries = -1\n",
       "x.toml:2:19: dns.message_queries: -1 is outside 1 to 1000"},
      {"more than 32 bits", "[dns]\nmessage_queries = 4294967297\n",
       "x.toml:2:19: dns.message_queries: 4294967297 is outside 1 to 1000"},
      {"longer than any MTA waits", "[dns]\nmessage_timeout = \"301s\"\n",
       "x.toml:2:19: dns.message_timeout: \"301s\" is outside 100ms to 300s"},
      {"no time", "[dns]\ntimeout = \"0s\"\n",
       "x.toml:2:11: dns.timeout: \"0s\" is outside 100ms to 300s"},
      {"in a list, at the member", "[dns]\nnameservers = [\"192.0.2.1\",\n  \"ns.example\"]\n",
       "x.toml:3:3: dns.nameservers: \"ns.example\" is not a name server, write \"ADDRESS\" or "
       "\"ADDRESS@PORT\""},
      {"canonicalization needs both halves", "[signing]\ncanonicalization = \"relaxed\"\n",
       "x.toml:2:20: signing.canonicalization: \"relaxed\" is none of \"relaxed/relaxed\", "
       "\"relaxed/simple\", \"simple/relaxed\", \"simple/simple\""},
      {"an ellipsis is no field", "[signing]\nheaders = [\"from\", \"subject\", \"...\"]\n",
       "x.toml:2:31: signing.headers: \"...\" is not the name of a header field"},
      {"a field that every server adds (RFC 6376 section 5.4)",
       "[signing]\noversign = [\"received\"]\n",
       "x.toml:2:13: signing.oversign: \"received\" must not be signed, since mail servers add, "
       "change or remove it on the way: take it off the list"},
      {"a field that is taken away", "[signing]\nheaders = [\"From\", \"Bcc\"]\n",
       "x.toml:2:20: signing.headers: \"Bcc\" must not be signed, since mail servers add, change "
       "or "
       "remove it on the way: take it off the list"},
      {"line break in a Subject tag", "[policy]\ntag_subject = \"a\\r\\nBcc: b\"\n",
       "x.toml:2:15: policy.tag_subject: \"a\\x0d\\x0aBcc: b\" must be printable ASCII"},
      {"non-ASCII Subject tag", "[policy]\ntag_subject = \"\xc3\xbc\"\n",
       "x.toml:2:15: policy.tag_subject: \"\\xc3\\xbc\" must be printable ASCII"},
      {"authserv-id that is no name", "[identity]\nauthserv_id = \"mx example\"\n",
       "x.toml:2:15: identity.authserv_id: \"mx example\" is not a domain name"},
      {"no socket", "[milter]\nsocket = []\n", "x.toml:2:10: milter.socket: must not be empty"},
      {"twice the same socket", "[milter]\nsocket = [\"unix:/a\", \"local:/a\"]\n",
       "x.toml:2:22: milter.socket: \"local:/a\" is in the list already"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(error_of(row.text) == row.error);
  }
}

TEST_CASE("settings that contradict each other are refused") {
  const struct {
    std::string why;
    const char* text;
    const char* error;
  } rows[] = {
      {"a requirement without clients", "[[network.require_tls]]\nminimum_version = \"TLSv1.3\"\n",
       "x.toml:1:1: network.require_tls: has no clients"},
      {"a requirement of no clients", "[[network.require_tls]]\nclients = []\n",
       "x.toml:2:11: network.require_tls.clients: must not be empty"},
      {"a requirement of SSL",
       "[[network.require_tls]]\nclients = \"::/0\"\nminimum_version = \"SSLv3\"\n",
       "x.toml:3:19: network.require_tls.minimum_version: \"SSLv3\" is none of \"none\", "
       "\"TLSv1\", "
       "\"TLSv1.1\", \"TLSv1.2\", \"TLSv1.3\""},
      {"override without a condition", "[[policy.override]]\ndmarc_reject = \"tag\"\n",
       "x.toml:1:1: policy.override: has no condition, name one of client, author_domain, "
       "mail_from, recipient, dkim_domain, list"},
      {"a list without the domain that signs it",
       "[[policy.override]]\nlist = { id = \"a.example\" }\ndmarc_reject = \"tag\"\n",
       "x.toml:2:8: policy.override.list: has no signed_by"},
      {"a list that is only a name",
       "[[policy.override]]\nlist = \"a.example\"\ndmarc_reject = \"tag\"\n",
       "x.toml:2:8: policy.override.list: must be a list of tables, write "
       "[[policy.override.list]]"},
      {"no list", "[[policy.override]]\nlist = []\ndmarc_reject = \"tag\"\n",
       "x.toml:2:8: policy.override.list: must not be empty"},
      {"a forwarder without a network", "[[policy.forwarder]]\nreceived_by = \"a.example\"\n",
       "x.toml:1:1: policy.forwarder: has no networks"},
      {"a forwarder that is this host",
       "[[policy.forwarder]]\nnetworks = [\"192.0.2.1\", \"127.0.0.0/8\"]\n"
       "received_by = \"a.example\"\n",
       "x.toml:2:12: policy.forwarder.networks: has an address of this host; that of the "
       "forwarder's filters belongs in internal"},
      {"... by the whole of IPv6",
       "[[policy.forwarder]]\nnetworks = \"::/0\"\nreceived_by = \"a.example\"\n",
       "x.toml:2:12: policy.forwarder.networks: has an address of this host; that of the "
       "forwarder's filters belongs in internal"},
      {"a sealer's word that is too old before it is given",
       "[[policy.trusted_sealer]]\ndomain = \"a.example\"\nmax_age = \"-1s\"\n",
       "x.toml:3:11: policy.trusted_sealer.max_age: \"-1s\" is not a duration, write for example "
       "\"500ms\", \"5s\" or \"2m\""},
      {"... or when nobody has the message any more",
       "[[policy.trusted_sealer]]\ndomain = \"a.example\"\nmax_age = \"367d\"\n",
       "x.toml:3:11: policy.trusted_sealer.max_age: \"367d\" is outside 0s to 31622400s"},
      {"a forwarder whose fields nobody can tell",
       "[[policy.forwarder]]\nnetworks = \"192.0.2.1\"\n",
       "x.toml:1:1: policy.forwarder: has no received_by"},
      {"a seal of nobody", "[arc]\nseal = true\n",
       "x.toml:2:8: arc.seal: needs arc.domain beside it, whose seal it is"},
      {"a key under no name", "[arc]\nseal = true\ndomain = \"a.example\"\nfile = \"a.pem\"\n",
       "x.toml:4:8: arc.file: needs arc.selector beside it"},
      {"two places of one key",
       "[arc]\ndomain = \"a.example\"\nselector = \"s\"\nfile = \"a.pem\"\nkey = "
       "\"credential:b\"\n",
       "x.toml:5:7: arc.key: a key has either a file or a key"},
      {"mail to nobody", "[arc]\nrecipient = []\n",
       "x.toml:2:13: arc.recipient: must not be empty"},
      {"a trusted sealer without a name",
       "[[policy.trusted_sealer]]\nnetworks = \"192.0.2.0/24\"\n",
       "x.toml:1:1: policy.trusted_sealer: has no domain"},
      {"one whose word makes things worse",
       "[[policy.trusted_sealer]]\ndomain = \"a.example\"\ndmarc_reject = \"discard\"\n",
       "x.toml:3:16: policy.trusted_sealer.dmarc_reject: \"discard\" is none of \"accept\", "
       "\"tag\", \"quarantine\""},
      {"override without an action", "[[policy.override]]\nauthor_domain = \"example.net\"\n",
       "x.toml:1:1: policy.override: has no action, such as dmarc_reject = \"accept\""},
      {"override with an empty condition",
       "[[policy.override]]\nclient = []\ndmarc_reject = \"tag\"\n",
       "x.toml:2:10: policy.override.client: must not be empty"},
      {"the null reverse-path receives nothing",
       "[[policy.override]]\nrecipient = \"<>\"\nspf_fail = \"tag\"\n",
       "x.toml:2:13: policy.override.recipient: \"<>\" is not an address, write "
       "\"user@example.org\", "
       "\"@example.org\", \"example.org\" or \"*.example.org\""},
      {"domain without keys", "[[signing.domain]]\ndomain = \"example.org\"\n",
       "x.toml:1:1: signing.domain: has no keys"},
      {"domain with an empty list of keys",
       "[[signing.domain]]\ndomain = \"example.org\"\nkeys = []\n",
       "x.toml:3:8: signing.domain.keys: must not be empty"},
      {"keys without a domain", "[[signing.domain]]\nkeys = [{ selector = \"a\", file = \"b\" }]\n",
       "x.toml:1:1: signing.domain: has no domain"},
      {"key without a file",
       "[[signing.domain]]\ndomain = \"example.org\"\nkeys = [{ selector = \"b\" }]\n",
       "x.toml:3:9: signing.domain.keys: has no file, nor a key that is kept elsewhere"},
      {"key without a selector",
       "[[signing.domain]]\ndomain = \"example.org\"\nkeys = [{ file = \"b\" }]\n",
       "x.toml:3:9: signing.domain.keys: has no selector"},
      {"selector that is no name",
       "[[signing.domain]]\ndomain = \"example.org\"\nkeys = [{ selector = \"a b\", file = \"b\" "
       "}]\n",
       "x.toml:3:22: signing.domain.keys.selector: \"a b\" is not a selector, write a name of "
       "letters, digits and hyphens such as \"2026a\""},
      {"a selector with what stands behind it",
       "[[signing.domain]]\ndomain = \"example.org\"\nkeys = [{ selector = \"2026a._domainkey\", "
       "file = \"b\" }]\n",
       "x.toml:3:22: signing.domain.keys.selector: \"2026a._domainkey\" is the name of a key "
       "record, "
       "write the selector alone: \"2026a\""},
      {"the whole name for a selector",
       "[[signing.domain]]\ndomain = \"example.org\"\nkeys = [{ selector = "
       "\"a.b._DomainKey.example.org\", file = \"b\" }]\n",
       "x.toml:3:22: signing.domain.keys.selector: \"a.b._DomainKey.example.org\" is the name of a "
       "key record, write the selector alone: \"a.b\""},
      {"_domainkey for a selector",
       "[[signing.domain]]\ndomain = \"example.org\"\nkeys = [{ selector = \"_domainkey\", "
       "file = \"b\" }]\n",
       "x.toml:3:22: signing.domain.keys.selector: \"_domainkey\" is not a selector: the selector "
       "is "
       "what stands before \"._domainkey\""},
      {"a pattern for a domain that is signed for",
       "[[signing.domain]]\ndomain = \"*.example.org\"\n",
       "x.toml:2:10: signing.domain.domain: \"*.example.org\" is not a domain name, write "
       "\"example.org\" and, for the names below it, subdomains = true"},
      {"twice the same selector",
       "[[signing.domain]]\ndomain = \"example.org\"\nkeys = [\n{ selector = \"a\", file = \"b\" "
       "},\n{ selector = \"A\", file = \"c\" }]\n",
       "x.toml:5:14: signing.domain.keys.selector: \"a\" has a key already"},
      {"twice the same domain",
       "[[signing.domain]]\ndomain = \"example.org\"\nkeys = [{ selector = \"a\", file = \"b\" "
       "}]\n[[signing.domain]]\ndomain = \"EXAMPLE.org.\"\nkeys = [{ selector = \"a\", file = "
       "\"b\" }]\n",
       "x.toml:5:10: signing.domain.domain: \"example.org\" is configured already"},
      {"more SPF lookups than the walk can take", "[verify]\nspf_lookups = 21\n",
       "x.toml:2:15: verify.spf_lookups: 21 is outside 1 to 20"},
      {"a signature for more than a year", "[signing]\nlifetime = \"366d\"\n",
       "x.toml:2:12: signing.lifetime: \"366d\" is outside 0s to 31536000s"},
      {"a signature for less than the unit of its end (RFC 6376 section 3.5)",
       "[signing]\nlifetime = \"999ms\"\n",
       "x.toml:2:12: signing.lifetime: must be 0s, which is without end, or a second at least"},
      {"an order that is none", "[signing]\norder = \"rsa\"\n",
       "x.toml:2:9: signing.order: \"rsa\" is none of \"rsa-on-top\", \"ed25519-on-top\", "
       "\"as-listed\""},
      {"also: a pattern", "[signing]\nalso = [\"a.example\", \"*.example\"]\n",
       "x.toml:2:22: signing.also: \"*.example\" is not a domain name"},
      {"also: twice", "[signing]\nalso = [\"a.example\", \"A.example\"]\n",
       "x.toml:2:22: signing.also: \"A.example\" is in the list already"},
      {"a setting of one domain",
       "[[signing.domain]]\ndomain = \"a.example\"\nkeys = [{ selector = \"a\", file = \"b\" "
       "}]\nlifetime = \"1y\"\n",
       "x.toml:4:12: signing.domain.lifetime: \"1y\" is not a duration, write for example "
       "\"500ms\", "
       "\"5s\" or \"2m\""},
      {"a setting that no domain has",
       "[[signing.domain]]\ndomain = \"a.example\"\nkeys = [{ selector = \"a\", file = \"b\" "
       "}]\noversing = []\n",
       "x.toml:4:1: unknown key \"oversing\" in [signing.domain], did you mean \"oversign\"?"},
      {"a query may wait longer than the whole message",
       "[dns]\ntimeout = \"30s\"\nmessage_timeout = \"20s\"\n",
       "x.toml:2:11: dns.timeout: is more than dns.message_timeout"},
      {"a field larger than the header",
       "[verify]\nheader_octets = 8192\nheader_field_octets = 16384\n",
       "x.toml:3:23: verify.header_field_octets: is more than verify.header_octets"},
      {"a From field larger than a field",
       "[verify]\nheader_field_octets = 2000\nfrom_octets = 2001\n",
       "x.toml:3:15: verify.from_octets: is more than verify.header_field_octets"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(error_of(row.text) == row.error);
  }
}

TEST_CASE("the first mistake in the file is the one that is reported") {
  // Sorted by name, [dns] would come first.
  CHECK(error_of("[verify]\nmode = 1\n[dns]\ntimeout = 1\n") ==
        "x.toml:2:8: verify.mode: must be a string, not an integer");
  CHECK(error_of("[dns]\ntimeout = 1\ndnssec = 1\n") ==
        "x.toml:2:11: dns.timeout: must be a string, not an integer");
  // A table that belongs to another one may stand far below it.
  CHECK(error_of("[policy]\n[dns]\ntimeout = 1\n[[policy.override]]\nclient = 1\n") ==
        "x.toml:3:11: dns.timeout: must be a string, not an integer");
  // A table seems incomplete when a key in it is misspelt: the slip is what must be told.
  CHECK(error_of("[[policy.override]]\nclient = \"::1\"\nspf_fial = \"tag\"\n") ==
        "x.toml:3:1: unknown key \"spf_fial\" in [policy.override], did you mean \"spf_fail\"?");
}

TEST_CASE("the host's name must do where no authserv-id is configured (RFC 8601 section 2.5)") {
  const std::string error =
      "x.toml:1:1: identity.authserv_id: is needed, since the host's name \"(none)\" is not a "
      "domain name";
  const auto without = parse_config("", "x.toml", "(none)");
  REQUIRE_FALSE(without);
  CHECK(without.error().message == error);
  CHECK(parse_config("identity.authserv_id = \"mx.example.org\"", "x.toml", "(none)"));
}
