#pragma once

// Files of test vectors: finding them, and reading them without trust in what they hold.

#include <cstddef>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "field.h"

namespace tacet::tool {

inline constexpr std::size_t max_file_size = std::size_t{256} << 20;  // bytes
inline constexpr std::size_t max_values = 10'000'000;  // in one file, names of members included
inline constexpr std::size_t max_members = 100;        // in one object
inline constexpr std::size_t max_depth = 64;

// A file that cannot be read; what() names the line and column if it is no JSON.
class Unreadable : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The file at `path`; if that is a folder, the *.json in it and in its subfolders, sorted, but for those in a
// folder `egress`, which are whole histories and no vectors. Throws Unreadable if there is none.
std::vector<std::filesystem::path> find_files(const std::filesystem::path& path);

// The array of cases that the file holds. Throws Unreadable, also for a name that an object has twice and for
// what exceeds the limits above.
Json read_vector_file(const std::filesystem::path& path);

}  // namespace tacet::tool
