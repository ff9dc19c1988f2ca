#include "edits/edited_fields.h"

#include <doctest/doctest.h>

#include <string>

using namespace authmilter;

TEST_CASE("the header behind the edits is what the MTA makes of it") {
  using Action = HeaderEdit::Action;
  const std::vector<HeaderField> fields = {
      {"Subject", " a"}, {"X", " 1"}, {"subject", " b"}, {"x", " 2"}, {"X", " 3"}};
  const std::vector<HeaderEdit> edits = {{Action::remove, 3, "X", ""},
                                         {Action::remove, 1, "X", ""},
                                         {Action::replace, 2, "subject", "tagged b"},
                                         {Action::insert, 0, "Lower", "l"},
                                         {Action::insert, 0, "Upper", "a\n\tb"}};
  std::string text;
  for (const HeaderField& field : fields_after(fields, edits))
    text += field.name + ":" + field.value + "|";
  CHECK(text == "Upper: a\r\n\tb|Lower: l|Subject: a|subject: tagged b|x: 2|");
  CHECK(fields_after(fields, {}).size() == fields.size());
}
