#include <heed/examples/kit/pictures/html.h>

#include <heed/examples/kit/format.h>

namespace heed::kit {
namespace {

constexpr const char* html_style = R"css(
:root{color-scheme:light dark;--paper:#fff;--ink:#1b1b1b;--soft:#595959;--edge:#b5b5b5;--panel:#f4f5f7;--link:#00508f;
--focus:#d55e00}
@media (prefers-color-scheme:dark){:root{--paper:#16181c;--ink:#ececec;--soft:#b0b4ba;--edge:#565b63;--panel:#22252b;
--link:#8cc8f5;--focus:#ffb000}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1rem;max-width:76rem;background:var(--paper);color:var(--ink);
font:15px/1.45 system-ui,-apple-system,"Segoe UI",sans-serif}
h1{font-size:1.4rem;margin:0 0 .25rem;overflow-wrap:anywhere}
h2{font-size:1.1rem;margin:1.5rem 0 .4rem}
p{margin:.25rem 0;max-width:60rem}
a{color:var(--link)}
:focus-visible{outline:3px solid var(--focus);outline-offset:1px}
figure{margin:.5rem 0}
svg{max-width:100%;height:auto}
button,input{font:inherit}
button{color:var(--ink);background:var(--panel);border:1px solid var(--edge);border-radius:4px;padding:.2rem .7rem;
min-height:1.9rem;cursor:pointer}
.scroll{overflow:auto;max-width:100%}
table{border-collapse:collapse;font-size:14px;font-variant-numeric:tabular-nums}
caption{text-align:left;font-weight:600;padding:.25rem 0}
th,td{padding:.2rem .8rem .2rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--edge)}
tbody th{font-weight:400}
td{overflow-wrap:break-word;max-width:40rem}
.curves{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,27rem),1fr));gap:.5rem}
.curves svg{display:block}
pre{background:var(--panel);padding:.5rem .75rem;margin:.25rem 0;border-left:4px solid var(--edge);white-space:pre-wrap;
overflow-wrap:anywhere;font:13px/1.45 ui-monospace,monospace}
.soft{color:var(--soft)}
)css";

}  // namespace

std::string html_page(const std::string& title, const std::string& body, const std::string& css,
                      const std::string& script) {
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
         "script-src 'unsafe-inline'; style-src 'unsafe-inline'\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" +
         escaped_xml(title) + "</title>\n<style>" + html_style + css + "</style>\n</head>\n<body>\n" + body +
         (script.empty() ? "" : "<script>\n" + script + "</script>\n") + "</body>\n</html>\n";
}

std::string html_panels(const std::string& title, const std::vector<Panel>& panels) {
  std::string html = "<div class=\"curves\">\n";
  for (size_t i = 0; i < panels.size(); ++i) {
    Figure figure{.description = title + ", " + std::visit([](const auto& panel) { return panel.title; }, panels[i]),
                  .panels = {panels[i]}};
    figure.panel_width = 440;
    figure.panel_height = 320;
    html += "<figure>\n" + svg_element(figure, "panel" + std::to_string(i)) + "</figure>\n";
  }
  return html + "</div>\n";
}

std::string html_table(const std::string& caption, const std::vector<std::string>& heading,
                       const std::vector<std::vector<std::string>>& rows) {
  std::string html = "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"" + escaped_xml(caption) +
                     "\"><table>\n<caption>" + escaped_xml(caption) + "</caption>\n<thead><tr>";
  for (const std::string& cell : heading) html += "<th scope=\"col\">" + escaped_xml(cell) + "</th>";
  html += "</tr></thead>\n<tbody>\n";
  for (const std::vector<std::string>& row : rows) {
    html += "<tr>";
    for (size_t i = 0; i < row.size(); ++i)
      html += i == 0 ? "<th scope=\"row\">" + escaped_xml(row[i]) + "</th>" : "<td>" + escaped_xml(row[i]) + "</td>";
    html += "</tr>\n";
  }
  return html + "</tbody>\n</table></div>\n";
}

}  // namespace heed::kit
