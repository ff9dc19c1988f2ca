#include "signature/hash_engine.h"

#include <algorithm>
#include <new>
#include <set>
#include <stdexcept>
#include <string>

#include "signature/opendkim.h"

namespace authmilter {
namespace {

/// A field that no signature can sign. It always goes first: libopendkim's header selection wants
/// one field more than any h= can use up.
constexpr std::string_view kPadding = "x y: z";

/// The library looks each name of an h= up by comparing it with the fields one after the other.
/// Mail of three signatures with 40 names and 80 fields makes 10,000 comparisons; much more is
/// nothing to compare with.
constexpr std::size_t kNameComparisons = 40'000;

/// The library compares t= and x= with its own clock; check_time() is what counts. Beyond this a
/// signature is not taken.
constexpr std::uint64_t kClockDriftSeconds = 10ULL * 366 * 24 * 3600;

/// What libopendkim made of one signature.
struct Hashes {
  Sha256Digest header{};
  Sha256Digest body{};
};

std::optional<Hashes> read_hashes(DKIM_SIGINFO* signature) {
  // "Unknown" is the library's word for a signature that is set up and not judged; one with
  // another word has no hashes to ask for.
  if (dkim_sig_geterror(signature) != DKIM_SIGERROR_UNKNOWN) return std::nullopt;
  void* header = nullptr;
  void* body = nullptr;
  std::size_t header_octets = 0;
  std::size_t body_octets = 0;
  Hashes hashes;
  if (dkim_sig_gethashes(signature, &header, &header_octets, &body, &body_octets) != DKIM_STAT_OK ||
      header_octets != hashes.header.size() || body_octets != hashes.body.size()) {
    return std::nullopt;
  }
  std::copy_n(static_cast<const std::uint8_t*>(header), header_octets, hashes.header.begin());
  std::copy_n(static_cast<const std::uint8_t*>(body), body_octets, hashes.body.begin());
  return hashes;
}

}  // namespace

struct DkimLibrary::Handle {
  DkimLibraryHandle library;
};

/// From dkim_verify() to dkim_free().
class HashSession {
 public:
  explicit HashSession(const DkimLibrary& library) {
    DKIM_STAT status = DKIM_STAT_OK;
    handle_.reset(dkim_verify(library.handle_->library.get(), kId, nullptr, &status));
    if (!handle_) throw std::bad_alloc();
    dkim_set_user_context(handle_.get(), this);
    field(kPadding);
  }

  bool field(std::string_view text) {
    return dkim_header(handle_.get(), octets(text), text.size()) == DKIM_STAT_OK;
  }
  bool end_of_headers() { return ok_ = dkim_eoh(handle_.get()) == DKIM_STAT_OK; }
  void body(std::string_view piece) {
    if (ok_) ok_ = dkim_body(handle_.get(), octets(piece), piece.size()) == DKIM_STAT_OK;
  }
  /// In the order of the signatures that were fed; nothing for those that the library refused.
  const std::vector<std::optional<Hashes>>& finish() {
    // Its result is about signatures that on_final() has taken away.
    if (ok_) dkim_eom(handle_.get(), nullptr);
    return hashes_;
  }

  /// All hashes are ready here, and no key was asked for yet.
  void on_final(DKIM_SIGINFO** signatures, int count) {
    for (int i = 0; i < count; ++i) {
      hashes_.push_back(read_hashes(signatures[i]));
      dkim_sig_ignore(signatures[i]);
    }
  }

 private:
  /// The library copies what it is given.
  static unsigned char* octets(std::string_view text) {
    return reinterpret_cast<unsigned char*>(const_cast<char*>(text.data()));
  }

