#pragma once

#include <string>
#include <string_view>

namespace authmilter {

/// What an engine writes for the words in braces of a schema.
struct SchemaWords {
  std::string_view octets, number, by_key;
};

inline std::string schema_text(std::string_view sql, const SchemaWords& words) {
  struct Pair {
    std::string_view name, word;
  };
  std::string text(sql);
  for (const Pair& pair : {Pair{"{octets}", words.octets}, Pair{"{number}", words.number},
                           Pair{"{by_key}", words.by_key}}) {
    for (std::size_t at = text.find(pair.name); at != std::string::npos;
         at = text.find(pair.name, at + pair.word.size()))
      text.replace(at, pair.name.size(), pair.word);
  }
  return text;
}

}  // namespace authmilter
