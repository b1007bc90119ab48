//! Escapes in strings, both ways, and the search for what needs one.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// The start of a text that needs no care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plain {
    /// Bytes before the first quote, backslash or control character.
    pub(super) len: usize,
    /// `true` only if all of them are ASCII.
    pub(super) ascii: bool,
}

/// How far `text` is free of quotes, backslashes and control characters.
///
/// Looks at eight bytes at a time. Bytes behind the end that was found may make `ascii` false,
/// never true.
#[inline]
pub(super) fn plain_len(text: &[u8]) -> Plain {
    let (words, tail) = text.as_chunks::<8>();
    let mut seen = 0;
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let special = special_bytes(word);
        seen |= word;
        if special != 0 {
            let len = index * 8 + special.trailing_zeros() as usize / 8;
            return Plain { len, ascii: seen & HIGHS == 0 };
        }
    }
    let rest = tail.iter().take_while(|byte| !is_special(**byte)).count();
    let ascii = seen & HIGHS == 0 && tail.is_ascii();
    Plain { len: words.len() * 8 + rest, ascii }
}

/// The high bit of every byte that is special, and maybe of others above the lowest such.
#[inline]
fn special_bytes(word: u64) -> u64 {
    let below = |word: u64, limit: u8| word.wrapping_sub(ONES * u64::from(limit)) & !word;
    let equal = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    (below(word, b' ') | equal(b'"') | equal(b'\\')) & HIGHS
}

fn is_special(byte: u8) -> bool {
    byte < b' ' || byte == b'"' || byte == b'\\'
}

/// Appends the text that `raw`, whose escapes are well formed, stands for.
pub(super) fn unescape(mut raw: &[u8], out: &mut Vec<u8>) {
    while let Some(at) = memchr::memchr(b'\\', raw) {
        out.extend_from_slice(&raw[..at]);
        let (c, len) = unescape_one(&raw[at..]);
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        raw = &raw[at + len..];
    }
    out.extend_from_slice(raw);
}

/// The character that an escape stands for, and how long the escape is.
fn unescape_one(raw: &[u8]) -> (char, usize) {
    match raw.get(1) {
        Some(b'b') => ('\u{8}', 2),
        Some(b'f') => ('\u{c}', 2),
        Some(b'n') => ('\n', 2),
        Some(b'r') => ('\r', 2),
        Some(b't') => ('\t', 2),
        Some(b'u') => unescape_unicode(raw),
        Some(other) => (char::from(*other), 2),
        None => ('\\', 1),
    }
}

/// One character of one escape or, beyond the basic plane, of two. Half a pair alone stands for
/// no character, and becomes the replacement character.
fn unescape_unicode(raw: &[u8]) -> (char, usize) {
    let first = hex(raw, 2);
    if (0xD800..0xDC00).contains(&first) && raw.get(6..8) == Some(b"\\u") {
        let second = hex(raw, 8);
        if (0xDC00..0xE000).contains(&second) {
            let code = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
            return (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 12);
        }
    }
    (char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), 6)
}

fn hex(raw: &[u8], at: usize) -> u32 {
    let digits = raw.get(at..at + 4).unwrap_or_default();
    digits.iter().fold(0, |code, digit| code << 4 | char::from(*digit).to_digit(16).unwrap_or(0))
}

/// Appends `text` as a JSON string with its quotes.
pub(super) fn write_string(mut text: &str, out: &mut String) {
    out.push('"');
    loop {
        let plain = plain_len(text.as_bytes()).len;
        out.push_str(&text[..plain]);
        let Some(special) = text.as_bytes().get(plain) else { break };
        write_escape(*special, out);
        text = &text[plain + 1..];
    }
    out.push('"');
}

fn write_escape(byte: u8, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    match byte {
        b'"' => out.push_str("\\\""),
        b'\\' => out.push_str("\\\\"),
        0x08 => out.push_str("\\b"),
        0x0c => out.push_str("\\f"),
        b'\n' => out.push_str("\\n"),
        b'\r' => out.push_str("\\r"),
        b'\t' => out.push_str("\\t"),
        control => {
            out.push_str("\\u00");
            out.push(char::from(HEX[usize::from(control >> 4)]));
            out.push(char::from(HEX[usize::from(control & 15)]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_search_stops_at_the_first_special_byte() {
        for special in [b'"', b'\\', b'\n', 0, 0x1f] {
            for at in 0..40 {
                let mut text = vec![b' '; 40];
                text[at] = special;
                assert_eq!(plain_len(&text), Plain { len: at, ascii: true });
            }
        }
        let plain = b"no special ! # [ ] \x7f byte";
        assert_eq!(plain_len(plain).len, plain.len());
    }

    #[test]
    fn the_search_notices_what_is_not_ascii() {
        for at in 0..20 {
            let mut text = vec![b'a'; 20];
            text[at] = 0x80;
            assert_eq!(plain_len(&text), Plain { len: 20, ascii: false });
        }
    }

    #[test]
    fn escapes_go_both_ways() {
        let text = "a\"b\\c/\u{8}\u{c}\n\r\t\u{1}\u{1f}é😀";
        let mut json = String::new();
        write_string(text, &mut json);
        assert_eq!(json, r#""a\"b\\c/\b\f\n\r\t\u0001\u001Fé😀""#);
        let mut back = Vec::new();
        unescape(&json.as_bytes()[1..json.len() - 1], &mut back);
        assert_eq!(back, text.as_bytes());
    }

    #[test]
    fn pairs_of_unicode_escapes_are_one_character() {
        let mut text = Vec::new();
        unescape(br"\u00e9\/\ud83d\ude00\ud83d!\ude00\ud83d\u0041", &mut text);
        assert_eq!(String::from_utf8(text).unwrap(), "é/😀\u{fffd}!\u{fffd}\u{fffd}A");
    }
}
