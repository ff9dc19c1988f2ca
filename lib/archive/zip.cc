#include "archive/zip.h"

#include <archive.h>
#include <archive_entry.h>

#include <cerrno>
#include <exception>
#include <new>
#include <string>
#include <string_view>

#include "base/c_handle.h"

namespace authmilter {
namespace {

using ArchiveHandle = CHandle<archive, archive_read_free>;

/// libarchive says what is wrong with a zip in words of its own, and not always.
constexpr std::string_view kDamaged = "its zip data are damaged";

/// The other methods take as much memory as the file asks for, and no report has them. libarchive
/// says the method in the format's name: "ZIP 2.0 (deflation)".
bool is_taken(std::string_view format) {
  return format.find("(deflation)") != std::string_view::npos ||
         format.find("(uncompressed)") != std::string_view::npos;
}

}  // namespace

struct ZipReader::Impl : OctetSource {
  Impl(OctetSource& source, UnpackBudget& limits) : packed(source), budget(limits) {
    handle.reset(archive_read_new());
    if (!handle || archive_read_support_format_zip_streamable(handle.get()) != ARCHIVE_OK) {
      throw std::bad_alloc();
    }
  }

  /// libarchive's archive_read_callback.
  static la_ssize_t read_callback(archive* zip, void* context, const void** octets) noexcept {
    auto* impl = static_cast<Impl*>(context);
    try {
      const auto piece = impl->packed.next();
      if (piece) {
        *octets = piece->data();
        return static_cast<la_ssize_t>(piece->size());
      }
      impl->error = piece.error().message;
    } catch (const std::exception& problem) {
      impl->error = problem.what();
    }
    archive_set_error(zip, EIO, "the source failed");
    return -1;
  }

  Error damaged() const { return Error{error.empty() ? std::string(kDamaged) : error}; }

  Result<OctetSource*> next_member() {
    if (!opened) {
      opened = true;
      if (archive_read_open(handle.get(), this, nullptr, read_callback, nullptr) < ARCHIVE_WARN) {
        return damaged();
      }
    }
    // What was left of the last one is read here: libarchive would unpack it without an end.
    for (; in_member;) {
      const auto piece = next();
      if (!piece) return piece.error();
      in_member = !piece->empty();
    }
    for (;;) {
      archive_entry* entry = nullptr;
      const int found = archive_read_next_header(handle.get(), &entry);
      if (found == ARCHIVE_EOF) return nullptr;
      // A name in UTF-8 is a warning where no locale was set; the name is not wanted.
      if (found < ARCHIVE_WARN) return damaged();
      if (budget.members == 0) return Error{"too many files are packed in it"};
      --budget.members;
      if (archive_entry_filetype(entry) != AE_IFREG) continue;
      if (archive_entry_is_encrypted(entry) != 0) return Error{"it is encrypted"};
      const char* format = archive_format_name(handle.get());
      if (format == nullptr || !is_taken(format)) {
        return Error{"it is compressed in another way than by deflate"};
      }
      in_member = true;
      return this;
    }
  }

  Result<std::string_view> next() override {
    for (;;) {
      const void* octets = nullptr;
      std::size_t size = 0;
      la_int64_t offset = 0;
      const int found = archive_read_data_block(handle.get(), &octets, &size, &offset);
      if (found == ARCHIVE_EOF) return std::string_view();
      // A warning has data: the sizes or the CRC are not those that the zip says.
      if (found < ARCHIVE_WARN) return damaged();
      if (size > budget.octets) return too_much(budget);
      budget.octets -= size;
      if (size > 0) return std::string_view(static_cast<const char*>(octets), size);
    }
  }

  OctetSource& packed;
  UnpackBudget& budget;
  ArchiveHandle handle;
  std::string error;  // of `packed`
  bool opened = false;
  bool in_member = false;
};

ZipReader::ZipReader(OctetSource& packed, UnpackBudget& budget)
    : impl_(std::make_unique<Impl>(packed, budget)) {}
ZipReader::~ZipReader() = default;
Result<OctetSource*> ZipReader::next_member() { return impl_->next_member(); }

}  // namespace authmilter
