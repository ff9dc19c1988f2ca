#include "process/notify.h"

#include <fmt/core.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <chrono>

namespace authmilter {
namespace {

void write_octet(int fd, char octet) {
  // A supervisor that is gone has sent us SIGTERM.
  [[maybe_unused]] const auto written = ::write(fd, &octet, 1);
}

}  // namespace

SystemdNotifier::SystemdNotifier() : watchdog_(sd_watchdog_enabled(0, nullptr) > 0) {}

void SystemdNotifier::ready() { sd_notify(0, "READY=1"); }

void SystemdNotifier::reloading() {
  const auto now = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now().time_since_epoch());
  sd_notify(0, fmt::format("RELOADING=1\nMONOTONIC_USEC={}", now.count()).c_str());
}

void SystemdNotifier::stopping() { sd_notify(0, "STOPPING=1"); }

void SystemdNotifier::alive() {
  if (watchdog_) sd_notify(0, "WATCHDOG=1");
}

void PipeNotifier::ready() { write_octet(fd_, kReady); }

void PipeNotifier::alive() { write_octet(fd_, kAlive); }

}  // namespace authmilter
