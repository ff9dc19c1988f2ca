#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include <authmilter/result.h>

#include "base/octet_source.h"

namespace authmilter {

/// An XML document as a row of events, read by libxml2 from what XmlText lets through, so it has no
/// document type, no entities and no more depth than that, and memory does not grow with its
/// length. Attributes, comments and processing instructions are left out. `source` must outlive it.
/// One thread at a time.
class XmlReader {
 public:
  enum class Event : std::uint8_t { start, text, end, finished };

  explicit XmlReader(OctetSource& source);
  XmlReader(XmlReader&&) noexcept;
  XmlReader& operator=(XmlReader&&) noexcept;
  ~XmlReader();

  /// The next event; `finished` behind the root's end. An error is the source's, or says what is
  /// wrong with the document ("it is not well-formed XML (line 12)"); what came before it has been
  /// handed out already.
  Result<Event> next();

  // Of the last event; borrowed until the next one. Valid UTF-8.
  std::string_view name() const;  // of `start` and `end`, without a prefix
  std::string_view name_space() const;
  std::string_view text() const;  // of `text`: a piece, there may be several in a row

  /// Whether octets that were not right were replaced.
  bool mended() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace authmilter
