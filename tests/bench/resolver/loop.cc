// The floor of a survey: questions asked of libunbound by its event interface, a fixed number of
// them in flight, and nothing done with the answers.
//
//   bench_resolver_loop ADDRESS@PORT IN_FLIGHT < questions, a line each: NAME TYPE
//
// Prints "QUESTIONS SECONDS UNANSWERED".

#include <arpa/inet.h>
#include <event2/event.h>
#include <sys/resource.h>
#include <unbound-event.h>
#include <unbound.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void die(const std::string& why) {
  std::fprintf(stderr, "bench_resolver_loop: %s\n", why.c_str());
  std::exit(1);
}

void check(int status, const char* what) {
  if (status != 0) die(std::string(what) + ": " + ub_strerror(status));
}

struct Loop {
  event_base* base = nullptr;
  ub_ctx* context = nullptr;
  std::vector<std::pair<std::string, int>> questions;
  std::size_t next = 0;
  std::size_t in_flight = 0;
  std::size_t most = 0;
  std::size_t unanswered = 0;
  bool filling = false;

  /// Not from within an answer that comes at once: the stack would grow with each.
  void fill();
};

extern "C" void on_answer(void* data, int code, void*, int, int, char*, int) {
  auto* const loop = static_cast<Loop*>(data);
  --loop->in_flight;
  if (code == 2 || code < 0) ++loop->unanswered;  // SERVFAIL
  loop->fill();
}

void Loop::fill() {
  if (filling) return;
  filling = true;
  while (in_flight < most && next < questions.size()) {
    const auto& [name, type] = questions[next++];
    ++in_flight;
    int id = 0;
    check(ub_resolve_event(context, name.c_str(), type, 1, this, on_answer, &id),
          "ub_resolve_event");
  }
  filling = false;
  if (in_flight == 0 && next == questions.size()) event_base_loopbreak(base);
}

int type_of(const std::string& name) {
  const std::pair<const char*, int> types[] = {
      {"A", 1},    {"NS", 2},    {"CNAME", 5}, {"SOA", 6},     {"PTR", 12}, {"MX", 15},
      {"TXT", 16}, {"AAAA", 28}, {"DS", 43},   {"DNSKEY", 48}, {"TLSA", 52}};
  for (const auto& [known, number] : types) {
    if (name == known) return number;
  }
  die("unknown type " + name);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) die("usage: bench_resolver_loop ADDRESS@PORT IN_FLIGHT < QUESTIONS");
  Loop loop;
  loop.most = std::strtoul(argv[2], nullptr, 10);
  std::string name, type;
  while (std::cin >> name >> type) loop.questions.emplace_back(name, type_of(type));

  loop.base = event_base_new();
  loop.context = ub_ctx_create_event(loop.base);
  if (loop.context == nullptr) die("no context");
  const std::pair<const char*, const char*> options[] = {
      {"do-not-query-localhost:", "no"}, {"num-queries-per-thread:", "2048"},
      {"outgoing-range:", "2048"},       {"module-config:", "iterator"},
      {"msg-cache-slabs:", "1"},         {"rrset-cache-slabs:", "1"},
      {"infra-cache-slabs:", "1"}};
  for (const auto& [option, value] : options)
    check(ub_ctx_set_option(loop.context, option, value), option);
  check(ub_ctx_set_fwd(loop.context, argv[1]), argv[1]);
  for (const char* zone : {"test.", "invalid."})
    check(ub_ctx_zone_remove(loop.context, zone), zone);

  const auto begun = Clock::now();
  loop.fill();
  event_base_dispatch(loop.base);
  const std::chrono::duration<double> time = Clock::now() - begun;
  std::printf("%zu %.3f %zu\n", loop.questions.size(), time.count(), loop.unanswered);
  return 0;
}
