// Classes, lower case, normal forms and pieces: spot checks of the tables, and what holds for all code points.
#include "support/catch.h"

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include <heed/core/text.h>
#include <heed/examples/kit/tokens/normal_forms.h>
#include <heed/examples/kit/tokens/pieces.h>
#include <heed/examples/kit/tokens/unicode.h>

using namespace heed;
using kit::CharClass;
using kit::class_of;

TEST_CASE("unicode: classes") {
  const std::map<char32_t, CharClass> expected = {
      {U'a', CharClass::letter},      {U'é', CharClass::letter},       {U'漢', CharClass::letter},
      {U'ª', CharClass::letter},      {0x10FFFD, CharClass::control},  {0x1D400, CharClass::letter},
      {U'7', CharClass::number},      {U'²', CharClass::number},       {U'½', CharClass::number},
      {U'Ⅷ', CharClass::number},      {U'٣', CharClass::number},       {U'!', CharClass::punctuation},
      {U'«', CharClass::punctuation}, {U'。', CharClass::punctuation}, {U'$', CharClass::other},
      {U'+', CharClass::other},       {0x1F600, CharClass::other},     {0x301, CharClass::accent},
      {0x34F, CharClass::accent},     {0x903, CharClass::other},       {0x0, CharClass::control},
      {0x200D, CharClass::control},   {0xFEFF, CharClass::control},    {0xE000, CharClass::control},
      {0x378, CharClass::other},      {0x110000, CharClass::other},    {0x2FA1D, CharClass::letter},
      {0xE0100, CharClass::accent},   {0xE0001, CharClass::control}};
  for (const auto& [code, kind] : expected) {
    INFO("U+" << std::hex << static_cast<uint32_t>(code));
    CHECK(class_of(code) == kind);
  }
}

TEST_CASE("unicode: white space is the property White_Space, 25 code points") {
  int count = 0;
  for (char32_t c = 0; c < 0x110000; ++c) count += class_of(c) == CharClass::white_space ? 1 : 0;
  CHECK(count == 25);
  for (const char32_t c : {0x9, 0xA, 0xB, 0xC, 0xD, 0x20, 0x85, 0xA0, 0x1680, 0x2028, 0x202F, 0x3000})
    CHECK(class_of(c) == CharClass::white_space);
  for (const char32_t c : {0x1C, 0x1F, 0x180E, 0x200B, 0x2060, 0xFEFF}) CHECK(class_of(c) != CharClass::white_space);
}

TEST_CASE("unicode: lower case") {
  const auto lower = [](std::u32string_view text) {
    std::u32string out;
    for (const char32_t c : text) kit::append_lower(out, c);
    return out;
  };
  CHECK(lower(U"AZ az[`@ ÀÉÞ×ß") == U"az az[`@ àéþ×ß");
  CHECK(lower(U"ŁŹŻıİǅǄŸ") == U"łźżıi\u0307ǆǆÿ");
  CHECK(lower(U"ΑΣΩ ДЯЁ ԱՖ ႠჅ ẞ") == U"ασω дяё աֆ ⴀⴥ ß");
  CHECK(lower(U"\u2126\u212A\u212B Ⅷ Ⓐ Ａ \U00010400\U0001E921") == U"ωkå ⅷ ⓐ ａ \U00010428\U0001E943");
  CHECK(lower(U"ᲐᏰꭰ") == U"აᏸꭰ");
}

