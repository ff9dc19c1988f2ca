#include <authmilter/canonicalization.h>

namespace authmilter {

std::string_view to_string(Canonicalization canonicalization) {
  switch (canonicalization) {
    case Canonicalization::simple:
      return "simple";
    case Canonicalization::relaxed:
      return "relaxed";
  }
  return "";
}

}  // namespace authmilter
