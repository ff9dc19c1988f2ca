#include <authmilter/tls_requirement.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

using namespace authmilter;

namespace {

std::vector<Network> networks(std::initializer_list<const char*> texts) {
  std::vector<Network> all;
  for (const char* text : texts) all.push_back(*Network::parse(text));
  return all;
}

/// The code of the refusal, 0 for none. `client` is "" for one that is not known.
unsigned refused(const std::vector<TlsRequirement>& rules, const char* client,
                 const std::string& version) {
  const auto refusal = tls_refusal(rules, IpAddress::parse(client), version);
  return refusal ? refusal->reply.code : 0;
}

}  // namespace

TEST_CASE("the version that the MTA names is compared with the minimum") {
  const struct {
    std::string why;
    TlsLevel minimum;
    const char* version;
    unsigned code;
  } rows[] = {
      {"in the clear", TlsLevel::tls1_2, "", 530},
      {"the minimum itself", TlsLevel::tls1_2, "TLSv1.2", 0},
      {"newer", TlsLevel::tls1_2, "TLSv1.3", 0},
      {"older", TlsLevel::tls1_2, "TLSv1.1", 550},
      {"oldest", TlsLevel::tls1_2, "TLSv1", 550},
      {"the minimum 1.3 itself", TlsLevel::tls1_3, "TLSv1.3", 0},
      {"one below 1.3", TlsLevel::tls1_3, "TLSv1.2", 550},
      {"the minimum 1.1 itself", TlsLevel::tls1_1, "TLSv1.1", 0},
      {"one below 1.1", TlsLevel::tls1_1, "TLSv1", 550},
      {"any TLS", TlsLevel::tls1_0, "TLSv1", 0},
      {"any TLS, but none", TlsLevel::tls1_0, "", 530},
      {"SSL is no TLS", TlsLevel::tls1_0, "SSLv3", 550},
      {"Sendmail of old: may be SSL", TlsLevel::tls1_0, "TLSv1/SSLv3", 550},
      {"a word that nobody says", TlsLevel::tls1_0, "none", 550},
      {"another letter case", TlsLevel::tls1_0, "tlsv1.3", 550},
      {"something behind it", TlsLevel::tls1_0, "TLSv1.3 ", 550},
      {"a version of the future", TlsLevel::tls1_2, "TLSv1.4", 550},
      {"long", TlsLevel::tls1_2, "TLSv1.33333333333333333333333333333333", 550},
      {"nothing is required", TlsLevel::none, "", 0},
      {"nothing is required of SSL either", TlsLevel::none, "SSLv3", 0},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(refused({{networks({"192.0.2.0/24"}), row.minimum}}, "192.0.2.1", row.version) ==
          row.code);
  }
}

TEST_CASE("the first requirement that is for the client decides") {
  const std::vector<TlsRequirement> rules = {
      {networks({"192.0.2.7", "2001:db8:7::/48"}), TlsLevel::none},
      {networks({"192.0.2.0/24", "2001:db8::/32"}), TlsLevel::tls1_3},
      {networks({"0.0.0.0/0", "::/0"}), TlsLevel::tls1_2},
  };
  const struct {
    std::string why;
    const char* client;
    const char* version;
    unsigned code;
  } rows[] = {
      {"exempt", "192.0.2.7", "", 0},
      {"nobody knows who: the strictest", "", "TLSv1.2", 550},
      {"which it may meet", "", "TLSv1.3", 0},
      {"exempt, IPv6", "2001:db8:7::1", "", 0},
      {"mapped into IPv6 it is the same client", "::ffff:192.0.2.7", "", 0},
      {"the second one's minimum", "192.0.2.8", "TLSv1.2", 550},
      {"the second one's minimum, IPv6", "2001:db8:8::1", "TLSv1.2", 550},
      {"its first network", "192.0.2.8", "TLSv1.3", 0},
      {"the last one", "198.51.100.1", "TLSv1.2", 0},
      {"the last one, refused", "198.51.100.1", "TLSv1.1", 550},
      {"everywhere else", "2001:db9::1", "", 530},
      {"everywhere is not the host itself", "127.0.0.1", "", 0},
      {"nor any of its loopback addresses", "127.255.0.9", "", 0},
      {"nor in IPv6", "::1", "", 0},
      {"nor mapped", "::ffff:127.0.0.1", "", 0},
      {"the neighbours of loopback are hosts", "128.0.0.1", "", 530},
      {"in IPv6 too", "::2", "", 530},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(refused(rules, row.client, row.version) == row.code);
  }
  CHECK(refused({}, "198.51.100.1", "") == 0);
}

