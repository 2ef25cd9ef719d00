// nn::check_module under the name that the tests use. It throws; the calling test then fails with its message.
#pragma once

#include <heed/nn/check_module.h>
#include "support/catch.h"

namespace heed::test {

using nn::check_module;
using nn::ModuleCheck;

}  // namespace heed::test
