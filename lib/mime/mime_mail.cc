#include "mime/mime_mail.h"

#include <array>
#include <optional>
#include <utility>

#include <gmime/gmime.h>

#include "base/ascii.h"
#include "base/c_handle.h"

namespace authmilter {
namespace {

template <class T>
using GObjectHandle = CHandle<T, g_object_unref>;
using GText = CHandle<char, g_free>;

void initialise_gmime() {
  static const bool done = (g_mime_init(), true);
  static_cast<void>(done);
}

/// What GMime would keep an object for: lines that may be boundaries, and lines that may be fields.
std::optional<Error> too_many(std::string_view octets) {
  std::size_t boundaries = 0;
  std::size_t fields = 0;
  while (!octets.empty()) {
    const std::size_t end = octets.find('\n');
    const std::string_view line = octets.substr(0, end);
    octets.remove_prefix(end == std::string_view::npos ? octets.size() : end + 1);
    if (line.starts_with("--")) ++boundaries;
    std::size_t name = 0;
    while (name < line.size() && is_visible(line[name]) && line[name] != ':') ++name;
    if (name > 0 && name < line.size() && line[name] == ':') ++fields;
    if (boundaries > MimeMail::kMostBoundaries) return Error{"the mail has too many parts"};
    if (fields > MimeMail::kMostFields) return Error{"the mail has too many fields"};
  }
  return std::nullopt;
}

std::string type_of(GMimeObject* object) {
  GMimeContentType* type = g_mime_object_get_content_type(object);
  if (type == nullptr) return "";
  const GText text(g_mime_content_type_get_mime_type(type));
  return text ? to_lower(std::string_view(text.get())) : "";
}

/// The octets of one part, decoded as they are asked for.
class PartContent : public OctetSource {
 public:
  explicit PartContent(GMimePart* part) {
    GMimeDataWrapper* content = g_mime_part_get_content(part);
    if (content == nullptr) return;
    stream_ = g_mime_data_wrapper_get_stream(content);
    g_mime_encoding_init_decode(&encoding_, g_mime_data_wrapper_get_encoding(content));
    if (stream_ != nullptr) g_mime_stream_reset(stream_);
  }

  Result<std::string_view> next() override {
    while (stream_ != nullptr) {
      const auto size = g_mime_stream_read(stream_, raw_.data(), raw_.size());
      if (size <= 0) {
        stream_ = nullptr;
        break;
      }
      decoded_.resize(g_mime_encoding_outlen(&encoding_, static_cast<std::size_t>(size)));
      decoded_.resize(g_mime_encoding_step(&encoding_, raw_.data(), static_cast<std::size_t>(size),
                                           decoded_.data()));
      if (!decoded_.empty()) return std::string_view(decoded_);
    }
    return std::string_view();
  }

 private:
  GMimeStream* stream_ = nullptr;  // the part's
  GMimeEncoding encoding_{};
  std::array<char, 64 * 1024> raw_{};
  std::string decoded_;
};

}  // namespace

struct MimeMail::Impl {
  GByteArray octets{};  // GMime's view of what is not its own
  GObjectHandle<GMimeStream> stream;
  GObjectHandle<GMimeMessage> message;
  std::vector<MimePart> parts;
  std::vector<GMimeObject*> objects;  // of `message`, beside `parts`

  /// Lists what is in the message, without recursion. False where there is too much.
  bool list() {
    struct Place {
      GMimeObject* object;
      std::size_t depth;
      std::size_t within;
    };
    std::vector<Place> open;
    if (GMimeObject* body = g_mime_message_get_mime_part(message.get()))
      open.push_back({body, 0, 0});
    while (!open.empty()) {
      const Place place = open.back();
      open.pop_back();
      if (place.depth > kMostDepth || parts.size() == kMostParts) return false;
      MimePart part{type_of(place.object), place.within, ""};
      if (GMIME_IS_MULTIPART(place.object)) {
        auto* multipart = GMIME_MULTIPART(place.object);
        for (int i = g_mime_multipart_get_count(multipart) - 1; i >= 0; --i) {
          open.push_back({g_mime_multipart_get_part(multipart, i), place.depth + 1, place.within});
        }
        continue;
      }
      if (GMIME_IS_MESSAGE_PART(place.object)) {
        GMimeMessage* inner = g_mime_message_part_get_message(GMIME_MESSAGE_PART(place.object));
        if (inner == nullptr) continue;
        const GText header(g_mime_object_get_headers(GMIME_OBJECT(inner), nullptr));
        if (header) part.header = header.get();
        if (GMimeObject* body = g_mime_message_get_mime_part(inner)) {
          open.push_back({body, place.depth + 1, place.within + 1});
        }
      }
      parts.push_back(std::move(part));
      objects.push_back(place.object);
    }
    return true;
  }
};

MimeMail::MimeMail(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
MimeMail::MimeMail(MimeMail&&) noexcept = default;
MimeMail& MimeMail::operator=(MimeMail&&) noexcept = default;
MimeMail::~MimeMail() = default;

Result<MimeMail> MimeMail::parse(std::string_view octets) {
  if (const auto error = too_many(octets)) return *error;
  initialise_gmime();
  auto impl = std::make_unique<Impl>();
  // A stream over the octets where they stand: it only reads them, and does not own the array.
  impl->octets.data = const_cast<guint8*>(reinterpret_cast<const guint8*>(octets.data()));
  impl->octets.len = static_cast<guint>(octets.size());
  impl->stream.reset(g_mime_stream_mem_new());
  g_mime_stream_mem_set_byte_array(GMIME_STREAM_MEM(impl->stream.get()), &impl->octets);
  const GObjectHandle<GMimeParser> parser(g_mime_parser_new_with_stream(impl->stream.get()));
  impl->message.reset(g_mime_parser_construct_message(parser.get(), nullptr));
  if (!impl->message) return Error{"it is neither a report nor a mail"};
  if (!impl->list()) return Error{"the mail has too many parts"};
  return MimeMail(std::move(impl));
}

const std::vector<MimePart>& MimeMail::parts() const { return impl_->parts; }

std::unique_ptr<OctetSource> MimeMail::content(std::size_t part) const {
  GMimeObject* object = impl_->objects[part];
  if (!GMIME_IS_PART(object)) return std::make_unique<TextSource>("");
  return std::make_unique<PartContent>(GMIME_PART(object));
}

}  // namespace authmilter
