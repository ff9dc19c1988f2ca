#include "dns/resolv_conf.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/ascii.h"

namespace authmilter {
namespace {

// <resolv.h>: MAXNS.
constexpr std::size_t kServers = 3;
// A file of a few lines. What is longer than this was not made for a resolver.
constexpr std::size_t kFileOctets = 64UL * 1024;
// Of lines that were passed over, as many are named.
constexpr std::size_t kNamed = 8;

constexpr std::string_view kKeyword = "nameserver";

/// The value of a "nameserver" line, without a comment behind it; nothing for other lines.
std::optional<std::string_view> server_of(std::string_view line) {
  line = trim_fws(line);
  if (!line.starts_with(kKeyword)) return std::nullopt;
  line.remove_prefix(kKeyword.size());
  if (!line.empty() && !is_fws(line.front())) return std::nullopt;
  line = trim_fws(line);
  return line.substr(0, line.find_first_of(" \t;#"));
}

/// Connecting to the unspecified address reaches this host, but its answers come from another.
NameServer reachable(const NameServer& server) {
  const auto octets = server.address().octets();
  const bool unspecified = std::all_of(octets.begin(), octets.end(), [](auto o) { return o == 0; });
  if (!unspecified) return server;
  return server.address().is_v4() ? NameServer::local() : *NameServer::parse("::1");
}

}  // namespace

SystemNameServers parse_resolv_conf(std::string_view text) {
  SystemNameServers system;
  std::size_t number = 0;
  std::size_t unnamed = 0;
  for (const auto line : split(text, '\n')) {
    ++number;
    const auto value = server_of(line);
    if (!value) continue;
    // A port belongs to our notation, not to this file's.
    const auto server =
        value->find('@') == std::string_view::npos ? NameServer::parse(*value) : std::nullopt;
    std::string problem;
    if (value->empty()) {
      problem = "names no address";
    } else if (!server) {
      problem = fmt::format("\"{}\" is not an address", printable(*value, 64));
    } else if (system.servers.size() == kServers) {
      problem = fmt::format("only the first {} name servers are asked", kServers);
    } else {
      system.servers.push_back(reachable(*server));
      continue;
    }
    if (system.passed_over.size() < kNamed)
      system.passed_over.push_back(fmt::format("line {}: {}", number, problem));
    else
      ++unnamed;
  }
  if (unnamed > 0) system.passed_over.push_back(fmt::format("{} more lines", unnamed));
  if (system.servers.empty()) system.servers.push_back(NameServer::local());
  return system;
}

SystemNameServers read_resolv_conf(const std::string& path) {
  const FileText file = read_small_file(path, kFileOctets);
  auto system = parse_resolv_conf(file.text);
  system.file = file.status;
  if (file.status == FileText::Status::unreadable) system.passed_over.push_back(file.problem);
  return system;
}

ResolvConfWatch::Identity ResolvConfWatch::identity() const {
  struct stat about {};
  // A file that is not there has an identity too.
  if (stat(path_.c_str(), &about) != 0) return {};
  return {about.st_dev,          about.st_ino,         about.st_size,        about.st_mtim.tv_sec,
          about.st_mtim.tv_nsec, about.st_ctim.tv_sec, about.st_ctim.tv_nsec};
}

SystemNameServers ResolvConfWatch::read(Clock::time_point now) {
  // Before the file: a change in between is seen the next time.
  seen_ = identity();
  next_ = now + kPause;
  return read_resolv_conf(path_);
}

std::optional<SystemNameServers> ResolvConfWatch::read_if_changed(Clock::time_point now) {
  if (now < next_) return std::nullopt;
  next_ = now + kPause;
  if (identity() == seen_) return std::nullopt;
  return read(now);
}

}  // namespace authmilter
