//! The text format of Prometheus, version 0.0.4.

use std::fmt::Write as _;

/// What the format is called over HTTP.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Whether a metric may fall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It only grows, until the program is started again.
    Counter,
    /// It is what it is at the moment.
    Gauge,
}

/// Metrics as text, family by family.
#[derive(Debug, Default)]
pub(super) struct Exposition {
    text: String,
}

/// Names and values by which the samples of a family differ.
pub(super) type Labels<'a> = &'a [(&'a str, &'a str)];

/// The samples of one metric.
pub(super) struct Family<'a> {
    name: &'static str,
    text: &'a mut String,
}

impl Exposition {
    /// Begins a metric.
    pub fn family(&mut self, name: &'static str, kind: Kind, help: &str) -> Family<'_> {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        Family { name, text: &mut self.text }
    }

    /// The text.
    pub fn finish(self) -> String {
        self.text
    }
}

impl Family<'_> {
    /// Adds a sample.
    pub fn add(&mut self, labels: Labels<'_>, value: f64) {
        self.text.push_str(self.name);
        for (at, (name, label)) in labels.iter().enumerate() {
            let before = if at == 0 { '{' } else { ',' };
            let _ = write!(self.text, "{before}{name}=\"{}\"", escaped(label));
        }
        if !labels.is_empty() {
            self.text.push('}');
        }
        let _ = writeln!(self.text, " {value}");
    }
}

fn escaped(label: &str) -> String {
    label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped() {
        let mut exposition = Exposition::default();
        let mut family = exposition.family("lag", Kind::Gauge, "What is\nleft \\ over");
        family.add(&[("query", "a\"b\\c\nd"), ("n", "1")], 2.5);
        family.add(&[], 3.0);
        assert_eq!(
            exposition.finish(),
            "# HELP lag What is\\nleft \\\\ over\n# TYPE lag gauge\nlag{query=\"a\\\"b\\\\c\\nd\",n=\"1\"} 2.5\nlag 3\n"
        );
    }
}
