//! Statements from the command line, from files and from a pipe: answers, errors, exit codes.

mod millstream;

use std::fs::File;

use millstream::{Place, Run};

const CLICKS: &str = "CREATE STREAM clicks (user STRING KEY, page STRING)
  WITH (KAFKA_TOPIC = 'clicks', PARTITIONS = 1, VALUE_FORMAT = 'JSON');
INSERT INTO clicks (user, page) VALUES ('ann', '/home');
";

const SELECT: &str = "SELECT user, page FROM clicks;";

#[test]
fn rows_come_in_the_format_asked_for() {
    let place = Place::new();
    place.run(&["-c", CLICKS]).ok();
    let json = place.run(&["--output", "json", "-c", SELECT]).ok();
    assert_eq!(json, "{\"USER\":\"ann\",\"PAGE\":\"/home\"}\n");
    let csv = place.run(&["--output", "csv", "-c", SELECT]).ok();
    assert_eq!(csv, "USER,PAGE\nann,/home\n");
    let table = place.run(&["-c", SELECT]).ok();
    assert_eq!(table, " USER │ PAGE\n──────┼───────\n ann  │ /home\n(1 row)\n");
    let expanded = place.run(&["-x", "-c", SELECT]).ok();
    assert_eq!(expanded, "─[ row 1 ]──\nUSER │ ann\nPAGE │ /home\n(1 row)\n");
}

#[test]
fn only_rows_go_to_standard_output_where_a_program_reads() {
    let place = Place::new();
    let out = place.run(&["--output", "json", "-c", &format!("{CLICKS}{SELECT}")]).ok();
    assert_eq!(out, "{\"USER\":\"ann\",\"PAGE\":\"/home\"}\n");
}

#[test]
fn the_last_semicolon_may_be_left_out() {
    let place = Place::new();
    place.run(&["-c", CLICKS]).ok();
    let input = "SELECT user\n  FROM clicks";
    assert_eq!(place.run_with_input(&["--output", "csv"], input).ok(), "USER\nann\n");
}

#[test]
fn an_error_shows_line_and_caret_and_ends_the_script() {
    let place = Place::new();
    let script =
        format!("-- first\n{CLICKS}\n\nSELECT user\n  FORM clicks;\nDROP STREAM clicks;\n");
    place.file("a.sql", &script);
    let err = place.run(&["-f", "a.sql"]).failed();
    assert!(err.contains("a.sql, line 8, column 3"), "{err}");
    assert!(err.contains("\n      FORM clicks;\n      ^^^^"), "{err}");
    assert_eq!(
        place.run(&["--output", "csv", "-c", "SELECT user FROM clicks;"]).ok(),
        "USER\nann\n"
    );
}

#[test]
fn an_unknown_column_names_the_near_miss() {
    let place = Place::new();
    place.run(&["-c", CLICKS]).ok();
    let err = place.run_with_input(&[], "\nSELECT pgae FROM clicks;").failed();
    assert!(err.contains("PGAE") && err.contains("PAGE"), "{err}");
    assert!(err.contains("line 2, column 8"), "{err}");
}

#[test]
fn commands_work_in_scripts() {
    let place = Place::new();
    place.file("b.sql", "\\echo included\n");
    let input = "\\echo begin\n\\i b.sql\nRUN SCRIPT 'b.sql';\n\\q\n\\echo never\n";
    assert_eq!(place.run_with_input(&[], input).ok(), "begin\nincluded\nincluded\n");
    let err = place.run_with_input(&[], "\\zzz\n").failed();
    assert!(err.contains("there is no command \\zzz"), "{err}");
}

#[test]
fn nothing_is_drawn_where_standard_error_is_no_terminal() {
    let place = Place::new();
    let script = place.file("a.sql", &format!("{CLICKS}{SELECT}"));
    let mut command = place.command(&["--output", "csv"]);
    let run = Run::of(command.stdin(File::open(script).unwrap()).output().unwrap());
    assert_eq!(run.err, "");
    assert_eq!(run.ok(), "USER,PAGE\nann,/home\n");
    place.file("b.sql", &format!("{SELECT}\n{SELECT}\n"));
    assert_eq!(place.run(&["-f", "b.sql"]).err, "");
}

#[test]
fn a_missing_script_is_named() {
    let place = Place::new();
    let err = place.run(&["-f", "missing.sql"]).failed();
    assert!(err.contains("missing.sql"), "{err}");
}

#[test]
fn arguments_that_make_no_sense_are_status_2() {
    let place = Place::new();
    assert_eq!(place.run(&["--outptu", "json"]).status, 2);
    assert_eq!(place.run(&["-c", "SHOW TOPICS;", "-f", "a.sql"]).status, 2);
}
