// The frame of the kit's HTML pages: one file, nothing loaded from anywhere, light or dark as the reader has it.
#pragma once

#include <string>
#include <vector>

#include <heed/examples/kit/pictures/plot.h>

namespace heed::kit {

/// A whole document. `title` is text; `body` is HTML, in which texts are escaped (format.h: escaped_xml);
/// `css` and `script` follow the pages' own.
std::string html_page(const std::string& title, const std::string& body, const std::string& css = {},
                      const std::string& script = {});

/// Panels side by side, as many as the reader's window has room for; each is a picture of its own, named `title` and
/// its own title. `css` of the page must hold svg_style().
std::string html_panels(const std::string& title, const std::vector<Panel>& panels);

/// <table> with a caption: the heading's cells, then one row each, whose first cell is its heading. All are text.
std::string html_table(const std::string& caption, const std::vector<std::string>& heading,
                       const std::vector<std::vector<std::string>>& rows);

}  // namespace heed::kit
