#include <authmilter/verify.h>

#include <authmilter/zone_resolver.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>

// When the questions of a message are asked: each as soon as its name is known, so that as little
// as possible is left to wait for behind the last octet.

using namespace authmilter;

namespace {

/// Each answer comes one round after its question. Its clock goes on where somebody waits, and when
/// it is told to.
class RoundsResolver final : public Resolver {
 public:
  explicit RoundsResolver(std::string_view zone) : zone_(make_test_resolver(zone)) {}

  DnsAnswerRef resolve(const DnsQuestion& question, Deadline deadline,
                       Freshness freshness) override {
    now_ = std::max(now_, due(question));
    return zone_->resolve(question, deadline, freshness);
  }
  void prefetch(const DnsQuestion& question) override { due(question); }
  DnsAnswerRef known(const DnsQuestion& question) override {
    const auto asked = due_.find(question);
    return asked == due_.end() || asked->second > now_ ? nullptr : zone_->resolve(question);
  }

  void pass_round() { ++now_; }
  int now() const { return now_; }
  std::size_t asked() const { return due_.size(); }

 private:
  int due(const DnsQuestion& question) {
    return due_.try_emplace(question, now_ + 1).first->second;
  }

  const std::unique_ptr<Resolver> zone_;
  int now_ = 0;
  std::map<DnsQuestion, int> due_;
};

constexpr const char* kZone = R"(
example.org TXT "v=spf1 ip4:192.0.2.0/24 -all"
_dmarc.example.org TXT "v=DMARC1; p=reject"
bounce.example.org TXT "v=spf1 ip4:192.0.2.0/24 -all"
other.test TXT "v=spf1 ip4:192.0.2.0/24 -all"
chain.test TXT "v=spf1 include:one.chain.test -all"
one.chain.test TXT "v=spf1 a:elsewhere.test redirect=two.chain.test"
elsewhere.test A 198.51.100.1
two.chain.test TXT "v=spf1 mx -all"
two.chain.test MX 10 mail.chain.test
mail.chain.test A 192.0.2.7
host.test TXT "v=spf1 a -all"
host.test A 192.0.2.7
plain.test TXT "v=spf1 -all"
macro.test TXT "v=spf1 exists:%{i}.macro.test a -all"
macro.test A 192.0.2.7
many.test TXT "v=spf1 mx:a.many.test mx:b.many.test mx:c.many.test -all"
a.many.test MX 1 a1.many.test
a.many.test MX 2 a2.many.test
a.many.test MX 3 a3.many.test
a.many.test MX 4 a4.many.test
a.many.test MX 5 a5.many.test
b.many.test MX 1 b1.many.test
b.many.test MX 2 b2.many.test
b.many.test MX 3 b3.many.test
b.many.test MX 4 b4.many.test
b.many.test MX 5 b5.many.test
c.many.test MX 1 c1.many.test
*.many.test A 198.51.100.1
)";

std::string signature_of(const std::string& domain) {
  return "DKIM-Signature: v=1; a=rsa-sha256; d=" + domain +
         "; s=s; h=from; b=AAAA;\r\n bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\r\n";
}

struct Input {
  std::string why;
  std::string mail_from;
  std::string helo;
  int before_header;  // rounds that pass between MAIL and the header
  int before_end;     // and between pieces of the body
  int waits;          // behind the last octet
};

Config test_config(const std::string& more = "") {
  const auto config = parse_config("[identity]\nauthserv_id = \"mx.home.example\"\n" + more, "test",
                                   "host.example");
  REQUIRE_MESSAGE(config, (config ? "" : config.error().message));
  return *config;
}

int rounds_waited(const Input& input, RoundsResolver& resolver, const Config& config,
                  const std::string& header) {
  static const DkimEngine engine;
  Envelope envelope;
  envelope.client = IpAddress::parse("192.0.2.7");
  envelope.helo = parse_helo(input.helo);
  envelope.mail_from = parse_reverse_path(input.mail_from);
  MessageVerifier verifier(config, engine, resolver, envelope, 0);
  for (int i = 0; i < input.before_header; ++i) {
    resolver.pass_round();
    verifier.add_recipient(parse_reverse_path("<b@home.example>"));
  }
  for (const HeaderField& field : parse_message(header + "\r\n").fields) verifier.header(field);
  verifier.end_of_headers();
  for (int i = 0; i < input.before_end; ++i) {
    resolver.pass_round();
    verifier.body("x\r\n");
  }
  const int last_octet = resolver.now();
  verifier.finish();
  return resolver.now() - last_octet;
}

}  // namespace

