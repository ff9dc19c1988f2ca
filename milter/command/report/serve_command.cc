#include <csignal>

#include <algorithm>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <pthread.h>

#include <fmt/format.h>

#include <authmilter/domain_name.h>
#include <authmilter/host_name.h>
#include <authmilter/report_page.h>
#include <authmilter/socket_address.h>

#include "http/http_server.h"
#include "output/output.h"
#include "report/make_page.h"
#include "report/names_option.h"
#include "report/report_commands.h"

namespace authmilter::tools {
namespace {

using namespace std::chrono_literals;

constexpr const char* kListen = "127.0.0.1:9254";
// People look at this, not a monitor: few at a time. The time is for a whole request, and then for
// each piece of the answer, so a slow reader gets his 2 MB; connections that say nothing have to be
// very many at a time before others wait.
constexpr http::Limits kServerLimits{64, 20, 200, 3s};
// Somebody may press "reload" as fast as he likes: all who come within that time get one page.
constexpr auto kSamePage = 1s;
// Who does not get the page by then is told so; the one who makes it goes on.
constexpr auto kPatience = 8s;

struct ServeOptions {
  StoreOptions store;
  NamesOption names;
  std::string listen = kListen;
  std::vector<std::string> hosts;
};

std::string check_listen(const std::string& text) {
  return HostPort::parse(text) ? "" : "\"" + text + "\" is not of the form ADDRESS:PORT";
}

/// Without the port.
std::string_view host_part(std::string_view host) {
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.find(':'));
}

/// A page of somebody else's, whose name leads to this address for a moment, would be allowed by
/// the reader's browser to read this one (DNS rebinding). So the name that the browser asks for has
/// to be one that nobody else can have.
bool is_own_name(std::string_view host, const std::vector<std::string>& names) {
  std::string name(host_part(host));
  if (name.starts_with('[') && name.ends_with(']')) name = name.substr(1, name.size() - 2);
  if (IpAddress::parse(name)) return true;
  // Browsers write names in lower case, and administrators as they like.
  const auto asked = DomainName::parse(name);
  if (!asked) return false;
  if (asked->text() == "localhost") return true;
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& own) { return DomainName::parse(own) == asked; });
}

class Pages {
 public:
  Pages(const ServeOptions& options, const Config& config, Resolver* resolver, std::string host)
      : options_(options), config_(config), resolver_(resolver), host_(std::move(host)) {}

  http::Answer answer(const http::Request& request) {
    constexpr std::string_view kHtml = "text/html; charset=utf-8";
    if (!is_own_name(request.host, options_.hosts)) {
      return {421, "Misdirected Request", "text/plain; charset=utf-8",
              "This host is not known here by that name: see --host.\n", fields()};
    }
    std::unique_lock lock(mutex_, std::defer_lock);
    if (!lock.try_lock_for(kPatience))
      return {503, "Service Unavailable", kHtml, error_page("too many ask at a time"), fields()};
    const auto now = std::chrono::steady_clock::now();
    if (!page_ || now - made_ >= kSamePage) {
      auto page = make();
      if (!page) {
        page_.reset();
        note(page.error().message);
        return {503, "Service Unavailable", kHtml,
                error_page("the store is not there or does not answer; the log says why"),
                fields()};
      }
      page_ = std::move(*page);
      made_ = std::chrono::steady_clock::now();
    }
    return {200, "OK", kHtml, *page_, fields()};
  }

 private:
  /// What keeps others' pages from showing or reading this one, and the browser from keeping it.
  static std::string fields() {
    return fmt::format(
        "Content-Security-Policy: {}\r\nX-Content-Type-Options: nosniff\r\n"
        "X-Frame-Options: DENY\r\nReferrer-Policy: no-referrer\r\nCache-Control: no-store\r\n"
        "Cross-Origin-Resource-Policy: same-origin\r\nCross-Origin-Opener-Policy: same-origin\r\n",
        page_security_policy());
  }

  /// Opened anew each time: a store that comes back, or is another one, is seen.
  Result<std::string> make() {
    const OpenStore store(options_.store, config_);
    if (!store) return Error{store.message()};
    auto page = make_page(*store, period_of(options_.store), options_.store.domain, host_,
                          time_or_now(options_.store.time), resolver_);
    if (!page) return Error{page.error().message};
    return std::move(*page);
  }

  const ServeOptions& options_;
  const Config& config_;
  Resolver* const resolver_;
  const std::string host_;
  std::timed_mutex mutex_;
  std::optional<std::string> page_;
  std::chrono::steady_clock::time_point made_;
};

/// SIGTERM and SIGINT, for wait() alone: threads that are made after this do not see them.
class EndSignals {
 public:
  EndSignals() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGTERM);
    sigaddset(&set_, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  }
  void wait() const {
    int which = 0;
    while (sigwait(&set_, &which) != 0) {
    }
  }

 private:
  sigset_t set_{};
};

ExitStatus run(const ServeOptions& options, const CommonOptions& common) {
  const auto config = read_configuration(common);
  if (!config) return fail(ExitStatus::configuration, config.error());
  // One that is not there yet is there when the daemon has made it.
  const OpenStore store(options.store, *config);
  if (!store && store.status() == ExitStatus::configuration) return store.report_failure();
  const EndSignals signals;
  // host_name() asks in a child: before there are threads.
  const std::string host = host_name();
  const NamesResolver names(options.names, *config);
  if (names.failed()) return names.report_failure();
  Pages pages(options, *config, names.get(), host);
  const auto server =
      http::Server::start(*HostPort::parse(options.listen), kServerLimits, {"/"},
                          [&](const http::Request& request) { return pages.answer(request); });
  if (!server) return fail(ExitStatus::unavailable, "report: " + server.error().message);
  note("reports are at http://" + options.listen + "/");
  if (!store) note(store.message());
  signals.wait();
  return ExitStatus::done;
}

}  // namespace

void add_report_serve(const Command& report, Context& context) {
  const Command command =
      report.add_subcommand("serve", "Serve that page by HTTP, made anew for each who looks");
  const auto options = std::make_shared<ServeOptions>();
  options->store.since = "90d";
  command.add_text("--listen", options->listen, "where to listen")
      .check(check_listen)
      .stands_as("ADDR:PORT")
      .show_default();
  command
      .add_list("--host", options->hosts,
                "a name that readers may ask for, beside addresses and localhost")
      .check(check_domain_name)
      .stands_as("NAME");
  add_domain_option(command, options->store);
  add_store_options(command, options->store);
  add_names_option(command, options->names);
  add_config_option(command, context.common);
  command.runs([options, &context] { context.status = run(*options, context.common); });
}

}  // namespace authmilter::tools
