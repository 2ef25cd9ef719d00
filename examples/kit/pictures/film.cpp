#include <heed/examples/kit/pictures/film.h>

#include <algorithm>
#include <cmath>

#include <heed/core/error.h>
#include <heed/core/files/file.h>
#include <heed/examples/kit/format.h>
#include <heed/examples/kit/pictures/html.h>

namespace heed::kit {
namespace {

constexpr const char* film_style = R"css(
.controls{display:none;gap:.75rem;align-items:center;flex-wrap:wrap;margin:.75rem 0}
.controls input{flex:1 1 16rem;min-width:0;max-width:44rem;accent-color:var(--link)}
.strip{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,20rem),1fr));gap:1rem}
figcaption{font-variant-numeric:tabular-nums}
.film .controls{display:flex}
.film .strip{display:block}
.film .strip figure{display:none}
.film .strip figure.shown{display:block}
)css";

// One frame at a time. What the slider says to a screen reader is the frame's caption.
constexpr const char* film_script = R"js(
"use strict";
const frames = [...document.querySelectorAll(".strip figure")];
const slider = document.querySelector("#frame"), button = document.querySelector("#play");
let timer = 0;
function show(index) {
  frames.forEach((frame, i) => frame.classList.toggle("shown", i === index));
  slider.value = index;
  slider.setAttribute("aria-valuetext", frames[index].querySelector("figcaption").textContent);
}
function stop() {
  clearInterval(timer);
  timer = 0;
  button.textContent = "Play";
}
function play() {
  if (timer) { stop(); return; }
  if (+slider.value === frames.length - 1) show(0);
  button.textContent = "Pause";
  timer = setInterval(() => {
    show(+slider.value + 1);
    if (+slider.value === frames.length - 1) stop();
  }, 250);
}
slider.addEventListener("input", () => { stop(); show(+slider.value); });
button.addEventListener("click", play);
document.body.classList.add("film");
const asked = parseInt(location.hash.slice(1), 10);
show(asked >= 0 && asked < frames.length ? asked : frames.length - 1);
slider.addEventListener("change", () => history.replaceState(null, "", "#" + slider.value));
)js";

}  // namespace

std::vector<int64_t> film_steps(int64_t steps, int count) {
  std::vector<int64_t> chosen;
  for (int i = 0; i < std::max(count, 2); ++i) {
    const double part = static_cast<double>(i) / static_cast<double>(std::max(count, 2) - 1);
    const int64_t step = std::llround(static_cast<double>(std::max<int64_t>(steps, 0)) * part * part);
    if (chosen.empty() || step > chosen.back()) chosen.push_back(step);
  }
  return chosen;
}

std::string film_html(const Film& film) {
  check<ShapeError>(!film.frames.empty(), "film: '", film.title, "': has no frames: give at least one");
  const std::string last = std::to_string(film.frames.size() - 1);
  std::string body = "<main>\n<h1>" + escaped_xml(film.title) + "</h1>\n" +
                     (film.note.empty() ? "" : "<p>" + escaped_xml(film.note) + "</p>\n") +
                     "<div class=\"controls\">\n<button type=\"button\" id=\"play\">Play</button>\n"
                     "<label for=\"frame\">Step</label>\n<input type=\"range\" id=\"frame\" min=\"0\" max=\"" +
                     last + "\" value=\"" + last + "\" step=\"1\">\n</div>\n<div class=\"strip\">\n";
  for (size_t i = 0; i < film.frames.size(); ++i) {
    const Frame& frame = film.frames[i];
    const std::string caption =
        "step " + std::to_string(frame.step) + (frame.caption.empty() ? "" : ": " + frame.caption);
    Figure figure = frame.figure;
    if (figure.description.empty()) figure.description = film.title + ", " + caption;
    body += "<figure id=\"at-" + std::to_string(frame.step) + "\">\n<figcaption>" + escaped_xml(caption) +
            "</figcaption>\n" + svg_element(figure, "f" + std::to_string(i)) + "</figure>\n";
  }
  body += "</div>\n<p class=\"soft\">Keyboard: Tab to the slider; arrow keys, Home and End move it.</p>\n</main>\n";
  return html_page(film.title, body, svg_style() + film_style, film_script);
}

void save_film(const std::filesystem::path& file, const Film& film) {
  core::write_file_atomic(file.string(), film_html(film));
}

}  // namespace heed::kit
