#include <string>

#include "input.h"
#include "rows/row_text.h"
#include "store/packed_day.h"

// What stores and spools hold: a line that is a row is written as a line that is the same row, and
// octets that are rows of a day are packed into such that are the same rows.

using namespace authmilter;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::Input input(data, size);
  if (const auto row = parse_row(input.text())) {
    const std::string text = row_text(*row);
    require(text.find('\n') == std::string::npos, "a row is one line");
    const auto again = parse_row(text);
    require(again && *again == *row, "written and read, the row is the same");
  }
  PackedRows rows;
  const bool whole = unpack(input.text(), [&](PackedKey&& key, std::uint64_t messages) {
    require(key.kind >= 0, "kinds have numbers");
    require(key.source.size() == 4 || key.source.size() == 16, "sources are addresses");
    rows[std::move(key)] += messages;
  });
  if (!whole) return 0;
  PackedRows again;
  for (const std::string& part : pack(rows)) {
    require(unpack(part, [&](PackedKey&& key,
                             std::uint64_t messages) { again[std::move(key)] += messages; }),
            "what was packed is unpacked");
  }
  require(again == rows, "packed and unpacked, the rows are the same");
  return 0;
}
