#include <authmilter/dkim.h>

#include "signature/self_test.h"

namespace authmilter {

DkimEngine::DkimEngine() { compare_with_libopendkim(); }

std::string_view to_string(DkimResult result) {
  switch (result) {
    case DkimResult::none:
      return "none";
    case DkimResult::pass:
      return "pass";
    case DkimResult::fail:
      return "fail";
    case DkimResult::policy:
      return "policy";
    case DkimResult::neutral:
      return "neutral";
    case DkimResult::temperror:
      return "temperror";
    case DkimResult::permerror:
      return "permerror";
  }
  return "";
}

}  // namespace authmilter
