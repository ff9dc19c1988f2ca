#include "import/accepted.h"

#include <fmt/format.h>

#include <authmilter/config.h>
#include <authmilter/toml_literal.h>

namespace authmilter::importer {
namespace {

bool is_accepted(const std::string& text) { return bool(parse_config(text, "", "localhost")); }

}  // namespace

bool is_accepted_socket(const std::string& socket) {
  return is_accepted(fmt::format("[milter]\nsocket = {}\n", literal(socket)));
}

bool is_accepted_key(const std::string& selector, const std::string& file) {
  return is_accepted(
      fmt::format("[[signing.domain]]\ndomain = \"example.org\"\n"
                  "keys = [{{ selector = {}, file = {} }}]\n",
                  literal(selector), literal(file)));
}

}  // namespace authmilter::importer
