#include "process/config_warnings.h"

#include <authmilter/ip_address.h>

#include <algorithm>
#include <string_view>

namespace authmilter {
namespace {

// Connecting takes the right to write.
constexpr unsigned kForOthers = 02;

/// "ADDRESS", "[ADDRESS]" or "localhost", as the configuration has taken it.
bool is_loopback_host(std::string_view host) {
  if (host == "localhost") return true;
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  const auto address = IpAddress::parse(host);
  return address && is_loopback(*address);
}

}  // namespace

std::vector<std::string> config_warnings(const Config& config) {
  std::vector<std::string> warnings;
  for (const std::string& socket : config.milter.sockets) {
    const std::size_t at = socket.find('@');
    if (socket.starts_with("unix:") || at == std::string::npos) continue;
    if (!is_loopback_host(std::string_view(socket).substr(at + 1))) {
      warnings.push_back("milter.socket: " + socket +
                         " is not a loopback address: whoever can connect can have mail signed");
    }
  }
  const bool unix_socket =
      std::any_of(config.milter.sockets.begin(), config.milter.sockets.end(),
                  [](const std::string& socket) { return socket.starts_with("unix:"); });
  if (unix_socket && (config.milter.socket_mode & kForOthers) != 0) {
    warnings.push_back(
        "milter.socket_mode: whoever has an account on this host can have mail signed");
  }
  for (const Network& network : config.internal) {
    if (network.prefix_length() == 0) {
      warnings.push_back("network.internal: " + network.text() +
                         " holds every address: all mail is signed, and none is judged");
    }
  }
  if (config.policy.actions.dmarc_temperror == Disposition::accept) {
    warnings.push_back(
        "policy.dmarc_temperror: \"accept\" lets forgeries of protected domains in while the DNS "
        "fails, and a sender may be able to make it fail; \"tempfail\" asks to come again");
  }
  const std::string& listen = config.metrics_listen;
  if (!listen.empty() && !is_loopback_host(listen.substr(0, listen.rfind(':')))) {
    warnings.push_back("metrics.listen: " + listen +
                       " is not a loopback address: whoever can connect reads the metrics");
  }
  return warnings;
}

}  // namespace authmilter