TEST_CASE("unicode: without accents") {
  const auto bare = [](std::u32string_view text) { return kit::without_accents(text); };
  CHECK(bare(U"crème brûlée, naïve Übung, Ǟ") == U"creme brulee, naive Ubung, A");
  CHECK(bare(U"e\u0301\u0323x\u034F") == U"ex");
  CHECK(bare(U"각힣가") == U"\u1100\u1161\u11A8\u1112\u1175\u11C2\u1100\u1161");
  CHECK(bare(U"がぱ 한") == U"かは \u1112\u1161\u11AB");
  CHECK(bare(U"\uF900\U0002F800") == U"\u8C48\u4E3D");
  CHECK(bare(U"\u0958 \u09CB \u1E9B") == U"\u0915 \u09C7\u09BE \u017F");
  CHECK(bare(U"\U0001D160") == U"\U0001D158\U0001D165\U0001D16E");
  // Marks that are not Mn come in canonical order: U+302E has class 224, U+1D165 216, U+1D16D 226.
  CHECK(bare(U"x\u302E\U0001D165") == U"x\U0001D165\u302E");
  CHECK(bare(U"x\U0001D16D\u0301\u302E\U0001D165y\u302E") == U"x\U0001D165\u302E\U0001D16Dy\u302E");
  CHECK(bare(U"x\u302E\u034F\U0001D165") == U"x\u302E\U0001D165");  // U+034F has class 0: it parts them
  CHECK(bare(U"ﬁ ſ ½ №") == U"ﬁ ſ ½ №");                            // compatibility forms stay
}

TEST_CASE("unicode: the first character of a text, or what is broken of it") {
  const auto first = [](std::string_view text) {
    const kit::Character c = kit::first_character(text);
    return std::tuple(c.code, c.length, c.cut_short);
  };
  const char32_t broken = kit::Character::not_utf8;
  CHECK(first("a\xff") == std::tuple(U'a', size_t{1}, false));
  CHECK(first("€.") == std::tuple(U'€', size_t{3}, false));
  CHECK(first("\xe2\x82") == std::tuple(broken, size_t{2}, true));
  CHECK(first("\xe2\x82.") == std::tuple(broken, size_t{2}, false));
  CHECK(first("\xe0\x80") == std::tuple(broken, size_t{1}, false));
  CHECK(first("\xf4\x8f") == std::tuple(broken, size_t{2}, true));
  CHECK(first("\xf5\x80") == std::tuple(broken, size_t{1}, false));
  CHECK(first("\x80") == std::tuple(broken, size_t{1}, false));
}

