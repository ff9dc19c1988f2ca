#include "token/module.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/ascii.h"
#include "base/file.h"
#include "token/farewell.h"

namespace authmilter {
namespace {

// The list of functions of the library itself: what p11-kit puts around it for programs that share
// one makes code while it runs, which a confined service may not.
constexpr int kFlags = P11_KIT_MODULE_UNMANAGED;

struct FreeText {
  void operator()(char* text) const noexcept { std::free(text); }
};
using Text = std::unique_ptr<char, FreeText>;

std::string_view text_of(const Text& text) { return text ? text.get() : ""; }

/// What p11-kit noted last in this thread.
std::string noted() {
  const char* message = p11_kit_message();
  return message == nullptr ? "" : ": " + printable(message);
}

/// Certificates of authorities and no keys: it is registered everywhere.
bool is_of_trust(CK_FUNCTION_LIST* module) {
  return text_of(Text(p11_kit_config_option(module, "trust-policy"))) == "yes";
}

}  // namespace

Module::~Module() {
  if (ready_.empty()) return;
  struct Libraries {
    std::vector<CK_FUNCTION_LIST*> ready;
    decltype(one_) one;
    decltype(many_) many;
  };
  auto libraries =
      std::make_shared<Libraries>(Libraries{std::move(ready_), std::move(one_), std::move(many_)});
  call_or_abandon([libraries = std::move(libraries)]() mutable {
    for (CK_FUNCTION_LIST* module : libraries->ready) module->C_Finalize(nullptr);
    libraries.reset();
  });
}

TokenResult<Done> Module::load() {
  p11_kit_be_quiet();  // what it would write to standard error is in noted()
  if (!loaded_.empty()) return Done{};
  if (!place_.path.empty()) {
    struct stat status {};
    if (::stat(place_.path.c_str(), &status) != 0)
      return TokenError{TokenFault::refused, "module-path: " + error_text(errno)};
    one_.reset(p11_kit_module_load(place_.path.c_str(), kFlags));
    if (!one_) return TokenError{TokenFault::refused, "module-path: cannot be loaded" + noted()};
    loaded_ = {one_.get()};
    return Done{};
  }
  if (!many_) many_.reset(p11_kit_modules_load(nullptr, kFlags));
  if (!many_) return TokenError{TokenFault::refused, "p11-kit cannot load its modules" + noted()};
  std::string names;
  for (CK_FUNCTION_LIST** module = many_.get(); *module != nullptr; ++module) {
    const Text name(p11_kit_module_get_name(*module));
    if (place_.name.empty() ? is_of_trust(*module) : text_of(name) != place_.name) {
      names += fmt::format("{}{}", names.empty() ? "" : ", ", text_of(name));
      continue;
    }
    loaded_.push_back(*module);
  }
  if (!loaded_.empty()) return Done{};
  return TokenError{TokenFault::refused,
                    (place_.name.empty() ? "no module with keys is registered with p11-kit"
                                         : "module-name: it is not registered with p11-kit") +
                        fmt::format(" (there: {})", printable(names))};
}

TokenResult<Done> Module::initialise() {
  std::string failures;
  for (CK_FUNCTION_LIST* module : loaded_) {
    // Not p11_kit_module_initialize(): the mutexes that it hands over leave SoftHSM 2.6 without
    // any, and its heap is broken within seconds. With the system's it keeps its promise.
    CK_C_INITIALIZE_ARGS arguments{};
    arguments.flags = CKF_OS_LOCKING_OK;
    const Text reserved(p11_kit_config_option(module, "x-init-reserved"));
    arguments.pReserved = reserved && *reserved != '\0' ? reserved.get() : nullptr;
    const CK_RV value = module->C_Initialize(&arguments);
    if (value == CKR_OK || value == CKR_CRYPTOKI_ALREADY_INITIALIZED) {
      ready_.push_back(module);
      continue;
    }
    failures += (failures.empty() ? "" : "; ") + error_of("C_Initialize", value).message;
  }
  ++generation_;
  if (!ready_.empty()) return Done{};
  return TokenError{TokenFault::away, failures};
}

void Module::finalise() {
  for (CK_FUNCTION_LIST* module : ready_) module->C_Finalize(nullptr);
  ready_.clear();
}

TokenResult<std::unique_ptr<Module::Use>> Module::use() {
  for (;;) {
    std::unique_ptr<Use> use(new Use(*this));
    if (!ready_.empty()) return use;
    use.reset();
    const std::unique_lock alone(in_use_);
    if (!ready_.empty()) continue;
    if (auto loaded = load(); !loaded) return loaded.error();
    if (auto initialised = initialise(); !initialised) return initialised.error();
  }
}

void Module::begin_anew() {
  const std::unique_lock alone(in_use_, std::try_to_lock);
  if (!alone || tokens_up_ > 0) return;
  finalise();
}

}  // namespace authmilter
