#include <heed/examples/kit/run_folder.h>

#include <algorithm>
#include <iostream>

#include <heed/core/error.h>
#include <heed/core/text.h>
#include <heed/examples/kit/format.h>

namespace heed::kit {

RunFolder::RunFolder(const std::filesystem::path& folder) : path_(folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  check<IoError>(std::filesystem::is_directory(folder), "--out: ", quote(folder.string()),
                 ": cannot be created (", error.message(), "): name another folder");
}

std::filesystem::path RunFolder::file(const std::string& name, const std::string& what) {
  const std::filesystem::path path = path_ / name;
  const bool listed =
      std::any_of(made_.begin(), made_.end(), [&](const Made& m) { return m.path == path; });
  if (!what.empty() && !listed) made_.push_back({path, what});
  return path;
}

void RunFolder::print() const { print(std::cout); }

void RunFolder::print(std::ostream& out) const {
  int width = 0;
  for (const Made& made : made_) width = std::max(width, text_width(made.path.string()));
  for (const Made& made : made_)
    if (std::filesystem::exists(made.path))
      out << "made  " << fit(made.path.string(), width) << "  " << made.what << '\n';
  out << std::flush;
}

}  // namespace heed::kit
