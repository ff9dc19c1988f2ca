#include "message.h"

#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>

namespace bench {
namespace {

constexpr std::string_view kPlace = "{n}";

std::string content(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) throw std::runtime_error("cannot read " + file.string());
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::map<std::string_view, std::string*> envelope_keys(Message& message) {
  return {{"client", &message.client}, {"client-name", &message.client_name},
          {"helo", &message.helo},     {"mail-from", &message.mail_from},
          {"rcpt", &message.rcpt},     {"auth-user", &message.auth_user}};
}

/// Cuts the next line off, without its line end.
std::string_view next_line(std::string_view& text) {
  const auto end = text.find('\n');
  auto line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

void read_envelope(Message& message, std::string_view text, const std::string& file) {
  const auto keys = envelope_keys(message);
  while (!text.empty()) {
    const auto line = next_line(text);
    const auto equals = line.find('=');
    const auto key = keys.find(line.substr(0, equals));
    if (equals == std::string_view::npos || key == keys.end())
      throw std::runtime_error(file + ": what is '" + std::string(line) + "'?");
    *key->second = line.substr(equals + 1);
  }
}

void replace_place(std::string& text, const std::string& number) {
  for (auto at = text.find(kPlace); at != std::string::npos; at = text.find(kPlace, at))
    text.replace(at, kPlace.size(), number);
}

bool has_place(Message& message) {
  for (const auto& [key, value] : envelope_keys(message))
    if (value->find(kPlace) != std::string::npos) return true;
  for (const auto& field : message.fields)
    if (field.value.find(kPlace) != std::string::npos) return true;
  return false;
}

}  // namespace

Message read_message(const std::filesystem::path& file) {
  Message message;
  const std::string octets = content(file);
  std::string_view text = octets;
  while (!text.empty()) {
    const auto line = next_line(text);
    if (line.empty()) break;
    if (line.front() == ' ' || line.front() == '\t') {
      if (message.fields.empty()) throw std::runtime_error(file.string() + ": begins with a fold");
      message.fields.back().value.append("\n").append(line);
      continue;
    }
    const auto colon = line.find(':');
    if (colon == std::string_view::npos)
      throw std::runtime_error(file.string() + ": no header field: " + std::string(line));
    message.fields.push_back(
        {std::string(line.substr(0, colon)), std::string(line.substr(colon + 1))});
  }
  message.body = text;
  auto envelope = file;
  envelope.replace_extension(".env");
  if (std::filesystem::exists(envelope))
    read_envelope(message, content(envelope), envelope.string());
  message.numbered = has_place(message);
  return message;
}

Message with_number(const Message& message, unsigned long number) {
  Message copy = message;
  const std::string text = std::to_string(number);
  for (const auto& [key, value] : envelope_keys(copy)) replace_place(*value, text);
  for (auto& field : copy.fields) replace_place(field.value, text);
  return copy;
}

}  // namespace bench
