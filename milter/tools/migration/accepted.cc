#include "accepted.h"

#include <fmt/format.h>

#include <authmilter/config.h>

#include "text.h"

namespace authmilter::migration {
namespace {

bool is_accepted(const std::string& text) { return bool(parse_config(text, "", "localhost")); }

}  // namespace

bool is_accepted_socket(const std::string& socket) {
  // Without the namespace it is std::quoted(), which <filesystem> may declare.
  return is_accepted(fmt::format("[milter]\nsocket = {}\n", migration::quoted(socket)));
}

bool is_accepted_key(const std::string& selector, const std::string& file) {
  return is_accepted(
      fmt::format("[[signing.domain]]\ndomain = \"example.org\"\n"
                  "keys = [{{ selector = {}, file = {} }}]\n",
                  migration::quoted(selector), migration::quoted(file)));
}

}  // namespace authmilter::migration
