#include "config/drop_ins.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <iterator>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "base/c_handle.h"
#include "base/descriptor.h"
#include "base/file.h"
#include "base/file_version.h"
#include "base/parallel.h"
#include "config/options.h"
#include "config/paths.h"

namespace authmilter {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kDropInOctets = 64U << 20U;  // as the main file
constexpr std::string_view kNameEnd = ".toml";

using Directory = CHandle<DIR, ::closedir>;

/// The names of the files to be read, sorted.
Result<std::vector<std::string>> names_in(DIR* directory) {
  std::vector<std::string> names;
  while (true) {
    errno = 0;
    const dirent* entry = ::readdir(directory);
    if (entry == nullptr) break;
    const std::string_view name = static_cast<const char*>(entry->d_name);
    if (!name.starts_with('.') && name.ends_with(kNameEnd)) names.emplace_back(name);
  }
  if (errno != 0) return Error{error_text(errno)};
  std::sort(names.begin(), names.end());
  return names;
}

/// What a drop-in may hold is less than the main file: whoever may write to the directory decides
/// about keys, and about nothing else.
void read_tables(Reader& reader, const Value& root, Config& config) {
  constexpr std::string_view kOnly = "a file of signing.directory holds [[signing.domain]] only";
  for (const Value& section : root.children) {
    if (section.key != "signing") {
      reader.refuse(section.key_place, std::string(kOnly));
      continue;
    }
    if (!reader.expect(section, ValueKind::table)) continue;
    for (const Value& value : section.children) {
      if (value.key == "domain")
        read_signing_domains(reader, value, config);
      else
        reader.refuse(value.key_place, std::string(kOnly));
    }
  }
}

Result<std::vector<SigningDomainConfig>> domains_in(std::string_view text,
                                                    const std::string& name) {
  const auto document = parse_document(text, name);
  if (!document) return document.error();
  Config config;
  Reader reader(name);
  read_tables(reader, *document, config);
  if (reader.error()) return *reader.error();
  return std::move(config.signing.domains);
}

/// Who may write here chooses keys. A group may: a team's file is its own.
bool others_may_write(mode_t mode) { return (mode & S_IWOTH) != 0; }

/// An open file, or why it is not read.
struct OpenFile {
  Descriptor descriptor;
  struct stat status {};
  std::string problem;

  OpenFile(int directory, const std::string& name)
      // A FIFO cannot make us wait.
      : descriptor(
            ::openat(directory, name.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)) {
    if (!descriptor.open() || ::fstat(descriptor.get(), &status) != 0)
      problem = "cannot read: " + error_text(errno);
    else if (!S_ISREG(status.st_mode))
      problem = "not a regular file";
    else if (others_may_write(status.st_mode))
      problem = "others may write to it: take that away (chmod o-w)";
  }
};

bool is_unchanged(int directory, const std::string& name, const SigningDropIn& before) {
  struct stat status {};
  return before.settled && ::fstatat(directory, name.c_str(), &status, 0) == 0 &&
         version_of(status).version == before.version;
}

/// What a file that cannot be read is about, as far as its text and its name say: each "domain ="
/// on a line, and NAME. A guess, made only to hold mail back that would go out unsigned.
std::vector<SigningDomainConfig> probable_domains(std::string_view text, const fs::path& path) {
  std::vector<SigningDomainConfig> domains;
  // Where the text says so anywhere it is taken to hold for each.
  const bool below = text.find("subdomains") != std::string_view::npos;
  const auto add = [&](std::string_view name) {
    if (auto domain = DomainName::parse(name))
      domains.push_back({*std::move(domain), below, {}, {}});
  };
  for (std::string_view line : split(text, '\n')) {
    line = trim_fws(line);
    if (!line.starts_with("domain")) continue;
    line = trim_wsp(line.substr(std::string_view("domain").size()));
    if (!line.starts_with('=')) continue;
    line = trim_wsp(line.substr(1));
    if (line.empty() || (line.front() != '"' && line.front() != '\'')) continue;
    const char quote = line.front();
    line.remove_prefix(1);
    add(line.substr(0, line.find(quote)));
  }
  const std::string name = path.stem().string();
  if (name.find('.') != std::string::npos) add(name);
  return domains;
}

std::shared_ptr<const SigningDropIn> faulty(const fs::path& path, std::string fault,
                                            std::string_view text, const SigningDropIn* before) {
  auto drop_in = std::make_shared<SigningDropIn>();
  drop_in->file = std::make_shared<const std::string>(path.string());
  drop_in->fault = std::move(fault);
  if (before != nullptr) drop_in->domains = before->domains;
  std::unordered_set<std::string> known;
  for (const SigningDomainConfig& domain : drop_in->domains) known.insert(domain.domain.text());
  for (SigningDomainConfig& domain : probable_domains(text, path)) {
    if (!known.insert(domain.domain.text()).second) continue;
    domain.place = {drop_in->file, 1, 1};
    drop_in->domains.push_back(std::move(domain));
  }
  return drop_in;
}

/// Of the file `name` of an open directory, whose path is `folder`.
std::shared_ptr<const SigningDropIn> read_drop_in(int directory, const fs::path& folder,
                                                  const std::string& name,
                                                  const KnownDropIns* known) {
  const std::string path = (folder / name).string();
  const auto before = known == nullptr ? nullptr : known->find_drop_in(path);
  if (before != nullptr && is_unchanged(directory, name, *before)) return before;
  const auto cannot = [&](const std::string& why) {
    return faulty(path, fmt::format("{}: {}", path, why), {}, before.get());
  };
  const OpenFile file(directory, name);
  if (!file.problem.empty()) return cannot(file.problem);
  const SeenVersion seen = version_of(file.status);
  const auto text = read_file(file.descriptor.get(), kDropInOctets, file.status.st_size);
  if (!text) return cannot("cannot read: " + text.error().message);
  auto domains = domains_in(*text, path);
  if (!domains) return faulty(path, domains.error().message, *text, before.get());
  for (SigningDomainConfig& domain : *domains) make_absolute(domain, folder);
  auto drop_in = std::make_shared<SigningDropIn>();
  drop_in->file =
      domains->empty() ? std::make_shared<const std::string>(path) : domains->front().place.file;
  drop_in->version = seen.version;
  drop_in->settled = seen.settled;
  drop_in->domains = std::move(*domains);
  return drop_in;
}

}  // namespace

