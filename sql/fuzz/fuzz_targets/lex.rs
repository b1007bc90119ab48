//! Every character that is not white space belongs to exactly one token, in order.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sql::lexer::tokenize;

fuzz_target!(|text: &str| {
    let mut end = 0;
    for token in tokenize(text) {
        assert!(text[end..token.range.start].chars().all(char::is_whitespace));
        assert!(!token.text(text).is_empty());
        end = token.range.end;
    }
    assert!(text[end..].chars().all(char::is_whitespace));
});
