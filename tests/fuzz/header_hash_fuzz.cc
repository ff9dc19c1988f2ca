#include "dkim/signature.h"
#include "input.h"
#include "signature/hash_engine.h"

// The header's hash of every signature in a message: libopendkim's and our own way must agree
// wherever the library is asked.

using namespace authmilter;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const DkimLibrary library;
  const fuzz::Input input(data, size);
  std::vector<MessageField> fields;
  std::vector<DkimSignature> signatures;
  std::vector<std::size_t> places;
  for (const HeaderField& field : parse_message(input.text()).fields) {
    if (fields.size() == 100) break;
    fields.push_back(make_message_field(field));
    if (fields.back().name != "dkim-signature" || signatures.size() == 10) continue;
    if (auto read = read_signature(field.value); read.signature) {
      signatures.push_back(std::move(*read.signature));
      places.push_back(fields.size() - 1);
    }
  }
  std::vector<SignatureToHash> inputs;
  for (std::size_t i = 0; i < signatures.size(); ++i) {
    inputs.push_back({&signatures[i].header, &fields[places[i]]});
  }
  const auto by_library = library_header_hashes(library, fields, inputs);
  const auto hashes = hash_headers(fields, inputs);
  require(by_library.size() == inputs.size() && hashes.size() == inputs.size(), "one hash each");
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto own = sha256(canonical_header(fields, inputs[i]));
    require(!by_library[i] || *by_library[i] == own, "the library and we agree");
    require(hashes[i] == own, "every signature has its hash");
  }
  return 0;
}
