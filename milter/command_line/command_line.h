#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

/// What a program takes from its command line. CLI11, which reads it, costs a source that includes
/// it some ten seconds, so that it is seen in command_line.cc alone.
namespace authmilter::command_line {

/// What is wrong with a value; empty: nothing.
using Check = std::string (*)(const std::string& value);

/// One option or positional argument. A handle, which lives no longer than its program.
class Option {
 public:
  explicit Option(CLI::Option& option) : option_(&option) {}
  Option required() const;
  /// The word that stands for the value in the help.
  Option stands_as(const char* word) const;
  Option check(Check find_fault) const;
  Option one_of(std::initializer_list<const char*> words) const;
  Option needs(const Option& other) const;
  Option excludes(const Option& other) const;
  /// The value that the variable has by now, in the help.
  Option show_default() const;

 private:
  CLI::Option* option_;
};

/// The program or one of its subcommands. A handle, which lives no longer than its program.
///
/// Names that begin with "--" are of options, others of positional arguments. The variables that
/// are bound here are written while the command line is parsed and have to live until then.
class Command {
 public:
  explicit Command(CLI::App& app) : app_(&app) {}

  Option add_flag(const char* name, bool& value, const std::string& help) const;
  Option add_text(const char* name, std::string& value, const std::string& help) const;
  Option add_text(const char* name, std::optional<std::string>& value,
                  const std::string& help) const;
  Option add_number(const char* name, unsigned& value, const std::string& help) const;
  Option add_number(const char* name, std::optional<std::int64_t>& value,
                    const std::string& help) const;
  /// A repeatable option that takes one value each time, so that the next word stays what it is.
  Option add_list(const char* name, std::vector<std::string>& values,
                  const std::string& help) const;

  Command add_subcommand(const char* name, const char* help) const;
  void require_subcommand() const;
  /// What the command does, at the end of parsing.
  void runs(std::function<void()> action) const;

 private:
  CLI::App* app_;
};

/// What a wrong command line is refused for.
struct Misuse {
  std::string text;
  std::optional<std::string> unknown_subcommand;
};

enum class Parsed {
  taken,    // and what the chosen command runs has run
  told,     // the help or the version was asked for and printed
  refused,  // and standard error says why
};

class Program : public Command {
 public:
  Program(const char* name, const char* description);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  /// --version, which prints `text`.
  void add_version(const char* text, const char* help);
  /// The text on standard error for a wrong command line.
  void refuse_with(std::function<std::string(const Misuse&)> message);
  /// Where the help's second column begins.
  void help_column(std::size_t column);
  Parsed parse(int argc, char** argv);

 private:
  explicit Program(std::unique_ptr<CLI::App> app);
  std::unique_ptr<CLI::App> owned_;
};

}  // namespace authmilter::command_line
