//! URL functions. A URL is taken apart as RFC 3986 says; a text with characters that no URL has
//! fails the row.

use arrow::array::{ArrayRef, Int32Array, StringArray};
use datafusion::common::{Result, exec_err};

use super::arguments::Arguments;
use super::scalar::{Scalar, define};

/// The functions of this family.
pub(super) fn functions() -> Vec<Scalar> {
    vec![
        define(
            "URL_DECODE_PARAM",
            "The text of a URL parameter: %21 becomes !, a plus becomes a space.",
            &["URL_DECODE_PARAM(value STRING) → STRING"],
            &[("URL_DECODE_PARAM('%3Ffoo+%24bar')", "'?foo $bar'")],
            |args| texts(args, |text| Ok(Some(decode(text, true)?))),
        ),
        define(
            "URL_ENCODE_PARAM",
            "A text as URL parameter: ! becomes %21, a space becomes a plus.",
            &["URL_ENCODE_PARAM(value STRING) → STRING"],
            &[("URL_ENCODE_PARAM('?foo $bar')", "'%3Ffoo+%24bar'")],
            |args| texts(args, |text| Ok(Some(encode(text)))),
        ),
        define(
            "URL_EXTRACT_FRAGMENT",
            "What follows the # in a URL.",
            &["URL_EXTRACT_FRAGMENT(url STRING) → STRING"],
            &[("URL_EXTRACT_FRAGMENT('http://a.io/b?c#d')", "'d'")],
            |args| texts(args, |text| decode_part(Url::parse(text)?.fragment)),
        ),
        define(
            "URL_EXTRACT_HOST",
            "The host of a URL.",
            &["URL_EXTRACT_HOST(url STRING) → STRING"],
            &[("URL_EXTRACT_HOST('http://me@a.io:80/b')", "'a.io'")],
            |args| texts(args, |text| Ok(Url::parse(text)?.host().map(str::to_owned))),
        ),
        define(
            "URL_EXTRACT_PARAMETER",
            "The value of a parameter of a URL; NULL if it has none of that name.",
            &["URL_EXTRACT_PARAMETER(url STRING, name STRING) → STRING"],
            &[("URL_EXTRACT_PARAMETER('http://a.io?x=1&y=2', 'y')", "'2'")],
            extract_parameter,
        ),
        define(
            "URL_EXTRACT_PATH",
            "The path of a URL, empty if it has none.",
            &["URL_EXTRACT_PATH(url STRING) → STRING"],
            &[("URL_EXTRACT_PATH('http://a.io/b/c?d')", "'/b/c'")],
            |args| texts(args, |text| decode_part(Some(Url::parse(text)?.path))),
        ),
        define(
            "URL_EXTRACT_PORT",
            "The port of a URL; NULL if it names none.",
            &["URL_EXTRACT_PORT(url STRING) → INTEGER"],
            &[("URL_EXTRACT_PORT('http://a.io:8080/b')", "8080")],
            extract_port,
        ),
        define(
            "URL_EXTRACT_PROTOCOL",
            "The protocol of a URL.",
            &["URL_EXTRACT_PROTOCOL(url STRING) → STRING"],
            &[("URL_EXTRACT_PROTOCOL('https://a.io')", "'https'")],
            |args| texts(args, |text| Ok(Url::parse(text)?.scheme.map(str::to_owned))),
        ),
        define(
            "URL_EXTRACT_QUERY",
            "What stands between the ? and the # in a URL.",
            &["URL_EXTRACT_QUERY(url STRING) → STRING"],
            &[("URL_EXTRACT_QUERY('http://a.io/b?c=d#e')", "'c=d'")],
            |args| texts(args, |text| decode_part(Url::parse(text)?.query)),
        ),
    ]
}

/// The parts of a URL, still encoded.
struct Url<'a> {
    scheme: Option<&'a str>,
    authority: Option<&'a str>,
    path: &'a str,
    query: Option<&'a str>,
    fragment: Option<&'a str>,
}

