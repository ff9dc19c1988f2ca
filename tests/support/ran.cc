#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <mutex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

// Registers what ran: into the file $AUTHMILTER_RAN go, one a line, the names of test cases and
// subcases and the `why` of rows under which an assertion was looked at.
// tests/repository/attacks.py and edge_cases.py find there which of their numbers are tested.
// tests/harness/ran.py does the same for Python.

namespace {

class Ran : public doctest::IReporter {
 public:
  explicit Ran(const doctest::ContextOptions& /*options*/) {}

  void test_case_start(const doctest::TestCaseData& test) override { test_ = test.m_name; }
  void test_case_reenter(const doctest::TestCaseData& /*test*/) override {}
  void test_case_end(const doctest::CurrentTestCaseStats& /*stats*/) override {}
  void test_case_exception(const doctest::TestCaseException& /*exception*/) override {}
  void test_case_skipped(const doctest::TestCaseData& /*test*/) override {}
  void subcase_start(const doctest::SubcaseSignature& subcase) override {
    const std::lock_guard lock(mutex_);
    subcases_.push_back(one_line(subcase.m_name.c_str()));
  }
  void subcase_end() override {
    const std::lock_guard lock(mutex_);
    if (!subcases_.empty()) subcases_.pop_back();
  }
  void log_message(const doctest::MessageData& /*message*/) override {}
  void report_query(const doctest::QueryData& /*query*/) override {}
  void test_run_start() override {}

  void log_assert(const doctest::AssertData& /*assertion*/) override {
    if (file_ == nullptr) return;
    const std::lock_guard lock(mutex_);
    if (test_ != nullptr) titles_.insert(one_line(test_));
    test_ = nullptr;
    titles_.insert(subcases_.begin(), subcases_.end());
    for (int i = 0; i < get_num_active_contexts(); ++i) {
      std::ostringstream text;
      get_active_contexts()[i]->stringify(&text);
      // `row.why := text`, as CAPTURE writes it.
      const std::string captured = text.str();
      const auto end = captured.find(" := ");
      if (end != std::string::npos && captured.substr(0, end).ends_with("why")) {
        titles_.insert(one_line(captured.substr(end + 4)));
      }
    }
  }

  void test_run_end(const doctest::TestRunStats& /*stats*/) override {
    if (file_ == nullptr) return;
    std::ofstream stream(file_);
    for (const std::string& title : titles_) stream << title << '\n';
  }

 private:
  static std::string one_line(std::string text) {
    for (char& c : text) c = c == '\n' || c == '\r' ? ' ' : c;
    return text;
  }

  const char* file_ = std::getenv("AUTHMILTER_RAN");
  std::mutex mutex_;            // assertions come from several threads
  const char* test_ = nullptr;  // until an assertion of it was looked at
  std::vector<std::string> subcases_;  // those we are in
  std::set<std::string> titles_;
};

REGISTER_LISTENER("ran", 1, Ran);

}  // namespace
