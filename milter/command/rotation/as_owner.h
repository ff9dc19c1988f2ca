#pragma once

#include <sys/types.h>

#include <string>

namespace authmilter::tools {

/// Root reads a key as the user whose it is, with no more rights than that user has: a key that
/// belongs to the daemon's user is none that root should have. For everybody else nothing changes.
/// Of the whole process, so one at a time.
class AsOwnerOf {
 public:
  explicit AsOwnerOf(const std::string& file);
  ~AsOwnerOf();
  AsOwnerOf(const AsOwnerOf&) = delete;
  AsOwnerOf& operator=(const AsOwnerOf&) = delete;

 private:
  bool changed_ = false;
  gid_t group_ = 0;
};

}  // namespace authmilter::tools
