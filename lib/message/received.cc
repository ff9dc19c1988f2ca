#include "message/received.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "base/ascii.h"

namespace authmilter {
namespace {

// RFC 5322 section 2.1.1 allows 998 characters a line; MTAs write three or four short ones.
constexpr std::size_t kFieldOctets = 4000;

struct Token {
  enum class Kind { word, comment };
  Kind kind;
  std::string_view text;  // of a comment what stands between its parentheses
};

bool ends_word(char c) { return is_fws(c) || c == '(' || c == ')' || c == ';' || c == '"'; }

/// The tokens before the date; nothing where one is not whole.
class Tokens {
 public:
  explicit Tokens(std::string_view text) : rest_(text) {}

  std::optional<Token> take() {
    while (!rest_.empty() && is_fws(rest_.front())) rest_.remove_prefix(1);
    if (rest_.empty() || rest_.front() == ';') return std::nullopt;
    if (rest_.front() == '(') return comment();
    const auto end = std::find_if(rest_.begin(), rest_.end(), ends_word);
    const auto length = static_cast<std::size_t>(end - rest_.begin());
    if (length == 0) return std::nullopt;  // a quoted string, which nobody has use for here
    const Token token{Token::Kind::word, rest_.substr(0, length)};
    rest_.remove_prefix(length);
    return token;
  }
  /// Of the next one; false at the end.
  bool at_comment() {
    while (!rest_.empty() && is_fws(rest_.front())) rest_.remove_prefix(1);
    return rest_.starts_with('(');
  }
  /// What take() has left: where all before was tokens the date with its semicolon, or nothing.
  std::string_view rest() const { return rest_; }

 private:
  std::optional<Token> comment() {
    std::size_t depth = 0;
    for (std::size_t i = 0; i < rest_.size(); ++i) {
      if (rest_[i] == '\\') {
        ++i;
      } else if (rest_[i] == '(') {
        ++depth;
      } else if (rest_[i] == ')' && --depth == 0) {
        const Token token{Token::Kind::comment, rest_.substr(1, i - 1)};
        rest_.remove_prefix(i + 1);
        return token;
      }
    }
    return std::nullopt;
  }

  std::string_view rest_;
};

bool is_word(const std::optional<Token>& token, std::string_view word) {
  return token && token->kind == Token::Kind::word && equals_ignoring_case(token->text, word);
}

/// RFC 5321 section 4.1.3, with or without "IPv6:", which Exim leaves out.
std::optional<IpAddress> read_literal(std::string_view text) {
  if (!text.starts_with('[') || !text.ends_with(']')) return std::nullopt;
  text = text.substr(1, text.size() - 2);
  if (starts_with_ignoring_case(text, "ipv6:")) text.remove_prefix(5);
  return IpAddress::parse(text);
}

bool has_brackets(std::string_view text) {
  return text.find_first_of("[]") != std::string_view::npos;
}

/// Some hosts write no brackets around what they saw, and ident's answer before it.
bool shows_an_address(std::string_view comment) {
  if (has_brackets(comment)) return true;
  comment = trim_fws(comment.substr(comment.rfind('@') + 1));
  if (starts_with_ignoring_case(comment, "ipv6:")) comment.remove_prefix(5);
  return IpAddress::parse(comment).has_value();
}

/// What may stand before the address: a host's name that the DNS gave, or that there is none. A
/// word without a dot could be a client's.
bool is_host_name(std::string_view text) {
  if (text.empty() || text == "unknown" || text == "localhost") return true;
  return text.find('.') != std::string_view::npos && DomainName::parse(text).has_value();
}

/// "helo=NAME" among words that Exim writes.
std::string_view find_helo(std::string_view text) {
  for (const std::string_view word : split(text, ' ')) {
    if (word.starts_with("helo=")) return word.substr(5);
  }
  return {};
}

struct Client {
  IpAddress address;
  std::string_view helo;
};

/// `name` is the word behind "from", `comment` what stands behind that.
std::optional<Client> read_client(std::string_view name, std::string_view comment) {
  const auto brackets = std::count(comment.begin(), comment.end(), '[') +
                        std::count(comment.begin(), comment.end(), ']');
  if (brackets == 0) {
    // Exim, of a client without a name: the word is the address, and the comment its own.
    const auto address = read_literal(name);
    const bool of_exim = comment.starts_with("helo=") || comment.starts_with("port=");
    if (!address || !of_exim) return std::nullopt;
    return Client{*address, find_helo(comment)};
  }
  const std::size_t open = comment.find('[');
  const std::size_t close = comment.find(']');
  // More of them, and one may be what the client calls itself.
  if (brackets != 2 || close == std::string_view::npos || close < open) return std::nullopt;
  if (!is_host_name(trim_fws(comment.substr(0, open)))) return std::nullopt;
  const auto address = read_literal(comment.substr(open, close + 1 - open));
  if (!address) return std::nullopt;
  const std::string_view helo = find_helo(comment.substr(close + 1));
  return Client{*address, helo.empty() ? name : helo};
}

/// Behind the writer's name. Where a host writes down what the client calls itself as it came, this
/// may be a whole field in small, and what the host saw stands behind it.
bool ends_as_one_field(Tokens& tokens) {
  bool first = true;  // where Microsoft has the writer's address
  while (const auto token = tokens.take()) {
    switch (token->kind) {
      case Token::Kind::word:
        if (is_word(token, "by") || is_word(token, "from")) return false;
        break;
      case Token::Kind::comment:
        if (has_brackets(token->text) && !(first && read_literal(token->text))) return false;
        break;
    }
    first = false;
  }
  std::string_view date = tokens.rest();
  if (date.empty()) return true;
  if (date.front() != ';') return false;
  date.remove_prefix(1);
  return date.find_first_of(";[]") == std::string_view::npos;
}

}  // namespace

std::optional<ReceivedFrom> read_received(std::string_view value) {
  if (value.size() > kFieldOctets) return std::nullopt;
  Tokens tokens(value);
  while (tokens.at_comment()) {
    if (!tokens.take()) return std::nullopt;
  }
  std::optional<Client> client;
  auto token = tokens.take();
  if (is_word(token, "from")) {
    const auto name = tokens.take();
    if (!name || name->kind != Token::Kind::word || !tokens.at_comment()) return std::nullopt;
    const auto comment = tokens.take();
    if (!comment) return std::nullopt;
    client = read_client(name->text, comment->text);
    if (!client) return std::nullopt;
    token = tokens.take();
    for (; token && token->kind == Token::Kind::comment; token = tokens.take()) {
      // Another client: one of the two is what the client wrote of itself.
      if (shows_an_address(token->text)) return std::nullopt;
    }
  }
  if (!is_word(token, "by")) return std::nullopt;
  const auto name = tokens.take();
  auto by = name && name->kind == Token::Kind::word ? DomainName::parse(name->text) : std::nullopt;
  if (!by || !ends_as_one_field(tokens)) return std::nullopt;
  ReceivedFrom received{.by = *std::move(by), .client = std::nullopt, .helo = {}};
  if (client) {
    received.client = client->address;
    received.helo = std::string(client->helo);
  }
  return received;
}

}  // namespace authmilter
