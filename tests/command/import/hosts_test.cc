#include <doctest/doctest.h>

#include "command/import/import_fixture.h"
#include "import/host_list.h"
#include "import/text.h"

using namespace authmilter;
using namespace authmilter::importer;

namespace {

std::string networks(const DataSet& set, Remarks& remarks) {
  return join(texts_of(networks_of("InternalHosts", set, remarks)), " ");
}

DataSet set_of(DataSetKind kind, const std::string& text) {
  DataSet set{kind, "", {}};
  unsigned line = 0;
  for (const std::string& key : pieces(text, ' ')) set.entries.push_back({key, "", {"h", ++line}});
  return set;
}

}  // namespace

TEST_CASE("hosts as networks (opendkim.conf(5), PeerList)") {
  constexpr auto kFile = DataSetKind::file;
  constexpr auto kPatterns = DataSetKind::patterns;
  const struct {
    const char* why;
    DataSetKind kind;
    const char* hosts;
    const char* networks;
    std::size_t warnings;
  } rows[] = {
      {"addresses", kFile, "127.0.0.1 ::1", "127.0.0.1 ::1", 0},
      {"brackets", kFile, "[192.0.2.1] [2001:db8::1]", "192.0.2.1 2001:db8::1", 0},
      {"localhost has two", kFile, "localhost", "127.0.0.1 ::1", 0},
      {"blocks", kFile, "192.0.2.0/24 2001:db8::/32", "192.0.2.0/24 2001:db8::/32", 0},
      {"a dotted mask", kFile, "192.0.2.0/255.255.255.128", "192.0.2.0/25", 0},
      {"a mask with a hole", kFile, "192.0.2.0/255.0.255.0", "", 1},
      {"bits behind the prefix never matched", kFile, "192.0.2.1/24", "", 1},
      {"the block is there already", kFile, "192.0.2.7 192.0.2.0/24", "192.0.2.0/24", 0},
      {"an exclusion", kFile, "192.0.2.0/30 !192.0.2.1", "192.0.2.2/31 192.0.2.0", 0},
      {"in any order", kFile, "!192.0.2.1 192.0.2.0/31", "192.0.2.0", 0},
      {"an excluded block", kFile, "10.0.0.0/8 !10.0.0.0/9", "10.128.0.0/9", 0},
      {"back inside", kFile, "10.0.0.0/8 !10.0.0.0/9 10.0.0.1", "10.128.0.0/9 10.0.0.1", 0},
      {"the exclusion of two", kFile, "192.0.2.1 !192.0.2.1", "", 0},
      {"IPv6 exclusion", kFile, "2001:db8::/127 !2001:db8::", "2001:db8::1", 0},
      {"of nothing", kFile, "!192.0.2.1", "", 0},
      {"a host's name", kFile, "mail.example.com .example.org", "", 2},
      {"a shortened block", kFile, "192.0.2/24", "", 1},
      {"octets by pattern", kPatterns, "192.0.2.* 10.*", "10.0.0.0/8 192.0.2.0/24", 0},
      {"no octets by pattern", kPatterns, "192.0.2.1* *", "", 2},
      {"a star is none elsewhere", kFile, "192.0.2.*", "", 1},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    Remarks remarks;
    CHECK(networks(set_of(row.kind, row.hosts), remarks) == row.networks);
    CHECK(remarks.size() == row.warnings);
  }
}

TEST_CASE("data sets of hosts") {
  const struct {
    const char* why;
    FileTexts files;
    const char* internal;
    const char* warning;
  } rows[] = {
      {"the default has IPv6 too", {{"k", ""}}, "127.0.0.1 ::1", ""},
      {"a list",
       {{"k", "InternalHosts 192.0.2.0/24, 10.0.0.0/8\n"}},
       "10.0.0.0/8 192.0.2.0/24",
       ""},
      {"a list by its name", {{"k", "InternalHosts csl:::1\n"}}, "::1", ""},
      {"IPv6 behind a comma", {{"k", "InternalHosts 127.0.0.1,::1\n"}}, "127.0.0.1 ::1", ""},
      {"a file by its path", {{"k", "InternalHosts /h\n"}, {"/h", "::1 # here\n\n"}}, "::1", ""},
      {"a file below the base",
       {{"k", "BaseDirectory /b\nInternalHosts file:h\n"}, {"/b/h", "::1"}},
       "::1",
       ""},
      {"patterns", {{"k", "InternalHosts refile:/h\n"}, {"/h", "10.1.*\n"}}, "10.1.0.0/16", ""},
      {"a database",
       {{"k", "InternalHosts /etc/hosts.db\n"}},
       "",
       "k:1 InternalHosts: data sets of the kind \"db\" are not read"},
      {"SQL",
       {{"k", "InternalHosts dsn:mysql://u:p@h/d/table=t?keycol=k?datacol=v\n"}},
       "",
       "k:1 InternalHosts: data sets of the kind \"dsn\" are not read"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto imported = import_texts(row.files);
    CHECK(imported.error.empty());
    const NetworkSet& internal = imported.config.internal;
    CHECK(join(texts_of({internal.begin(), internal.end()}), " ") == row.internal);
    const std::string wanted = row.warning;
    CHECK(imported.warnings.substr(0, wanted.size()) == wanted);
    CHECK(imported.warnings.empty() == wanted.empty());
  }
}
