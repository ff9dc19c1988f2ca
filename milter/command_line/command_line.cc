#include "command_line.h"

#include <utility>

#include <CLI/CLI.hpp>

namespace authmilter::command_line {
namespace {

Misuse misuse(const CLI::App& app, const CLI::Error& error) {
  // CLI11's own message for a wrong subcommand says only that there is none.
  const bool unknown = app.get_subcommands().empty() && app.remaining_size() > 0;
  return {error.what(), unknown ? std::optional(app.remaining().front()) : std::nullopt};
}

}  // namespace

Option Option::required() const {
  option_->required();
  return *this;
}

Option Option::stands_as(const char* word) const {
  option_->type_name(word);
  return *this;
}

Option Option::check(Check find_fault) const {
  option_->check(CLI::Validator(find_fault, ""));
  return *this;
}

Option Option::one_of(std::initializer_list<const char*> words) const {
  option_->check(CLI::IsMember(std::vector<std::string>(words.begin(), words.end())));
  return *this;
}

Option Option::needs(const Option& other) const {
  option_->needs(other.option_);
  return *this;
}

Option Option::excludes(const Option& other) const {
  option_->excludes(other.option_);
  return *this;
}

Option Option::show_default() const {
  option_->capture_default_str();
  return *this;
}

Option Command::add_flag(const char* name, bool& value, const std::string& help) const {
  return Option(*app_->add_flag(name, value, help));
}

Option Command::add_text(const char* name, std::string& value, const std::string& help) const {
  return Option(*app_->add_option(name, value, help));
}

Option Command::add_text(const char* name, std::optional<std::string>& value,
                         const std::string& help) const {
  return Option(*app_->add_option(name, value, help));
}

Option Command::add_number(const char* name, unsigned& value, const std::string& help) const {
  return Option(*app_->add_option(name, value, help));
}

Option Command::add_number(const char* name, std::optional<std::int64_t>& value,
                           const std::string& help) const {
  return Option(*app_->add_option(name, value, help));
}

Option Command::add_list(const char* name, std::vector<std::string>& values,
                         const std::string& help) const {
  CLI::Option* option = app_->add_option(name, values, help)
                            ->type_size(1)
                            ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  // Of positional arguments there may be any number.
  return Option(*option->allow_extra_args(option->get_positional()));
}

Command Command::add_subcommand(const char* name, const char* help) const {
  return Command(*app_->add_subcommand(name, help));
}

void Command::require_subcommand() const { app_->require_subcommand(1); }

void Command::runs(std::function<void()> action) const { app_->callback(std::move(action)); }

Program::Program(const char* name, const char* description)
    : Program(std::make_unique<CLI::App>(description, name)) {}

Program::Program(std::unique_ptr<CLI::App> app) : Command(*app), owned_(std::move(app)) {}

Program::~Program() = default;

void Program::add_version(const char* text, const char* help) {
  owned_->set_version_flag("--version", text, help);
}

void Program::refuse_with(std::function<std::string(const Misuse&)> message) {
  owned_->failure_message(
      [message = std::move(message)](const CLI::App* app, const CLI::Error& error) {
        return message(misuse(*app, error));
      });
}

void Program::help_column(std::size_t column) { owned_->get_formatter()->column_width(column); }

Parsed Program::parse(int argc, char** argv) {
  try {
    owned_->parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return owned_->exit(error) == 0 ? Parsed::told : Parsed::refused;
  }
  return Parsed::taken;
}

}  // namespace authmilter::command_line
