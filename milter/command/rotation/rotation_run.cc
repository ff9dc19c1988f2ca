#include "rotation/rotation_run.h"

#include <fmt/format.h>

#include "output/output.h"

namespace authmilter::tools {

void worsen(ExitStatus& status, ExitStatus other) {
  if (static_cast<int>(other) > static_cast<int>(status)) status = other;
}

ExitStatus say_what_is_left_out(const SigningConfig& signing) {
  ExitStatus status = ExitStatus::done;
  for (const auto& drop_in : signing.drop_ins) {
    if (!drop_in->fault.empty()) status = fail(ExitStatus::negative, drop_in->fault);
  }
  for (const std::string& fault : signing.faults) status = fail(ExitStatus::negative, fault);
  if (signing.tables != nullptr) {
    note(fmt::format("the keys of signing.key_table ({}) are left out: they are changed by hand",
                     signing.table_names.keys.text()));
  }
  return status;
}

std::string format_of(const RotationOptions& options, const CommonOptions& common,
                      const char* otherwise) {
  if (common.json) return "json";
  return options.format.empty() ? otherwise : options.format;
}

}  // namespace authmilter::tools
