// Vocabularies and file formats, with the message for every malformed input.
#include "support/catch.h"

#include <bit>

#include <heed/core/error.h>
#include <heed/core/files/file.h>
#include <heed/core/files/inflate.h>
#include <heed/examples/kit/data/tables.h>
#include <heed/examples/kit/data/vocabulary.h>
#include "support/errors.h"
#include "support/temp_dir.h"

using namespace heed;
using heed::test::message_of;

TEST_CASE("kit char vocabulary: code points in Unicode order, there and back") {
  const kit::CharVocab vocab("hé\nxh é€");
  CHECK(vocab.size() == 6);
  CHECK(vocab.symbols() == "\n hxé€");
  CHECK(vocab.encode("h é\n€") == kit::Ids{2, 1, 4, 0, 5});
  CHECK(vocab.decode({2, 1, 4, 0, 5}) == "h é\n€");
  CHECK(vocab.tokens({4, 0}) == kit::Words{"é", "\n"});
  CHECK(vocab.encode("").empty());
  const kit::CharVocab again(vocab.symbols());
  CHECK(again.symbols() == vocab.symbols());
}

TEST_CASE("kit char vocabulary: what it cannot encode is named with its position") {
  const kit::CharVocab vocab("ab\n");
  CHECK(message_of<IndexError>([&] { vocab.encode("ab\nbbé"); }) ==
        "vocabulary: \"é\" (U+00E9) at line 2, column 3: is not among the 3 symbols of the "
        "vocabulary: leave it "
        "out, train on a text that has it, or learn byte pairs, which take any text");
  CHECK(message_of<IndexError>([&] { vocab.encode("\x01"); }).find("\"\\x01\" (U+0001) at line 1, column 1") !=
        std::string::npos);
  CHECK(message_of<FormatError>([&] { vocab.encode("a\n\xff"); }) ==
        "vocabulary: line 2, column 1: is not UTF-8: convert the text to UTF-8");
  CHECK(message_of<FormatError>([&] { kit::CharVocab("\xC0\x80"); }) ==
        "vocabulary: line 1, column 1: is not UTF-8: convert the text to UTF-8");
  for (const int64_t id : {int64_t{-1}, int64_t{3}})
    CHECK(message_of<IndexError>([&] { vocab.decode({id}); }) ==
          "vocabulary: id " + std::to_string(id) + ": is not in 0 … 2: was it made with another vocabulary?");
}

TEST_CASE("kit word vocabulary: marks first, then by frequency") {
  const std::vector<kit::Words> sentences = {{"b", "a", "c"}, {"c", "a"}, {"c", "<eos>", "d"}};
  const kit::WordVocab all(sentences);
  CHECK(all.tokens({0, 1, 2, 3, 4, 5, 6, 7}) == kit::Words{"<pad>", "<sos>", "<eos>", "<unk>", "c", "a", "b", "d"});
  CHECK(all.size() == 8);
  const kit::WordVocab frequent(sentences, 2);
  CHECK(frequent.size() == 6);
  CHECK(frequent.encode({"c", "b", "a"}) == kit::Ids{4, kit::WordVocab::unk, 5});
  CHECK(frequent.decode({1, 4, 3, 0, 5, 2, 4}) == kit::Words{"c", "<unk>", "a"});
  CHECK(message_of<IndexError>([&] { frequent.word(6); }) ==
        "vocabulary: id 6: is not in 0 … 5: was it made with another vocabulary?");
}

TEST_CASE("kit words: splitting, joining, preparing a translation corpus") {
  CHECK(kit::split_words("  a b\t\nc ") == kit::Words{"a", "b", "c"});
  CHECK(kit::split_words(" ").empty());
  CHECK(kit::join_words({"a", "b"}) == "a b");
  CHECK(kit::translation_text("Va\u202F!") == "va !");
  CHECK(kit::translation_text("I'm  Home, Tom.") == "i'm  home , tom .");
  CHECK(kit::translation_text("ÀÉÎŒŸŽ × ÇA\u00A0?!") == "àéîœÿž × ça ? !");
  CHECK(kit::translation_text("...") == ". . .");
}

