#include "rotation/as_owner.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

namespace authmilter::tools {

AsOwnerOf::AsOwnerOf(const std::string& file) : group_(::getegid()) {
  struct stat status {};
  if (::geteuid() != 0 || ::stat(file.c_str(), &status) != 0 || status.st_uid == 0) return;
  if (::setegid(status.st_gid) != 0) return;
  changed_ = ::seteuid(status.st_uid) == 0;
  if (!changed_ && ::setegid(group_) != 0) std::abort();
}

AsOwnerOf::~AsOwnerOf() {
  // With another user's rights the program must not go on as if it had its own.
  if (changed_ && (::seteuid(0) != 0 || ::setegid(group_) != 0)) std::abort();
}

}  // namespace authmilter::tools
