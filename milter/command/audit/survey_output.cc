#include "audit/survey_output.h"

#include <cerrno>
#include <system_error>
#include <utility>

#include <authmilter/key_states.h>

#include "output/output.h"

namespace authmilter::tools {
namespace {

Error survey_file_error(const std::string& path) {
  return Error{path + ": cannot be written: " + std::system_category().message(errno)};
}

}  // namespace

void SurveyOutput::Close::operator()(std::FILE* file) const noexcept {
  if (file != stdout) std::fclose(file);
}

Result<SurveyOutput> SurveyOutput::open(const std::string& format, const std::string& out) {
  SurveyOutput output;
  output.format_ = format;
  output.out_ = out;
  if (format != "csv") return output;
  output.file_.reset(out == "-" ? stdout : std::fopen(output.part().c_str(), "we"));
  if (output.file_ == nullptr) return survey_file_error(output.part());
  if (auto written = output.write(survey_csv_heading()); !written) return written.error();
  return output;
}

Status SurveyOutput::write(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), file_.get()) == text.size()) return Done{};
  return survey_file_error(out_ == "-" ? "standard output" : part());
}

Status SurveyOutput::add(const SurveyRow& row) {
  return file_ == nullptr ? Status(Done{}) : write(survey_csv_line(row));
}

ExitStatus SurveyOutput::finish(const SurveyReport& report) {
  if (file_ != nullptr) {
    if (std::fflush(file_.get()) != 0)
      return fail(ExitStatus::output, survey_file_error(out_ == "-" ? "standard output" : part()));
    if (out_ != "-" && std::rename(part().c_str(), out_.c_str()) != 0)
      return fail(ExitStatus::cannot_create, survey_file_error(out_));
    return ExitStatus::done;
  }
  const std::string text = format_ == "json"   ? survey_json(report)
                           : format_ == "html" ? survey_html(report)
                                               : survey_text(report);
  if (out_ == "-") return write_out(text, ExitStatus::done);
  const auto written = replace_file(out_, text, Links::followed);
  return written ? ExitStatus::done : fail(ExitStatus::cannot_create, written.error());
}

}  // namespace authmilter::tools
