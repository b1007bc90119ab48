//! Values of any kind as STRING takes them.
//!
//! Strings are themselves, numbers and truth values their text. An array is its items, each as
//! STRING takes it, in the form `[a, b]`. An object is its JSON text without white space; so is
//! all that it holds.

use super::escape::write_string;
use super::scanner::Scanner;
use super::string::Str;
use crate::format::mismatch::Result;

/// Appends the text of the value under the scanner.
pub(super) fn stringify(scanner: &mut Scanner<'_>, out: &mut Vec<u8>) -> Result<()> {
    match scanner.peek() {
        Some(b'"') => {
            scanner.string()?.append_to(out);
            Ok(())
        }
        Some(b'[') => write_items(scanner, out, b", ", stringify),
        _ => write_json(scanner, out),
    }
}

/// Appends the value under the scanner as JSON.
fn write_json(scanner: &mut Scanner<'_>, out: &mut Vec<u8>) -> Result<()> {
    match scanner.peek() {
        Some(b'"') => {
            write_json_string(scanner.string()?, out);
            Ok(())
        }
        Some(b'[') => write_items(scanner, out, b",", write_json),
        Some(b'{') => write_members(scanner, out),
        _ => {
            let value = scanner.rest();
            let start = scanner.position();
            scanner.skip_value()?;
            out.extend_from_slice(&value[..scanner.position() - start]);
            Ok(())
        }
    }
}

fn write_items(
    scanner: &mut Scanner<'_>,
    out: &mut Vec<u8>,
    separator: &[u8],
    write: fn(&mut Scanner<'_>, &mut Vec<u8>) -> Result<()>,
) -> Result<()> {
    out.push(b'[');
    scanner.nested(|scanner| {
        scanner.items(|scanner, index| {
            out.extend_from_slice(if index > 0 { separator } else { b"" });
            write(scanner, out)
        })
    })?;
    out.push(b']');
    Ok(())
}

fn write_members(scanner: &mut Scanner<'_>, out: &mut Vec<u8>) -> Result<()> {
    out.push(b'{');
    let mut separator = &b""[..];
    scanner.nested(|scanner| {
        scanner.members(|scanner, name| {
            out.extend_from_slice(separator);
            separator = b",";
            write_json_string(name, out);
            out.push(b':');
            write_json(scanner, out)
        })
    })?;
    out.push(b'}');
    Ok(())
}

fn write_json_string(string: Str<'_>, out: &mut Vec<u8>) {
    if string.escaped {
        let mut text = String::new();
        write_string(&string.text(), &mut text);
        out.extend_from_slice(text.as_bytes());
    } else {
        out.push(b'"');
        out.extend_from_slice(string.raw);
        out.push(b'"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(json: &str) -> String {
        let mut out = Vec::new();
        let read = stringify(&mut Scanner::new(json.as_bytes()), &mut out);
        read.unwrap_or_else(|mismatch| panic!("{mismatch}"));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_kind_of_value_has_a_text() {
        for (json, expected) in [
            (r#""a\n""#, "a\n"),
            ("1.10", "1.10"),
            ("true", "true"),
            (r#"[ "a" , null, [1,2], {"b" : [1, 2]} ]"#, r#"[a, null, [1, 2], {"b":[1,2]}]"#),
            (r#"{ "a" : 1.0, "b\u0041\/" : "\u00e9\t" }"#, r#"{"a":1.0,"bA/":"é\t"}"#),
            ("[]", "[]"),
            ("{}", "{}"),
        ] {
            assert_eq!(text(json), expected);
        }
    }
}
