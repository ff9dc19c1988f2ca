#include <authmilter/authentication_results.h>

#include "base/ascii.h"
#include "results/lexer.h"

namespace authmilter {
namespace {

// Nobody runs two hundred methods. Each result costs memory, and a field has room for ten thousand.
constexpr std::size_t kResultCount = 200;

Error error_at(const ResultsLexer& lexer, std::string_view expected) {
  return {"Authentication-Results: " + std::string(expected) + " expected at octet " +
          std::to_string(lexer.position())};
}

/// `methodspec` of RFC 8601 section 2.2, behind the method's name.
Result<MethodResult> read_method(ResultsLexer& lexer, std::string method) {
  MethodResult result;
  result.method = std::move(method);
  if (lexer.take('/')) {
    lexer.skip();
    auto version = lexer.take_digits();
    if (!version) return error_at(lexer, "method version");
    result.version = *std::move(version);
    lexer.skip();
  }
  if (!lexer.take('=')) return error_at(lexer, "'='");
  lexer.skip();
  auto outcome = lexer.take_keyword();
  if (!outcome) return error_at(lexer, "result");
  result.result = *std::move(outcome);
  return result;
}

/// `propspec`, or with an empty `ptype` something like `reasonspec`.
Result<ResultProperty> read_property(ResultsLexer& lexer) {
  ResultProperty property;
  auto name = lexer.take_keyword();
  if (!name) return error_at(lexer, "property");
  lexer.skip();
  if (lexer.take('.')) {
    lexer.skip();
    property.ptype = *std::move(name);
    name = lexer.take_keyword();
    if (!name) return error_at(lexer, "property");
    lexer.skip();
  }
  property.property = *std::move(name);
  if (!lexer.take('=')) return error_at(lexer, "'='");
  lexer.skip();
  auto value = lexer.take_property_value();
  if (!value) return error_at(lexer, "value");
  property.value = *std::move(value);
  return property;
}

Result<MethodResult> read_result(ResultsLexer& lexer, std::string method) {
  auto result = read_method(lexer, std::move(method));
  bool first = true;
  while (result) {
    const bool separated = lexer.skip();
    if (lexer.at_end() || lexer.at(';')) break;
    if (!separated) return error_at(lexer, "blank");
    auto property = read_property(lexer);
    if (!property) return property.error();
    if (!property->ptype.empty()) {
      result->properties.push_back(*std::move(property));
    } else if (first && property->property == "reason") {
      result->reason = std::move(property->value);
    }
    // Large senders write other properties without a type too (`action=none`). The grammar has none
    // such; they mean nothing to us.
    first = false;
  }
  return result;
}

}  // namespace

Result<AuthenticationResults> parse_authentication_results(std::string_view value) {
  if (value.size() > kResultsFieldOctets) {
    return Error{"Authentication-Results: longer than " + std::to_string(kResultsFieldOctets) +
                 " octets"};
  }
  ResultsLexer lexer(value);
  AuthenticationResults results;
  lexer.skip();
  auto id = lexer.take_value();
  if (!id) return error_at(lexer, "authserv-id");
  results.authserv_id = *std::move(id);
  if (lexer.skip()) {
    results.version = lexer.take_digits().value_or("");
    lexer.skip();
  }
  if (!lexer.at(';')) return error_at(lexer, "';'");
  bool none = false;
  while (lexer.take(';')) {
    lexer.skip();
    // The grammar has no semicolon at the end; many write one.
    if (lexer.at_end() && (none || !results.results.empty())) break;
    if (none) return error_at(lexer, "end");
    auto method = lexer.take_keyword();
    if (!method) return error_at(lexer, "method");
    lexer.skip();
    none = results.results.empty() && *method == "none" && (lexer.at_end() || lexer.at(';'));
    if (none) continue;
    if (results.results.size() == kResultCount) {
      return Error{"Authentication-Results: more than " + std::to_string(kResultCount) +
                   " results"};
    }
    auto result = read_result(lexer, *std::move(method));
    if (!result) return result.error();
    results.results.push_back(*std::move(result));
  }
  if (!lexer.at_end()) return error_at(lexer, "end");
  return results;
}

}  // namespace authmilter
