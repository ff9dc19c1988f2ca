#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/report_store.h>
#include <authmilter/report_view.h>

namespace authmilter {

/// What a page shows. The views are settled, and outlive the call.
struct PageInput {
  std::string host;                     // whose page it is
  std::int64_t made = 0;                // seconds since 1970
  const ReportView& received;           // what others saw of our domains, and their TLS reports
  const ReportView& own;                // what came in here
  std::vector<SendEntry> sent;          // what we reported to others
  std::vector<ReceivedReport> reports;  // what they reported to us
};

/// A page that is whole in itself: nothing is fetched, from anywhere. Its tables can be read
/// without JavaScript; charts and filters need it. What strangers wrote is text in it and never
/// markup. It stays below 2 MB: with more domains, sources or days than fit, the smaller ones are
/// put together.
std::string report_page(const PageInput& input);

/// What a server has to send as Content-Security-Policy with the page; a page has nearly the same
/// in itself.
std::string page_security_policy();

/// The page where nothing can be read: `why` as text.
std::string error_page(std::string_view why);

}  // namespace authmilter
