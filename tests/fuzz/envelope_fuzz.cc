#include <authmilter/message.h>

#include "input.h"

// The reverse-path and the HELO name (RFC 5321 sections 4.1.1.1 and 4.1.2).

using namespace authmilter;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::Input input(data, size);
  const std::string text(input.text());
  const ReversePath path = parse_reverse_path(text);
  require(path.null == (text.empty() || text == "<>"), "only <> and nothing are null");
  require(!(path.null && path.domain), "a null path has no domain");
  if (path.domain) {
    require(!path.error, "a mailbox is not an error");
    const std::string mailbox = mailbox_text(path);
    const ReversePath again = parse_reverse_path(mailbox);
    require(again.domain == path.domain && again.local_part == path.local_part,
            "written and read, the mailbox is the same");
    const ReversePath angled = parse_reverse_path("<" + mailbox + ">");
    require(angled.domain == path.domain && angled.local_part == path.local_part,
            "angle brackets are no difference");
    require(!parse_reverse_path(mailbox + ",a@b.example").domain, "one mailbox only");
    require(!parse_reverse_path("<" + mailbox).domain, "an open bracket is an error");
  }
  require(path.valid() == (path.null || path.domain), "null, a mailbox or an error");
  if (const auto helo = parse_helo(text).domain) {
    require(helo->label_count() >= 2, "a HELO name has two labels");
    require(parse_helo(helo->text()).domain == helo, "parsing a HELO name's text changes nothing");
    require(!parse_helo("[" + text + "]").domain, "a literal is no name");
  }
  return 0;
}
