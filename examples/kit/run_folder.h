// The folder that --out names: what a run makes, listed at its end.
//
//     kit::RunFolder folder(common.out);
//     save_svg(folder.file("loss.svg", "loss curve"), …);
//     folder.print();      // made  out/char_gpt/loss.svg  loss curve
#pragma once

#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

namespace heed::kit {

/// To be made before anything is computed: a folder that cannot be written is then found out at once.
class RunFolder {
 public:
  /// Creates the folder where it is missing, and keeps other runs out of it until the end of this
  /// object or of its process. Throws IoError where it cannot be written, or another run has it.
  explicit RunFolder(const std::filesystem::path& folder);
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

  /// The path of a file in the folder. With `what`, print() lists it, in the order of first calls.
  /// Throws IoError where something else than a file has that name.
  std::filesystem::path file(const std::string& name, const std::string& what = {});

  /// The files listed that exist by now, one a line; to stdout.
  void print() const;
  void print(std::ostream& out) const;

 private:
  struct Made {
    std::filesystem::path path;
    std::string what;
  };
  std::filesystem::path path_;
  std::vector<Made> made_;
  int lock_ = -1;  // the folder, opened and locked
};

}  // namespace heed::kit