TEST_CASE("loopback has to be named") {
  for (const char* network : {"127.0.0.0/8", "127.0.0.1", "127.0.0.0/30"}) {
    CAPTURE(network);
    CHECK(refused({{networks({network})}}, "127.0.0.1", "") == 530);
  }
  CHECK(refused({{networks({"::1"})}}, "::1", "") == 530);
  CHECK(refused({{networks({"126.0.0.0/7"})}}, "127.0.0.1", "") == 0);
  CHECK(refused({{networks({"::/127"})}}, "::1", "") == 0);
}

TEST_CASE("the reply says what is missing (RFC 3207 section 4)") {
  const std::vector<TlsRequirement> rules = {{networks({"192.0.2.0/24"}), TlsLevel::tls1_2}};
  const IpAddress client = *IpAddress::parse("192.0.2.1");
  const auto clear = tls_refusal(rules, client, "");
  REQUIRE(clear);
  CHECK(clear->reply == SmtpReply{530, "5.7.0", "Must issue a STARTTLS command first"});
  CHECK(clear->reason == "no-tls (TLSv1.2 is required)");
  const auto old = tls_refusal(rules, client, "TLSv1");
  REQUIRE(old);
  CHECK(old->reply == SmtpReply{550, "5.7.10", "Encryption needed: TLSv1.2 or newer"});
  CHECK(old->reason == "tls-too-old (TLSv1.2 is required)");
  const auto unknown = tls_refusal(rules, client, "x%s\r\n");
  REQUIRE(unknown);
  CHECK(unknown->reply == old->reply);
  CHECK(unknown->reason == "tls-version-unknown (TLSv1.2 is required)");
}

TEST_CASE("the first requirement for a client is that which looking at each finds") {
  const std::vector<std::string> texts = {"0.0.0.0/0",   "127.0.0.0/8",  "126.0.0.0/7",
                                          "127.0.0.9/0", "192.0.2.0/24", "192.0.2.1",
                                          "::/0",        "::1"};
  const auto is_for = [](const TlsRequirement& rule, const IpAddress& client) {
    const auto holds = [&](const Network& network) {
      return network.contains(client) && (!is_loopback(client) || is_loopback(network.address()));
    };
    return std::any_of(rule.clients.begin(), rule.clients.end(), holds);
  };
  for (std::size_t chosen = 0; chosen < texts.size() * texts.size() * texts.size(); ++chosen) {
    std::vector<TlsRequirement> rules;
    for (std::size_t i = 0, rest = chosen; i < 3; ++i, rest /= texts.size())
      rules.push_back({{*Network::parse(texts[rest % texts.size()])}, TlsLevel::tls1_2});
    const TlsRequirements requirements(rules);
    for (const char* text : {"127.0.0.1", "192.0.2.1", "192.0.2.2", "126.0.0.1", "::1", "::2"}) {
      const IpAddress client = *IpAddress::parse(text);
      const auto first = std::find_if(rules.begin(), rules.end(),
                                      [&](const auto& rule) { return is_for(rule, client); });
      CAPTURE(chosen);
      CAPTURE(client.text());
      const TlsRequirement* found = requirements.find(client);
      REQUIRE((found != nullptr) == (first != rules.end()));
      if (found != nullptr) REQUIRE(found - &requirements[0] == first - rules.begin());
    }
  }
}