TEST_CASE("what is left to wait for behind the last octet") {
  const Input rows[] = {
      {"key, SPF and policy at once", "<a@example.org>", "mx.example.org", 0, 0, 1},
      {"they came with the body", "<a@example.org>", "mx.example.org", 0, 1, 0},
      {"another domain's SPF", "<a@other.test>", "plain.test", 0, 0, 1},
      // RFC 9989 section 4.10.2: the walk from the identifier of SPF.
      {"an identifier below the author", "<a@bounce.example.org>", "plain.test", 0, 0, 1},
      {"the null reverse-path", "<>", "bounce.example.org", 0, 0, 1},
      // What comes one after the other: TXT, TXT, A, TXT, MX, A.
      {"a chain of records", "<a@chain.test>", "plain.test", 0, 0, 6},
      {"a chain, begun before the header", "<a@chain.test>", "plain.test", 5, 0, 1},
      {"a chain, during the body", "<a@chain.test>", "plain.test", 0, 5, 1},
      {"a chain that is over in time", "<a@chain.test>", "plain.test", 3, 3, 0},
      {"HELO beside MAIL FROM", "<a@host.test>", "host.test", 0, 0, 2},
      {"HELO's chain beside the other's", "<a@bounce.example.org>", "chain.test", 3, 3, 0},
      {"HELO in parallel", "<a@chain.test>", "host.test", 0, 0, 6},
      {"macros are not followed", "<a@macro.test>", "plain.test", 3, 3, 2},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    RoundsResolver resolver(kZone);
    CHECK(rounds_waited(row, resolver, test_config(),
                        signature_of("example.org") + "From: a@example.org\r\n") == row.waits);
  }
}

TEST_CASE("asking early asks no more than is needed in the end") {
  for (const char* domain : {"example.org", "other.test", "chain.test", "host.test", "macro.test",
                             "many.test", "plain.test", "missing.test"}) {
    CAPTURE(domain);
    const std::string mail_from = "<a@" + std::string(domain) + ">";
    RoundsResolver at_once(kZone);
    rounds_waited({"", mail_from, domain, 0, 0, 0}, at_once, test_config(), "From: a@x.test\r\n");
    RoundsResolver slowly(kZone);
    rounds_waited({"", mail_from, domain, 20, 20, 0}, slowly, test_config(), "From: a@x.test\r\n");
    CHECK(slowly.asked() == at_once.asked());
  }
}

TEST_CASE("what SPF asks early leaves questions for the author (A192)") {
  for (const char* queries : {"60", "30", "12"}) {
    CAPTURE(queries);
    const Config config = test_config("[dns]\nmessage_queries = " + std::string(queries) + "\n");
    RoundsResolver resolver(kZone);
    static const DkimEngine engine;
    Envelope envelope;
    envelope.client = IpAddress::parse("192.0.2.7");
    envelope.helo = parse_helo("many.test");
    envelope.mail_from = parse_reverse_path("<a@many.test>");
    MessageVerifier verifier(config, engine, resolver, envelope, 0);
    for (int i = 0; i < 40; ++i) {
      resolver.pass_round();
      verifier.add_recipient(parse_reverse_path("<b@home.example>"));
    }
    CHECK(resolver.asked() <= config.dns.message_queries / 2);
    for (const HeaderField& field : parse_message("From: a@example.org\r\n\r\n").fields)
      verifier.header(field);
    verifier.end_of_headers();
    CHECK(verifier.finish().findings.dmarc.result == DmarcResult::fail);
  }
}

TEST_CASE("records that would be parsed again at each step are not followed") {
  const auto large = [](const std::string& name, int terms) {
    std::string record = name + " TXT \"v=spf1";
    for (int i = 0; i < terms; ++i) record += i % 16 == 15 ? "\" \" ip4:10.0.0.1" : " ip4:10.0.0.1";
    return record + " include:host.test -all\"\n";
  };
  const auto zone = kZone + large("usual.test", 20) + large("large.test", 250);
  for (const auto& [domain, waits] : {std::pair("usual.test", 0), std::pair("large.test", 2)}) {
    const std::string mail_from = "<a@" + std::string(domain) + ">";
    CAPTURE(mail_from);
    RoundsResolver resolver(zone);
    CHECK(rounds_waited({"", mail_from, "plain.test", 3, 3, 0}, resolver, test_config(),
                        "From: a@example.org\r\n") == waits);
  }
}

TEST_CASE("what SPF asks early leaves questions for all keys (A192)") {
  // RFC 9989 section 4.10.2: neither above nor below the author, so nobody asks for its key before
  // the walk has told that it is aligned.
  const auto header =
      parse_message(signature_of("mail.example.org") + "From: a@news.example.org\r\n\r\n");
  for (const char* queries : {"60", "44", "30", "24", "12"}) {
    CAPTURE(queries);
    const Config config = test_config("[dns]\nmessage_queries = " + std::string(queries) + "\n");
    RoundsResolver resolver(kZone);
    static const DkimEngine engine;
    Envelope envelope;
    envelope.client = IpAddress::parse("192.0.2.7");
    envelope.helo = parse_helo("many.test");
    envelope.mail_from = parse_reverse_path("<a@many.test>");
    MessageVerifier verifier(config, engine, resolver, envelope, 0);
    for (const HeaderField& field : header.fields) verifier.header(field);
    verifier.end_of_headers();
    for (int i = 0; i < 40; ++i) {
      resolver.pass_round();
      verifier.body("x\r\n");
    }
    const auto found = verifier.finish().findings;
    CHECK(found.dkim.front().result == DkimResult::permerror);
    CHECK(found.dmarc.result == DmarcResult::fail);
  }
}