impl<'a> Url<'a> {
    fn parse(text: &'a str) -> Result<Self> {
        if let Some((at, char)) = text.char_indices().find(|(_, char)| is_illegal(*char)) {
            return exec_err!("'{text}' is not a URL: illegal character '{char}' at {}", at + 1);
        }
        let (text, fragment) = split_at_first(text, '#');
        let (text, query) = split_at_first(text, '?');
        let (scheme, rest) = match text.split_once(':') {
            Some((scheme, rest)) if is_scheme(scheme) => (Some(scheme), rest),
            _ => (None, text),
        };
        let (authority, path) = match rest.strip_prefix("//") {
            Some(rest) => {
                let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                (Some(authority), path)
            }
            None => (None, rest),
        };
        Ok(Self { scheme, authority, path, query, fragment })
    }

    fn host(&self) -> Option<&'a str> {
        let (host, _) = self.host_and_port()?;
        (!host.is_empty()).then_some(host)
    }

    fn port(&self) -> Option<i32> {
        self.host_and_port()?.1?.parse().ok()
    }

    fn host_and_port(&self) -> Option<(&'a str, Option<&'a str>)> {
        let authority = self.authority?;
        let server = authority.rsplit_once('@').map_or(authority, |(_, server)| server);
        // The colons of an IPv6 address stand in brackets.
        let after_address = server.rfind(']').map_or(0, |end| end + 1);
        Some(match server[after_address..].split_once(':') {
            Some((name, port)) => (&server[..after_address + name.len()], Some(port)),
            None => (server, None),
        })
    }
}

fn is_illegal(char: char) -> bool {
    char.is_whitespace() || char.is_control() || r#""<>\^`{|}"#.contains(char)
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|char: char| char.is_ascii_alphabetic())
        && text.chars().all(|char| char.is_ascii_alphanumeric() || "+-.".contains(char))
}

fn split_at_first(text: &str, delimiter: char) -> (&str, Option<&str>) {
    match text.split_once(delimiter) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

fn texts(args: &Arguments, part: impl Fn(&str) -> Result<Option<String>>) -> Result<ArrayRef> {
    let texts = args.column::<StringArray>(0)?;
    args.try_each::<StringArray, _>(|row| match texts.get(row) {
        Some(text) => part(text),
        None => Ok(None),
    })
}

fn decode_part(part: Option<&str>) -> Result<Option<String>> {
    part.map(|part| decode(part, false)).transpose()
}

/// Resolves `%21`, and `+` if it stands for a space.
fn decode(text: &str, plus_is_space: bool) -> Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'%' => match hex_byte(rest) {
                Some(byte) => {
                    bytes.push(byte);
                    rest = &rest[2..];
                }
                None => return exec_err!("'{text}' has a % without two hexadecimal digits"),
            },
            b'+' if plus_is_space => bytes.push(b' '),
            other => bytes.push(*other),
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn hex_byte(digits: &[u8]) -> Option<u8> {
    let digit = |index: usize| char::from(*digits.get(index)?).to_digit(16);
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}

/// Form encoding: letters, digits and `-_.*` stay.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => encoded.push('+'),
            b'-' | b'_' | b'.' | b'*' => encoded.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => encoded.push(char::from(byte)),
            byte => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

fn extract_parameter(args: &Arguments) -> Result<ArrayRef> {
    let (urls, names) = (args.column::<StringArray>(0)?, args.column::<StringArray>(1)?);
    args.try_each::<StringArray, _>(|row| {
        let (Some(url), Some(name)) = (urls.get(row), names.get(row)) else { return Ok(None) };
        let query = decode_part(Url::parse(url)?.query)?.unwrap_or_default();
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        Ok(pairs.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned()))
    })
}

fn extract_port(args: &Arguments) -> Result<ArrayRef> {
    let urls = args.column::<StringArray>(0)?;
    args.try_each::<Int32Array, _>(|row| match urls.get(row) {
        Some(url) => Ok(Url::parse(url)?.port()),
        None => Ok(None),
    })
}
