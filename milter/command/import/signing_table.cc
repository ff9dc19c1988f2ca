#include "import/signing_table.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "import/text.h"

namespace authmilter::importer {
namespace {

/// In place of a key's name: the key that has the author's domain for a name.
constexpr std::string_view kAuthorsKey = "%";

std::string with_domain(std::string text, const std::string& domain) {
  for (std::size_t at = text.find('%'); at != std::string::npos;
       at = text.find('%', at + domain.size())) {
    text.replace(at, 1, domain);
  }
  return text;
}

bool names_a_file(std::string_view text) {
  return text.starts_with('/') || text.starts_with("./") || text.starts_with("../");
}

/// "domain:selector:file"; the file may hold colons.
std::vector<std::string> three_parts(const std::string& value) {
  const std::size_t first = value.find(':');
  const std::size_t second = first == std::string::npos ? first : value.find(':', first + 1);
  if (second == std::string::npos) return {};
  return {std::string(trim(value.substr(0, first))),
          std::string(trim(value.substr(first + 1, second - first - 1))),
          std::string(trim(value.substr(second + 1)))};
}

}  // namespace

KeyTable::KeyTable(const DataSet& set, const std::string& directory, Remarks& remarks) {
  std::size_t place = 0;
  for (const DataSetEntry& entry : set.entries) {
    const auto parts = three_parts(entry.value);
    Key key{"", "", "", false, entry.place};
    if (parts.empty()) {
      remarks.push_back({Weight::warning, entry.place, "KeyTable",
                         fmt::format("\"{}\" is not of the form DOMAIN:SELECTOR:FILE", entry.key)});
    } else if (!names_a_file(parts[2])) {
      remarks.push_back({Weight::warning, entry.place, "KeyTable",
                         fmt::format("\"{}\" is a key in place of a file; write it to a file and "
                                     "add it to signing.domain.keys",
                                     entry.key)});
    } else {
      key = {lower(parts[0]), lower(parts[1]), below(directory, parts[2]), true, entry.place};
    }
    // Of two lines with one name the first counts.
    const std::string name = lower(entry.key);
    keys_.emplace(name, key);
    if (set.kind != DataSetKind::patterns) continue;
    if (name.find('*') == std::string::npos) {
      plain_.emplace(name, place++);
    } else {
      wild_.push_back({name, place++});
    }
  }
}

const KeyTable::Key* KeyTable::find(const std::string& name) const {
  const std::string wanted = lower(name);
  // Of the patterns that match the first in the file counts.
  const auto plain = plain_.find(wanted);
  const auto pattern = std::find_if(wild_.begin(), wild_.end(), [&](const Pattern& candidate) {
    return (plain == plain_.end() || candidate.index < plain->second) &&
           matches_wildcard(wanted, candidate.name);
  });
  const auto found = keys_.find(pattern == wild_.end() ? wanted : pattern->name);
  return found == keys_.end() ? nullptr : &found->second;
}

std::vector<std::string> KeyTable::names() const {
  std::vector<std::string> names;
  for (const auto& [name, key] : keys_) names.push_back(name);
  return names;
}

SigningTable::SigningTable(const DataSet& set, const KeyTable& keys, Matches matches,
                           Remarks& remarks)
    : keys_(keys), kind_(set.kind), matches_(matches) {
  for (const DataSetEntry& entry : set.entries) {
    lines_.push_back(read_line(entry));
    const Line& line = lines_.back();
    remark_on_line(line, entry, remarks);
    const std::size_t index = lines_.size() - 1;
    switch (line.domains.shape) {
      case Domains::Shape::exact:
        // Many lines may name users of one domain.
        if (line.user.find('*') == std::string::npos)
          by_address_[line.user + "@" + line.domains.name].push_back(index);
        else
          by_domain_[line.domains.name].push_back(index);
        break;
      case Domains::Shape::below:
        by_suffix_["." + line.domains.name].push_back(index);
        break;
      case Domains::Shape::exact_and_below:
        by_suffix_[line.domains.name].push_back(index);
        break;
      case Domains::Shape::all:
      case Domains::Shape::other:
      case Domains::Shape::never:
        wild_.push_back(index);
        break;
    }
    by_name_.emplace(line.pattern, index);
  }
}

SigningTable::Line SigningTable::read_line(const DataSetEntry& entry) const {
  Line line{lower(entry.key), "*", {}, "", entry.place};
  const std::vector<std::string> value = pieces(entry.value, ':');
  if (!value.empty()) line.key = value.front();
  line.domains = read_domains(line.pattern);
  if (const std::size_t at = line.pattern.rfind('@'); at != std::string::npos)
    line.user = line.pattern.substr(0, at);
  return line;
}

/// A pattern is about "user@domain"; a name of the other data sets is one of those that
/// matching_names() asks for.
SigningTable::Domains SigningTable::read_domains(const std::string& pattern) const {
  using Shape = Domains::Shape;
  const std::size_t at = pattern.rfind('@');
  const std::string domain = at == std::string::npos ? pattern : pattern.substr(at + 1);
  const std::size_t star = pattern.find('*');
  if (kind_ != DataSetKind::patterns) {
    if (star != std::string::npos && star + 1 != pattern.size()) return {Shape::never, ""};
    if (domain == "*") return {Shape::all, ""};
    if (star != std::string::npos) return {Shape::never, ""};
    if (domain.starts_with('.')) return {Shape::below, domain.substr(1)};
    return {Shape::exact, domain};
  }
  if (at == std::string::npos && !pattern.starts_with('*')) return {Shape::never, ""};
  if (domain == "*") return {Shape::all, ""};
  Domains domains{Shape::exact, domain};
  if (domain.starts_with("*.")) {
    domains = {Shape::below, domain.substr(2)};
  } else if (domain.starts_with('*')) {
    domains = {Shape::exact_and_below, domain.substr(1)};
  }
  if (domains.name.find('*') != std::string::npos) return {Shape::other, ""};
  return domains;
}

void SigningTable::remark_on_line(const Line& line, const DataSetEntry& entry,
                                  Remarks& remarks) const {
  const auto warn = [&](std::string text) {
    remarks.push_back({Weight::warning, line.place, "SigningTable", std::move(text)});
  };
  using Shape = Domains::Shape;
  if (line.domains.shape == Shape::never)
    warn(
        fmt::format("\"{}\" has never matched: '*' is a wildcard in a refile: only, where the "
                    "whole user@domain is compared",
                    entry.key));
  if (line.domains.shape == Shape::other && line.key != kAuthorsKey)
    warn(fmt::format("\"{}\" cannot be expressed: name each domain in a [[signing.domain]]",
                     entry.key));
  if (line.domains.shape == Shape::exact_and_below)
    warn(
        fmt::format("\"{}\" matched every domain that ends so; {} and the domains below it are "
                    "signed for",
                    entry.key, line.domains.name));
  // remark_on_users() reports single users.
  const bool of_all_users = line.user.find_first_not_of('*') == std::string::npos;
  if (line.domains.shape == Shape::all && of_all_users && line.key != kAuthorsKey)
    warn(
        fmt::format("\"{}\" signed for any domain; a [[signing.domain]] is needed for each but "
                    "those of the other lines and of the key itself",
                    entry.key));
  const KeyTable::Key* key = keys_.find(line.key);
  if (line.key != kAuthorsKey && key == nullptr)
    warn(fmt::format("key \"{}\" is not in the KeyTable", line.key));
  if (pieces(entry.value, ':').size() > 1)
    warn("no i= tag is written, so the signer in the second field is lost");
}

std::vector<const SigningTable::Line*> SigningTable::matching_patterns(
    const std::string& user, const std::string& domain) const {
  std::vector<std::size_t> candidates = wild_;
  if (const auto own = by_domain_.find(domain); own != by_domain_.end())
    candidates.insert(candidates.end(), own->second.begin(), own->second.end());
  for (std::size_t at = 0; at < domain.size() && !by_suffix_.empty(); ++at) {
    if (const auto lines = by_suffix_.find(domain.substr(at)); lines != by_suffix_.end())
      candidates.insert(candidates.end(), lines->second.begin(), lines->second.end());
  }
  const std::string address = user + "@" + domain;
  if (const auto own = by_address_.find(address); own != by_address_.end())
    candidates.insert(candidates.end(), own->second.begin(), own->second.end());
  std::sort(candidates.begin(), candidates.end());
  std::vector<const Line*> found;
  for (const std::size_t index : candidates) {
    if (matches_wildcard(address, lines_[index].pattern)) found.push_back(&lines_[index]);
  }
  return found;
}

/// opendkim.conf(5), SigningTable: the names that are asked for, one after the other.
std::vector<const SigningTable::Line*> SigningTable::matching_names(
    const std::string& user, const std::string& domain) const {
  std::vector<std::string> names = {user + "@" + domain, domain};
  std::vector<std::string> above;
  for (std::size_t dot = domain.find('.'); dot != std::string::npos;
       dot = domain.find('.', dot + 1))
    above.push_back(domain.substr(dot));
  for (const std::string& name : above) names.push_back(user + "@" + name);
  names.insert(names.end(), above.begin(), above.end());
  names.push_back(user + "@*");
  names.emplace_back("*");
  std::vector<const Line*> found;
  for (const std::string& name : names) {
    if (const auto line = by_name_.find(name); line != by_name_.end())
      found.push_back(&lines_[line->second]);
  }
  return found;
}

std::vector<ChosenKey> SigningTable::choose(const std::string& user,
                                            const std::string& domain) const {
  auto lines = kind_ == DataSetKind::patterns ? matching_patterns(user, domain)
                                              : matching_names(user, domain);
  if (matches_ == Matches::first && lines.size() > 1) lines.resize(1);
  std::vector<ChosenKey> chosen;
  for (const Line* line : lines) {
    const KeyTable::Key* key = keys_.find(line->key == kAuthorsKey ? domain : line->key);
    if (key == nullptr || !key->usable) continue;
    chosen.push_back({key->domain == "%" ? domain : key->domain, key->selector,
                      with_domain(key->file, domain), line->place, key->place});
  }
  return chosen;
}

std::vector<Sample> SigningTable::samples() const {
  using Shape = Domains::Shape;
  std::vector<Sample> samples;
  bool all_keys = false;  // each of the lines for them would name the same ones
  for (const Line& line : lines_) {
    std::string name = line.domains.name;
    Shape shape = line.domains.shape;
    if (line.key == kAuthorsKey) {
      if (all_keys) continue;
      all_keys = true;
      for (const std::string& key : keys_.names()) samples.push_back({key, false, line.place});
      continue;
    }
    if (shape == Shape::other || shape == Shape::never) continue;
    if (shape == Shape::all) {
      // What can be kept of it is the key's own domain.
      const KeyTable::Key* key = keys_.find(line.key);
      if (key == nullptr || !key->usable || key->domain == "%") continue;
      name = key->domain;
      shape = Shape::exact_and_below;
    }
    if (shape != Shape::below) samples.push_back({name, false, line.place});
    if (shape != Shape::exact) samples.push_back({name, true, line.place});
  }
  return samples;
}

void SigningTable::remark_on_users(Remarks& remarks) const {
  for (const Line& line : lines_) {
    if (line.user == "*" || line.domains.shape == Domains::Shape::other ||
        line.domains.shape == Domains::Shape::never) {
      continue;
    }
    std::string user = line.user;
    std::replace(user.begin(), user.end(), '*', 'x');
    const bool below = line.domains.shape == Domains::Shape::below;
    const std::string domain = line.domains.shape == Domains::Shape::all
                                   ? "any-domain.invalid"
                                   : Sample{line.domains.name, below, line.place}.author_domain();
    const auto theirs = choose(user, domain);
    const auto others = choose(kOrdinaryUser, domain);
    if (theirs == others) continue;
    remarks.push_back(
        {Weight::warning, line.place, "SigningTable",
         others.empty()
             ? fmt::format("only \"{}\" was signed for; keys belong to whole domains, so nobody of "
                           "the domain is: add a [[signing.domain]] to sign for all of them",
                           line.pattern)
             : fmt::format("\"{}\" had a key of its own; keys belong to whole domains, so it is "
                           "signed as the others of its domain are",
                           line.pattern)});
  }
}

}  // namespace authmilter::importer
