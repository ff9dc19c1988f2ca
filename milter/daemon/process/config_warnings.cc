#include "process/config_warnings.h"

#include <authmilter/ip_address.h>

#include <algorithm>

namespace authmilter {
namespace {

// Connecting takes the right to write.
constexpr unsigned kForOthers = 02;

/// What `[[policy.forwarder]]` says and can hardly mean.
void add_forwarder_warnings(const Config& config, std::vector<std::string>& warnings) {
  for (const Forwarder& forwarder : config.policy.forwarders) {
    for (const Network& network : forwarder.internal) {
      if (network.prefix_length() > 0) continue;
      warnings.push_back("policy.forwarder.internal: " + network.text() +
                         " holds every address: what a stranger writes below the forwarder's "
                         "Received field is taken for the forwarder's");
    }
    for (const Network& network : forwarder.networks) {
      if (!config.internal.contains(network.address())) continue;
      warnings.push_back("policy.forwarder.networks: " + network.text() +
                         " is in network.internal, whose mail is signed and not judged");
    }
  }
}

}  // namespace

std::vector<std::string> config_warnings(const Config& config) {
  std::vector<std::string> warnings;
  for (const SocketAddress& socket : config.milter.sockets) {
    if (socket.is_of_this_host()) continue;
    warnings.push_back("milter.socket: " + socket.text() +
                       " is not a loopback address: whoever can connect can have mail signed");
  }
  const bool unix_socket =
      std::any_of(config.milter.sockets.begin(), config.milter.sockets.end(),
                  [](const SocketAddress& socket) { return socket.file() != nullptr; });
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
  add_forwarder_warnings(config, warnings);
  if (config.arc.seal && config.verify.mode == VerifyMode::monitor)
    warnings.push_back("arc.seal: nothing is sealed while verify.mode is \"monitor\"");
  const auto& listen = config.metrics_listen;
  if (listen && !is_loopback(listen->address)) {
    warnings.push_back("metrics.listen: " + listen->text() +
                       " is not a loopback address: whoever can connect reads the metrics");
  }
  return warnings;
}

}  // namespace authmilter
