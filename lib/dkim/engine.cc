#include "dkim/engine.h"

#include "signature/self_test.h"

namespace authmilter {

DkimEngine::DkimEngine() : impl_(std::make_unique<Impl>()) { compare_with_libopendkim(); }
DkimEngine::~DkimEngine() = default;

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
