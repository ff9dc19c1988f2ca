#pragma once

#include <sys/types.h>
#include <filesystem>
#include <optional>

#include <authmilter/config.h>
#include <authmilter/result.h>
#include <authmilter/socket_address.h>

#include "log/log.h"

namespace authmilter {

/// Removes what a daemon that crashed has left: only a socket, and only when nobody listens on it.
/// No file there is fine; anything else is an error.
Status remove_stale_socket(const std::filesystem::path& path);

/// A listening socket of libmilter's: made with the right mode from the first moment, its file
/// removed when the daemon begins to stop.
class ListeningSocket {
 public:
  /// Before threads that make files: sets the process's umask for a moment.
  static Result<ListeningSocket> open(const SocketAddress& socket, const MilterConfig& config,
                                      Logger& logger);
  /// New connections are refused from here on; those that are open stay. Removes the file if it
  /// still is ours. A network socket stays open until libmilter closes it.
  void remove_file() const;

 private:
  struct File {
    std::filesystem::path path;
    dev_t device;
    ino_t inode;
  };
  std::optional<File> file_;
};

}  // namespace authmilter
