//! String, byte, regular expression, JSON and URL functions.

use super::check;

#[test]
fn texts_are_cut_joined_and_padded() {
    check(&[
        ("CONCAT('a', NULL, CAST(NULL AS STRING))", "'a'"),
        ("CONCAT_WS(CAST(NULL AS STRING), 'a')", "NULL"),
        ("CONCAT_WS('-', NULL, 'a', '')", "'a-'"),
        ("FROM_BYTES(CONCAT(TO_BYTES('a', 'utf8'), TO_BYTES('b', 'utf8')), 'utf8')", "'ab'"),
        ("SUBSTRING('some_string', 6, 3)", "'str'"),
        ("SUBSTRING('some string', 0, 2)", "'so'"),
        ("SUBSTRING('short', 6)", "''"),
        ("SUBSTRING('ärger', -4, 2)", "'rg'"),
        ("SUBSTRING('short', 2, NULL)", "NULL"),
        ("LPAD('foo', -1, 'x')", "NULL"),
        ("LPAD('foo', 5, '')", "NULL"),
        ("RPAD('', 7, 'Bar')", "'BarBarB'"),
        (
            "FROM_BYTES(LPAD(TO_BYTES('yes', 'utf8'), 8, TO_BYTES('no', 'utf8')), 'utf8')",
            "'nononyes'",
        ),
        ("LEN('größe')", "5"),
        ("LEN(TO_BYTES('ö', 'utf8'))", "2"),
        ("SPLIT('', '.')", "[]"),
        ("SPLIT('abc', '')", "[a, b, c]"),
        ("SPLIT('..a..', '.')", "[, , a, , ]"),
        ("SPLIT_TO_MAP('a=1;b;a=2;c=3=4', ';', '=')", "{a=2, c=3}"),
        ("SPLIT_TO_MAP('a=1', '', '=')", "NULL"),
        ("REPLACE('anaconda', 'a', NULL)", "NULL"),
    ]);
}

#[test]
fn letters_change() {
    check(&[
        ("CHR(99000)", "'𘊸'"),
        ("CHR(-1)", "NULL"),
        ("CHR('\\ud820\\udeb8')", "'𘊸'"),
        ("INITCAP('jean-luc  PICARD')", "'Jean-luc  Picard'"),
        ("MASK('AB c1!', '*', NULL, '0', NULL)", "'** c0!'"),
        ("MASK_LEFT('abc', -1)", "!must not be negative"),
        ("MASK_KEEP_RIGHT('abc', 7)", "'abc'"),
        ("MD5('r1')", "'7c92cf1eee8d99cc85f8355a3d6e4b86'"),
        ("TRIM(CAST(NULL AS STRING))", "NULL"),
    ]);
}

#[test]
fn positions_are_found() {
    check(&[
        ("INSTR('corporate floor', 'or', 4)", "5"),
        ("INSTR('corporate floor', 'or', -4, 2)", "2"),
        ("INSTR('short', 'or', -4)", "0"),
        ("INSTR('corporate floor', 'or', 0)", "0"),
        ("INSTR(CAST(NULL AS STRING), 'or')", "0"),
        ("ELT(FIELD('hello', 'a', 'hello'), 'a', 'hello')", "'hello'"),
        ("FIELD(CAST(NULL AS STRING), 'a')", "0"),
        ("ELT(0, 'a')", "NULL"),
    ]);
}

#[test]
fn encodings_are_understood() {
    check(&[
        ("ENCODE('0x4578616d706C6521', 'hex', 'ascii')", "'Example!'"),
        ("ENCODE('X''4578''', 'hex', 'utf8')", "'Ex'"),
        ("ENCODE('Ελ', 'ascii', 'hex')", "'3f3f'"),
        ("ENCODE('c39c', 'hex', 'ascii')", "'\u{fffd}\u{fffd}'"),
        ("ENCODE('x', 'utf8', 'rot13')", "!unknown encoding 'rot13'"),
        ("ENCODE('xyz', 'hex', 'utf8')", "!not hexadecimal"),
        ("INT_FROM_BYTES(TO_BYTES('5QcAAA==', 'base64'), 'LITTLE_ENDIAN')", "2021"),
        ("DOUBLE_FROM_BYTES(TO_BYTES('gvXJm/2mgEA=', 'base64'), 'LITTLE_ENDIAN')", "532.8738323"),
        ("INT_FROM_BYTES(TO_BYTES('00', 'hex'))", "!expected 4 bytes"),
        (
            "UUID(TO_BYTES('00112233445566778899AABBCCDDEEFF', 'hex'))",
            "'00112233-4455-6677-8899-aabbccddeeff'",
        ),
    ]);
}

