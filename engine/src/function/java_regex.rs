//! Java's regular expressions on the `regex` crate.
//!
//! The two languages agree on most of what people write. Translated here are quotations
//! `\Q…\E`, possessive quantifiers (greedy ones, since this engine never backtracks), `\h`,
//! `\Z`, and hexadecimal escapes. Look-around, atomic groups and back-references cannot run in
//! linear time and are refused by name.

use datafusion::common::{Result, exec_datafusion_err, exec_err};
use regex::Regex;

/// Compiles a Java pattern.
pub(super) fn compile(pattern: &str) -> Result<Regex> {
    let translated = translate(pattern)?;
    Regex::new(&translated)
        .map_err(|error| exec_datafusion_err!("invalid regular expression '{pattern}': {error}"))
}

fn translate(pattern: &str) -> Result<String> {
    let mut out = String::with_capacity(pattern.len());
    let mut rest = pattern;
    let mut in_class = 0_usize;
    while let Some(char) = rest.chars().next() {
        let length = match char {
            '\\' => push_escape(&mut out, rest, pattern)?,
            '(' if in_class == 0 => push_group(&mut out, rest, pattern)?,
            '*' | '+' | '?' | '}' if in_class == 0 => push_quantifier(&mut out, rest),
            _ => {
                in_class = match char {
                    '[' => in_class + 1,
                    ']' => in_class.saturating_sub(1),
                    _ => in_class,
                };
                out.push(char);
                char.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    Ok(out)
}

/// Writes the escape that `rest` starts with, and says how long it was.
fn push_escape(out: &mut String, rest: &str, pattern: &str) -> Result<usize> {
    if let Some(quoted) = rest.strip_prefix("\\Q") {
        let text = quoted.split("\\E").next().unwrap_or(quoted);
        out.push_str(&regex::escape(text));
        let end = if text.len() < quoted.len() { 2 } else { 0 };
        return Ok(2 + text.len() + end);
    }
    let mut chars = rest.chars().skip(1);
    match chars.next() {
        Some('h') => {
            out.push_str(r"[ \t\x{A0}\x{1680}\x{180E}\x{2000}-\x{200A}\x{202F}\x{205F}\x{3000}]")
        }
        Some('Z') => out.push_str(r"(?:\n?\z)"),
        Some('e') => out.push_str(r"\x1B"),
        Some('E') => {}
        Some(char @ ('1'..='9' | 'k')) => return unsupported("back-references", char, pattern),
        Some(char @ ('G' | 'X' | 'R')) => return unsupported("this escape", char, pattern),
        Some(char) => out.extend(['\\', char]),
        None => return exec_err!("invalid regular expression '{pattern}': it ends in a backslash"),
    }
    Ok(rest.chars().take(2).map(char::len_utf8).sum())
}

/// Writes what opens a group, and says how long it was.
fn push_group(out: &mut String, rest: &str, pattern: &str) -> Result<usize> {
    for (opening, name) in [
        ("(?=", "look-ahead"),
        ("(?!", "look-ahead"),
        ("(?<=", "look-behind"),
        ("(?<!", "look-behind"),
        ("(?>", "atomic groups"),
    ] {
        if rest.starts_with(opening) {
            return unsupported(name, &opening[1..], pattern);
        }
    }
    out.push('(');
    Ok(1)
}

/// Writes a quantifier without the `+` that makes it possessive.
fn push_quantifier(out: &mut String, rest: &str) -> usize {
    out.push_str(&rest[..1]);
    if rest[1..].starts_with('+') { 2 } else { 1 }
}

fn unsupported<T>(what: &str, token: impl std::fmt::Display, pattern: &str) -> Result<T> {
    exec_err!("regular expression '{pattern}' uses {what} ('{token}'), which is not supported")
}

/// Turns the replacement text of Java's `replaceAll` (`$1`, `${name}`, `\$`) into this crate's.
pub(super) fn translate_replacement(replacement: &str) -> String {
    let mut out = String::with_capacity(replacement.len());
    let mut chars = replacement.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\\' => push_literal(&mut out, chars.next()),
            '$' if chars.peek().is_some_and(char::is_ascii_digit) => {
                let number = chars.next().unwrap_or('0');
                out.push_str(&format!("${{{number}}}"));
            }
            other => out.push(other),
        }
    }
    out
}

fn push_literal(out: &mut String, char: Option<char>) {
    match char {
        Some('$') => out.push_str("$$"),
        Some(char) => out.push(char),
        None => out.push('\\'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn java_patterns_match_as_in_java() {
        let cases = [
            (r"\Qa.b\E+c", "a.bbc", true),
            (r"\Qa.b\E", "axb", false),
            (r"a++b", "aaab", true),
            (r"[a+]+b", "a+ab", true),
            (r"(?<year>\d{4})", "in 2024", true),
            (r"\p{L}+\h", "é ", true),
            (r"end\Z", "the end\n", true),
        ];
        for (pattern, text, matches) in cases {
            let regex = compile(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
            assert_eq!(regex.is_match(text), matches, "{pattern}");
        }
    }

    #[test]
    fn what_cannot_be_translated_is_named() {
        for (pattern, name) in [("a(?=b)", "look-ahead"), (r"(a)\1", "back-references")] {
            let error = compile(pattern).expect_err("not supported").to_string();
            assert!(error.contains(name), "{error}");
        }
    }

    #[test]
    fn replacements_refer_to_groups() {
        assert_eq!(translate_replacement(r"$1-\$"), "${1}-$$");
    }
}
