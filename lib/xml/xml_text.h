#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/octet_source.h"

namespace authmilter {

/// XML on its way to libxml2: UTF-8 without an error in it, no document type, and nothing that the
/// library would keep without bound.
///
/// - Octets that are not UTF-8 become U+FFFD, control characters blanks. UTF-16 with a byte order
///   mark, and ISO 8859-1 and Windows-1252 that are declared, are converted; whatever else is
///   declared is read as UTF-8, so no other encoding reaches a parser.
/// - A `<` that begins no tag and an `&` that begins no reference, which there are in published
///   reports, become `&lt;` and `&amp;`. So there are no entities but XML's five.
/// - A document type is an error: nobody needs one, and all of XML's bombs do.
/// - It ends with the root element: what stands behind is not looked at.
class XmlText : public OctetSource {
 public:
  /// libxml2 2.9 compares each attribute with all others of its tag, so a tag ends soon.
  static constexpr std::size_t kMostTagOctets = 16 * 1024;
  static constexpr std::size_t kMostDepth = 64;

  /// `source` must outlive it.
  explicit XmlText(OctetSource& source) : source_(source) {}

  Result<std::string_view> next() override;
  /// Whether something was mended so far.
  bool mended() const { return mended_; }
  /// Whether the source ended before the root element did.
  bool cut() const { return finished_ && depth_ > 0 && state_ != State::end; }
  /// Whether the root element has ended.
  bool ended() const { return state_ == State::end; }

 private:
  enum class Encoding : std::uint8_t { unknown, utf8, latin1, utf16_little, utf16_big };
  enum class State : std::uint8_t {
    text,
    markup,     // behind `<`: `token_` tells what begins
    reference,  // behind `&`
    tag,
    quoted,  // an attribute's value
    comment,
    cdata,
    instruction,
    end,
  };

  /// Tells the encoding by the first octets, and how many of them are not of the text.
  std::size_t recognise(std::string_view octets);
  void decode(std::string_view octets);
  void decode_utf8(std::string_view octets);
  void decode_utf16(std::string_view octets);
  void character(std::uint32_t code);
  void put(char c);
  void in_text(char c);
  void in_markup(char c);
  void in_reference(char c);
  void in_tag(char c);
  void begin_token(State state, char c);
  void not_markup();
  void not_reference();
  void end_of_tag();
  void refuse(std::string_view reason);
  /// Nothing more is wanted.
  bool over() const { return state_ == State::end || !error_.empty(); }

  OctetSource& source_;
  Encoding encoding_ = Encoding::unknown;
  State state_ = State::text;
  State before_ = State::text;  // a reference
  std::string_view pending_;    // of the source's piece
  std::string undecoded_;       // of a character that is cut
  std::string token_;
  std::string out_;
  std::string error_;
  std::uint32_t high_surrogate_ = 0;
  std::size_t tag_octets_ = 0;
  std::size_t depth_ = 0;
  char quote_ = 0;
  char last_ = 0;
  char before_last_ = 0;
  bool closing_ = false;
  bool mended_ = false;
  bool finished_ = false;
};

}  // namespace authmilter
