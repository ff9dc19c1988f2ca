#include <authmilter/failure_report_mail.h>

#include <algorithm>
#include <array>

#include <authmilter/crypto.h>
#include <authmilter/message.h>

#include "base/ascii.h"

namespace authmilter {
namespace {

/// A hundred bits of a hash.
constexpr std::size_t kRedactedDigits = 16;

/// By these its author finds a message in his logs; what it says is not among them.
constexpr std::array<std::string_view, 6> kKeptFields = {"From",    "Date",           "Message-ID",
                                                         "List-Id", "DKIM-Signature", "Subject"};

/// RFC 5322 section 3.2.3, atext, and the dot between atoms.
bool is_local_part(char c) {
  return is_alnum(c) ||
         std::string_view("!#$%&'*+-/=?^_`{|}~.").find(c) != std::string_view::npos ||
         (c & '\x80') != 0;
}

/// What stands before an address in results (RFC 8601 section 2.2), and could be a part of it.
constexpr std::array<std::string_view, 6> kProperties = {
    "smtp.mailfrom=", "smtp.rcptto=", "smtp.mail=", "smtp.helo=", "header.from=", "header.i="};

/// Of the quoted string that `text` ends with (RFC 5322 section 3.2.4: a quote in it stands behind
/// a backslash); where none opens it, all of it may be one.
std::size_t opening_quote(std::string_view text) {
  for (std::size_t at = text.size() - 1; at > 0; --at) {
    if (text[at - 1] == '"' && (at == 1 || text[at - 2] != '\\')) return at - 1;
  }
  return 0;
}

/// With something else for the local part of each address in it.
template <class Replace>
std::string with_local_parts(std::string_view text, Replace replace) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '@') {
      out += text[at];
      continue;
    }
    // Back over what stands before it: a quoted string, or atoms.
    std::size_t start = out.size();
    if (out.ends_with('"')) {
      start = opening_quote(out);
    } else {
      while (start > 0 && is_local_part(out[start - 1])) --start;
      // A tag of a signature: "i=user@example.org".
      const std::size_t tag = out.find('=', start);
      if (tag != std::string::npos && tag == start + 1) start = tag + 1;
      for (const std::string_view property : kProperties) {
        if (std::string_view(out).substr(start).starts_with(property)) start += property.size();
      }
    }
    const std::string local = out.substr(start);
    out.resize(start);
    if (!local.empty()) out += replace(local);
    out += '@';
  }
  return out;
}

std::string without_local_parts(std::string_view text, std::string_view key) {
  return with_local_parts(text, [&](const std::string& local) { return redaction(local, key); });
}

std::string without_links(std::string text) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    for (std::size_t at = 0; at + scheme.size() <= text.size(); ++at) {
      if (starts_with_ignoring_case(std::string_view(text).substr(at), scheme)) {
        text.replace(at, 4, "hxxp");
      }
    }
  }
  return text;
}

/// Of a From field, its addresses.
std::string addresses_only(std::string_view value) {
  std::string out;
  for (const std::string_view piece : split(value, ',')) {
    const std::size_t open = piece.rfind('<');
    const std::size_t close = piece.rfind('>');
    const bool angled =
        open != std::string_view::npos && close != std::string_view::npos && open < close;
    const std::string_view address =
        trim_fws(angled ? piece.substr(open + 1, close - open - 1) : piece);
    if (address.find('@') == std::string_view::npos) continue;
    out += (out.empty() ? "<" : ", <") + std::string(address) + ">";
  }
  return out;
}

/// RFC 2047 section 2: an address in an encoded word does not look like one.
bool has_encoded_words(std::string_view value) {
  return value.find("=?") != std::string_view::npos;
}

/// RFC 6376 section 3.5, z: copies of fields, those that are not kept among them.
std::string without_copied_fields(std::string_view signature) {
  std::string out;
  bool is_first = true;
  for (const std::string_view tag : split(signature, ';')) {
    if (trim_fws(tag.substr(0, tag.find('='))) == "z") continue;
    if (!is_first) out += ';';
    is_first = false;
    out += tag;
  }
  return out;
}

std::string redacted_header(std::string_view header, std::string_view key) {
  std::string out;
  for (const HeaderField& field : parse_message(std::string(header) + "\n\n").fields) {
    const auto* kept = std::find_if(kKeptFields.begin(), kKeptFields.end(),
                                    [&](std::string_view name) { return has_name(field, name); });
    if (kept == kKeptFields.end()) continue;
    std::string value;
    for (const char c : trim_fws(field.value)) {
      if (c != '\r' && c != '\n') value += c;
    }
    if (*kept == "From") value = addresses_only(value);
    if (*kept == "DKIM-Signature") {
      value = without_copied_fields(value);
    } else if (has_encoded_words(value)) {
      continue;
    }
    out += std::string(*kept) + ": " + without_links(without_local_parts(value, key)) + "\n";
  }
  return out;
}

}  // namespace

std::string redaction(std::string_view text, std::string_view key) {
  const Sha256Digest digest = sha256(std::string(key) + "\n" + std::string(text));
  std::string out;
  for (const char c : base64_encode(digest)) {
    if (is_alnum(c) && out.size() < kRedactedDigits) out += c;
  }
  return out;
}

std::string domains_only(std::string_view text) {
  return with_local_parts(text, [](const std::string&) { return std::string(); });
}

FailureReport redacted(const FailureReport& report, std::string_view key) {
  FailureReport out = report;
  for (std::string* text : {&out.original_mail_from, &out.original_rcpt_to, &out.dkim_identity,
                            &out.authentication_results, &out.original_message_id}) {
    *text = without_local_parts(*text, key);
  }
  out.original_from = without_local_parts(addresses_only(out.original_from), key);
  if (has_encoded_words(out.original_subject)) out.original_subject.clear();
  out.original_subject = without_links(without_local_parts(out.original_subject, key));
  out.original_header = redacted_header(out.original_header, key);
  // What was signed may be anything that the message says.
  out.dkim_canonicalized_header.clear();
  out.dkim_canonicalized_body.clear();
  return out;
}

}  // namespace authmilter
