#pragma once

#include <functional>
#include <string>
#include <vector>

#include "import/remark.h"

namespace authmilter::importer {

/// A key that OpenDKIM signs with: the d= and s= of the signature and the file of the key.
struct ChosenKey {
  std::string domain;
  std::string selector;
  std::string file;
  Place place;       // of the line that chose it
  Place file_place;  // of the line that names the file
  bool operator==(const ChosenKey& other) const {
    return domain == other.domain && selector == other.selector && file == other.file;
  }
};

/// The keys that OpenDKIM signs the mail of `user`@`domain` with.
using Choose =
    std::function<std::vector<ChosenKey>(const std::string& user, const std::string& domain)>;

/// An Author Domain for which the choice is compared. One with `any_below` stands for every name
/// below `domain` that is not mentioned by itself.
struct Sample {
  std::string domain;
  bool any_below;
  Place place;

  std::string author_domain() const;
  std::string text() const;
};

/// What becomes a `[[signing.domain]]`.
struct PlannedDomain {
  std::string domain;
  bool subdomains = false;
  std::vector<ChosenKey> keys;
};

/// An author whom no line mentions by name.
inline constexpr const char* kOrdinaryUser = "any-user";

/// The tables that sign as `choose` does for every sample, as far as authmilter can: with the name
/// of the author's domain, or of one above it. Tells of each sample that is signed otherwise.
std::vector<PlannedDomain> plan_signing(const Choose& choose, std::vector<Sample> samples,
                                        const std::string& setting, Remarks& remarks);

}  // namespace authmilter::importer
