#include <authmilter/config_edit.h>

#include <doctest/doctest.h>

#include <string>

using namespace authmilter;

namespace {

const DomainName kDomain = *DomainName::parse("example.org");

std::string with(const std::string& text, const char* selector = "new") {
  const auto changed = with_signing_key(text, "t", kDomain, *Selector::parse(selector),
                                        KeySource::of_file("/k/n.pem"));
  return changed ? *changed : changed.error().message;
}
std::string without(const std::string& text, const char* selector) {
  const auto changed = without_signing_key(text, "t", kDomain, *Selector::parse(selector));
  return changed ? *changed : changed.error().message;
}

}  // namespace

TEST_CASE("a key comes into a list as the list is written") {
  const std::string head = "[[signing.domain]]\ndomain = \"example.org\"\nkeys = ";
  const std::string entry = "{ selector = \"new\", file = \"/k/n.pem\" }";
  const struct {
    const char* why;
    std::string keys;
    std::string changed;
  } rows[] = {
      {"in one line", "[{ selector = \"a\", file = \"a\" }]",
       "[{ selector = \"a\", file = \"a\" }, " + entry + "]"},
      {"in one line with a comma at its end", "[ { selector = \"a\", file = \"a\" }, ]  # mine",
       "[ { selector = \"a\", file = \"a\" }, " + entry + ", ]  # mine"},
      {"a line each", "[\n  { selector = \"a\", file = \"a\" }\n]\n",
       "[\n  { selector = \"a\", file = \"a\" },\n  " + entry + "\n]\n"},
      {"with commas at their ends", "[\n\t{ selector = \"a\", file = \"a\" },\n]\nx = 1\n", ""},
      {"comments stay with their keys",
       "[\n  { selector = \"a\", file = \"a\" },  # ], old\n  # more\n]\n",
       "[\n  { selector = \"a\", file = \"a\" },  # ], old\n  " + entry + ",\n  # more\n]\n"},
      {"a comment without a comma", "[\n  { selector = \"a\", file = \"a\" }  # {\n]\n",
       "[\n  { selector = \"a\", file = \"a\" },  # {\n  " + entry + "\n]\n"},
      {"brackets in strings",
       "[{ selector = \"a\", file = '/]\"},{' }, { selector = \"b\", file = \"\\\"]\" }]",
       "[{ selector = \"a\", file = '/]\"},{' }, { selector = \"b\", file = \"\\\"]\" }, " + entry +
           "]"},
      {"letters outside ASCII before it", "[{ selector = \"a\", file = \"/k\u00e4y\" }]",
       "[{ selector = \"a\", file = \"/k\u00e4y\" }, " + entry + "]"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    if (row.changed.empty()) {
      CHECK(with(head + row.keys) ==
            head + "[\n\t{ selector = \"a\", file = \"a\" },\n\t" + entry + ",\n]\nx = 1\n");
    } else {
      CHECK(with(head + row.keys) == head + row.changed);
    }
  }
}

TEST_CASE("of several domains the right one is changed") {
  const std::string text =
      "# keys\n[[signing.domain]]\ndomain = \"a.example\"\nkeys = [{ selector = \"a\", file = "
      "\"a\" }]\n"
      "[[signing.domain]]\nkeys = [{ selector = \"o\", file = \"o\" }] # of\ndomain = "
      "'Example.ORG'\n";
  CHECK(with(text) ==
        "# keys\n[[signing.domain]]\ndomain = \"a.example\"\nkeys = [{ selector = \"a\", file = "
        "\"a\" }]\n"
        "[[signing.domain]]\nkeys = [{ selector = \"o\", file = \"o\" }, { selector = \"new\", "
        "file = "
        "\"/k/n.pem\" }] # of\ndomain = 'Example.ORG'\n");
}

TEST_CASE("a key goes out of a list, its line with it") {
  const std::string head = "[[signing.domain]]\ndomain = \"example.org\"\nkeys = ";
  const std::string a = "{ selector = \"a\", file = \"a\" }";
  const std::string b = "{ selector = \"b\", file = \"b\" }";
  const struct {
    const char* why;
    std::string keys;
    const char* gone;
    std::string changed;
  } rows[] = {
      {"the first in a line", "[" + a + ", " + b + "]", "a", "[" + b + "]"},
      {"the last in a line", "[" + a + ", " + b + "]", "b", "[" + a + "]"},
      {"the first line", "[\n  " + a + ",  # old\n  " + b + ",\n]\n", "a", "[\n  " + b + ",\n]\n"},
      {"the last line", "[\n  " + a + ",\n  " + b + "\n]\n", "b", "[\n  " + a + "\n]\n"},
      {"the last line with its comma", "[\n  " + a + ",  # keep\n  " + b + ",\n]\n", "b",
       "[\n  " + a + ",  # keep\n]\n"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(without(head + row.keys, row.gone) == head + row.changed);
  }
}

TEST_CASE("what cannot be changed so is said with its place") {
  CHECK(with("[signing]\n") == "t: has no [[signing.domain]]");
  CHECK(with("[[signing.domain]]\ndomain = \"a.example\"\nkeys = [{ selector = \"a\", file = \"a\" "
             "}]\n") == "t: has no keys of example.org");
  CHECK(with("[[signing.domain]]\ndomain = \"example.org\"\n[[signing.domain.keys]]\nselector = "
             "\"a\"\n"
             "file = \"a\"\n")
            .find("change them by hand") != std::string::npos);
  const std::string one =
      "[[signing.domain]]\ndomain = \"example.org\"\nkeys = [{ selector = \"a\", file = \"a\" }]\n";
  CHECK(without(one, "a") == "t:3:8: a is the only key of example.org");
  CHECK(without(one, "b") == "t:3:8: example.org has no key b");
}

TEST_CASE("many lists of one text are changed at once") {
  const std::string text =
      "# \u00e4\n[[signing.domain]]\ndomain = \"a.example\"\n"
      "keys = [{ selector = \"a\", file = \"a\" }]  # one\n"
      "[[signing.domain]]\ndomain = \"b.example\"\nkeys = [\n"
      "  { selector = \"a\", file = \"a\" },  # of b\n]\n"
      "[[signing.domain]]\ndomain = \"c.example\"\n[[signing.domain.keys]]\n"
      "selector = \"a\"\nfile = \"a\"\n"
      "[[signing.domain]]\ndomain = \"d.example\"\nkeys = [{ selector = \"d\", file = \"d\" }]\n";
  const auto domain = [](const char* name) { return *DomainName::parse(name); };
  const auto selector = [](const char* name) { return *Selector::parse(name); };
  auto editor = KeyListEditor::read(text, "t");
  REQUIRE(editor);
  const std::vector<KeyListEditor::NewKey> added = {{selector("n"), KeySource::of_file("/n")}};
  CHECK(editor->change(domain("a.example"), {}, added));
  CHECK(editor->change(domain("b.example"), {selector("a")}, added));  // never without a key
  CHECK(editor->change(domain("d.example"), {}, added));
  editor->leave(domain("d.example"));
  const auto refused = editor->change(domain("c.example"), {}, added);
  REQUIRE_FALSE(refused);
  CHECK_MESSAGE(refused.error().message.starts_with("t:12:"), refused.error().message);
  CHECK_FALSE(editor->change(domain("e.example"), {}, added));
  CHECK_FALSE(editor->change(domain("d.example"), {selector("x")}, {}));
  CHECK(editor->has(domain("a.example"), selector("n")));
  CHECK_FALSE(editor->has(domain("b.example"), selector("a")));
  CHECK_FALSE(editor->has(domain("d.example"), selector("n")));
  const auto changed = editor->text();
  REQUIRE(changed);
  CHECK(
      *changed ==
      "# \u00e4\n[[signing.domain]]\ndomain = \"a.example\"\n"
      "keys = [{ selector = \"a\", file = \"a\" }, { selector = \"n\", file = \"/n\" }]  # one\n"
      "[[signing.domain]]\ndomain = \"b.example\"\nkeys = [\n"
      "  { selector = \"n\", file = \"/n\" },\n]\n"
      "[[signing.domain]]\ndomain = \"c.example\"\n[[signing.domain.keys]]\n"
      "selector = \"a\"\nfile = \"a\"\n"
      "[[signing.domain]]\ndomain = \"d.example\"\nkeys = [{ selector = \"d\", file = \"d\" }]\n");
}
