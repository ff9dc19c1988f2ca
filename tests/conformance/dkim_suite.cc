// Runs the public DKIM suites: dkim_suite TESTDATA-DIRECTORY
//
// Each folder has a case file with the zones, the messages and what is expected. Prints the cases
// that differ and a line for each suite. Exit: 0 all as expected, 1 some are not, 77 no test data.

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <authmilter/dkim.h>

#include "published_json.h"
#include "published_zone.h"

namespace {

using authmilter::DkimOutcome;
using authmilter::DkimResult;
using authmilter::published::File;
using authmilter::published::MapResolver;
using authmilter::published::Value;
using authmilter::published::Zone;
using authmilter::published::zone_of;

constexpr int kSkipped = 77;

// The signatures carry t= of 2004 to 2025, and none has x=. One clock after all of them serves.
constexpr std::int64_t kNow = 1'800'000'000;

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The files with "eol": "lf" were saved so; on the wire they had CRLF.
std::string with_crlf(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n' && !out.ends_with('\r')) out += '\r';
    out += c;
  }
  return out;
}

std::vector<DkimOutcome> verify(const authmilter::Message& message, authmilter::Resolver& keys,
                                std::int64_t now) {
  static const authmilter::DkimEngine engine;
  authmilter::DkimVerifyOptions options;
  options.now = now;
  authmilter::DkimVerifier verifier(engine, keys, options);
  for (const auto& field : message.fields) verifier.header(field);
  verifier.end_of_headers();
  verifier.body(message.body);
  return verifier.finish();
}

bool as_expected(const std::string& expected, const std::vector<DkimOutcome>& outcomes) {
  const auto passes = [](const DkimOutcome& outcome) { return outcome.result == DkimResult::pass; };
  if (expected == "none") return outcomes.empty();
  if (expected == "pass") {
    return !outcomes.empty() && std::all_of(outcomes.begin(), outcomes.end(), passes);
  }
  return !outcomes.empty() && std::none_of(outcomes.begin(), outcomes.end(), passes);
}

std::string describe(const std::vector<DkimOutcome>& outcomes) {
  std::string out;
  for (const auto& outcome : outcomes) {
    out += " " + std::string(to_string(outcome.result));
    if (!outcome.reason.empty()) out += " (" + outcome.reason.text() + ")";
  }
  return out.empty() ? " none" : out;
}

struct Score {
  std::string suite;
  int good = 0;
  int all = 0;

  void count(const std::string& name, const std::string& expected, bool is_good,
             const std::string& got) {
    ++all;
    if (is_good) {
      ++good;
    } else {
      std::cout << suite << ": " << name << ": expected " << expected << ", got" << got << "\n";
    }
  }
};

File read_suite(const std::filesystem::path& path) {
  auto file = File::read(path);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  return std::move(*file);
}

std::int64_t time_of(const Value& test) {
  for (const char* name : {"time", "now"}) {
    if (const auto time = test.find(name)) return time->number();
  }
  return kNow;
}

Score run_verification_suite(const std::filesystem::path& folder, const char* case_file) {
  Score score{folder.filename().string()};
  const File file = read_suite(folder / case_file);
  const Value suite = file.root();
  for (const Value& test : suite.at("cases").list()) {
    std::string text = read_file(folder / test.at("message").text());
    if (test.text_or("eol", "crlf") == "lf") text = with_crlf(text);
    MapResolver keys(zone_of(suite.at("zones").at(test.at("zone").text())));
    const std::int64_t now = time_of(test);
    const auto outcomes = verify(authmilter::parse_message(text), keys, now);
    const auto expected = test.at("expect").text();
    score.count(test.at("id").text(), expected, as_expected(expected, outcomes),
                describe(outcomes));
  }
  return score;
}

authmilter::Message vector_message(const Value& test) {
  std::string text;
  for (const std::string& field : test.at("headers").texts()) text += field + "\r\n";
  text += "\r\n" + test.at("body").text();
  return authmilter::parse_message(text);
}

