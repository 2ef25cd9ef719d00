// --doctor: what is wrong with this run (nn/doctor/examine.h)? Said before training, and instead of it.
//
//     cli.group("Training", {kit::doctor_option(doctor)});
//     …
//     if (doctor) {
//       const int code = kit::report_examination(nn::examine(model, loss, adamw, batches), folder.file("rates.svg"));
//       return kit::end_examination(cli, folder, code);
//     }
//
// The program ends with 0 if the run is healthy, else with 1, so that a script can ask before it starts a long run. The
// option is added to the command line of the run as it is: what has no effect then (--eval-every) is not refused.
#pragma once

#include <filesystem>
#include <string>

#include <heed/examples/kit/cli.h>
#include <heed/examples/kit/run_folder.h>
#include <heed/nn/doctor/examine.h>

namespace heed::kit {

Option doctor_option(bool& on);

/// Prints the report under the name of what was examined, and draws the losses after a few steps at each learning rate. 0
/// if it is healthy, else 1: the program's exit code.
int report_examination(const nn::Report& report, const std::filesystem::path& drawing,
                       const std::string& name = "examined");

/// Prints the files made and, with --json, that there are no results; returns the code.
int end_examination(const Cli& cli, const RunFolder& folder, int code);

}  // namespace heed::kit
