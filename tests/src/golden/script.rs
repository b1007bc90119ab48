//! The text of a script: steps of input and recorded output.

/// What separates input from output.
const SEPARATOR: &str = "---";

/// A script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// Its steps in order.
    pub steps: Vec<Step>,
    /// Lines after the last step: comments at most.
    pub rest: Vec<String>,
}

/// Input and the output that was recorded for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Number of the first input line in the file, from 1.
    pub line: usize,
    /// Input lines, comments and empty lines among them.
    pub input: Vec<String>,
    /// Output lines; none at all if nothing was recorded yet.
    pub output: Vec<String>,
}

impl Script {
    /// Cuts a text into steps. Input without a separator behind it is a step without output.
    pub fn parse(text: &str) -> Script {
        let mut steps = Vec::new();
        let mut input = Vec::new();
        let mut first_line = 1;
        let mut lines = text.lines().enumerate();
        while let Some((index, line)) = lines.next() {
            if line != SEPARATOR {
                input.push(line.to_owned());
                continue;
            }
            let recorded = lines.by_ref().map(|(_, line)| line.to_owned());
            let output: Vec<_> = recorded.take_while(|line| !line.is_empty()).collect();
            let next_line = index + output.len() + 3;
            steps.push(Step { line: first_line, input: std::mem::take(&mut input), output });
            first_line = next_line;
        }
        let is_input = |line: &String| !line.is_empty() && !line.starts_with('#');
        if input.iter().any(is_input) {
            steps.push(Step {
                line: first_line,
                input: std::mem::take(&mut input),
                output: vec![],
            });
        }
        Script { steps, rest: input }
    }

    /// The text with these outputs instead of the recorded ones.
    pub fn with_outputs(&self, outputs: &[Vec<String>]) -> String {
        let mut lines: Vec<&str> = Vec::new();
        for (step, output) in self.steps.iter().zip(outputs) {
            lines.extend(step.input.iter().map(String::as_str));
            lines.push(SEPARATOR);
            lines.extend(output.iter().map(String::as_str));
            lines.push("");
        }
        lines.extend(self.rest.iter().map(String::as_str));
        let text = lines.join("\n");
        format!("{}\n", text.trim_end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# About.\nclock 1s\n---\nok\n\nSELECT 1;\n\n---\n\n# Last.\ncrash\n";

    #[test]
    fn steps_are_input_and_output() {
        let script = Script::parse(TEXT);
        let lines: Vec<_> = script.steps.iter().map(|step| step.line).collect();
        assert_eq!(lines, [1, 6, 10]);
        assert_eq!(script.steps[0].input, ["# About.", "clock 1s"]);
        assert_eq!(script.steps[0].output, ["ok"]);
        assert!(script.steps[1].output.is_empty());
        assert_eq!(script.steps[2].input, ["# Last.", "crash"]);
    }

    #[test]
    fn recording_keeps_the_input() {
        let script = Script::parse(TEXT);
        let outputs = [vec!["ok".to_owned()], vec!["1".to_owned()], vec!["ok".to_owned()]];
        let text = script.with_outputs(&outputs);
        let expected =
            "# About.\nclock 1s\n---\nok\n\nSELECT 1;\n\n---\n1\n\n# Last.\ncrash\n---\nok\n";
        assert_eq!(text, expected);
        assert_eq!(Script::parse(&text).with_outputs(&outputs), text);
    }
}