  static constexpr unsigned char kId[] = "authmilter";
  DkimHandle handle_;
  bool ok_ = true;
  std::vector<std::optional<Hashes>> hashes_;
};

namespace {

extern "C" DKIM_CBSTAT no_key(DKIM*, DKIM_SIGINFO*, unsigned char*, std::size_t) noexcept {
  return DKIM_CBSTAT_NOTFOUND;
}

extern "C" DKIM_CBSTAT final_hashes(DKIM* dkim, DKIM_SIGINFO** signatures, int count) noexcept {
  try {
    static_cast<HashSession*>(dkim_get_user_context(dkim))->on_final(signatures, count);
    return DKIM_CBSTAT_CONTINUE;
  } catch (...) {  // memory only; the signatures without hashes then get no verdict from here
    return DKIM_CBSTAT_ERROR;
  }
}

template <class T>
void set_option(DKIM_LIB* library, dkim_opts_t option, T value) {
  if (dkim_options(library, DKIM_OP_SETOPT, option, &value, sizeof value) != DKIM_STAT_OK)
    throw std::runtime_error("libopendkim: cannot set an option");
}

}  // namespace

DkimLibrary::DkimLibrary() : handle_(std::make_unique<Handle>()) {
  handle_->library.reset(dkim_init(nullptr, nullptr));
  DKIM_LIB* library = handle_->library.get();
  if (library == nullptr) throw std::bad_alloc();
  unsigned flags = 0;
  dkim_options(library, DKIM_OP_GETOPT, DKIM_OPTS_FLAGS, &flags, sizeof flags);
  // No keys before the end of the message, and every signature counted: read_signature() has
  // refused the bad ones before. Never FIXCRLF, CACHE or TMPFILES.
  flags |= DKIM_LIBFLAGS_DELAYSIGPROC | DKIM_LIBFLAGS_BADSIGHANDLES;
  set_option(library, DKIM_OPTS_FLAGS, flags);
  set_option(library, DKIM_OPTS_CLOCKDRIFT, kClockDriftSeconds);
  dkim_set_key_lookup(library, no_key);
  dkim_set_final(library, final_hashes);
}

DkimLibrary::~DkimLibrary() = default;

std::vector<std::optional<Sha256Digest>> library_header_hashes(
    const DkimLibrary& library, const std::vector<MessageField>& fields,
    const std::vector<SignatureToHash>& signatures) {
  std::vector<std::optional<Sha256Digest>> out(signatures.size());
  SignableHeader header(fields);
  std::vector<std::size_t> taken;
  std::set<std::string_view> names;
  std::size_t mentions = 0;
  for (std::size_t i = 0; i < signatures.size(); ++i) {
    const auto& signed_names = signatures[i].header->names;
    if (!header.library_takes(signatures[i])) continue;
    taken.push_back(i);
    mentions += signed_names.size();
    names.insert(signed_names.begin(), signed_names.end());
  }
  std::vector<const MessageField*> wanted;
  for (const auto& field : fields) {
    if (names.contains(field.name)) wanted.push_back(&field);
  }
  if (taken.empty() || mentions * wanted.size() > kNameComparisons) return out;

  HashSession session(library);
  for (const MessageField* field : wanted) session.field(field->text);
  taken.erase(
      std::remove_if(taken.begin(), taken.end(),
                     [&](std::size_t i) { return !session.field(signatures[i].field->text); }),
      taken.end());
  session.end_of_headers();
  const auto& hashes = session.finish();
  if (hashes.size() != taken.size()) return out;
  for (std::size_t i = 0; i < taken.size(); ++i) {
    if (hashes[i]) out[taken[i]] = hashes[i]->header;
  }
  return out;
}

std::optional<Sha256Digest> library_body_hash(const DkimLibrary& library,
                                              Canonicalization canonicalization,
                                              std::string_view body) {
  HashSession session(library);
  session.field("From: <a@example.com>");
  // A signature that stands for nothing but its c=.
  session.field("DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=s; h=from; c=simple/" +
                std::string(to_string(canonicalization)) + "; bh=AAAA; b=AAAA");
  session.end_of_headers();
  session.body(body);
  const auto& hashes = session.finish();
  return hashes.size() == 1 && hashes[0] ? std::optional(hashes[0]->body) : std::nullopt;
}

}  // namespace authmilter