Result<std::vector<std::shared_ptr<const SigningDropIn>>> read_drop_ins(const fs::path& directory,
                                                                        const KnownDropIns* known) {
  const auto cannot = [&](const std::string& what, const std::string& why) {
    return Error{fmt::format("{}: cannot {} signing.directory: {}", directory.string(), what, why)};
  };
  const Directory open(::opendir(directory.c_str()));
  if (!open) return cannot("read", error_text(errno));
  struct stat status {};
  // In a sticky one too: they may add files.
  if (::fstat(::dirfd(open.get()), &status) == 0 && others_may_write(status.st_mode))
    return cannot("use", "others may write to it");
  const auto names = names_in(open.get());
  if (!names) return cannot("read", names.error().message);
  std::vector<std::shared_ptr<const SigningDropIn>> drop_ins(names->size());
  for_each_in_parallel(names->size(), [&](std::size_t i) {
    drop_ins[i] = read_drop_in(::dirfd(open.get()), directory, (*names)[i], known);
  });
  return drop_ins;
}

namespace {

/// Which table of a domain counts; the others are told or not.
class Owners {
 public:
  using Table = SigningDomainConfig;
  enum class Losers : std::uint8_t { told, dropped };

  Owners(std::size_t domains, const KnownDropIns* known) : known_(known) {
    owners_.reserve(domains);
  }

  void take(const Table& table) { owners_.emplace(table.domain.text(), Owner{&table, nullptr}); }

  void take(const SigningDropIn& drop_in, const Table& table, Losers losers) {
    const auto [place, first] =
        owners_.try_emplace(table.domain.text(), Owner{&table, drop_in.file.get()});
    if (first) return;
    all_own_ = false;
    Owner& owner = place->second;
    const Table* loser = &table;
    // A new file does not take a domain from one that has it.
    if (losers == Losers::told && owner.file != nullptr && was_in_force(table, *drop_in.file) &&
        !was_in_force(table, *owner.file)) {
      loser = std::exchange(owner, Owner{&table, drop_in.file.get()}).table;
    }
    if (losers == Losers::told) told_.push_back(loser);
  }

  bool all_own() const { return all_own_; }
  bool has(const Table& table) const { return owners_.at(table.domain.text()).table == &table; }

  std::vector<std::string> faults() const {
    std::vector<std::string> faults;
    for (const Table* loser : told_) {
      faults.push_back(fmt::format(
          "{}: signing.domain.domain: \"{}\" is configured already at {}, which stays in force",
          loser->place.text(), loser->domain.text(),
          owners_.at(loser->domain.text()).table->place.text()));
    }
    return faults;
  }

 private:
  struct Owner {
    const Table* table;
    const std::string* file;  // null: the main one
  };

  /// Asked where two files name a domain only.
  bool was_in_force(const Table& table, const std::string& file) const {
    const auto before = known_ == nullptr ? nullptr : known_->find_drop_in(file);
    return before != nullptr &&
           std::any_of(before->domains.begin(), before->domains.end(), [&](const Table& old) {
             return old.domain == table.domain && !old.keys.empty();
           });
  }

  const KnownDropIns* known_;
  std::unordered_map<std::string_view, Owner> owners_;
  std::vector<const Table*> told_;
  bool all_own_ = true;
};

}  // namespace

void keep_one_table_each(SigningConfig& config, const KnownDropIns* known) {
  std::size_t count = config.domains.size();
  for (const auto& drop_in : config.drop_ins) count += drop_in->domains.size();
  Owners owners(count, known);
  for (const SigningDomainConfig& domain : config.domains) owners.take(domain);
  for (const auto& drop_in : config.drop_ins) {
    if (!drop_in->fault.empty()) continue;
    for (const auto& domain : drop_in->domains) owners.take(*drop_in, domain, Owners::Losers::told);
  }
  // What is left of files with a fault is weaker than what can be read, and a guess weaker still.
  for (const bool with_keys : {true, false}) {
    for (const auto& drop_in : config.drop_ins) {
      if (drop_in->fault.empty()) continue;
      for (const auto& domain : drop_in->domains) {
        if (domain.keys.empty() != with_keys)
          owners.take(*drop_in, domain, Owners::Losers::dropped);
      }
    }
  }
  if (owners.all_own()) return;
  const auto faults = owners.faults();
  config.faults.insert(config.faults.end(), faults.begin(), faults.end());
  std::vector<std::shared_ptr<const SigningDropIn>> retired;
  for (auto& drop_in : config.drop_ins) {
    const auto owned = [&](const SigningDomainConfig& domain) { return owners.has(domain); };
    const auto& domains = drop_in->domains;
    if (std::all_of(domains.begin(), domains.end(), owned)) continue;
    auto reduced = std::make_shared<SigningDropIn>(*drop_in);
    reduced->domains.clear();
    std::copy_if(domains.begin(), domains.end(), std::back_inserter(reduced->domains), owned);
    // The next reload has to look for the others again.
    reduced->settled = false;
    // Whose places the map has must not go before it has been asked for all.
    retired.push_back(std::exchange(drop_in, std::move(reduced)));
  }
}

}  // namespace authmilter
