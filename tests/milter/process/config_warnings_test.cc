#include "process/config_warnings.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace authmilter;

namespace {

const std::string kSeal =
    "[arc]\nseal = true\ndomain = \"f.example\"\nselector = \"s\"\nfile = \"/k.pem\"\n";

}  // namespace

TEST_CASE("what is seldom meant is told (A140, A143)") {
  const struct {
    std::string why;
    std::string text;
    std::string key;  // of the one warning; empty for none
  } rows[] = {
      {"the defaults", "", ""},
      {"a socket for the MTA beside", "[milter]\nsocket = \"inet:8891@127.0.0.1\"\n", ""},
      {"by name", "[milter]\nsocket = \"inet6:8891@localhost\"\n", ""},
      {"IPv6", "[milter]\nsocket = \"inet6:8891@[::1]\"\n", ""},
      {"for everybody", "[milter]\nsocket = \"inet:8891@0.0.0.0\"\n", "milter.socket"},
      {"for a network", "[milter]\nsocket = [\"unix:/run/x\", \"inet6:8891@[2001:db8::1]\"]\n",
       "milter.socket"},
      {"a socket for everybody on the host", "[milter]\nsocket_mode = \"0666\"\n",
       "milter.socket_mode"},
      {"to look at", "[milter]\nsocket_mode = \"0664\"\n", ""},
      {"networks of one's own", "[network]\ninternal = [\"10.0.0.0/8\", \"fd00::/8\"]\n", ""},
      {"everybody is internal", "[network]\ninternal = [\"0.0.0.0/0\"]\n", "network.internal"},
      {"with IPv6 too", "[network]\ninternal = [\"127.0.0.1\", \"::/0\"]\n", "network.internal"},
      {"forgeries while the DNS fails", "[policy]\ndmarc_temperror = \"accept\"\n",
       "policy.dmarc_temperror"},
      {"no forgeries", "[policy]\ndmarc_temperror = \"quarantine\"\n", ""},
      {"a forwarder, with filters of its own",
       "[[policy.forwarder]]\nnetworks = \"192.0.2.25\"\ninternal = \"127.0.0.0/8\"\n"
       "received_by = \"mx.f.example\"\n",
       ""},
      {"everybody is inside of the forwarder",
       "[[policy.forwarder]]\nnetworks = \"192.0.2.25\"\ninternal = \"::/0\"\n"
       "received_by = \"mx.f.example\"\n",
       "policy.forwarder.internal"},
      {"a forwarder whose mail is ours",
       "[network]\ninternal = [\"192.0.2.0/24\"]\n[[policy.forwarder]]\n"
       "networks = \"192.0.2.25\"\nreceived_by = \"mx.f.example\"\n",
       "policy.forwarder.networks"},
      {"seals", kSeal, ""},
      {"seals, and nothing is touched", kSeal + "[verify]\nmode = \"monitor\"\n", "arc.seal"},
      {"metrics for this host", "[metrics]\nlisten = \"[::1]:9253\"\n", ""},
      {"for all", "[metrics]\nlisten = \"192.0.2.1:9253\"\n", "metrics.listen"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto config = parse_config(row.text, "x.toml", "mx.example.net");
    REQUIRE(config);
    const auto warnings = config_warnings(*config);
    REQUIRE(warnings.size() == (row.key.empty() ? 0 : 1));
    if (!row.key.empty()) CHECK(warnings[0].starts_with(row.key + ": "));
  }
}
