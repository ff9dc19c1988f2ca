#include <authmilter/message.h>

#include "base/ascii.h"
#include "input.h"

// Splitting a message: no octet is lost, and the fields written out again split the same way.

using namespace authmilter;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::Input input(data, size);
  const Message message = parse_message(input.text());
  require(input.text().ends_with(message.body), "the body keeps its octets");
  std::string written;
  for (const HeaderField& field : message.fields) {
    require(field.name.find_first_of(":\n") == std::string::npos, "no colon in a name");
    require(!field.name.empty(), "a field has a name");
    require(has_name(field, trim_wsp(field.name)), "a field has its own name");
    for (std::size_t at = 0; (at = field.value.find('\n', at)) != std::string::npos; ++at) {
      require(at > 0 && field.value[at - 1] == '\r', "folds are CRLF");
      require(at + 1 < field.value.size() && is_wsp(field.value[at + 1]), "a fold has a blank");
    }
    require(make_header_field(field.name, field.value) == field, "a field is in its last form");
    written += field.name + ":" + field.value + "\r\n";
  }
  const Message again = parse_message(written + "\r\n" + message.body);
  require(again.fields == message.fields, "written and split, the fields are the same");
  require(again.body == message.body, "and so is the body");
  return 0;
}
