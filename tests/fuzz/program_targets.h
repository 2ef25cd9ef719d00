// Fuzz targets beyond core/: the files and arguments that programs are given.
#pragma once

#include <algorithm>
#include <iostream>
#include <streambuf>
#include <vector>

#include <heed/autograd/ops/create.h>
#include <heed/autograd/ops/einsum.h>
#include <heed/autograd/ops/reduce.h>
#include <heed/examples/kit/cli.h>
#include <heed/examples/kit/data/number_table.h>
#include <heed/examples/kit/data/tables.h>
#include <heed/examples/kit/data/vocabulary.h>
#include <heed/examples/kit/format.h>
#include <heed/examples/kit/translation/sentence_pairs.h>
#include <heed/nn/resume.h>

#include "targets.h"

namespace heed::fuzz {

/// Images and labels: as many elements as the file has bytes for.
inline void idx(std::string_view bytes) {
  try {
    const Tensor x = kit::parse_idx(bytes, "fuzz");
    if (core::is_gzip(bytes)) return;  // counted from what is in it: fuzz::inflate
    const size_t width = bytes[2] == 8 ? 1 : 4, header = 4 + 4 * static_cast<size_t>(bytes[3]);
    require(header + width * static_cast<size_t>(x.numel()) == bytes.size(), "bytes are missing or left over");
    require(x.clone().numel() == x.numel(), "the shape is not one that can be used");
  } catch (const FormatError& error) { require_harmless(error); }
}

/// Tables: all rows have the same length, and reading the table written as CSV gives it back.
inline void tables(std::string_view bytes) {
  auto check_rows = [](const std::vector<kit::Row>& rows) {
    for (const kit::Row& row : rows) require(row.size() == rows[0].size(), "rows of several lengths");
  };
  try {
    check_rows(kit::parse_tsv(bytes, "fuzz"));
  } catch (const FormatError& error) { require_harmless(error); }
  try {
    const std::vector<kit::Row> rows = kit::parse_csv(bytes, "fuzz");
    check_rows(rows);
    std::string written;
    for (const kit::Row& row : rows)
      for (size_t i = 0; i < row.size(); ++i) {
        written += '"';
        for (const char c : row[i]) written += c == '"' ? "\"\"" : std::string(1, c);
        written += i + 1 < row.size() ? "\"," : "\"\n";
      }
    require(kit::parse_csv(written, "again") == rows, "a table changed");
    const kit::NumberTable table = kit::parse_number_table(bytes, "fuzz", ',');
    for (const std::string& name : table.names()) {
      require(table.classes(name).numel() == table.rows(), "rows are missing");
      require(table.columns({name}).numel() == table.rows(), "rows are missing");
    }
  } catch (const FormatError& error) { require_harmless(error); }
}

/// Texts that a program learns from, prints, and puts into pictures and pages.
inline void texts(std::string_view bytes) {
  require_harmless(harmless(bytes));
  for (const std::string& name : {quote(bytes), readable(bytes)}) {
    require_harmless(name);
    require(name.size() <= 110 && name.find('\n') == std::string::npos, "a name takes more than a line");
  }
  const std::string xml = kit::escaped_xml(bytes), json = kit::json_for_html(bytes);
  require(xml.find_first_of("<>\"'") == std::string::npos, "a text could end its element");
  require(json.find_first_of("<>&") == std::string::npos, "a text could end its script");
  kit::parse_json(json);
  try {
    const kit::CharVocab letters(bytes);
    require(letters.decode(letters.encode(bytes)) == bytes, "a text changed");
    require(letters.decode(letters.encode(letters.symbols())) == letters.symbols(), "symbols changed");
    const std::string plain = kit::normalized_text(bytes), sentence = kit::translation_text(bytes);
    require(kit::normalized_text(plain) == plain, "a sentence is not stable");
    require(kit::translation_text(sentence) == sentence, "a sentence is not stable");
    const kit::Words words = kit::split_words(sentence);
    require(kit::split_words(kit::join_words(words)) == words, "words changed");
    const kit::WordVocab vocab({words}, 1);
    for (const int64_t id : vocab.encode(words)) require_harmless(harmless(vocab.word(id)));
  } catch (const FormatError& error) { require_harmless(error); }
}

/// The first bytes are the operands' ranks and sizes, the rest is the equation.
inline void einsum(std::string_view bytes) {
  size_t at = 0;
  auto next = [&] { return at < bytes.size() ? static_cast<unsigned char>(bytes[at++]) : 0; };
  std::vector<Tensor> operands;
  for (int count = next() % 4; count > 0; --count) {
    Shape shape;
    for (int rank = next() % 9; rank > 0; --rank) shape.push_back(next() % 3);
    operands.push_back(ones(shape));
  }
  try {
    const Tensor y = heed::einsum(std::string(bytes.substr(at)), operands);
    require(y.dim() <= Shape::max_rank && y.clone().numel() == y.numel(), "the result cannot be used");
  } catch (const Error& error) { require_harmless(error); }
}

/// A checkpoint's metadata, one "key=text" per line, for a run of a model, a generator and numbers: restored
/// as a whole or not at all.
inline void resume(std::string_view bytes) {
  nn::Checkpoint saved;
  saved.source = "fuzz";
  for (size_t begin = 0; begin < bytes.size();) {
    const size_t end = std::min(bytes.find('\n', begin), bytes.size());
    const std::string_view line = bytes.substr(begin, end - begin);
    const size_t equals = std::min(line.find('='), line.size());
    saved.metadata[std::string(line.substr(0, equals))] = line.substr(std::min(equals + 1, line.size()));
    begin = end + 1;
  }
  struct One : nn::Module {
    Tensor x = ones({2});
    void visit(nn::Visitor& v) override { v("x", x); }
  } model;
  saved.state.push_back({"model.x", zeros({2})});
  Generator generator(1), shared(2);
  const GeneratorGuard guard(shared);
  int64_t step = 7;
  double loss = 0.5;
  bool done = false;
  const std::vector<nn::Part> parts = {
      {"model", model}, {"data", generator}, {"step", step}, {"loss", loss}, {"done", done}};
  try {
    nn::load_checkpoint(saved, parts);
    require(sum(model.x).item() == 0, "a part was left out");
    require(saved.get("step") == std::to_string(step) || step == parse_int(saved.get("step")), "a number differs");
  } catch (const Error& error) {
    require_harmless(error);
    require(sum(model.x).item() == 2 && step == 7 && loss == 0.5 && !done && generator.seed() == 1 &&
                generator.counter() == 0 && shared.seed() == 2,
            "a part was taken over from what was refused");
  }
}

/// Options: one word per line.
inline void options(std::string_view bytes) {
  struct Silence : std::streambuf {
    std::streambuf* before = std::cout.rdbuf(this);
    ~Silence() override { std::cout.rdbuf(before); }
    int overflow(int c) override { return c; }
  } silence;

  std::vector<std::string> words = {"program"};
  for (size_t begin = 0; begin <= bytes.size();) {
    const size_t end = std::min(bytes.find('\n', begin), bytes.size());
    words.emplace_back(bytes.substr(begin, end - begin).substr(0, bytes.substr(begin).find('\0')));
    begin = end + 1;
  }
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());

  bool flag = false;
  int small = 3;
  int64_t large = 5;
  double rate = 0.5;
  std::string choice = "pre", text;
  std::filesystem::path file;
  kit::Cli cli("program", "tries options");
  cli.group("Options", {{"flag", &flag, "a flag"},
                        {"small", &small, "an integer", {.min = -2, .max = 9}},
                        {"large", &large, "an integer"},
                        {"rate", &rate, "a number", {.above = 0, .max = 1}},
                        {"choice", &choice, "a word", {.choices = {"pre", "post"}}},
                        {"text", &text, "any text"},
                        {"file", &file, "a file"}});
  try {
    static_cast<void>(cli.parse(static_cast<int>(arguments.size()), arguments.data()));
  } catch (const kit::UsageError& error) { require_harmless(error); }
  require(small >= -2 && small <= 9 && rate > 0 && rate <= 1 && (choice == "pre" || choice == "post"),
          "a value is out of its range");
}

}  // namespace heed::fuzz
