#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <authmilter/result.h>

#include "archive/unpack.h"
#include "base/octet_source.h"

namespace authmilter {

/// What is packed by gzip (RFC 1952), all members joined. An error where the CRC or the length is
/// wrong, where it is cut, or where the budget is used up. Both must outlive it.
class GzipSource : public OctetSource {
 public:
  GzipSource(OctetSource& packed, UnpackBudget& budget);
  ~GzipSource() override;
  Result<std::string_view> next() override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Packs by gzip, a piece at a time. The same text gives the same octets: no name and no time are
/// in them.
class GzipWriter {
 public:
  GzipWriter();
  GzipWriter(GzipWriter&&) noexcept;
  GzipWriter& operator=(GzipWriter&&) noexcept;
  ~GzipWriter();
  void add(std::string_view text);
  /// Once, at the end: all that was packed.
  std::string finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace authmilter
