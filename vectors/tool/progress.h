#pragma once

#include <unistd.h>

#include <chrono>
#include <iostream>

#include "hex.h"

namespace tacet::tool {

// One line on a terminal that says how far a run is, and goes when the run ends.
class Progress {
 public:
  explicit Progress(bool wanted) : shown_(wanted && isatty(STDERR_FILENO) == 1) {}
  ~Progress() {
    if (shown_) std::cerr << erase << std::flush;
  }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void show(const std::string& line) {
    const auto now = std::chrono::steady_clock::now();
    if (!shown_ || now < next_) return;
    next_ = now + std::chrono::milliseconds(50);
    std::cerr << erase << printable(line) << std::flush;
  }

 private:
  static constexpr const char* erase = "\r\x1b[K";

  bool shown_;
  std::chrono::steady_clock::time_point next_;
};

}  // namespace tacet::tool
