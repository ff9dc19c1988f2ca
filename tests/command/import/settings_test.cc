#include <doctest/doctest.h>

#include <set>
#include <string>

#include "command/import/import_fixture.h"
#include "import/opendkim_settings.h"
#include "import/opendmarc_settings.h"
#include "import/text.h"

using namespace authmilter;
using namespace authmilter::importer;

TEST_CASE("the syntax of both configurations") {
  const struct {
    const char* why;
    FileTexts files;
    const char* setting;
    const char* value;
  } rows[] = {
      {"blanks around", {{"k", "  Selector \t s1  \n"}}, "Selector", "s1"},
      {"any case", {{"k", "sELECTOR s1\n"}}, "Selector", "s1"},
      {"a comment ends the line", {{"k", "Selector s1#s2\n"}}, "Selector", "s1"},
      {"so does a carriage return", {{"k", "Selector s1\r\n"}}, "Selector", "s1"},
      {"the last one counts", {{"k", "Selector s1\nSelector s2\n"}}, "Selector", "s2"},
      {"no line end", {{"k", "Selector s1"}}, "Selector", "s1"},
      {"blanks inside stay", {{"k", "Domain a.org, b.org\n"}}, "Domain", "a.org, b.org"},
      {"an included file", {{"k", "Include i\n"}, {"i", "Selector s1\n"}}, "Selector", "s1"},
      {"behind it", {{"k", "Include i\nSelector s2"}, {"i", "Selector s1\n"}}, "Selector", "s2"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto settings = Settings::read("k", opendkim_settings(), reader_of(row.files));
    REQUIRE(settings);
    CHECK(settings->text(row.setting) == std::string(row.value));
  }
}

TEST_CASE("what would keep the program from starting is an error") {
  const struct {
    const char* why;
    FileTexts files;
    const char* error;
  } rows[] = {
      {"no value", {{"k", "\nSelector\n"}}, "k:2: Selector: has no value"},
      {"no value but a comment", {{"k", "Selector # s\n"}}, "k:1: Selector: has no value"},
      {"no Boolean", {{"k", "Syslog maybe\n"}}, "k:1: Syslog: \"maybe\" is neither yes nor no"},
      {"no number", {{"k", "UMask rw\n"}}, "k:1: UMask: \"rw\" is not a number"},
      {"no octal number", {{"k", "UMask 08\n"}}, "k:1: UMask: \"08\" is not a number"},
      {"no file", {{"k", "Include i\n"}}, "i: no such file"},
      {"a file that includes itself", {{"k", "Include k\n"}}, "k:1: more than 5 files deep"},
      {"a data set's file",
       {{"k", "InternalHosts /hosts\n"}},
       "k:1: InternalHosts: /hosts: no such file"},
      {"no kind of data set",
       {{"k", "InternalHosts sql:x\n"}},
       "k:1: InternalHosts: \"sql\" is not a kind of data set"},
      {"no file of OpenDMARC", {{"m", "IgnoreHosts /h\n"}}, "m:1: IgnoreHosts: /h: no such file"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(import_texts(row.files).error == row.error);
  }
}

TEST_CASE("the other program's configuration") {
  const char* const opendkim = "Syslog yes\nCanonicalization simple\nMode sv\nUserID opendkim\n";
  const char* const opendmarc = "Syslog yes\n\nRejectFailures no\nPublicSuffixList /p\n";
  const struct {
    const char* why;
    FileTexts files;
    const char* error;
  } rows[] = {
      {"for OpenDMARC's",
       {{"m", opendkim}},
       "m:2: this looks like opendkim.conf, not opendmarc.conf: OpenDMARC has no Canonicalization"},
      {"for OpenDKIM's",
       {{"k", opendmarc}},
       "k:3: this looks like opendmarc.conf, not opendkim.conf: OpenDKIM has no RejectFailures"},
      {"for the second one",
       {{"k", opendkim}, {"m", opendkim}},
       "m:2: this looks like opendkim.conf, not opendmarc.conf: OpenDMARC has no Canonicalization"},
      {"each for its own", {{"k", opendkim}, {"m", opendmarc}}, ""},
      {"a line that went astray", {{"k", "Mode sv\nRejectFailures yes\n"}}, ""},
      {"what both have", {{"k", "Syslog yes\n"}, {"m", "Syslog yes\n"}}, ""},
      {"what neither has", {{"k", "Frobnicate yes\n"}}, ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(import_texts(row.files).error == row.error);
  }
}

TEST_CASE("every setting is named once, and a lost one says what is lost") {
  for (const auto& known : {opendkim_settings(), opendmarc_settings()}) {
    std::set<std::string> names;
    for (const KnownSetting& setting : known) {
      CAPTURE(setting.name);
      CHECK(names.insert(lower(setting.name)).second);
      CHECK(setting.loss.empty() == (setting.treatment != Treatment::lost));
    }
  }
}

TEST_CASE("warnings of what is lost") {
  const struct {
    const char* why;
    const char* line;
    const char* warning;  // empty: none
  } rows[] = {
      {"an unknown setting", "Frobnicate yes", "k:2 Frobnicate: unknown setting"},
      {"needs nothing", "AutoRestart yes", ""},
      {"a lost one", "SendReports yes", "k:2 SendReports: has no equal: no reports"},
      {"a lost one that asked for nothing", "SendReports no", ""},
      {"by its first letter", "SendReports False", ""},
      {"a number's other notation", "ClockDrift 0x12c", ""},
      {"another number", "ClockDrift 600", "k:2 ClockDrift: has no equal"},
      {"a word in any case", "SenderHeaders FROM", ""},
      {"other words", "SenderHeaders Sender,From", "k:2 SenderHeaders: has no equal"},
      {"reject is no default", "On-BadSignature reject", "k:2 On-BadSignature: has no equal"},
      {"accept is", "On-BadSignature accept", ""},
      {"relaxing what is a must", "RequireSafeKeys no", "k:2 RequireSafeKeys: has no equal"},
      {"shorter keys", "MinimumKeyBits 512", "k:2 MinimumKeyBits: keys of less than 1024 bits"},
      {"another facility", "SyslogFacility local0", "k:2 SyslogFacility: \"local0\" has no equal"},
      {"the facility", "SyslogFacility MAIL", ""},
      {"another trust anchor", "TrustAnchorFile /x", ""},
      {"a temporary failure in monitor mode", "On-DNSError tempfail",
       "k:2 On-DNSError: in monitor"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto imported = import_texts({{"k", std::string("UMask 007\n") + row.line + "\n"}});
    CHECK(imported.error.empty());
    const std::string wanted = row.warning;
    CHECK(imported.warnings.substr(0, wanted.size()) == wanted);
    CHECK(imported.warnings.empty() == wanted.empty());
  }
}

TEST_CASE("wildcards stand for any text, the empty one too") {
  const struct {
    const char* text;
    const char* pattern;
    bool matches;
  } rows[] = {
      {"a@b.org", "*", true},
      {"a@b.org", "*@b.org", true},
      {"a@c.b.org", "*@b.org", false},
      {"a@c.b.org", "*@*.b.org", true},
      {"a@b.org", "*@*.b.org", false},
      {"aab", "*ab", true},
      {"aab", "a*a*b", true},
      {"ab", "a*b*", true},
      {"abc", "ab", false},
      {"", "*", true},
      {"", "a", false},
      {"a@b.org.evil", "*@b.org", false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    CAPTURE(row.pattern);
    CHECK(matches_wildcard(row.text, row.pattern) == row.matches);
  }
}
