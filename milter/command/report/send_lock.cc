#include "report/send_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <thread>
#include <utility>

namespace authmilter::tools {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kTick{100};
constexpr mode_t kOwnersFolder = 0700;
constexpr mode_t kOwnersAndGroups = 0660;  // as the store's files

std::string path_of(const ReportsConfig& config) {
  if (config.store && config.store->engine == StoreEngine::sqlite)
    return config.store->target + "-sending";
  return config.spool.empty() ? "" : config.spool + "/sending";
}

/// What root makes by hand is for the timer, too, which runs as the owner of what is beside it.
void give_to_owner(const std::filesystem::path& path) {
  struct stat folder {};
  if (::geteuid() != 0 || ::stat(path.parent_path().c_str(), &folder) != 0) return;
  if (::lchown(path.c_str(), folder.st_uid, folder.st_gid) != 0) return;
}

}  // namespace

Result<SendLock> SendLock::take(const ReportsConfig& config, std::chrono::seconds patience) {
  const std::string path = path_of(config);
  if (path.empty()) return SendLock(-1);
  // The daemon makes the spool when it first needs it.
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  const bool spool = config.store && config.store->engine != StoreEngine::sqlite;
  if (spool && ::mkdir(folder.c_str(), kOwnersFolder) == 0) give_to_owner(folder);
  const int file =
      ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kOwnersAndGroups);
  if (file < 0) return Error{path + ": " + std::generic_category().message(errno)};
  SendLock lock(file);
  give_to_owner(path);
  const auto until = Clock::now() + patience;
  while (::flock(file, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR)
      return Error{path + ": " + std::generic_category().message(errno)};
    if (Clock::now() >= until) return Error{path + ": another run is sending"};
    std::this_thread::sleep_for(kTick);
  }
  return lock;
}

SendLock::SendLock(SendLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}

SendLock::~SendLock() {
  if (file_ >= 0) ::close(file_);
}

}  // namespace authmilter::tools
