#include <heed/core/error.h>

#include <locale>
#include <sstream>
#include <utility>

#include <heed/core/text.h>

namespace heed::core {

std::string join(std::initializer_list<Part> parts) {
  std::ostringstream text;
  text.imbue(std::locale::classic());  // 12345, not 12.345
  for (const Part& part : parts) part.print(text, part.value);
  return std::move(text).str();
}

std::string message(std::initializer_list<Part> parts) { return harmless(join(parts)) + scope_suffix(); }

}  // namespace heed::core
