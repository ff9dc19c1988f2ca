#include <authmilter/config.h>

#include "base/ascii.h"
#include "input.h"

// The configuration: printed and read again it is the same, a mistake is one printable line that
// says where, and no unknown key slips in.

using namespace authmilter;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::Input input(data, size);
  const std::string host = "mx.example.org";
  const auto config = parse_config(input.text(), "f", host);
  if (!config) {
    const std::string& message = config.error().message;
    require(fuzz::printable_ascii(message), "a mistake is one printable line");
    require(message.size() < 1200, "and a short one");
    const auto places = split(message, ':');
    require(places.size() > 3 && places[0] == "f" && !places[1].empty() && !places[2].empty() &&
                places[1].find_first_not_of("0123456789") == std::string_view::npos &&
                places[2].find_first_not_of("0123456789") == std::string_view::npos,
            "it says where");
    return 0;
  }
  require(config->authserv_id.has_value(), "there is an authserv-id");
  const std::string printed = print_config(*config);
  const auto again = parse_config(printed, "printed", host);
  require(again && print_config(*again) == printed, "printed and read, the same");
  require(!parse_config("unknown_key = 1\n" + std::string(input.text()), "f", host),
          "unknown keys are mistakes");
  return 0;
}
