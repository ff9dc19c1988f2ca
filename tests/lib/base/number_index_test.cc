#include "base/number_index.h"

#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <vector>

using authmilter::NumberIndex;

TEST_CASE("an index finds each number by its thing, whatever the hashes") {
  const std::vector<std::string> things = {"a", "b", "c", "b", "d"};
  for (const std::size_t distinct : {std::size_t{1}, std::size_t{2}, ~std::size_t{0}}) {
    CAPTURE(distinct);
    const auto hash = [&](const std::string& thing) {
      return std::hash<std::string>()(thing) % distinct;
    };
    NumberIndex index(things.size());
    const auto is = [&](const std::string& wanted) {
      return [&](std::uint32_t number) { return things[number] == wanted; };
    };
    for (std::uint32_t i = 0; i < things.size(); ++i)
      CHECK(index.find_or_add(hash(things[i]), i, is(things[i])) == (i == 3 ? 1 : i));
    CHECK(index.find(hash("d"), is("d")) == 4);
    CHECK_FALSE(index.find(hash("e"), is("e")));
  }
  CHECK_FALSE(NumberIndex().find(7, [](std::uint32_t) { return true; }));
}
