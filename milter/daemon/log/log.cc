#include "log/log.h"

// The place in our source is of no use to an operator.
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <fmt/chrono.h>
#include <fmt/core.h>
#include <sys/uio.h>
#include <syslog.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <cstdio>

namespace authmilter {
namespace {

constexpr std::size_t kValueOctets = 256;
constexpr std::size_t kTextOctets = 1024;
constexpr const char* kIdentifier = "authmilterd";
constexpr const char* kJournalSocket = "/run/systemd/journal/socket";
constexpr const char* kSyslogSocket = "/dev/log";
constexpr auto kLastLines = std::chrono::seconds(1);

bool is_plain(char c) {
  return c > ' ' && c < '\x7f' && c != '"' && c != '\\' && c != '=' && c != '\'';
}

/// Octets outside printable ASCII become `\xNN`, the two characters that end or escape a quoted
/// string get a backslash, what is too long is cut.
std::string escaped(std::string_view text, std::size_t limit) {
  std::string out;
  for (const char c : text) {
    if (out.size() >= limit) return out + "...";
    if (c < ' ' || c >= '\x7f') {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out;
}

std::string quoted_if_needed(std::string_view text) {
  bool plain = !text.empty() && text.size() <= kValueOctets;
  for (const char c : text) plain = plain && is_plain(c);
  return plain ? std::string(text) : '"' + escaped(text, kValueOctets) + '"';
}

/// A JSON string. JSON has no `\x`, so the backslash of such an escape is itself escaped.
std::string json_string(std::string_view text, std::size_t limit) {
  std::string out = "\"";
  for (const char c : text) {
    if (out.size() >= limit) {
      out += "...";
      break;
    }
    if (c < ' ' || c >= '\x7f') {
      out += fmt::format("\\\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out + '"';
}

std::string text_of(const LogField& field) {
  if (const auto* number = std::get_if<std::int64_t>(&field.value)) return std::to_string(*number);
  return quoted_if_needed(std::get<std::string>(field.value));
}

int priority_of(LogLevel level) {
  switch (level) {
    case LogLevel::error:
      return LOG_ERR;
    case LogLevel::warning:
      return LOG_WARNING;
    case LogLevel::info:
      return LOG_INFO;
    case LogLevel::debug:
      return LOG_DEBUG;
  }
  return LOG_ERR;
}

void send_to_journal(LogLevel level, const std::string& line, const LogFields& fields) {
  std::vector<std::string> entries = {"MESSAGE=" + line,
                                      fmt::format("PRIORITY={}", priority_of(level)),
                                      fmt::format("SYSLOG_FACILITY={}", LOG_MAIL >> 3),
                                      fmt::format("SYSLOG_IDENTIFIER={}", kIdentifier)};
  for (const LogField& field : fields) {
    std::string name = "AUTHMILTER_";
    for (const char c : field.key) {
      name += c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c;
    }
    if (const auto* number = std::get_if<std::int64_t>(&field.value)) {
      entries.push_back(fmt::format("{}={}", name, *number));
    } else {
      entries.push_back(name + '=' + escaped(std::get<std::string>(field.value), kValueOctets));
    }
  }
  std::vector<iovec> parts;
  for (std::string& entry : entries) parts.push_back({entry.data(), entry.size()});
  sd_journal_sendv(parts.data(), static_cast<int>(parts.size()));
}

void write_to_stderr(std::string line) {
  line += '\n';
  // One write, so that lines of several threads do not mix. Nothing can be done when it fails.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

/// The C libraries say nothing when there is no journal or no syslog, and the lines would be lost.
LogTarget usable(LogTarget target) {
  const char* const socket = target == LogTarget::journal  ? kJournalSocket
                             : target == LogTarget::syslog ? kSyslogSocket
                                                           : nullptr;
  const bool missing = socket != nullptr && access(socket, W_OK) != 0;
  return missing ? LogTarget::stderr_stream : target;
}

}  // namespace

std::string_view to_string(LogLevel level) {
  switch (level) {
    case LogLevel::error:
      return "error";
    case LogLevel::warning:
      return "warning";
    case LogLevel::info:
      return "info";
    case LogLevel::debug:
      return "debug";
  }
  return "error";
}

std::string format_text(std::string_view text, const LogFields& fields) {
  std::string line = escaped(text, kTextOctets);
  for (const LogField& field : fields) {
    if (!line.empty()) line += ' ';
    line += field.key;
    line += '=';
    line += text_of(field);
  }
  return line;
}

std::string format_json(LogLevel level, std::string_view text, const LogFields& fields,
                        std::chrono::system_clock::time_point now) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now);
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now - seconds).count();
  std::string line = fmt::format(R"({{"time":"{:%Y-%m-%dT%H:%M:%S}.{:03}Z","level":"{}")",
                                 fmt::gmtime(seconds), ms, to_string(level));
  if (!text.empty()) line += ",\"message\":" + json_string(text, kTextOctets);
  for (const LogField& field : fields) {
    line += fmt::format(",\"{}\":", field.key);
    if (const auto* number = std::get_if<std::int64_t>(&field.value)) {
      line += std::to_string(*number);
    } else {
      line += json_string(std::get<std::string>(field.value), kValueOctets);
    }
  }
  return line + '}';
}

/// Where the lines go, and how. The writer's thread has a part in it, and may outlive the logger.
struct Logger::Output {
  explicit Output(const LogConfig& config) { configure(config); }

  void configure(const LogConfig& config) {
    target = usable(config.target);
    format = config.format;
  }
  void put(const LogLine& line) const;

  std::atomic<LogTarget> target;
  std::atomic<LogFormat> format;
};

void Logger::Output::put(const LogLine& one) const {
  const LogTarget to = target;
  const bool json = format == LogFormat::json;
  std::string line = json ? format_json(one.level, one.text, one.fields, one.time)
                          : format_text(one.text, one.fields);
  switch (to) {
    case LogTarget::journal:
      send_to_journal(one.level, line, one.fields);
      return;
    case LogTarget::syslog:
      ::syslog(priority_of(one.level), "%s", line.c_str());
      return;
    case LogTarget::stderr_stream:
      // The journal and syslog keep the level beside the line.
      if (!json && one.level != LogLevel::info) {
        line.insert(0, fmt::format("{}: ", to_string(one.level)));
      }
      write_to_stderr(std::move(line));
      return;
  }
}

Logger::Logger(const LogConfig& config)
    : output_(std::make_shared<Output>(config)),
      level_(config.level),
      writer_([output = output_](const LogLine& line) { output->put(line); }) {
  openlog(kIdentifier, LOG_PID | LOG_NDELAY, LOG_MAIL);
}

void Logger::configure(const LogConfig& config) {
  output_->configure(config);
  level_ = config.level;
}

void Logger::error(std::string_view text, const LogFields& fields) noexcept {
  write(LogLevel::error, Repeats::hold_back, text, fields);
}

void Logger::warning(std::string_view text, const LogFields& fields) noexcept {
  write(LogLevel::warning, Repeats::hold_back, text, fields);
}

void Logger::info(std::string_view text, const LogFields& fields) noexcept {
  write(LogLevel::info, Repeats::keep, text, fields);
}

void Logger::debug(std::string_view text, const LogFields& fields) noexcept {
  write(LogLevel::debug, Repeats::keep, text, fields);
}

void Logger::message(const LogFields& fields) noexcept {
  write(LogLevel::info, Repeats::keep, {}, fields);
}

void Logger::write(LogLevel level, Repeats repeats, std::string_view text,
                   const LogFields& fields) noexcept {
  if (level > level_) return;
  try {
    if (repeats == Repeats::keep) {
      emit(level, text, fields);
      return;
    }
    RepeatLimit::Verdict verdict;
    {
      const std::lock_guard lock(mutex_);
      verdict = repeats_.check(text, std::chrono::steady_clock::now());
    }
    if (!verdict.write) return;
    if (verdict.held_back > 0) {
      emit(level, "repeated lines held back",
           {{"line", std::string(text)}, {"count", static_cast<std::int64_t>(verdict.held_back)}});
    }
    emit(level, text, fields);
  } catch (...) {
    // Out of memory: the line is lost, the message must not be.
  }
}

void Logger::emit(LogLevel level, std::string_view text, const LogFields& fields) {
  writer_.write({level, std::chrono::system_clock::now(), std::string(text), fields});
}

void Logger::flush() noexcept {
  try {
    writer_.flush(kLastLines);
  } catch (...) {
    // A mutex that fails: nothing is left to tell it to.
  }
}

}  // namespace authmilter
