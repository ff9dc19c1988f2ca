#include "message/sendmail_form.h"

#include <algorithm>

#include "base/ascii.h"
#include "input.h"

// Lists of addresses as Sendmail writes them: only blanks and empty elements change, and to write a
// list twice changes nothing more.
//
//     name
//     value, to the end

using namespace authmilter;
using fuzz::require;

namespace {

std::string without(std::string_view text, std::string_view letters) {
  std::string out;
  std::copy_if(text.begin(), text.end(), std::back_inserter(out),
               [&](char c) { return letters.find(c) == std::string_view::npos; });
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const std::string_view name = input.line();
  const std::string_view value = input.rest();
  const std::string written = as_sendmail_writes(name, value);
  require(as_sendmail_writes(name, written) == written, "written twice, the same");
  require(as_sendmail_writes("X-" + std::string(name), value) == value, "other fields stay");
  require(without(written, ", \t\r\n") == without(value, ", \t\r\n"), "no word changes");
  require(std::count(written.begin(), written.end(), '\n') <=
              std::count(value.begin(), value.end(), '\n'),
          "no line is added");
  require(value.find(',') != std::string_view::npos || written == value, "one address is no list");
  const std::string upper = [&] {
    std::string out(name);
    for (char& c : out) c = is_lower(c) ? static_cast<char>(c - 'a' + 'A') : c;
    return out;
  }();
  require(as_sendmail_writes(upper, value) == written, "names have no case");
  return 0;
}
