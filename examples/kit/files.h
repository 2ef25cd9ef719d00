// Whole files in one call.
#pragma once

#include <filesystem>
#include <string>

namespace heed::kit {

/// All bytes of a file. Throws IoError.
std::string read_file(const std::filesystem::path& file);

/// Replaces a file's content. Throws IoError.
void write_file(const std::filesystem::path& file, const std::string& bytes);

}  // namespace heed::kit
