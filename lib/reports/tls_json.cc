#include "reports/tls_json.h"

#include <chrono>
#include <cstddef>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/ascii.h"
#include "base/utf8.h"
#include "reports/report_text.h"
#include "reports/report_words.h"

namespace authmilter {
namespace {

// A large provider reports of one domain under a handful of policies, and some failure for each
// pair of hosts.
constexpr std::size_t kMostPolicies = 100;
constexpr std::size_t kMostFailures = 10'000;
constexpr std::size_t kMostStrings = 100;
/// RFC 8460 section 4.4 has five levels.
constexpr std::size_t kMostDepth = 32;
/// As ReportLimits has for a whole report; sums of ten thousand of them fit in 64 bits.
constexpr std::uint64_t kMostCount = 1'000'000'000'000;

using Json = nlohmann::json;

/// nlohmann's events. A place is the names of the members around it; arrays have none.
class TlsEvents : public nlohmann::json_sax<Json> {
 public:
  TlsJson take() {
    found_.is_report =
        has_policies_ && (!report().organization_name.empty() || !report().report_id.empty());
    return std::move(found_);
  }
  bool too_deep() const { return too_deep_; }

  bool null() override { return leave(); }
  bool boolean(bool) override { return leave(); }
  bool number_integer(number_integer_t) override {
    // Positive ones come as unsigned.
    if (is_count()) found_.negative_count = true;
    return leave();
  }
  bool number_unsigned(number_unsigned_t number) override {
    count(number);
    return leave();
  }
  bool number_float(number_float_t, const string_t&) override { return leave(); }
  bool string(string_t& text) override {
    if (is_count()) {
      if (const auto number = parse_number<std::uint64_t>(text)) count(*number);
    } else {
      take_text(text);
    }
    return leave();
  }
  bool binary(binary_t&) override { return leave(); }

  bool start_object(std::size_t) override {
    if (at("/policies")) {
      has_policies_ = true;
      skipping_policy_ = report().policies.size() == kMostPolicies;
      if (!skipping_policy_) report().policies.emplace_back();
    } else if (at("/policies/failure-details")) {
      skipping_failure_ = skipping_policy_ || failures_ == kMostFailures;
      if (skipping_failure_) {
        ++report().failures_left_out;
      } else {
        ++failures_;
        report().policies.back().failures.emplace_back();
      }
    }
    return enter(Level::object);
  }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return enter(Level::array); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    place_.resize(levels_.back().place);
    place_ += '/';
    place_ += std::string_view(name).substr(0, kMostName);
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
    return false;
  }

 private:
  struct Level {
    enum Kind : std::uint8_t { object, array } kind;
    std::size_t place;  // how long `place_` was
  };

  TlsReport& report() { return found_.report; }
  bool at(std::string_view place) const { return place_ == place; }

  bool enter(Level::Kind kind) {
    too_deep_ = levels_.size() == kMostDepth;
    levels_.push_back({kind, place_.size()});
    return !too_deep_;
  }
  bool close() {
    place_.resize(levels_.back().place);
    levels_.pop_back();
    return leave();
  }
  /// Behind a value: of an object, the next name stands at the same place.
  bool leave() {
    if (!levels_.empty()) place_.resize(levels_.back().place);
    return true;
  }

  bool is_count() const {
    return at("/policies/summary/total-successful-session-count") ||
           at("/policies/summary/total-failure-session-count") ||
           at("/policies/failure-details/failed-session-count");
  }
  void count(std::uint64_t number) {
    if (!is_count() || skipping_policy_ || report().policies.empty()) return;
    number = std::min(number, kMostCount);
    TlsPolicyReport& policy = report().policies.back();
    if (at("/policies/summary/total-successful-session-count")) {
      policy.successful_sessions = number;
    } else if (at("/policies/summary/total-failure-session-count")) {
      policy.failed_sessions = number;
    } else if (!skipping_failure_ && !policy.failures.empty()) {
      policy.failures.back().failed_sessions = number;
    }
  }

  void take_text(std::string_view text) {
    if (at("/organization-name")) report().organization_name = clean_text(text, kMostName);
    if (at("/contact-info")) report().contact_info = clean_text(text, kMostName);
    if (at("/report-id")) report().report_id = clean_text(text, kMostName);
    if (at("/date-range/start-datetime")) found_.begin = parse_rfc3339(text);
    if (at("/date-range/end-datetime")) found_.end = parse_rfc3339(text);
    if (skipping_policy_ || report().policies.empty()) return;
    constexpr std::string_view kPolicy = "/policies/policy/";
    constexpr std::string_view kFailure = "/policies/failure-details/";
    const std::string_view place = place_;
    TlsPolicyReport& policy = report().policies.back();
    if (place.starts_with(kPolicy)) policy_text(policy, place.substr(kPolicy.size()), text);
    if (place.starts_with(kFailure) && !skipping_failure_ && !policy.failures.empty()) {
      failure_text(policy.failures.back(), place.substr(kFailure.size()), text);
    }
  }