namespace {

using Pieces = std::vector<std::string>;

Pieces pieces_of(kit::FirstPiece first_piece, std::string_view text) {
  Pieces all;
  while (!text.empty()) {
    const size_t length = first_piece(text);
    REQUIRE((length > 0 && length <= text.size()));
    all.emplace_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  return all;
}

}  // namespace

TEST_CASE("unicode: GPT-2's pieces") {
  const auto pieces = [](std::string_view text) { return pieces_of(kit::gpt2_piece, text); };
  CHECK(pieces("Hello world!  x") == Pieces{"Hello", " world", "!", " ", " x"});
  CHECK(pieces("it's 'sound' we'll I'LL") == Pieces{"it", "'s", " '", "sound", "'", " we", "'ll", " I", "'", "LL"});
  CHECK(pieces("a1²b ½") == Pieces{"a", "1²", "b", " ½"});
  CHECK(pieces("x\n\n\ty  ") == Pieces{"x", "\n\n", "\t", "y", "  "});
  CHECK(pieces(" \u00a0x") == Pieces{" ", "\u00a0", "x"});
  CHECK(pieces(" \u0085\ufeff") == Pieces{" ", "\u0085", "\ufeff"});
  CHECK(pieces("\x1c \x1f") == Pieces{"\x1c", " \x1f"});
  CHECK(pieces("é\xff\xfe!z") == Pieces{"é", "\xff\xfe!", "z"});
  CHECK(pieces("' 's") == Pieces{"'", " '", "s"});
}

TEST_CASE("unicode: pieces with digits of their own, as SmolLM has them") {
  const auto one = [](std::string_view text) { return pieces_of(kit::gpt2_digit_piece, text); };
  CHECK(one("in 1984, it's  42") == Pieces{"in", " ", "1", "9", "8", "4", ",", " it", "'s", "  ", "4", "2"});
  CHECK(one(" ½x  y") == Pieces{" ", "½", "x", " ", " y"});
  CHECK(pieces_of(kit::gpt2_digits_piece, "a 1984 b") == Pieces{"a", " ", "1984", " b"});
}

TEST_CASE("unicode: Llama 3's pieces and Qwen's") {
  const auto pieces = [](std::string_view text) { return pieces_of(kit::llama3_piece, text); };
  CHECK(pieces("I'LL it'S 'ſo (a)") == Pieces{"I", "'LL", " it", "'S", " '", "ſo", " (", "a", ")"});
  CHECK(pieces("'ſo'lx\tb$c") == Pieces{"'ſ", "o", "'lx", "\tb", "$c"});
  CHECK(pieces("12345 6") == Pieces{"123", "45", " ", "6"});
  CHECK(pieces_of(kit::qwen2_piece, "12 x") == Pieces{"1", "2", " x"});
  CHECK(pieces("!?\r\n\nx  \n \n  y\n") == Pieces{"!?\r\n\n", "x", "  \n \n", " ", " y", "\n"});
  CHECK(pieces("\r\nx \u00a0y   ") == Pieces{"\r\n", "x", " ", "\u00a0y", "   "});
  CHECK(pieces("e\u0301x\xff\xfeh") == Pieces{"e", "\u0301x", "\xff\xfe", "h"});
}

TEST_CASE("unicode: pieces of GPT-4o and of Mistral NeMo end where a capital follows a small letter") {
  const auto pieces = [](std::string_view text) { return pieces_of(kit::gpt4o_piece, text); };
  CHECK(pieces("camelCase HTMLParser'S X") == Pieces{"camel", "Case", " HTMLParser'S", " X"});
  CHECK(pieces("AB漢CD") == Pieces{"AB漢", "CD"});  // the last that may be small ends the word
  CHECK(pieces("e\u0301X \u0301A\u0301B") == Pieces{"e\u0301", "X", " \u0301A\u0301", "B"});
  CHECK(pieces("\u0301A 1234 a/\n/b") == Pieces{"\u0301", "A", " ", "123", "4", " a", "/\n/", "b"});
  CHECK(pieces_of(kit::tekken_piece, "It's 12") == Pieces{"It", "'s", " ", "1", "2"});
}

TEST_CASE("unicode: what may be capital, small or either") {
  using kit::LetterCase;
  const std::map<char32_t, LetterCase> expected = {
      {U'a', LetterCase::small},   {U'Ǆ', LetterCase::capital}, {U'ǅ', LetterCase::capital}, {U'ǆ', LetterCase::small},
      {U'漢', LetterCase::either}, {U'ª', LetterCase::either},  {0x301, LetterCase::either}, {U'1', LetterCase::none},
      {U' ', LetterCase::none},    {0x110000, LetterCase::none}};
  for (const auto& [code, kind] : expected) {
    INFO("U+" << std::hex << static_cast<uint32_t>(code));
    CHECK(kit::case_of(code) == kind);
  }
}

TEST_CASE("unicode: normal forms") {
  CHECK(kit::composed("e\u0301 plain a\u0323\u0302") == "é plain ậ");
  CHECK(kit::composed("é\u0323 q\u0307\u0323") == "ẹ\u0301 q\u0323\u0307");
  CHECK(kit::composed("\u1112\u1161\u11ab \uac00\u11a8") == "한 각");
  CHECK(kit::composed("\u212b \u0958 \u0344") == "Å \u0915\u093c \u0308\u0301");  // never composed again
  CHECK(kit::composed("\u0301x") == "\u0301x");
  CHECK(kit::composed("a\u0315\u0300\u05ae\u0300") == "à\u05ae\u0300\u0315");
  CHECK(kit::composed("\xff\x80\x80\x80\xcc"
                      "a\u0301\xe2\x82") ==
        "\xff\x80\x80\x80\xcc"
        "á\xe2\x82");
  CHECK(kit::composed("").empty());
  CHECK(kit::decomposed(U"ậ한Å") == U"a\u0323\u0302\u1112\u1161\u11abA\u030a");
  // Each code point that composes is what its parts compose to, and NFC is the same a second time.
  for (char32_t c = 0x80; c < 0x30000; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    std::string text, apart;
    append_utf8(text, c);
    for (const char32_t part : kit::decomposed({&c, 1})) append_utf8(apart, part);
    const std::string whole = kit::composed(text);
    if (kit::composed(apart) != whole || kit::composed(whole) != whole) {
      INFO("U+" << std::hex << static_cast<uint32_t>(c));
      FAIL("NFC of a character and of its parts differ");
    }
  }
}
