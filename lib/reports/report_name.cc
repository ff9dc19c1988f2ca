#include <authmilter/report_name.h>

#include <chrono>

#include <fmt/format.h>

#include <authmilter/crypto.h>

namespace authmilter {
namespace {

/// Sixty-four bits of a hash: of a day's reports about one domain, no two are the same by chance,
/// and nobody guesses one.
std::string unique_id(const ReportIdentity& identity) {
  const Sha256Digest digest = sha256(
      fmt::format("{}\n{}\n{}\n{}\n{}\n{}", identity.secret, identity.receiver.text(),
                  identity.policy_domain.text(), identity.begin, identity.end, identity.policy));
  std::string out;
  for (std::size_t at = 0; at < 8; ++at) out += fmt::format("{:02x}", digest[at]);
  return out;
}

std::string day(std::int64_t seconds) {
  using namespace std::chrono;
  const year_month_day date(floor<days>(sys_seconds{std::chrono::seconds(seconds)}));
  return fmt::format("{:04}{:02}{:02}", int{date.year()}, unsigned{date.month()},
                     unsigned{date.day()});
}

}  // namespace

std::string report_id(const ReportIdentity& identity) {
  return fmt::format("{}.{}.{}@{}", identity.policy_domain.text(), day(identity.begin),
                     unique_id(identity), identity.receiver.text());
}

std::string report_file_name(const ReportIdentity& identity, ReportPlace place) {
  return fmt::format("{}!{}!{}!{}{}.xml.gz", identity.receiver.text(),
                     identity.policy_domain.text(), identity.begin, identity.end,
                     place == ReportPlace::further ? "!" + unique_id(identity) : "");
}

std::string report_subject(const ReportIdentity& identity) {
  // The words are case-sensitive.
  return fmt::format("Report Domain: {} Submitter: {} Report-ID: <{}>",
                     identity.policy_domain.text(), identity.receiver.text(), report_id(identity));
}

}  // namespace authmilter
