#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <authmilter/report_store.h>

namespace authmilter {

struct SpooledBatch {
  BatchId id;
  std::vector<ReportRow> rows;
};

/// Batches that wait, in the order in which they came, for a store that cannot be reached: a file
/// of ours in a directory, which one process at a time has open. A batch is on disk when put()
/// returns. One thread at a time.
class RowSpool {
 public:
  /// The one file of `directory` that is called `name`, made if need be. `later` while another
  /// process has it.
  static StoreResult<std::unique_ptr<RowSpool>> open(const std::filesystem::path& directory,
                                                     std::string_view name);
  virtual ~RowSpool() = default;

  virtual StoreStatus put(const BatchId& id, std::span<const ReportRow> rows) = 0;
  /// Nothing when it is empty.
  virtual StoreResult<std::optional<SpooledBatch>> oldest() = 0;
  /// Of what oldest() has given, once the store has it.
  virtual StoreStatus remove(const BatchId& id) = 0;
  virtual StoreResult<std::uint64_t> messages() = 0;
};

}  // namespace authmilter
