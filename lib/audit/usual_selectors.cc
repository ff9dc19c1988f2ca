#include <authmilter/audit_gather.h>

namespace authmilter {
namespace {

// What providers and the manuals of signers name. A selector cannot be found out otherwise: the DNS
// answers only for names that are asked for.
constexpr const char* kUsual[] = {
    "default",    "dkim",        "mail",
    "email",      "smtp",        "key1",
    "key2",       "k1",          "k2",
    "k3",         "s1",          "s2",
    "s1024",      "s2048",       "selector",
    "selector1",  "selector2",   "google",
    "mx",         "mandrill",    "everlytickey1",
    "fm1",        "fm2",         "fm3",
    "protonmail", "protonmail2", "protonmail3",
    "zoho",       "zmail",       "sig1",
    "pm",         "scph0819",    "dkim1",
    "dkim2",      "mailjet",     "sib",
    "beta",       "ctct1",       "20230601",
    "hs1",
};

}  // namespace

std::vector<SelectorFact> usual_selectors() {
  std::vector<SelectorFact> selectors;
  for (const char* const name : kUsual) selectors.push_back({name, SelectorOrigin::usual, {}});
  return selectors;
}

}  // namespace authmilter
