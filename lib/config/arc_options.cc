#include <algorithm>

#include "config/formats.h"
#include "config/options.h"

namespace authmilter {
namespace {

bool has_source(const Config& config, KeyStore store) {
  const auto& source = config.arc.source;
  return source && (source->store == KeyStore::file) == (store == KeyStore::file);
}

constexpr Option<Config> kArc[] = {
    {"seal",
     [](Reader& reader, const Value& value, Config& config) {
       assign(config.arc.seal, reader.boolean(value));
     },
     [](const Config& config) { return std::string(config.arc.seal ? "true" : "false"); }},
    {"domain",
     [](Reader& reader, const Value& value, Config& config) {
       assign(config.arc.domain, reader.parsed(value, parse_domain));
     },
     [](const Config& config) {
       return config.arc.domain ? literal(config.arc.domain->text()) : "";
     }},
    {"selector",
     [](Reader& reader, const Value& value, Config& config) {
       assign(config.arc.selector, reader.parsed(value, Selector::of_own_key));
     },
     [](const Config& config) {
       return config.arc.selector ? literal(config.arc.selector->text()) : "";
     }},
    {"file",
     [](Reader& reader, const Value& value, Config& config) {
       auto path = reader.parsed(value, parse_path);
       if (path) config.arc.source = KeySource::of_file(*std::move(path));
     },
     [](const Config& config) {
       return has_source(config, KeyStore::file) ? literal(config.arc.source->text) : "";
     }},
    {"key",
     [](Reader& reader, const Value& value, Config& config) {
       assign(config.arc.source, reader.parsed(value, KeySource::parse_key));
     },
     [](const Config& config) {
       return has_source(config, KeyStore::pkcs11) ? literal(config.arc.source->written()) : "";
     }},
    {"recipient",
     [](Reader& reader, const Value& value, Config& config) {
       auto patterns = reader.one_or_more(value, parse_recipient_pattern);
       if (patterns) config.arc.recipient = *std::move(patterns);
     },
     [](const Config& config) {
       return config.arc.recipient.empty() ? "" : literal_list(config.arc.recipient);
     }},
};

}  // namespace

Options<Config> arc_options() { return kArc; }

void check_arc(Reader& reader, const Value& root, ArcConfig& arc) {
  const Value* table = root.find("arc");
  if (table == nullptr) return;
  arc.place = reader.place(table->place);
  const Value* file = table->find("file");
  const Value* key = table->find("key");
  const Value* source = file != nullptr ? file : key;
  if (file != nullptr && key != nullptr)
    reader.refuse(
        *std::max(file, key, [](const Value* a, const Value* b) { return a->place < b->place; }),
        "a key has either a file or a key");
  // Under which name it is published is nothing to guess.
  if (source != nullptr && !arc.selector) reader.refuse(*source, "needs arc.selector beside it");
  const Value* seal = table->find("seal");
  if (seal != nullptr && arc.seal && !arc.domain)
    reader.refuse(*seal, "needs arc.domain beside it, whose seal it is");
  if (source != nullptr) arc.place = reader.place(source->place);
}

}  // namespace authmilter
