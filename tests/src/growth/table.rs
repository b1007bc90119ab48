//! A section as Markdown.

use std::fmt::Write as _;

use super::section::Section;

/// The step and its figures.
pub type Row = (u64, Vec<f64>);

/// The table of a section.
pub fn table(section: &Section, rows: &[Row]) -> String {
    let mut text = format!("{}\n\n| {} |", section.title, section.steps_of);
    for column in section.columns {
        let _ = write!(text, " {column} |");
    }
    text += "\n|--:|";
    text += &"--:|".repeat(section.columns.len());
    text.push('\n');
    for (step, figures) in rows {
        let _ = write!(text, "| {} |", grouped(*step));
        for figure in figures {
            let _ = write!(text, " {} |", short(*figure));
        }
        text.push('\n');
    }
    text
}

/// A number with commas between its thousands.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A figure with about three digits that count.
pub fn short(figure: f64) -> String {
    match figure.abs() {
        size if size >= 1000.0 => grouped(figure.round() as u64),
        size if size >= 99.95 => format!("{figure:.0}"),
        size if size >= 9.995 => format!("{figure:.1}"),
        _ => format!("{figure:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_a_table() {
        let section = Section::named("start").expect("a section");
        let table =
            table(section, &[(100, vec![250.4, 31.25, 0.5]), (2000, vec![1e4, 1.0, 9.999])]);
        let lines: Vec<&str> = table.lines().collect();
        let expected = [
            "| topics | ms to the answer | slowest ms | ms to the end |",
            "|--:|--:|--:|--:|",
            "| 100 | 250 | 31.2 | 0.50 |",
            "| 2,000 | 10,000 | 1.00 | 10.0 |",
        ];
        assert_eq!(lines[2..], expected);
    }
}
