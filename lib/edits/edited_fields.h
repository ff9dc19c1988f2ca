#pragma once

#include <authmilter/header_edit.h>
#include <authmilter/message.h>

#include <vector>

namespace authmilter {

/// The header as it will be behind `edits`, which stand in the order to apply: what those read who
/// come after us. Insertions are on top, at index 0.
std::vector<HeaderField> fields_after(const std::vector<HeaderField>& fields,
                                      const std::vector<HeaderEdit>& edits);

}  // namespace authmilter
