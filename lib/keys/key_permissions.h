#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <string>

#include <authmilter/result.h>

namespace authmilter {

/// Who may read or replace a key: root, the user that runs this program, and for reading its group
/// (the effective ones). Everybody else is one too many. Errors begin with `name`.

/// Who has put the file there. What the service manager hands over to a service of another user
/// (systemd.exec(5)) is that user's (systemd 252), or root's with that user on its access list
/// (257), and root, who has had it handed over, may read it too. Whoever else may read or write it
/// is one too many all the same.
enum class Keeper : std::uint8_t { administrator, service_manager };

/// Walks to the directory that `path`, which is absolute, lies in, link by link; the directory
/// without links. Refused: a directory that others, or a group, may write to (sticky ones
/// excepted), and a directory or link of another user: from there another file can be put in the
/// key's place.
Result<std::filesystem::path> check_way_to(const std::filesystem::path& path,
                                           const std::string& name,
                                           Keeper keeper = Keeper::administrator);

/// The same of the directory `directory`, whose parent `checked` is such a directory already: one
/// look where it is not a link.
Result<std::filesystem::path> check_way_below(const std::filesystem::path& checked,
                                              const std::filesystem::path& directory,
                                              const std::string& name,
                                              Keeper keeper = Keeper::administrator);

struct OpenKeyFile {
  int descriptor = -1;  // the holder's to close
  struct stat status {};
};

/// Opens a file to be read. `path` has no links but for the last
/// part, which may be none. Refused: anything but a regular file, another owner, whatever others
/// may do, a group that may write, a group that may read and is not ours. Where there is an access
/// list (acl(5)), as on credentials that systemd hands over, it counts: the mode then shows the
/// list's mask, and not what the group may do.
Result<OpenKeyFile> open_key_file(const std::string& path, const std::string& name,
                                  Keeper keeper = Keeper::administrator);

}  // namespace authmilter