/// Signatures made by libopendkim: they verify, and what this library makes of the same message
/// with the same key verifies too.
Score run_signing_vectors(const std::filesystem::path& folder) {
  Score score{folder.filename().string()};
  const File file = read_suite(folder / "sign-vectors.json");
  const Value suite = file.root();
  static const authmilter::DkimEngine engine;
  const auto key = authmilter::private_key_from_pem(suite.at("private_key_pem").text(), "vectors");
  if (!key) throw std::runtime_error(key.error().message);
  for (const Value& test : suite.at("cases").list()) {
    const auto id = test.at("id").text();
    const auto domain = test.at("domain").text();
    const auto selector = test.at("selector").text();
    // The published record has t=s, which forbids i= below d=; one vector has such an i=.
    std::string record = suite.at("public").text();
    if (const auto flags = record.find("t=y:s"); flags != std::string::npos)
      record.replace(flags, 5, "t=y");
    const Zone zone = {{selector + "._domainkey." + domain, record}};
    MapResolver keys(zone);
    const auto now = test.at("time").number();
    auto message = vector_message(test);

    auto theirs = message;
    const authmilter::HeaderField field{"DKIM-Signature",
                                        " " + test.at("expected_signature_value").text()};
    theirs.fields.insert(theirs.fields.begin(), field);
    const bool sha256 = test.at("alg").text() == "rsa-sha256";
    const auto expected = std::string(sha256 ? "pass" : "notpass");
    const auto outcomes = verify(theirs, keys, now);
    score.count(id, expected, as_expected(expected, outcomes), describe(outcomes));
    if (!sha256) continue;

    authmilter::DkimSignOptions options;
    const auto canonicalization = [](const Value& name) {
      return name.text() == "simple" ? authmilter::Canonicalization::simple
                                     : authmilter::Canonicalization::relaxed;
    };
    options.header = canonicalization(test.at("header_canon"));
    options.body = canonicalization(test.at("body_canon"));
    options.headers = authmilter::default_signed_headers();
    options.now = now;
    const authmilter::SigningKey signing_key{*authmilter::DomainName::parse(domain),
                                             *authmilter::Selector::parse(selector), *key};
    authmilter::DkimSigner signer(engine, {&signing_key, 1}, options);
    for (const auto& one : message.fields) signer.header(one);
    signer.end_of_headers();
    signer.body(message.body);
    const auto made = signer.finish();
    if (!made) {
      score.count(id + " signed", "a signature", false, " " + made.error().message);
      continue;
    }
    message.fields.insert(message.fields.begin(), made->front());
    const auto ours = verify(message, keys, now);
    score.count(id + " signed", "pass", as_expected("pass", ours), describe(ours));
    // Another h=, so another signature; the body's hash is the same.
    const auto body_hash = [](const authmilter::HeaderField& one) {
      return one.value.substr(one.value.find("bh="), 47);
    };
    const bool same = body_hash(field) == body_hash(made->front());
    score.count(id + " body hash", body_hash(field), same, " " + body_hash(made->front()));
  }
  return score;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: dkim_suite TESTDATA-DIRECTORY\n";
    return 64;
  }
  const std::filesystem::path root = argv[1];
  constexpr std::pair<const char*, const char*> kSuites[] = {
      {"dkim-lieser", "cases-dkim-lieser.json"},
      {"dkim-mox", "cases-dkim-mox.json"},
      {"dkim-go-msgauth", "cases-dkim-go-msgauth.json"},
      {"dkim-dkimpy", "cases-dkim-dkimpy-static.json"}};
  bool all_good = true;
  bool any = false;
  const auto report = [&](const Score& score) {
    any = true;
    all_good = all_good && score.good == score.all;
    std::cout << score.suite << ": " << score.good << " of " << score.all << "\n";
  };
  try {
    for (const auto& [folder, case_file] : kSuites) {
      if (std::filesystem::exists(root / folder / case_file))
        report(run_verification_suite(root / folder, case_file));
    }
    if (std::filesystem::exists(root / "dkim-sign-vectors" / "sign-vectors.json"))
      report(run_signing_vectors(root / "dkim-sign-vectors"));
  } catch (const std::exception& error) {
    std::cout << "dkim_suite: " << error.what() << "\n";
    return 1;
  }
  if (!any) {
    std::cout << "skipped: no DKIM suites in " << root.string() << "\n";
    return kSkipped;
  }
  return all_good ? 0 : 1;
}
