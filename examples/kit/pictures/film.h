// A training film: pictures of a run's steps in one HTML file, with a slider.
//
//     kit::Film film{.title = "Two moons", .note = "The boundary bends until no point is on its wrong side."};
//     for (const int64_t step : kit::film_steps(steps)) film.frames.push_back({step, "loss …", figure});
//     kit::save_film("film.html", film);
//
// The slider is a range input: arrow keys, Home and End move it, and a button plays. Without JavaScript all frames
// stand one after the other, as a strip. The file loads nothing from anywhere. Same input, same bytes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <heed/examples/kit/pictures/plot.h>

namespace heed::kit {

struct Frame {
  int64_t step;
  std::string caption;  // what it shows, for the eye and for a screen reader: "loss 0.32, accuracy 88 %"
  Figure figure;
};

struct Film {
  std::string title;
  std::string note = {};  // below the title: one sentence that says what to see
  std::vector<Frame> frames = {};
};

/// About `count` of the steps 0 … steps, both ends among them, denser at the beginning, where most happens:
/// steps · (i / (count - 1))², rounded, each once.
std::vector<int64_t> film_steps(int64_t steps, int count = 40);

/// Throws ShapeError without frames.
std::string film_html(const Film& film);
void save_film(const std::filesystem::path& file, const Film& film);

}  // namespace heed::kit
