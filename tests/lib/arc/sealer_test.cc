#include <authmilter/arc_sealer.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "lib/arc/chains.h"

using namespace authmilter;
using namespace arc_test;

namespace {

SigningKey sealing_key(const char* domain = "forwarder.example") {
  return {*DomainName::parse(domain), *Selector::parse("s"), dkim_test::private_key(KeyType::rsa)};
}

Result<std::vector<HeaderField>> fields_for(const Text& message, ArcResult chain,
                                            ArcSealOptions options = {}) {
  options.now = kNow;
  ArcSealer sealer(sealing_key(), options);
  for (const auto& field : message.fields) sealer.header(field);
  // Cut anywhere.
  const std::string_view body = message.body;
  sealer.body(body.substr(0, body.size() / 2));
  sealer.body(body.substr(body.size() / 2));
  return sealer.finish(chain, "mx.forwarder.example;\n\tdmarc=pass header.from=example.org");
}

/// With the set on top that we make after our own look at the chain.
Text handed_on(Text message, const ArcSealOptions& options = {}) {
  const auto fields = fields_for(message, validate(message).result, options);
  REQUIRE_MESSAGE(fields, (fields ? "" : fields.error().message));
  message.fields.insert(message.fields.begin(), fields->begin(), fields->end());
  return message;
}

}  // namespace

TEST_CASE("what we seal, we validate (RFC 8617 section 5.1)") {
  CHECK(summary(validate(handed_on(plain()))) == "pass, oldest 0");
  CHECK(summary(validate(handed_on(sealed(changed_by_list(plain()))))) == "pass, oldest 0");
  CHECK(summary(validate(handed_on(changed_by_list(sealed(plain()))))) ==
        "fail sealed-as-failed (i=2)");
  CHECK(summary(validate(handed_on(handed_on(handed_on(plain()))))) == "pass, oldest 0");
  CHECK(summary(validate(handed_on(plain(), {.layout = ArcLayout::alphabetical}))) ==
        "pass, oldest 0");
  const auto outcome = validate(handed_on(plain()));
  REQUIRE(outcome.hops.size() == 1);
  CHECK(outcome.hops[0].from_signed);
  REQUIRE(outcome.hops[0].results);
  CHECK(outcome.hops[0].results->authserv_id == "mx.forwarder.example");
  CHECK(outcome.hops[0].results->results.front().method == "dmarc");

  Text changed = handed_on(plain());
  changed.body += "x\r\n";
  CHECK(summary(validate(changed)) == "fail body-hash-mismatch (i=1, ARC-Message-Signature)");
}

TEST_CASE(
    "a chain that failed is sealed once, by the new set alone (RFC 8617 section 5.1.2, A136)") {
  const Text broken = changed_by_list(sealed(plain()));
  const Text once = handed_on(broken);
  CHECK(once.fields.size() == broken.fields.size() + 3);
  CHECK(once.fields[0].value.find("cv=fail") != std::string::npos);
  CHECK(handed_on(once).fields.size() == once.fields.size());

  // Whatever its fields are like: the instance is one more than the highest.
  Text odd = plain();
  odd.fields.push_back({"ARC-Authentication-Results", " i=7; x.example; none"});
  const auto fields = fields_for(odd, ArcResult::fail);
  REQUIRE(fields);
  CHECK(fields->front().value.starts_with(" i=8;"));
  odd.fields.push_back({"ARC-Authentication-Results", " i=50; x.example; none"});
  CHECK(fields_for(odd, ArcResult::fail)->empty());
  Text garbage = plain();
  garbage.fields.push_back({"ARC-Seal", " garbage"});
  CHECK(fields_for(garbage, validate(garbage).result)->front().value.find("cv=fail") !=
        std::string::npos);
}

