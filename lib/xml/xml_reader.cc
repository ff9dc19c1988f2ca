#include "xml/xml_reader.h"

#include <algorithm>
#include <exception>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <libxml/xmlreader.h>

#include "base/c_handle.h"
#include "xml/xml_text.h"

namespace authmilter {
namespace {

/// libxml2's text.
std::string_view view(const xmlChar* text) {
  return text == nullptr ? std::string_view() : reinterpret_cast<const char*>(text);
}

}  // namespace

struct XmlReader::Impl {
  explicit Impl(OctetSource& source) : text(source) {}

  XmlText text;
  std::string_view rest;  // of the last piece of `text`
  std::string error;      // of `text`
  CHandle<xmlTextReader, xmlFreeTextReader> reader;
  bool empty_element = false;  // whose end is yet to be said
  bool finished = false;

  int read(char* into, int most) {
    if (rest.empty() && error.empty()) {
      const auto piece = text.next();
      if (!piece) {
        error = piece.error().message;
        return -1;
      }
      rest = *piece;
    }
    const std::size_t size = std::min(rest.size(), static_cast<std::size_t>(std::max(most, 0)));
    std::copy_n(rest.begin(), size, into);
    rest.remove_prefix(size);
    return static_cast<int>(size);
  }

  /// libxml2's xmlInputReadCallback.
  static int read_callback(void* context, char* into, int most) noexcept {
    auto* impl = static_cast<Impl*>(context);
    try {
      return impl->read(into, most);
    } catch (const std::exception& problem) {
      impl->error = problem.what();
    }
    return -1;
  }
};

namespace {

/// What it says of a document goes to nobody: the texts differ between its releases, and quote it.
extern "C" void ignore_error(void*, xmlErrorPtr) noexcept {}

}  // namespace

XmlReader::XmlReader(OctetSource& source) : impl_(std::make_unique<Impl>(source)) {
  // Everything is UTF-8 by now, whatever the document declares. Without XML_PARSE_HUGE the library
  // keeps its own limits: 10 MB for a text, and for the names of all elements together.
  const int options =
      XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_IGNORE_ENC;
  impl_->reader.reset(
      xmlReaderForIO(Impl::read_callback, nullptr, impl_.get(), nullptr, "UTF-8", options));
  if (!impl_->reader) throw std::bad_alloc();
  xmlTextReaderSetStructuredErrorHandler(impl_->reader.get(), ignore_error, nullptr);
}

XmlReader::XmlReader(XmlReader&&) noexcept = default;
XmlReader& XmlReader::operator=(XmlReader&&) noexcept = default;
XmlReader::~XmlReader() = default;

Result<XmlReader::Event> XmlReader::next() {
  xmlTextReaderPtr reader = impl_->reader.get();
  if (std::exchange(impl_->empty_element, false)) return Event::end;
  while (!impl_->finished) {
    const int found = xmlTextReaderRead(reader);
    if (!impl_->error.empty()) return Error{impl_->error};
    if (impl_->text.cut()) break;
    if (found < 0) {
      return Error{fmt::format("it is not well-formed XML (line {})",
                               xmlTextReaderGetParserLineNumber(reader))};
    }
    if (found == 0) break;
    switch (xmlTextReaderNodeType(reader)) {
      case XML_READER_TYPE_ELEMENT:
        impl_->empty_element = xmlTextReaderIsEmptyElement(reader) == 1;
        return Event::start;
      case XML_READER_TYPE_END_ELEMENT:
        return Event::end;
      case XML_READER_TYPE_TEXT:
      case XML_READER_TYPE_CDATA:
        return Event::text;
      case XML_READER_TYPE_DOCUMENT_TYPE:
      case XML_READER_TYPE_ENTITY_REFERENCE:
        // XmlText has refused them already.
        return Error{"it has a document type (DTD)"};
      default:  // of an int: comments, instructions and blanks say nothing
        break;
    }
  }
  impl_->finished = true;
  if (!impl_->text.ended()) return Error{"its XML ends before its root element does"};
  return Event::finished;
}

std::string_view XmlReader::name() const {
  return view(xmlTextReaderConstLocalName(impl_->reader.get()));
}
std::string_view XmlReader::name_space() const {
  return view(xmlTextReaderConstNamespaceUri(impl_->reader.get()));
}
std::string_view XmlReader::text() const {
  return view(xmlTextReaderConstValue(impl_->reader.get()));
}
bool XmlReader::mended() const { return impl_->text.mended(); }

}  // namespace authmilter