#[test]
fn regular_expressions_are_javas() {
    check(&[
        ("REGEXP_EXTRACT('test.', 'anothertest')", "NULL"),
        ("REGEXP_EXTRACT('(a)(b)', 'ab', 3)", "!there is no group 3"),
        ("REGEXP_EXTRACT('(a', 'ab')", "!invalid regular expression"),
        ("REGEXP_EXTRACT_ALL('(\\w+) (\\w*)', 'agavra', 2)", "[]"),
        ("REGEXP_SPLIT_TO_ARRAY('zxy', '(ab|cd)')", "[zxy]"),
        ("REGEXP_REPLACE('a.b', '\\Q.\\E', '$')", "'a$b'"),
        ("REGEXP_REPLACE('ab', '(a)(b)', '$2$1')", "'ba'"),
    ]);
}

#[test]
fn json_is_read_and_written() {
    check(&[
        ("EXTRACTJSONFIELD('{\"name\": \"cdd\", \"@type\": \"VAL\"}}', '$.@type')", "'VAL'"),
        ("EXTRACTJSONFIELD('{\"array\": [1.23450]}', '$.array[0]')", "'1.23450'"),
        ("EXTRACTJSONFIELD('{\"a\": {\"b\": 1}}', '$.a')", "'{\"b\":1}'"),
        ("EXTRACTJSONFIELD('{', '$.a')", "!not JSON"),
        ("JSON_ARRAY_CONTAINS('[\"a\", null]', NULL)", "true"),
        ("JSON_ARRAY_CONTAINS('[1]', '1')", "false"),
        ("JSON_ARRAY_LENGTH('{}')", "NULL"),
        ("JSON_CONCAT('{\"a\": {\"5\": 6}}', '{\"a\": {\"3\": 4}}')", "'{\"a\":{\"3\":4}}'"),
        ("JSON_CONCAT('null', 'null')", "'[null,null]'"),
        ("JSON_CONCAT('1', '')", "NULL"),
        ("IS_JSON_STRING('')", "false"),
        ("TO_JSON_STRING(STRUCT(ID := 1, NAME := 'Al'))", "'{\"ID\":1,\"NAME\":\"Al\"}'"),
        ("TO_JSON_STRING(MAP('id' := ARRAY[1, 2]))", "'{\"id\":[1,2]}'"),
        ("TO_JSON_STRING(CAST('16:43:40' AS TIME))", "'\"16:43:40\"'"),
        ("TO_JSON_STRING(CAST(NULL AS INTEGER))", "'null'"),
        ("TO_JSON_STRING(123.456)", "'123.456'"),
    ]);
}

#[test]
fn urls_are_taken_apart() {
    check(&[
        ("URL_EXTRACT_PATH('http://www.test.com?query#fragment')", "''"),
        ("URL_EXTRACT_HOST('http://test@confluent.io:8080')", "'confluent.io'"),
        ("URL_EXTRACT_HOST('http://[::1]:80/')", "'[::1]'"),
        ("URL_EXTRACT_PORT('http://test@confluent.io')", "NULL"),
        ("URL_EXTRACT_PROTOCOL('www.confluent.io')", "NULL"),
        ("URL_EXTRACT_PARAMETER('http://a.io/?one=a&two=url%20encoded', 'two')", "'url encoded'"),
        ("URL_EXTRACT_PARAMETER('http://a.io/?one=a', 'two')", "NULL"),
        ("URL_EXTRACT_HOST('http://a b')", "!illegal character ' ' at 9"),
        ("URL_DECODE_PARAM('100%')", "!without two hexadecimal digits"),
        ("URL_ENCODE_PARAM('hello&wörld')", "'hello%26w%C3%B6rld'"),
    ]);
}