TEST_CASE("a chain whose fields make none is sealed once as well (RFC 8617 section 5.1, A365)") {
  const auto field = [](const char* name, const std::string& value) {
    return HeaderField{name, value};
  };
  const auto seal = [&](const std::string& tags) { return field("ARC-Seal", tags); };
  const HeaderField signature = field("ARC-Message-Signature", " i=2; garbage=x");
  const HeaderField results = field("ARC-Authentication-Results", " i=2; x.example; none");
  const std::string tags = " a=rsa-sha256; b=AAAA; d=x.example; s=s;";
  const auto lacking = [&](const std::string& tag) {
    std::string left = tags;
    const auto at = left.find(" " + tag);
    return left.erase(at, left.find(';', at) + 1 - at);
  };
  const struct {
    std::string why;
    std::vector<HeaderField> on_top;  // of a good chain of one set
    std::string instance;             // of the new seal; empty: none is made
  } rows[] = {
      {"a seal without a=", {seal(" i=2; cv=pass;" + lacking("a=")), signature, results}, "i=3;"},
      {"without b=", {seal(" i=2; cv=pass;" + lacking("b=")), signature, results}, "i=3;"},
      {"without d=", {seal(" i=2; cv=pass;" + lacking("d=")), signature, results}, "i=3;"},
      {"without s=", {seal(" i=2; cv=pass;" + lacking("s=")), signature, results}, "i=3;"},
      {"without cv=", {seal(" i=2;" + tags), signature, results}, "i=3;"},
      {"without i=", {seal(" cv=pass;" + tags), signature, results}, "i=3;"},
      {"alone: its instance is taken all the same", {seal(" i=2; cv=pass")}, "i=3;"},
      {"alone, and far off", {seal(" i=9; cv=pass; d=***")}, "i=10;"},
      {"the last instance there is", {seal(" i=50; cv=pass")}, ""},
      {"beyond it", {seal(" i=51; cv=pass")}, "i=2;"},
      {"it says that it failed, and lacks b=",
       {seal(" i=2; cv=fail;" + lacking("b=")), signature, results},
       ""},
      {"it says that it failed, and nothing else", {seal(" i=2; cv=fail")}, ""},
      {"a good one that failed below a malformed one",
       {seal(" i=3; cv=pass"), seal(" i=2; cv=fail;" + tags), signature, results},
       ""},
      {"the same instance twice, and one says that it failed",
       {seal(" i=2; cv=pass;" + tags), seal(" i=2; cv=fail;" + tags), signature, results},
       ""},
      {"no seal", {signature, results}, "i=3;"},
      {"a message signature twice", {signature, signature, results}, "i=3;"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    Text broken = sealed(plain());
    broken.fields.insert(broken.fields.begin(), row.on_top.begin(), row.on_top.end());
    REQUIRE(validate(broken).result == ArcResult::fail);
    const Text once = handed_on(broken);
    if (row.instance.empty()) {
      CHECK(once.fields.size() == broken.fields.size());
      continue;
    }
    REQUIRE(once.fields.size() == broken.fields.size() + 3);
    CHECK(once.fields[0].value.starts_with(" " + row.instance));
    CHECK(once.fields[0].value.find("cv=fail") != std::string::npos);
    CHECK(validate(once).result == ArcResult::fail);
    CHECK(handed_on(once).fields.size() == once.fields.size());
  }
}

TEST_CASE("what is said of the chain has to be so") {
  CHECK_FALSE(fields_for(plain(), ArcResult::pass));
  CHECK_FALSE(fields_for(sealed(plain()), ArcResult::none));
}

TEST_CASE("the new fields (RFC 8617 section 4.1)") {
  Text message = dkim_test::sign(plain(), {dkim_test::signing_key("r")});
  message.fields.insert(message.fields.begin(), {"Authentication-Results", " mx.example; none"});
  ArcSealOptions options;
  options.headers.emplace_back("authentication-results");
  options.headers.emplace_back("arc-seal");
  const auto fields = fields_for(sealed(message), ArcResult::pass, options);
  REQUIRE(fields);
  REQUIRE(fields->size() == 3);
  CHECK((*fields)[0].name == "ARC-Seal");
  CHECK((*fields)[1].name == "ARC-Message-Signature");
  CHECK((*fields)[2].name == "ARC-Authentication-Results");
  CHECK((*fields)[0].value.starts_with(
      " i=2; a=rsa-sha256; d=forwarder.example; s=s; t=1700000000; cv=pass;"));
  CHECK((*fields)[1].value.starts_with(" i=2; a=rsa-sha256; d=forwarder.example; s=s;"));
  CHECK((*fields)[2].value ==
        " i=2; mx.forwarder.example;\r\n\tdmarc=pass header.from=example.org");
  // No results and no fields of a chain are covered, but the signatures are (section 4.1.2).
  std::string names = (*fields)[1].value;
  names.erase(
      std::remove_if(names.begin(), names.end(),
                     [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }),
      names.end());
  CHECK(names.find(";h=from:subject:date:to:message-id:dkim-signature;") != std::string::npos);
  for (const auto& field : *fields) {
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const auto end = std::min(rest.find("\r\n"), rest.size());
      CHECK(end <= 78);
      rest.remove_prefix(std::min(end + 2, rest.size()));
    }
  }
}
