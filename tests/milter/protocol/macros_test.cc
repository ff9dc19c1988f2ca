#include "protocol/macros.h"

#include <doctest/doctest.h>

#include <map>
#include <string>

using namespace authmilter;

namespace {

class Macros final : public MacroSource {
 public:
  Macros(std::initializer_list<std::pair<const std::string, std::string>> values)
      : values_(values) {}
  std::string_view get(const char* name) const override {
    const auto at = values_.find(name);
    return at == values_.end() ? std::string_view() : std::string_view(at->second);
  }

 private:
  std::map<std::string, std::string> values_;
};

}  // namespace

TEST_CASE("only {auth_authen} says that a client authenticated") {
  CHECK(auth_user(Macros{{"{auth_authen}", "alice"}}) == "alice");
  CHECK(auth_user(Macros{}).empty());
  CHECK(auth_user(Macros{{"{auth_authen}", ""}}).empty());
  CHECK(auth_user(Macros{{"{auth_type}", "PLAIN"}}).empty());
  CHECK(auth_user(Macros{{"{client_name}", "localhost"}, {"{client_addr}", "127.0.0.1"}}).empty());
}

TEST_CASE("A253: a login that is cut names no domain, whatever it has named") {
  const std::string long_part(1030, 'm');
  for (const std::string& user : {long_part, long_part + "@other.example",
                                  "a@victim.example" + std::string(1008, '.') + "other.example"}) {
    const std::string cut = auth_user(Macros{{"{auth_authen}", user}});
    CHECK(cut.size() == 1024);
    CHECK(cut.ends_with('@'));
  }
  const std::string longest(1024, 'm');
  CHECK(auth_user(Macros{{"{auth_authen}", longest}}) == longest);
}

TEST_CASE("the version of TLS is what the MTA says, cut to a sane length") {
  CHECK(tls_version(Macros{{"{tls_version}", "TLSv1.3"}}) == "TLSv1.3");
  CHECK(tls_version(Macros{}).empty());
  CHECK(tls_version(Macros{{"{cipher}", "ECDHE-RSA-AES256-GCM-SHA384"}}).empty());
  CHECK(tls_version(Macros{{"{tls_version}", std::string(100000, 'x')}}).size() == 1024);
}

TEST_CASE("{tls_version} is asked for at MAIL, after the last STARTTLS") {
  for (const MacroRequest& request : macro_requests()) {
    const bool asked = std::string_view(request.names).find("{tls_version}") != std::string::npos;
    CHECK(asked == (request.stage == MacroStage::mail));
  }
}

TEST_CASE("Sendmail is known by its version, which other MTAs may say without their name") {
  CHECK(mta(Macros{{"v", "8.17.1.9"}}) == Mta::sendmail);
  CHECK(mta(Macros{{"v", "Postfix 3.7.11"}}) == Mta::other);
  CHECK(mta(Macros{{"v", "3.7.11"}}) == Mta::other);
  CHECK(mta(Macros{{"v", ""}}) == Mta::other);
  CHECK(mta(Macros{}) == Mta::other);
}

TEST_CASE("the queue id is i, cut to a sane length") {
  CHECK(queue_id(Macros{{"i", "4Xk2"}}) == "4Xk2");
  CHECK(queue_id(Macros{}).empty());
  CHECK(queue_id(Macros{{"i", std::string(100000, 'x')}}).size() == 1024);
}

TEST_CASE("the client's address in {client_addr}") {
  const struct {
    const char* value;
    const char* address;
  } rows[] = {
      {"192.0.2.1", "192.0.2.1"},
      {"2001:db8::1", "2001:db8::1"},
      {"IPv6:2001:db8::1", "2001:db8::1"},
      {"IPv6:::1", "::1"},
      {"", nullptr},
      {"unknown", nullptr},
      {"0", nullptr},
      {"IPv6:", nullptr},
      {"[192.0.2.1]", nullptr},
  };
  for (const auto& row : rows) {
    CAPTURE(row.value);
    const auto named = named_client(Macros{{"{client_addr}", row.value}});
    CHECK(named.has_value() == (row.address != nullptr));
    if (named && row.address != nullptr) CHECK(*named == *IpAddress::parse(row.address));
  }
  CHECK_FALSE(named_client(Macros{}).has_value());
}

TEST_CASE("each stage is asked for once, with at least one name") {
  std::map<MacroStage, int> stages;
  for (const MacroRequest& request : macro_requests()) {
    ++stages[request.stage];
    CHECK_FALSE(std::string_view(request.names).empty());
  }
  CHECK(stages.size() == 6);
  for (const auto& [stage, times] : stages) CHECK(times == 1);
}