TEST_CASE("kit tables: lines and texts") {
  const heed::test::TempDir dir;
  core::write_file_atomic(dir / "a.txt", "\xEF\xBB\xBFone\r\ntwo\n\nfour");
  CHECK(kit::read_lines(dir / "a.txt") == std::vector<std::string>{"one", "two", "", "four"});
  CHECK(kit::read_text(dir / "a.txt") == "one\r\ntwo\n\nfour");
  core::write_file_atomic(dir / "b.txt", "one\ntwo\xff");
  CHECK(message_of<FormatError>([&] { kit::read_text(dir / "b.txt"); }) ==
        (dir / "b.txt") + ":2: is not UTF-8: convert the file to UTF-8");
  CHECK(message_of<IoError>([&] { kit::read_text(dir / "none.txt"); }).find("none.txt") != std::string::npos);
}

TEST_CASE("kit tables: TSV") {
  using Rows = std::vector<kit::Row>;
  CHECK(kit::parse_tsv("a\tb\nc\t\n", "t") == Rows{{"a", "b"}, {"c", ""}});
  CHECK(kit::parse_tsv("a\tb\r\nc\td", "t", 2) == Rows{{"a", "b"}, {"c", "d"}});
  CHECK(kit::parse_tsv("", "t", 2).empty());
  const auto fault = [](const char* text, size_t columns) {
    return message_of<FormatError>([&] { kit::parse_tsv(text, "t.tsv", columns); });
  };
  CHECK(fault("a\tb\nc\n", 0) == "t.tsv:2: 1 column: expected 2: each row has as many");
  CHECK(fault("a\tb\n\nc\td\n", 0) == "t.tsv:2: 1 column: expected 2: each row has as many");
  CHECK(fault("a\tb\tc", 2) == "t.tsv:1: 3 columns: expected 2: each row has as many");
  CHECK(fault("a\n\xC3", 0) == "t.tsv:2: is not UTF-8: convert the file to UTF-8");
}

TEST_CASE("kit tables: CSV") {
  using Rows = std::vector<kit::Row>;
  CHECK(kit::parse_csv("a,b\nc,\n", "t") == Rows{{"a", "b"}, {"c", ""}});
  CHECK(kit::parse_csv("\"a,1\",\"say \"\"hi\"\"\"\r\n\"two\nlines\",x", "t") ==
        Rows{{"a,1", "say \"hi\""}, {"two\nlines", "x"}});
  CHECK(kit::parse_csv("\"\",\"\"\n", "t") == Rows{{"", ""}});
  CHECK(kit::parse_csv("a;b\n", "t", 2, ';') == Rows{{"a", "b"}});
  CHECK(kit::parse_csv("a\rb,c\n", "t") == Rows{{"a\rb", "c"}});
  CHECK(kit::parse_csv("", "t").empty());
  const auto fault = [](const char* text) { return message_of<FormatError>([&] { kit::parse_csv(text, "t.csv"); }); };
  CHECK(fault("a,b\nc,\"d\ne") == "t.csv:2: a quoted field has no end: close it with a \"");
  CHECK(fault("a,\"b\"c\n") == "t.csv:1: text follows a closing quote: double the quotes inside a field");
  CHECK(fault("a,b\"c\n") == "t.csv:1: a quote inside a field without quotes: put the whole field in quotes");
  CHECK(fault("\"x\ny\",b\nonly\n") == "t.csv:3: 1 column: expected 2: each row has as many");
}

namespace {

/// An IDX file: header, then sizes and elements, big-endian.
std::string idx(int type, const std::vector<uint32_t>& sizes, const std::string& data) {
  std::string bytes{'\0', '\0', static_cast<char>(type), static_cast<char>(sizes.size())};
  for (const uint32_t size : sizes)
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(size >> shift);
  return bytes + data;
}

std::string idx_fault(const std::string& bytes) {
  return message_of<FormatError>([&] { kit::parse_idx(bytes, "f"); });
}

}  // namespace

