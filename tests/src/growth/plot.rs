//! Sections as a picture: a panel for each, with a line through the figures of one column.

use std::fmt::Write as _;

use super::section::Section;
use super::table::{Row, grouped, short};

/// Panels side by side.
const ACROSS: usize = 2;
const PANEL: (f64, f64) = (380.0, 230.0);
/// The room of a panel's axes and words: left, top, right, bottom.
const MARGIN: (f64, f64, f64, f64) = (56.0, 46.0, 24.0, 44.0);

/// The picture of sections with their rows, as SVG.
pub fn plot(sections: &[(&Section, &[Row])]) -> String {
    let across = sections.len().clamp(1, ACROSS);
    let down = sections.len().div_ceil(across);
    let (width, height) = (PANEL.0 * across as f64, PANEL.1 * down as f64);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"sans-serif\" font-size=\"11\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>\n"
    );
    for (at, (section, rows)) in sections.iter().enumerate() {
        let (x, y) = (PANEL.0 * (at % across) as f64, PANEL.1 * (at / across) as f64);
        let _ = writeln!(svg, "<g transform=\"translate({x} {y})\">");
        panel(&mut svg, section, rows);
        svg += "</g>\n";
    }
    svg + "</svg>\n"
}

/// One section. Steps stand at equal distances, as they grow by factors; figures begin at 0.
fn panel(svg: &mut String, section: &Section, rows: &[Row]) {
    let (left, top) = (MARGIN.0, MARGIN.1);
    let (right, bottom) = (PANEL.0 - MARGIN.2, PANEL.1 - MARGIN.3);
    let figures: Vec<f64> = rows.iter().map(|(_, figures)| figures[section.drawn]).collect();
    let top_figure = round_up(figures.iter().copied().fold(0.0, f64::max));
    let y = |figure: f64| bottom - (bottom - top) * figure / top_figure;
    let distance = (right - left) / rows.len().max(1) as f64;
    let x = |at: usize| left + distance * (at as f64 + 0.5);

    let what = section.title.split(':').next().unwrap_or_default();
    text(svg, left, 18.0, "start", &format!("<tspan font-weight=\"bold\">{what}</tspan>"));
    text(svg, left, 34.0, "start", section.columns[section.drawn]);
    for part in 0..=4 {
        let figure = top_figure * f64::from(part) / 4.0;
        let at = y(figure);
        let _ = writeln!(
            svg,
            "<line x1=\"{left}\" x2=\"{right}\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"#ddd\"/>"
        );
        text(svg, left - 6.0, at + 4.0, "end", &short(figure));
    }
    let mut points = String::new();
    for (at, ((step, _), figure)) in rows.iter().zip(&figures).enumerate() {
        let (x, y) = (x(at), y(*figure));
        let _ = write!(points, "{x:.1},{y:.1} ");
        let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"#1f6feb\"/>");
        text(svg, x, bottom + 16.0, "middle", &grouped(*step));
    }
    let points = points.trim_end();
    let _ = writeln!(svg, "<polyline points=\"{points}\" fill=\"none\" stroke=\"#1f6feb\"/>");
    text(svg, f64::midpoint(left, right), bottom + 32.0, "middle", section.steps_of);
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, text: &str) {
    let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>");
}

/// The next number with one digit that counts, or 1.5 or 2.5 times a power of ten.
fn round_up(number: f64) -> f64 {
    if number <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(number.log10().floor());
    let nice = [1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0];
    nice.map(|factor| factor * power).into_iter().find(|nice| *nice >= number).unwrap_or(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_at_round_numbers() {
        let numbers = [0.0, 0.7, 1.2, 19.0, 23.4, 990.0];
        assert_eq!(numbers.map(round_up), [1.0, 0.8, 1.5, 20.0, 25.0, 1000.0]);
    }

    #[test]
    fn each_step_is_a_point_of_the_line() {
        let section = Section::named("partitions").expect("a section");
        let rows = [(1, vec![2.0, 0.0, 0.0]), (2, vec![4.0, 0.0, 0.0])];
        let svg = plot(&[(section, &rows)]);
        assert_eq!(svg.matches("<circle").count(), 2);
        assert!(svg.contains("points=\"131.0,116.0 281.0,46.0\""), "{svg}");
        assert!(svg.contains(">million records/s<") && svg.ends_with("</svg>\n"));
    }
}
