#pragma once

#include <string>

#include <authmilter/result.h>

#include "log.h"
#include "metrics.h"
#include "runtime.h"

namespace authmilter {

/// What the callbacks work with; all of it outlives libmilter's threads.
struct MilterContext {
  RuntimeHolder& runtimes;
  Logger& logger;
  Metrics& metrics;
};

/// Registers the callbacks and sets libmilter up for one socket ("unix:...", "inet:..."), which is
/// not opened yet. Once per process: libmilter keeps its state in globals, and has no place for a
/// pointer of ours.
Status register_milter(const MilterContext& context, const std::string& socket);

/// Opens the socket.
Status open_milter_socket(const std::string& socket);

/// Serves until stop_milter(). An error is one that ended it early.
Status run_milter();

/// Makes run_milter() return soon; messages in hand are cut off. Any thread may call it.
void stop_milter();

}  // namespace authmilter
