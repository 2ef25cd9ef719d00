// Runs a test program's cases again under each instruction set that this machine has. (HEED_ISA=plain has tests of
// its own: core/cmake/heed_tests.cmake.)
#pragma once

#include <heed/core/kernels/dispatch.h>

#include "support/catch.h"
#include "support/errors.h"
#include "support/run_program.h"

namespace heed::test {

/// The table of kernels is chosen once per process, so each has a process of its own.
inline void require_under_every_isa(const std::string& program, const std::string& tag) {
  for (const core::Kernels* table : core::supported_kernels()) {
    if (table == &core::choose_kernels("plain")) continue;
    const Ran ran =
        run_shell(std::string("HEED_ISA=") + table->isa + " " HEED_BIN_DIR "/" + program + " '" + tag + "'");
    INFO(table->isa << ":\n" << ran.out << ran.err);
    REQUIRE(ran.exit_code == 0);
    REQUIRE(contains(ran.out, "All tests passed"));
  }
}

}  // namespace heed::test
