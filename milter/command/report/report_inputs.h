#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/result.h>

namespace authmilter::tools {

/// One file, one mail of an mbox, or standard input.
struct ReportInput {
  std::string name;        // as given, with "#3" behind it for the third mail of an mbox; "-"
  std::string octets;      // cut to one more than may be
  std::uint64_t read = 0;  // of all that there is to read, so far
};

/// Whether a file that begins with "From " is an mbox, to be split into its mails. What an MTA hands
/// to a command is one mail though it begins so, and in its text such lines are its sender's.
enum class Mboxes : std::uint8_t { split, one_mail };

/// Where reports are to be read from, one after the other, so that a year's archive costs the
/// memory of its largest mail.
class ReportInputs {
 public:
  /// "-" and no path at all are standard input. A folder stands for the files in it, and a maildir
  /// for its mails: `new` and `cur`, not `tmp` and not the folders below it.
  static Result<ReportInputs> open(const std::vector<std::string>& paths, std::size_t most_octets,
                                   Mboxes mboxes);

  /// How many octets there are, as far as files say so.
  std::uint64_t octets() const { return octets_; }
  /// Each in turn until `take` says that it is enough; what cannot be read is handed to `trouble`.
  void each(const std::function<bool(const ReportInput&)>& take,
            const std::function<void(const Error&)>& trouble);

 private:
  std::vector<std::string> paths_;
  std::size_t most_octets_ = 0;
  Mboxes mboxes_ = Mboxes::split;
  std::uint64_t octets_ = 0;
};

}  // namespace authmilter::tools
