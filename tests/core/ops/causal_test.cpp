#include <heed/core/ops/causal.h>

#include "support/catch.h"

using namespace heed;
using namespace heed::core;

TEST_CASE("causal: the mask, the count of keys seen and the first query that sees a key are one rule") {
  for (int64_t n = 0; n <= 5; ++n)
    for (int64_t m = 0; m <= 5; ++m) {
      const Array mask = causal_mask(n, m);
      REQUIRE(mask.shape() == Shape{n, m});
      for (int64_t i = 0; i < n; ++i) {
        INFO(n << " queries, " << m << " keys, query " << i);
        int64_t seen = 0;
        for (int64_t j = 0; j < m; ++j) {
          const bool sees = j - m <= i - n;  // both counted from the end
          REQUIRE(mask.data<bool>()[i * m + j] == sees);
          REQUIRE((i >= first_to_see(j, n, m)) == sees);
          seen += sees;
        }
        REQUIRE(keys_seen(i, n, m) == seen);
      }
    }
}
