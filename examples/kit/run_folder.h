// The folder that --out names, with a list of the files that a run makes in it.
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

/// Construct it before anything is computed, so that a folder that cannot be written is reported at once.
class RunFolder {
 public:
  /// Creates the folder if it is missing, and locks out other runs for the lifetime of this object.
  /// Throws IoError if the folder cannot be written, or another run has it.
  explicit RunFolder(const std::filesystem::path& folder);
  ~RunFolder();  // a folder that was created and is still empty is removed
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

  /// The path of a file in the folder. With `what`, print() lists it, in the order of first calls.
  /// Throws IoError if something other than a file has that name.
  std::filesystem::path file(const std::string& name, const std::string& what = {});

  struct Made {
    std::filesystem::path path;
    std::string what;
  };
  /// The listed files, those that do not exist yet included.
  const std::vector<Made>& made() const { return made_; }

  /// Prints the listed files that exist, one per line, to stdout.
  void print() const;
  void print(std::ostream& out) const;

 private:
  std::filesystem::path path_;
  std::vector<Made> made_;
  std::vector<std::filesystem::path> created_;  // the folder and those around it that were missing; innermost first
  int lock_ = -1;                               // the folder, opened and locked
};

}  // namespace heed::kit
