#include "report/report_inputs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>

namespace authmilter::tools {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPieceOctets = 256 * 1024;

struct CloseFile {
  void operator()(std::FILE* file) const noexcept {
    if (file != stdin) std::fclose(file);
  }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

std::string reason(int error) { return std::generic_category().message(error); }

/// A regular file or standard input; never waits for a FIFO or a device.
Result<File> open_file(const std::string& path) {
  if (path == "-") return File(stdin);
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return Error{path + ": " + reason(errno)};
  struct stat status {};
  if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(descriptor);
    return Error{path + ": it is not a regular file"};
  }
  std::FILE* file = ::fdopen(descriptor, "rb");
  if (file == nullptr) {
    ::close(descriptor);
    return Error{path + ": " + reason(errno)};
  }
  return File(file);
}

/// Takes lines of one file together to mails, or all of it where it is not an mbox.
class Splitter {
 public:
  Splitter(const std::string& path, std::size_t most_octets, Mboxes mboxes, std::uint64_t before,
           const std::function<bool(const ReportInput&)>& take)
      : input_{path, "", before},
        path_(path),
        most_octets_(most_octets),
        mboxes_(mboxes),
        take_(take) {}

  /// False: it is enough.
  bool piece(std::string_view octets) {
    if (!begun_ && !octets.empty()) {
      begun_ = true;
      mbox_ = mboxes_ == Mboxes::split && octets.starts_with("From ");
    }
    if (!mbox_) {
      add(octets);
      return true;
    }
    while (!octets.empty()) {
      const std::size_t end = octets.find('\n');
      const std::string_view part = octets.substr(0, end == std::string_view::npos ? end : end + 1);
      octets.remove_prefix(part.size());
      line_ += part.substr(0, most_octets_ + 1 - std::min(line_.size(), most_octets_ + 1));
      line_octets_ += part.size();
      if (end != std::string_view::npos && !line()) return false;
    }
    return true;
  }
  bool finish() {
    if (!line_.empty() && !line()) return false;
    return mails_ == 0 || !mbox_ || !input_.octets.empty() ? hand_over() : true;
  }

 private:
  /// RFC 4155: a mail begins with "From ", behind an empty line, or at the beginning.
  bool line() {
    bool go_on = true;
    if (after_empty_ && line_.starts_with("From ")) {
      if (mails_ > 0) go_on = hand_over();
      ++mails_;
    }
    after_empty_ = line_ == "\n" || line_ == "\r\n";
    add(line_);
    input_.read += line_octets_ - line_.size();
    line_.clear();
    line_octets_ = 0;
    return go_on;
  }
  void add(std::string_view octets) {
    input_.read += octets.size();
    // What is longer is refused by its length, and need not be here.
    input_.octets +=
        octets.substr(0, most_octets_ + 1 - std::min(input_.octets.size(), most_octets_ + 1));
  }
  bool hand_over() {
    if (mbox_) input_.name = fmt::format("{}#{}", path_, mails_);
    const bool go_on = take_(input_);
    input_.octets.clear();
    return go_on;
  }

  ReportInput input_;
  const std::string& path_;
  std::size_t most_octets_;
  Mboxes mboxes_;
  const std::function<bool(const ReportInput&)>& take_;
  std::string line_;
  std::uint64_t line_octets_ = 0;  // those that were cut too
  std::size_t mails_ = 0;
  bool begun_ = false;
  bool mbox_ = false;
  bool after_empty_ = true;
};

bool is_maildir(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path / "new", error) && fs::is_directory(path / "cur", error);
}

/// The files in a folder, sorted, so that two runs read them in the same order.
Result<std::vector<std::string>> files_in(const fs::path& folder) {
  std::vector<std::string> found;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code ignored;
    const std::string name = entry->path().filename().string();
    if (!name.starts_with('.') && entry->is_regular_file(ignored))
      found.push_back(entry->path().string());
  }
  if (error) return Error{folder.string() + ": " + error.message()};
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

Result<ReportInputs> ReportInputs::open(const std::vector<std::string>& paths,
                                        std::size_t most_octets, Mboxes mboxes) {
  ReportInputs inputs;
  inputs.most_octets_ = most_octets;
  inputs.mboxes_ = mboxes;
  for (const std::string& path : paths) {
    std::error_code error;
    if (path == "-" || !fs::is_directory(path, error)) {
      inputs.paths_.push_back(path);
      continue;
    }
    const std::vector<fs::path> folders =
        is_maildir(path) ? std::vector{fs::path(path) / "new", fs::path(path) / "cur"}
                         : std::vector{fs::path(path)};
    for (const fs::path& folder : folders) {
      const auto files = files_in(folder);
      if (!files) return files.error();
      inputs.paths_.insert(inputs.paths_.end(), files->begin(), files->end());
    }
  }
  if (paths.empty()) inputs.paths_.emplace_back("-");
  for (const std::string& path : inputs.paths_) {
    std::error_code error;
    const auto size = fs::file_size(path, error);
    if (!error) inputs.octets_ += size;
  }
  return inputs;
}

void ReportInputs::each(const std::function<bool(const ReportInput&)>& take,
                        const std::function<void(const Error&)>& trouble) {
  std::uint64_t read = 0;
  std::vector<char> buffer(kPieceOctets);
  for (const std::string& path : paths_) {
    const auto file = open_file(path);
    if (!file) {
      trouble(file.error());
      continue;
    }
    Splitter splitter(path, most_octets_, mboxes_, read, take);
    while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), file->get())) {
      read += got;
      if (!splitter.piece({buffer.data(), got})) return;
    }
    if (std::ferror(file->get()) != 0) {
      trouble(Error{path + ": " + reason(errno)});
      continue;
    }
    if (!splitter.finish()) return;
  }
}

}  // namespace authmilter::tools
