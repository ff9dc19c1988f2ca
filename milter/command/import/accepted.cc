#include "import/accepted.h"

#include <fmt/format.h>

#include <authmilter/config.h>

#include "import/text.h"

namespace authmilter::importer {
namespace {

bool is_accepted(const std::string& text) { return bool(parse_config(text, "", "localhost")); }

}  // namespace

bool is_accepted_socket(const std::string& socket) {
  // Without the namespace it is std::quoted(), which <filesystem> may declare.
  return is_accepted(fmt::format("[milter]\nsocket = {}\n", importer::quoted(socket)));
}

bool is_accepted_key(const std::string& selector, const std::string& file) {
  return is_accepted(
      fmt::format("[[signing.domain]]\ndomain = \"example.org\"\n"
                  "keys = [{{ selector = {}, file = {} }}]\n",
                  importer::quoted(selector), importer::quoted(file)));
}

}  // namespace authmilter::importer
