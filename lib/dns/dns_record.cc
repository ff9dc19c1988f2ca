#include <authmilter/dns_record.h>

namespace authmilter {

std::string_view to_string(RrType type) {
  switch (type) {
    case RrType::a:
      return "A";
    case RrType::ptr:
      return "PTR";
    case RrType::mx:
      return "MX";
    case RrType::txt:
      return "TXT";
    case RrType::aaaa:
      return "AAAA";
  }
  return "unknown";
}

}  // namespace authmilter
