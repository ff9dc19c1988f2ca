#include "options/input.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <limits>
#include <memory>
#include <system_error>

#include "output/exit_status.h"

namespace authmilter::tools {
namespace {

struct Close {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};

constexpr const char* kUtf16 =
    "it is in UTF-16, save it as the mail server has it, in octets (iconv -f UTF-16 -t UTF-8)";

std::string reason(int error) { return std::generic_category().message(error); }

Result<std::string> read_all(std::FILE* file, const std::string& name,
                             std::size_t most_octets = std::numeric_limits<std::size_t>::max()) {
  std::string text;
  std::string piece(64UL * 1024, '\0');
  while (const std::size_t got = std::fread(piece.data(), 1, piece.size(), file)) {
    if (got > most_octets - text.size())
      return Error{name + ": more than " + std::to_string(most_octets) + " octets"};
    text.append(piece, 0, got);
  }
  if (std::ferror(file) != 0) return Error{name + ": " + reason(errno)};
  return text;
}

std::string with_crlf(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 32);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) out += '\r';
    out += text[i];
  }
  return out;
}

/// What the octets at the beginning say, in words that tell what to do; or nothing.
std::string why_not_a_message(std::string_view text) {
  struct Form {
    std::string_view begin;
    const char* complaint;
  };
  static constexpr Form kForms[] = {
      {"\x1f\x8b", "it is packed with gzip, unpack it with gunzip first"},
      {"BZh", "it is packed with bzip2, unpack it with bunzip2 first"},
      {"\xfd"
       "7zXZ",
       "it is packed with xz, unpack it with unxz first"},
      {"\x28\xb5\x2f\xfd", "it is packed with zstd, unpack it with unzstd first"},
      {"PK\x03\x04", "it is a zip archive, unpack it first"},
      {"\xd0\xcf\x11\xe0", "it is a file of Outlook (.msg), save the message as .eml or as text"},
      {"\xff\xfe", kUtf16},
      {"\xfe\xff", kUtf16},
  };
  for (const Form& form : kForms) {
    if (text.starts_with(form.begin)) return form.complaint;
  }
  const bool every_other_is_nul = text.size() >= 4 && (text[0] == '\0') == (text[2] == '\0') &&
                                  (text[1] == '\0') == (text[3] == '\0') &&
                                  (text[0] == '\0') != (text[1] == '\0');
  return every_other_is_nul ? kUtf16 : "";
}

}  // namespace

Result<std::string> read_input(const std::string& path) {
  if (path.empty() || path == "-") return read_all(stdin, "standard input");
  const std::unique_ptr<std::FILE, Close> file(std::fopen(path.c_str(), "rbe"));
  if (!file) return Error{path + ": " + reason(errno)};
  return read_all(file.get(), path);
}

Result<std::string> read_message(const std::string& path) {
  auto text = read_input(path);
  if (!text) return text;
  const std::string name = path.empty() || path == "-" ? "standard input" : path;
  const std::string complaint = why_not_a_message(*text);
  if (!complaint.empty()) return Error{name + ": is not a message: " + complaint};
  if (text->starts_with("\xef\xbb\xbf")) {
    note(name +
         ": begins with a byte order mark (BOM), so its first header field has a name that "
         "is not valid: save the message without one");
  } else if (text->starts_with('\n') || text->starts_with("\r\n")) {
    note(name +
         ": begins with an empty line, so the message has no header and all of it is body: "
         "remove that line");
  } else if (text->empty()) {
    note(name + ": is empty");
  }
  return text;
}

Result<std::string> read_regular_file(const std::string& path, std::size_t most_octets) {
  if (path == "-") return read_all(stdin, "standard input", most_octets);
  // A FIFO or a terminal must not make us wait for somebody who writes.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (descriptor < 0) return Error{path + ": " + reason(errno)};
  const std::unique_ptr<std::FILE, Close> file(::fdopen(descriptor, "rb"));
  if (!file) {
    ::close(descriptor);
    return Error{path + ": " + reason(ENOMEM)};
  }
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) return Error{path + ": " + reason(errno)};
  if (!S_ISREG(status.st_mode)) return Error{path + ": not a regular file"};
  return read_all(file.get(), path, most_octets);
}

InputMessage message_from_text(std::string_view text) {
  const std::size_t end = text.find('\n');
  const bool crlf = end != std::string_view::npos && end > 0 && text[end - 1] == '\r';
  // With CRLF, a lone LF is part of the message, and an MTA would pass it on as it is.
  if (crlf) return {parse_message(text), "\r\n"};
  return {parse_message(with_crlf(text)), "\n"};
}

}  // namespace authmilter::tools
