// The folder that --out names: what a run makes, listed at its end.
//
//     kit::RunFolder folder(common.out);
//     save_svg(folder.file("loss.svg", "loss curve"), …);
//     folder.print();      //     made  out/char_gpt/loss.svg   loss curve
#pragma once

#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

namespace heed::kit {

class RunFolder {
 public:
  /// Creates the folder where it is missing. Throws IoError.
  explicit RunFolder(const std::filesystem::path& folder);

  const std::filesystem::path& path() const { return path_; }

  /// The path of a file in the folder. With `what`, print() lists it, in the order of first calls.
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
};

}  // namespace heed::kit