TEST_CASE("kit tables: IDX") {
  const Tensor images = kit::parse_idx(idx(8, {2, 1, 2}, std::string("\x00\x01\x7f\xff", 4)), "f");
  CHECK(images.shape() == Shape{2, 1, 2});
  CHECK(images.dtype() == Dtype::f32);
  CHECK(images.to_vector() == std::vector<double>{0, 1, 127, 255});
  const Tensor integers = kit::parse_idx(idx(12, {2}, std::string("\xff\xff\xff\xfe\x00\x01\x00\x00", 8)), "f");
  CHECK(integers.dtype() == Dtype::i32);
  CHECK(integers.to_vector() == std::vector<double>{-2, 65536});
  const Tensor floats = kit::parse_idx(idx(13, {1}, std::string("\x3f\xc0\x00\x00", 4)), "f");
  CHECK(floats.to_vector() == std::vector<double>{1.5});
  CHECK(kit::parse_idx(idx(8, {0, 5}, ""), "f").shape() == Shape{0, 5});
  CHECK(message_of<FormatError>([&] { kit::parse_idx(idx(8, {0, ~0u, ~0u, ~0u}, ""), "f"); }) ==
        "f: byte 16: the number of elements overflows");
  CHECK(message_of<FormatError>([&] {
          kit::parse_idx(idx(8, {0, ~0u, ~0u}, ""), "f");
        }).ends_with("is too large, though it holds no elements"));
  CHECK(message_of<FormatError>([&] { kit::parse_idx("x", "\x1b[2J f"); }) ==
        "\"\\x1b[2J f\": byte 0: is not an IDX file: it would begin with two zero bytes");
  const heed::test::TempDir dir;
  core::write_file_atomic(dir / "x", idx(8, {1}, "a"));
  CHECK(kit::read_idx(dir / "x").to_vector() == std::vector<double>{97});
  // One stored block in a .gz, and a .gz in a .gz.
  const auto gzipped = [](const std::string& bytes) {
    const auto number = [](uint32_t value, size_t width) {
      return std::string(reinterpret_cast<const char*>(&value), width);
    };
    const auto size = static_cast<uint32_t>(bytes.size());
    return "\x1f\x8b\x08" + std::string(7, '\0') + "\x01" + number(size, 2) + number(~size, 2) + bytes +
           number(core::crc32(bytes), 4) + number(size, 4);
  };
  const std::string labels = idx(8, {3}, "abc");
  CHECK(kit::parse_idx(gzipped(labels), "f").to_vector() == std::vector<double>{97, 98, 99});
  CHECK(message_of<FormatError>([&] { kit::parse_idx(gzipped(gzipped(labels)), "f"); }) ==
        "f: byte 0: is compressed twice by gzip: unpack it with gunzip");
  CHECK(message_of<FormatError>([&] { kit::parse_idx(gzipped(labels.substr(1)), "f"); }) ==
        "f: byte 0: is not an IDX file: it would begin with two zero bytes");
}

TEST_CASE("kit tables: malformed IDX files are refused before anything is allocated") {
  CHECK(idx_fault("") == "f: byte 0: is not an IDX file: it would begin with two zero bytes");
  CHECK(idx_fault(std::string("\0\0\x08", 3)) == "f: byte 0: is not an IDX file: it would begin with two zero bytes");
  CHECK(idx_fault("\x89PNG") == "f: byte 0: is not an IDX file: it would begin with two zero bytes");
  CHECK(idx_fault("\x1f\x8b\x08\x08") == "f: the gzip header is cut short");
  CHECK(idx_fault(idx(14, {1}, "12345678")) ==
        "f: byte 2: element type 14: is not supported: 8 (bytes), 12 (32-bit integers) and 13 "
        "(floats) are");
  CHECK(idx_fault(idx(8, std::vector<uint32_t>(9, 1), "a")) == "f: byte 3: 9 axes: at most 8 are supported");
  CHECK(idx_fault(idx(8, {2, 3}, "").substr(0, 9)) == "f: byte 9: ends inside the sizes of its 2 axes");
  CHECK(idx_fault(idx(8, {3}, "ab")) == "f: byte 8: 2 bytes of data: shape (3,) needs 3 elements of 1 bytes");
  CHECK(idx_fault(idx(8, {1}, "ab")) == "f: byte 8: 2 bytes of data: shape (1,) needs 1 elements of 1 bytes");
  CHECK(idx_fault(idx(13, {1}, "abc")) == "f: byte 8: 3 bytes of data: shape (1,) needs 1 elements of 4 bytes");
  CHECK(idx_fault(idx(8, {0xffffffff, 0xffffffff, 0xffffffff}, "a")) == "f: byte 12: the number of elements overflows");
  CHECK(idx_fault(idx(8, {0xffffffff, 0xffffffff}, "a")).find("needs 18446744065119617025 elements") !=
        std::string::npos);
}
