#include "base/octet_search.h"

#include <doctest/doctest.h>

#include <string>

using authmilter::find_octet;

namespace {

constexpr unsigned is_x_between_a_and_b(char before, char octet, char behind) {
  return unsigned{before == 'a'} & unsigned{octet == 'x'} & unsigned{behind == 'b'};
}

}  // namespace

TEST_CASE("an octet is found by itself and its neighbours, in texts of any size") {
  for (std::size_t size = 0; size < 200; ++size) {
    CAPTURE(size);
    std::string text(size, 'x');
    CHECK(find_octet(text, is_x_between_a_and_b) == size);
    for (std::size_t place = 1; place + 1 < size; ++place) {
      CAPTURE(place);
      std::string with_it = text;
      with_it[place - 1] = 'a';
      with_it[place + 1] = 'b';
      CHECK(find_octet(with_it, is_x_between_a_and_b) == place);
    }
  }
}

TEST_CASE("the first of several octets is found, and none at the ends") {
  const std::string row = "axb";
  CHECK(find_octet(row + row, is_x_between_a_and_b) == 1);
  CHECK(find_octet(std::string(100, 'a') + row + row, is_x_between_a_and_b) == 101);
  CHECK(find_octet("xb" + std::string(100, 'y') + "ax", is_x_between_a_and_b) == 104);
}
