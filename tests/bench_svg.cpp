// The time of each operation against the size of its group, both on logarithmic scales, beside its floor.

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>

#include "bench_report.h"

namespace tacet::bench {
namespace {

// In pixels.
constexpr double width = 900, height = 640, left = 62, right = 610, top = 46, bottom = 590, line_height = 16;

// From a value to a place, by its logarithm.
struct Axis {
  double least, most, begin, end;
  double place(double value) const {
    return begin + (end - begin) * std::log(value / least) / std::log(most / least);
  }
};

// An operation for each of whose sizes there is a time and a floor.
struct Curve {
  std::string name;
  std::vector<const Report::Operation*> points;
  double label = 0;  // where it is written
};

std::vector<Curve> curves_of(const Report& report) {
  std::vector<Curve> curves;
  for (const Report::Operation& operation : report.operations) {
    if (operation.n == 0 || operation.median == 0 || operation.floor == 0) continue;
    const auto found = std::find_if(curves.begin(), curves.end(),
                                    [&](const Curve& curve) { return curve.name == operation.name; });
    Curve& curve = found != curves.end() ? *found : curves.emplace_back(Curve{operation.name, {}});
    curve.points.push_back(&operation);
  }
  // Those of whole groups, not of their parts.
  std::erase_if(curves, [](const Curve& curve) { return curve.points.size() < std::size(group_sizes); });
  return curves;
}

// Colours for light and for dark ground.
constexpr const char* colours[] = {"#d1495b", "#2e86c1", "#28965a", "#b8860b", "#8e6fc4", "#d9703a",
                                   "#16a0a0", "#c252a1", "#7a8b2f", "#5b7fd6", "#a0705a", "#7d8590"};

constexpr const char* style =
    "<style>"
    "text{font:12px sans-serif;fill:#24292f}"
    ".grid{stroke:#24292f;stroke-opacity:.15}"
    ".time{fill:none;stroke-width:2}.floor{fill:none;stroke-width:1.2;stroke-dasharray:3 3}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.grid{stroke:#e6edf3}}"
    "</style>\n";

class Plot {
 public:
  explicit Plot(std::vector<Curve> curves) : curves_(std::move(curves)) {
    y_.least = 1e12;
    for (const Curve& curve : curves_) {
      for (const Report::Operation* point : curve.points) {
        x_.most = std::max<double>(x_.most, point->n);
        y_.least = std::min({y_.least, point->median, point->floor});
        y_.most = std::max({y_.most, point->median, point->floor});
      }
    }
    y_.least = std::pow(10, std::floor(std::log10(y_.least)));
    y_.most = std::pow(10, std::ceil(std::log10(y_.most)));
    place_labels();
  }

  std::string drawn() {
    out_.precision(5);
    out_ << "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " << width << ' ' << height << "\">\n"
         << "<title>The time of each operation against the members of its group, and its floor</title>\n"
         << style;
    text(left, top - 24, "start",
         "CPU time of an operation; dashed: that of the libsodium calls that it must make");
    text((left + right) / 2, bottom + 40, "middle", "members of the group");
    grid();
    for (std::size_t i = 0; i < curves_.size(); ++i) curve(curves_[i], colours[i % std::size(colours)]);
    out_ << "</svg>\n";
    return out_.str();
  }

 private:
  // Beside the ends of the curves, from the top downwards, each where the one above leaves room.
  void place_labels() {
    std::vector<Curve*> order;
    for (Curve& curve : curves_) order.push_back(&curve);
    const auto end = [&](const Curve* curve) { return y_.place(curve->points.back()->median); };
    std::sort(order.begin(), order.end(), [&](Curve* a, Curve* b) { return end(a) < end(b); });
    for (double free = top; Curve * curve : order) {
      curve->label = std::max(end(curve), free);
      free = curve->label + line_height;
    }
  }

  void text(double x, double y, const char* anchor, const std::string& words) {
    out_ << "<text x=\"" << x << "\" y=\"" << y << "\" text-anchor=\"" << anchor << "\">" << words
         << "</text>\n";
  }
  void line(double x1, double y1, double x2, double y2, const std::string& kind) {
    out_ << "<path " << kind << " d=\"M" << x1 << ' ' << y1 << 'L' << x2 << ' ' << y2 << "\"/>\n";
  }

  void grid() {
    static constexpr const char* units[] = {" ns", " us", " ms", " s"};
    for (double decade = y_.least; decade < y_.most * 1.5; decade *= 10) {
      const auto power = static_cast<unsigned>(std::lround(std::log10(decade)));
      const long in_unit = std::lround(std::pow(10, power % 3));
      line(left, y_.place(decade), right, y_.place(decade), "class=\"grid\"");
      text(left - 6, y_.place(decade) + 4, "end", std::to_string(in_unit) + units[power / 3 % 4]);
    }
    for (const std::uint32_t n : group_sizes) {
      line(x_.place(n), top, x_.place(n), bottom, "class=\"grid\"");
      text(x_.place(n), bottom + 18, "middle", with_commas(n));
    }
  }

  void curve(const Curve& curve, const std::string& colour) {
    const std::string stroke = "stroke=\"" + colour + "\"";
    for (const auto& [kind, time] :
         {std::pair{"time", &Report::Operation::median}, {"floor", &Report::Operation::floor}}) {
      out_ << "<polyline class=\"" << kind << "\" " << stroke << " points=\"";
      for (const auto* point : curve.points)
        out_ << x_.place(point->n) << ',' << y_.place(point->*time) << ' ';
      out_ << "\"/>\n";
    }
    line(right + 3, y_.place(curve.points.back()->median), right + 16, curve.label,
         "class=\"time\" " + stroke);
    text(right + 20, curve.label + 4, "start", curve.name);
  }

  std::vector<Curve> curves_;
  Axis x_{2, 2, left, right}, y_{0, 0, bottom, top};
  std::ostringstream out_;
};

}  // namespace
bool write_svg(const Report& report, const std::string& path) {
  std::ofstream file(path);
  if (curves_of(report).empty()) return false;
  file << Plot(curves_of(report)).drawn();
  return file.good();
}

}  // namespace tacet::bench
