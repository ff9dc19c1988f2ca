#include "store/packed_day.h"

#include <doctest/doctest.h>

#include <string>

namespace authmilter {
namespace {

PackedRows unpacked(const std::vector<std::string>& parts) {
  PackedRows rows;
  for (const std::string& part : parts) {
    CHECK(unpack(
        part, [&](PackedKey&& key, std::uint64_t messages) { rows[std::move(key)] += messages; }));
  }
  return rows;
}

std::string v4(unsigned number) {
  std::string octets;
  for (int shift = 24; shift >= 0; shift -= 8)
    octets += static_cast<char>(number >> static_cast<unsigned>(shift));
  return octets;
}

}  // namespace

TEST_CASE("rows of a day are read back from their octets") {
  const std::string v6 = std::string("\x20\x01\x0d\xb8", 4) + std::string(11, '\0');
  const PackedRows rows[] = {
      {},
      {{{1, v4(0)}, 1}},
      {{{1, v4(0xffffffff)}, 7}, {{1, v4(0xfffffffe)}, 8}, {{1, v6 + '\x01'}, 1}},
      {{{5, v6 + '\x01'}, 300},
       {{5, v6 + '\x02'}, 1},
       {{5, std::string(16, '\xff')}, 0x7fffffffffff}},
      {{{1, v4(1)}, 1}, {{127, v4(1)}, 1}, {{128, v4(1)}, 1}, {{0x7fffffffffff, v4(1)}, 1}},
  };
  for (const PackedRows& each : rows) CHECK(unpacked(pack(each)) == each);
}

TEST_CASE("many rows take several parts, of six octets a row or less") {
  PackedRows rows;
  for (unsigned i = 0; i < 60'000; ++i)
    rows[{i / 3, v4(0x28000000 + i * 7919 % 65'536)}] = 1 + i % 3;
  const auto parts = pack(rows);
  CHECK(parts.size() > 1);
  std::size_t octets = 0;
  for (const std::string& part : parts) octets += part.size();
  CHECK(octets < rows.size() * 6);
  CHECK(unpacked(parts) == rows);
}

TEST_CASE("what is cut off or made up is refused") {
  const std::string good = pack({{{300, v4(7)}, 9}, {{300, v4(8)}, 1}}).front();
  const auto nothing = [](PackedKey&&, std::uint64_t) {};
  for (std::size_t size = 1; size < good.size(); ++size) {
    CAPTURE(size);
    CHECK_FALSE(unpack(good.substr(0, size), nothing));
  }
  CHECK_FALSE(unpack(std::string(20, '\xff'), nothing));
  CHECK_FALSE(unpack(std::string("\x01\x01\xff", 3), nothing));
}

}  // namespace authmilter
