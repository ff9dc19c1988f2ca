#include "edits/edited_fields.h"

#include <map>
#include <string>
#include <utility>

#include "base/ascii.h"

namespace authmilter {
namespace {

/// Which field an index of a removal or replacement means.
using Place = std::pair<std::string, std::size_t>;

}  // namespace

std::vector<HeaderField> fields_after(const std::vector<HeaderField>& fields,
                                      const std::vector<HeaderEdit>& edits) {
  std::vector<HeaderField> after;
  std::map<Place, const HeaderEdit*> changes;
  for (auto edit = edits.rbegin(); edit != edits.rend(); ++edit) {
    if (edit->action == HeaderEdit::Action::insert) {
      after.push_back(make_header_field(edit->name, ' ' + edit->value));
    } else {
      changes[{to_lower(edit->name), edit->index}] = &*edit;
    }
  }
  std::map<std::string, std::size_t> seen;
  for (const HeaderField& field : fields) {
    const std::string name = to_lower(field.name);
    const auto change = changes.find({name, ++seen[name]});
    if (change == changes.end()) {
      after.push_back(field);
    } else if (change->second->action == HeaderEdit::Action::replace) {
      after.push_back(make_header_field(field.name, ' ' + change->second->value));
    }
  }
  return after;
}

}  // namespace authmilter
