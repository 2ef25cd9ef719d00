#include <heed/examples/kit/tokens/char_tokeniser.h>

#include <heed/examples/kit/json.h>

namespace heed::kit {

std::string CharTokeniser::to_text() const {
  return to_json(Json::Object{{"type", "characters"}, {"symbols", vocab_.symbols()}});
}

}  // namespace heed::kit
