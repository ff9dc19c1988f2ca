#include "input.h"

#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

namespace authmilter::tools {
namespace {

struct Close {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};

std::string reason(int error) { return std::generic_category().message(error); }

Result<std::string> read_all(std::FILE* file, const std::string& name) {
  std::string text;
  std::string piece(64UL * 1024, '\0');
  while (const std::size_t got = std::fread(piece.data(), 1, piece.size(), file)) {
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

}  // namespace

Result<std::string> read_input(const std::string& path) {
  if (path.empty() || path == "-") return read_all(stdin, "standard input");
  const std::unique_ptr<std::FILE, Close> file(std::fopen(path.c_str(), "rbe"));
  if (!file) return Error{path + ": " + reason(errno)};
  return read_all(file.get(), path);
}

InputMessage message_from_text(std::string_view text) {
  const std::size_t end = text.find('\n');
  const bool crlf = end != std::string_view::npos && end > 0 && text[end - 1] == '\r';
  // With CRLF, a lone LF is part of the message, and an MTA would pass it on as it is.
  if (crlf) return {parse_message(text), "\r\n"};
  return {parse_message(with_crlf(text)), "\n"};
}

}  // namespace authmilter::tools