  static void policy_text(TlsPolicyReport& policy, std::string_view name, std::string_view text) {
    if (name == "policy-type")
      policy.type = parse_tls_policy_type(text).value_or(TlsPolicyType::other);
    if (name == "policy-domain") policy.policy_domain = clean_name(text);
    // Each of them is a list in RFC 8460's grammar, and a single string in its examples.
    if (name == "policy-string" && policy.policy_strings.size() < kMostStrings) {
      policy.policy_strings.push_back(clean_text(text, kMostName));
    }
    if (name == "mx-host" && policy.mx_hosts.size() < kMostStrings) {
      policy.mx_hosts.push_back(clean_name(text));
    }
  }

  static void failure_text(TlsFailure& failure, std::string_view name, std::string_view text) {
    if (name == "result-type") failure.result_type = clean_name(text);
    if (name == "sending-mta-ip") failure.sending_mta_ip = clean_name(text);
    if (name == "receiving-mx-hostname") failure.receiving_mx_hostname = clean_name(text);
    if (name == "receiving-mx-helo") failure.receiving_mx_helo = clean_name(text);
    if (name == "receiving-ip") failure.receiving_ip = clean_name(text);
    if (name == "additional-information" || name == "additional-info-uri") {
      failure.additional_information = clean_text(text, kMostName);
    }
    if (name == "failure-reason-code") failure.failure_reason_code = clean_text(text, kMostName);
  }

  TlsJson found_;
  std::vector<Level> levels_;
  std::string place_;
  std::size_t failures_ = 0;
  bool has_policies_ = false;
  bool skipping_policy_ = false;
  bool skipping_failure_ = false;
  bool too_deep_ = false;
};

/// JSON is UTF-8; nlohmann refuses what is not.
std::string as_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Utf8Character next = first_utf8_character(text);
    out += next.octets == 0 ? kReplacementCharacter : text.substr(0, next.octets);
    text.remove_prefix(next.octets == 0 ? 1 : next.octets);
  }
  return out;
}

}  // namespace

Result<TlsJson> read_tls_json(std::string_view text) {
  TlsEvents events;
  // Behind its end nothing is looked at, as with XML.
  if (!Json::sax_parse(as_utf8(text), &events, Json::input_format_t::json, false)) {
    return Error{events.too_deep() ? "its JSON is nested too deeply"
                                   : "it is not well-formed JSON"};
  }
  return events.take();
}

std::optional<std::int64_t> parse_rfc3339(std::string_view text) {
  using namespace std::chrono;
  text = trim_fws(text);
  const auto number = [&](std::size_t at, std::size_t size) -> std::optional<int> {
    if (text.size() < at + size) return std::nullopt;
    for (const char c : text.substr(at, size)) {
      if (!is_digit(c)) return std::nullopt;
    }
    return parse_number<int>(text.substr(at, size));
  };
  const auto year_number = number(0, 4);
  const auto month_number = number(5, 2);
  const auto day_number = number(8, 2);
  const auto hour = number(11, 2);
  const auto minute = number(14, 2);
  const auto second = number(17, 2);
  if (!year_number || !month_number || !day_number || !hour || !minute || !second)
    return std::nullopt;
  if (text[4] != '-' || text[7] != '-' || text[13] != ':' || text[16] != ':') return std::nullopt;
  const year_month_day date(year(*year_number), month(static_cast<unsigned>(*month_number)),
                            day(static_cast<unsigned>(*day_number)));
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  std::size_t at = 19;
  if (at < text.size() && text[at] == '.') {
    do ++at;
    while (at < text.size() && is_digit(text[at]));
  }
  std::int64_t offset = 0;  // where there is none, UTC is meant
  if (at < text.size() && (text[at] == '+' || text[at] == '-')) {
    const auto hours = number(at + 1, 2);
    const auto minutes = number(at + 4, 2);
    if (!hours || !minutes) return std::nullopt;
    offset = (text[at] == '-' ? -1 : 1) * (*hours * 3600 + *minutes * 60);
  }
  const std::int64_t days = sys_days(date).time_since_epoch().count();
  return days * 86'400 + *hour * 3600 + *minute * 60 + *second - offset;
}

}  // namespace authmilter
