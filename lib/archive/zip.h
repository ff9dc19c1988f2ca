#pragma once

#include <memory>

#include <authmilter/result.h>

#include "archive/unpack.h"
#include "base/octet_source.h"

namespace authmilter {

/// The files in a zip, one after the other, read by libarchive without going back. Both must
/// outlive it.
class ZipReader {
 public:
  ZipReader(OctetSource& packed, UnpackBudget& budget);
  ~ZipReader();

  /// The next file's octets, valid until the next call; null behind the last.
  Result<OctetSource*> next_member();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace authmilter
