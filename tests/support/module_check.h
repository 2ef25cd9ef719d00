// nn::check_module under the name that the tests use. It throws: the test that calls it fails with its message.
#pragma once

#include <heed/nn/check_module.h>
#include "support/catch.h"

namespace heed::test {

using nn::ModuleCheck;
using nn::check_module;

}  // namespace heed::test
