#include <authmilter/failure_spool.h>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <system_error>

#include <fmt/format.h>

#include <authmilter/crypto.h>
#include <authmilter/failure_report_mail.h>
#include <authmilter/message.h>
#include <authmilter/report_reader.h>
#include <authmilter/reports_config.h>

#include "base/ascii.h"
#include "base/descriptor.h"
#include "base/file.h"

namespace authmilter {
namespace {

constexpr std::size_t kMostOctets = 256 * 1024;
constexpr std::string_view kEnding = ".failure";

std::string hexadecimal(const std::uint8_t* octets, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += fmt::format("{:02x}", octets[i]);
  return text;
}

/// What is known of a kind stands above the report, which is a mail as it will be sent.
std::string file_text(const FailureSpool::Waiting& kind) {
  const FailureNote& note = kind.note;
  std::string text =
      fmt::format("Policy-Domain: {}\nSpf-Domain: {}\nFirst: {}\n", note.policy_domain.text(),
                  note.spf_domain ? note.spf_domain->text() : "", kind.first);
  for (const std::string& uri : note.ruf) text += "Ruf: " + uri + "\n";
  const auto mail = failure_report_mail(
      {.from = "a@invalid.invalid", .to = {"a@invalid.invalid"}, .subject = "x", .message_id = "x"},
      note.report);
  return mail ? text + "\n" + *mail : std::string();
}

/// Keeps the report of a mail.
class OneReport final : public ReportSink {
 public:
  std::optional<FailureReport> report;
  Result<Kept> begin(const AggregateReport&, const ReportMail&) override { return Kept::duplicate; }
  Status record(const AggregateRecord&) override { return Done{}; }
  Result<Kept> end() override { return Kept::stored; }
  void abandon() noexcept override {}
  Result<Kept> keep(const TlsReport&, const ReportMail&) override { return Kept::stored; }
  Result<Kept> keep(const FailureReport& one, const ReportMail&) override {
    report = one;
    return Kept::stored;
  }
};

std::optional<FailureSpool::Waiting> parse_file(const std::string& text, const std::string& name) {
  const std::size_t end = text.find("\n\n");
  if (end == std::string::npos) return std::nullopt;
  std::optional<DomainName> policy_domain;
  std::optional<DomainName> spf_domain;
  std::int64_t first = 0;
  std::vector<std::string> ruf;
  for (const std::string_view line : split(std::string_view(text).substr(0, end), '\n')) {
    const std::size_t colon = std::min(line.find(": "), line.size());
    const std::string_view field = line.substr(0, colon);
    const std::string_view value = line.substr(std::min(colon + 2, line.size()));
    if (field == "Policy-Domain") policy_domain = DomainName::parse(value);
    if (field == "Spf-Domain") spf_domain = DomainName::parse(value);
    if (field == "First") std::from_chars(value.data(), value.data() + value.size(), first);
    if (field == "Ruf") ruf.emplace_back(value);
  }
  OneReport sink;
  read_reports(std::string_view(text).substr(end + 2), {}, sink);
  if (!policy_domain || !sink.report) return std::nullopt;
  return FailureSpool::Waiting{
      name,
      first,
      {*policy_domain, std::move(ruf), std::move(spf_domain), std::move(*sink.report)}};
}

Status write_whole(const std::filesystem::path& path, const std::string& text) {
  const std::filesystem::path fresh = path.string() + ".new";
  {
    const Descriptor file(
        ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file.open()) return Error{fresh.string() + ": " + error_text(errno)};
    const ssize_t written = ::write(file.get(), text.data(), text.size());
    if (written != static_cast<ssize_t>(text.size()))
      return Error{fresh.string() + ": " + error_text(written < 0 ? errno : ENOSPC)};
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0)
    return Error{path.string() + ": " + error_text(errno)};
  return Done{};
}

}  // namespace

std::string failures_folder(const ReportsConfig& config) {
  return config.spool.empty() ? "" : config.spool + "/failures";
}

/// Held while files are looked at and changed.
class FailureSpool::Lock {
 public:
  explicit Lock(const std::filesystem::path& folder)
      : file_(::open((folder / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)) {
    while (file_.open() && ::flock(file_.get(), LOCK_EX) != 0 && errno == EINTR) continue;
  }
  bool held() const { return file_.open(); }

 private:
  Descriptor file_;
};

Result<std::string> FailureSpool::key() const {
  const std::filesystem::path path = folder_ / "key";
  if (auto known = read_file(path, kMostOctets); known && !known->empty()) return known;
  std::array<std::uint8_t, 32> octets{};
  if (::getrandom(octets.data(), octets.size(), 0) != static_cast<ssize_t>(octets.size()))
    return Error{"getrandom: " + error_text(errno)};
  std::string made = hexadecimal(octets.data(), octets.size());
  if (const Status written = write_whole(path, made); !written) return written.error();
  return made;
}

Status FailureSpool::add(const FailureNote& note) {
  if (folder_.empty()) return Error{"reports.spool: is not set"};
  std::error_code error;
  std::filesystem::create_directories(folder_, error);  // whether it is there, the lock says
  const Lock lock(folder_);
  if (!lock.held()) return Error{folder_.string() + ": " + error_text(errno)};
  const Sha256Digest digest = sha256(kind_of(note));
  const std::string name = hexadecimal(digest.data(), 16);
  const std::filesystem::path path = folder_ / (name + std::string(kEnding));
  if (const auto text = read_file(path, kMostOctets)) {
    if (auto known = parse_file(*text, name)) {
      known->note.report.incidents += 1;
      return write_whole(path, file_text(*known));
    }
  }
  const auto files = std::distance(std::filesystem::directory_iterator(folder_, error), {});
  if (static_cast<std::size_t>(files) >= kMostKinds) return Done{};
  const auto secret = key();
  if (!secret) return secret.error();
  FailureNote kept = note;
  kept.report = redacted(note.report, *secret);
  return write_whole(path,
                     file_text({name, note.report.arrival_date.value_or(0), std::move(kept)}));
}

Result<std::vector<FailureSpool::Waiting>> FailureSpool::waiting() {
  std::vector<Waiting> found;
  std::error_code error;
  if (!std::filesystem::exists(folder_, error)) return found;
  const Lock lock(folder_);
  if (!lock.held()) return Error{folder_.string() + ": " + error_text(errno)};
  for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
    const std::string name = entry.path().filename();
    if (!name.ends_with(kEnding)) continue;
    const auto text = read_file(entry.path(), kMostOctets);
    auto kind = text ? parse_file(*text, name.substr(0, name.size() - kEnding.size()))
                     : std::optional<Waiting>();
    if (kind) {
      found.push_back(std::move(*kind));
    } else {
      std::filesystem::remove(entry.path(), error);
    }
  }
  if (error) return Error{folder_.string() + ": " + error.message()};
  std::sort(found.begin(), found.end(), [](const Waiting& a, const Waiting& b) {
    return std::tie(a.first, a.name) < std::tie(b.first, b.name);
  });
  return found;
}

Status FailureSpool::keep(const Waiting& kind, const std::vector<std::string>& ruf) {
  const Lock lock(folder_);
  if (!lock.held()) return Error{folder_.string() + ": " + error_text(errno)};
  const std::filesystem::path path = folder_ / (kind.name + std::string(kEnding));
  if (ruf.empty()) {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT)
      return Error{path.string() + ": " + error_text(errno)};
    return Done{};
  }
  const auto text = read_file(path, kMostOctets);
  auto known = text ? parse_file(*text, kind.name) : std::optional<Waiting>();
  if (!known) return Done{};
  known->note.ruf = ruf;
  return write_whole(path, file_text(*known));
}

}  // namespace authmilter
