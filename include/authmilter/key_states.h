#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <authmilter/domain_name.h>
#include <authmilter/file_version.h>
#include <authmilter/result.h>
#include <authmilter/rotation.h>

namespace authmilter {

/// What all state files of a directory say. Immutable, thread-safe.
class KeyStates {
 public:
  struct Entry {
    FileVersion version;
    bool settled = false;                    // see SigningDropIn
    std::shared_ptr<const DomainKeys> keys;  // of the file when it could be read last; may be null
    std::string error;                       // why it cannot be read now; empty when it can
  };

  /// Reads the files that are not as `previous` (may be null) has them. One that cannot be read
  /// keeps what was known of its domain. A directory that is not there has no files; another error
  /// is in error().
  static std::shared_ptr<const KeyStates> load(const std::filesystem::path& directory,
                                               const KeyStates* previous = nullptr);

  /// Null where nothing is known of the domain.
  const DomainKeys* find(const std::string& domain) const;
  const std::unordered_map<std::string, Entry>& entries() const { return entries_; }
  const std::string& error() const { return error_; }
  /// True when both say the same of every domain.
  bool same_as(const KeyStates& other) const;

 private:
  std::unordered_map<std::string, Entry> entries_;  // by domain
  std::string error_;
};

/// What becomes of a symbolic link: an administrator's leads to the file that is meant, one in a
/// directory of another user's leads wherever that user likes.
enum class Links : std::uint8_t { followed, replaced };
/// A file that is there, with its new text.
struct Replaced {
  std::string risk;  // why a power cut might bring the old one back; empty: it is on the disk
};
/// A file's text replaced as a whole, its owner and mode kept, and on the disk before this returns.
/// An error says that the old one is there as it was, never that the new one might be. A new file
/// has mode 0644. Errors begin with the path.
Result<Replaced> replace_file(const std::filesystem::path& path, std::string_view text,
                              Links links);

/// The directory of the state files, one a domain, each written as a whole: whoever reads finds the
/// old one or the new one, a full disk leaves the old one. Beside them stand the days on which keys
/// were used (see Uses).
class KeyStateFiles {
 public:
  explicit KeyStateFiles(std::filesystem::path directory) : directory_(std::move(directory)) {}

  /// While it lives nobody else changes the files. An error where somebody has it, or the directory
  /// cannot be used.
  class Lock {
   public:
    explicit Lock(int descriptor) : descriptor_(descriptor) {}
    Lock(Lock&& other) noexcept : descriptor_(other.descriptor_) { other.descriptor_ = -1; }
    Lock& operator=(Lock&&) = delete;
    ~Lock() { release(); }
    /// Earlier than at its end.
    void release();

   private:
    int descriptor_;
  };
  Result<Lock> lock() const;

  std::filesystem::path file_of(const DomainName& domain) const;
  /// Nothing where there is no file; an error where it cannot be read, or was cut off.
  Result<std::optional<DomainKeys>> read(const DomainName& domain) const;
  Result<Replaced> write(const DomainKeys& keys) const;
  Status remove(const DomainName& domain) const;
  /// Of every state file, in the order of their names.
  Result<std::vector<DomainName>> domains() const;

  /// The last days on which keys were used, days since 1970, by domain and selector.
  using Uses = std::map<std::pair<std::string, std::string>, std::int64_t>;
  /// What all of the daemon's processes have noted, and one of them.
  Uses last_uses() const;
  Uses uses_of(std::size_t process) const;
  Status write_uses(std::size_t process, const Uses& uses) const;

 private:
  std::filesystem::path directory_;
};

}  // namespace authmilter
