//! What each aggregate gives for given rows.

use super::*;

fn result(call: &Call, rows: &str, input: Input) -> String {
    let bound = call.bind(input);
    let mut groups = bound.groups();
    groups.resize(1);
    apply(groups.as_mut(), rows, bound.argument_types()).expect("the rows can be applied");
    let results = groups.evaluate(&[0]).expect("there is a result");
    assert_eq!(results.data_type(), bound.return_type());
    text(&results).swap_remove(0)
}

/// Rows that only come give the same result whether the aggregate expects them to go or not.
fn check_with(call: &Call, rows: &str, expected: &str) {
    if !rows.split_whitespace().any(|row| row.starts_with('-')) {
        assert_eq!(result(call, rows, Input::AppendOnly), expected, "{rows}");
    }
    assert_eq!(result(call, rows, Input::Changing), expected, "{rows}");
}

fn check(call: &str, rows: &str, expected: &str) {
    check_with(&Call::parse(call), rows, expected);
}

fn refused(call: &str) -> String {
    let refused = Call::parse(call).try_bind(Input::AppendOnly);
    refused.expect_err("the call is not valid").to_string()
}

#[test]
fn count_counts_rows_or_values() {
    check("COUNT()", "+ + + -", "2");
    check("COUNT(1)", "+ + +", "3");
    check("COUNT(STRING)", "+a +NULL +b", "2");
    check("COUNT(STRING)", "+a +NULL -a -NULL", "0");
    check("COUNT(DISTINCT STRING)", "+a +b +a +NULL", "2");
    check("COUNT(DISTINCT STRING)", "+a +b +a -a -b", "1");
}

#[test]
fn sum_skips_null_and_begins_at_zero() {
    check("SUM(INTEGER)", "", "0");
    check("SUM(INTEGER)", "+1 +NULL +2 -1", "2");
    check("SUM(BIGINT)", "+1 +2147483647", "2147483648");
    check("SUM(DOUBLE)", "+0.5 +1", "1.5");
    check("SUM(DECIMAL)", "+0.5 +12.5", "13.0");
    check("SUM(DISTINCT INTEGER)", "+3 +3 +4 -3", "7");
}

#[test]
fn sum_of_whole_numbers_wraps_around() {
    check("SUM(INTEGER)", "+2147483647 +1", "-2147483648");
    check("SUM(BIGINT)", "+9223372036854775807 +1", "-9223372036854775808");
}

#[test]
fn sum_of_decimals_stops_at_the_end_of_its_type() {
    let bound = Call::parse("SUM(DECIMAL)").bind(Input::AppendOnly);
    let mut groups = bound.groups();
    groups.resize(1);
    apply(groups.as_mut(), "+999.9", bound.argument_types()).expect("it fits");
    let error = apply(groups.as_mut(), "+0.1", bound.argument_types()).expect_err("it does not");
    let expected = "numeric field overflow: a sum of DECIMAL(4, 1) must stay below 10^3, found \
                    1000.0";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn sum_list_adds_up_elements() {
    use arrow::array::{Int64Array, ListArray};
    use arrow::datatypes::Int64Type;
    let lists = [Some(vec![Some(1), Some(2)]), None, Some(vec![Some(100), None]), Some(vec![])];
    let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(lists));
    let argument = Argument { data_type: lists.data_type().clone(), literal: None };
    let bound = function("SUM_LIST").bind(&[argument], Input::Changing, &Settings::default());
    let mut groups = bound.expect("lists of numbers can be summed up").groups();
    groups.resize(2);
    groups.update(&[0, 1, 1, 0], std::slice::from_ref(&lists)).expect("rows come");
    let sums: ArrayRef = Arc::new(Int64Array::from(vec![3, 100]));
    assert_eq!(&groups.evaluate(&[0, 1]).expect("sums"), &sums);
    groups.undo(&[0], &[lists.slice(0, 1)]).expect("a row goes");
    assert_eq!(text(&groups.evaluate(&[0, 1]).expect("sums")), ["0", "100"]);
}

#[test]
fn avg_is_zero_over_nothing_and_never_overflows() {
    check("AVG(INTEGER)", "+NULL", "0.0");
    check("AVG(INTEGER)", "+1 +2 +2 +NULL", "1.6666666666666667");
    check("AVG(BIGINT)", "+-1 +9223372036854775807", "4.611686018427388e18");
    check("AVG(BIGINT)", "+9223372036854775807 +9223372036854775807", "9.223372036854776e18");
    check("AVG(DOUBLE)", "+2.5 +1.5 -2.5", "1.5");
}

#[test]
fn min_and_max_skip_null() {
    check("MIN(INTEGER)", "+NULL", "NULL");
    check("MIN(INTEGER)", "+3 +1 +NULL +2", "1");
    check("MAX(INTEGER)", "+3 +1 +NULL +2", "3");
    check("MAX(DOUBLE)", "+-1.5 +-2", "-1.5");
    check("MIN(DECIMAL)", "+2.5 +1.5", "1.5");
    check("MAX(DATE)", "+2024-01-02 +2024-01-03", "2024-01-03");
    check("MIN(TIMESTAMP)", "+2024-01-02 +2024-01-01", "2024-01-01T00:00:00");
    check("MAX(STRING)", "+b +c +a", "c");
    check("MIN(STRING)", "+b +c +ab", "ab");
    check("MIN(BYTES)", "+b +a", "61");
}

#[test]
fn min_and_max_forget_what_is_taken_back() {
    check("MIN(INTEGER)", "+1 +1 +2 -1", "1");
    check("MIN(INTEGER)", "+1 +1 +2 -1 -1", "2");
    check("MAX(STRING)", "+a +c +b -c", "b");
    check("MAX(STRING)", "+a -a", "NULL");
}

#[test]
fn stddev_samp_is_the_variance() {
    check("STDDEV_SAMP(DOUBLE)", "+10", "0.0");
    check("STDDEV_SAMP(DOUBLE)", "+10 +12 +13", "2.333333333333333");
    check("STDDEV_SAMP(INTEGER)", "+10 +12 +13 +14 +16", "5.0");
    check("STDDEV_SAMPLE(INTEGER)", "+10 +12 +13 +14 +16", "2.23606797749979");
    check("STDDEV_SAMPLE(INTEGER)", "+10 +12 +7 -7 +NULL", "1.4142135623730951");
}

#[test]
fn correlation_needs_both_values() {
    check("CORRELATION(DOUBLE, DOUBLE)", "+1.5:8", "NaN");
    check("CORRELATION(DOUBLE, DOUBLE)", "+1.5:8 +-1:-2 +NULL:7", "1.0");
    check("CORRELATION(INTEGER, INTEGER)", "+1:8 +-1:-2 +-4:-1", "0.7455284088780169");
    check("CORRELATION(INTEGER, INTEGER)", "+1:8 +-1:-2 +9:9 -9:9", "1.0");
}

#[test]
fn lists_and_sets_keep_null_in_order_of_arrival() {
    check("COLLECT_LIST(STRING)", "+b +a +NULL +b", "[b, a, NULL, b]");
    check("COLLECT_SET(STRING)", "+b +a +NULL +b +NULL", "[b, a, NULL]");
    check("COLLECT_SET(STRING)", "", "[]");
    check("COLLECT_SET(STRING)", "+a +b +a -a", "[a, b]");
    check("COLLECT_SET(STRING)", "+a +b +a -a -a", "[b]");
}

#[test]
fn the_last_of_equal_values_is_taken_back() {
    check("COLLECT_LIST(STRING)", "+a +b +a +c -a", "[a, b, c]");
}

#[test]
fn limits_cut_what_is_collected() {
    let settings = Settings { collect_list_limit: 2, collect_set_limit: 1 };
    let list = Call { settings, ..Call::parse("COLLECT_LIST(STRING)") };
    check_with(&list, "+a +b +c", "[a, b]");
    check_with(&list, "+a +b +c -a", "[b, c]");
    let set = Call { settings: list.settings, ..Call::parse("COLLECT_SET(STRING)") };
    check_with(&set, "+a +a +b", "[a]");
}

#[test]
fn maps_with_the_same_entries_are_one_value() {
    use arrow::array::{Int64Builder, MapBuilder, StringBuilder};
    let mut maps = MapBuilder::new(None, StringBuilder::new(), Int64Builder::new());
    for entries in [[("x", 1), ("y", 2)], [("y", 2), ("x", 1)], [("x", 2), ("y", 1)]] {
        for (key, value) in entries {
            maps.keys().append_value(key);
            maps.values().append_value(value);
        }
        maps.append(true).expect("an entry per key");
    }
    let maps: ArrayRef = Arc::new(maps.finish());
    let argument = Argument { data_type: maps.data_type().clone(), literal: None };
    let bound =
        function("COUNT_DISTINCT").bind(&[argument], Input::AppendOnly, &Settings::default());
    let mut groups = bound.expect("maps can be compared").groups();
    groups.resize(1);
    groups.update(&[0, 0, 0], &[maps]).expect("rows come");
    assert_eq!(text(&groups.evaluate(&[0]).expect("a number")), ["2"]);
}

#[test]
fn histogram_counts_values() {
    check("HISTOGRAM(STRING)", "+a +b +NULL +a", "{a: 2, b: 1}");
    check("HISTOGRAM(STRING)", "+a +b +a -b -a", "{a: 1}");
}

#[test]
fn histogram_ignores_values_beyond_a_thousand() {
    let rows: String = (0..1001).map(|number| format!("+{number} ")).collect();
    let counts = result(&Call::parse("HISTOGRAM(STRING)"), &rows, Input::AppendOnly);
    assert_eq!(counts.matches(':').count(), 1000);
    let changing =
        result(&Call::parse("HISTOGRAM(STRING)"), &format!("{rows} -7"), Input::Changing);
    assert!(changing.contains("1000: 1"), "room for the one that was ignored");
}

#[test]
fn count_distinct_is_exact() {
    check("COUNT_DISTINCT(STRING)", "+one +two +one +NULL", "2");
    check("COUNT_DISTINCT(INTEGER)", "+1 +2 +1 -1 -2", "1");
}

#[test]
fn topk_keeps_the_greatest() {
    check("TOPK(DOUBLE, 3)", "+7.5 +100.5 +99.9 +7.3 +100.5", "[100.5, 100.5, 99.9]");
    check("TOPK(STRING, 2)", "+a +NULL +c +b", "[c, b]");
    check("TOPK(INTEGER, 2)", "+1 +2 +3 -3", "[2, 1]");
    check("TOPKDISTINCT(INTEGER, 3)", "+0 +100 +99 +7 +100", "[100, 99, 7]");
    check("TOPKDISTINCT(INTEGER, 2)", "+1 +2 +2 +3 -3 -2", "[2, 1]");
}

#[test]
fn topk_of_rows_keeps_the_first_of_those_alike() {
    let rows = "+0:zero +100:one +99:two +NULL:three +100:NULL";
    let expected = "[{sort_col: 100, col0: one}, {sort_col: 100, col0: NULL}, \
                    {sort_col: 99, col0: two}]";
    check("TOPK(INTEGER, STRING, 3)", rows, expected);
    check("TOPK(STRING, STRING, 1)", "+b:1 +b:2 +a:3", "[{sort_col: b, col0: 1}]");
    check("TOPK(STRING, STRING, 1)", "+b:1 +b:2 +a:3 -b:1", "[{sort_col: b, col0: 2}]");
}

#[test]
fn by_offset_takes_the_first_or_last_value() {
    check("EARLIEST_BY_OFFSET(STRING)", "", "NULL");
    check("EARLIEST_BY_OFFSET(STRING)", "+NULL +a +b", "a");
    check("EARLIEST_BY_OFFSET(STRING, true)", "+NULL +a +b", "a");
    check("EARLIEST_BY_OFFSET(STRING, false)", "+NULL +a +b", "NULL");
    check("LATEST_BY_OFFSET(INTEGER)", "+12 +13 +NULL", "13");
    check("LATEST_BY_OFFSET(INTEGER, false)", "+12 +NULL", "NULL");
    check("LATEST_BY_OFFSET(INTEGER)", "+12 +13 -13", "12");
}

#[test]
fn by_offset_takes_several_values_in_order_of_arrival() {
    check("EARLIEST_BY_OFFSET(INTEGER, 2)", "+NULL +13", "[13]");
    check("EARLIEST_BY_OFFSET(INTEGER, 2, false)", "+12 +NULL +13", "[12, NULL]");
    check("EARLIEST_BY_OFFSET(INTEGER, 2)", "+1 +2 +3 -1", "[2, 3]");
    check("LATEST_BY_OFFSET(INTEGER, 2)", "+1 +2 +3", "[2, 3]");
    check("LATEST_BY_OFFSET(INTEGER, 2)", "+1 +2 +3 -3", "[1, 2]");
    check("LATEST_BY_OFFSET(INTEGER, 2, false)", "+12 +NULL +13", "[NULL, 13]");
}

/// Groups 0 and 1 get rows in turns; what came first is known after they are merged.
#[test]
fn merged_groups_remember_the_order_of_arrival() {
    for (call, expected) in [
        ("EARLIEST_BY_OFFSET(STRING)", "a"),
        ("EARLIEST_BY_OFFSET(STRING, 3)", "[a, b, c]"),
        ("LATEST_BY_OFFSET(STRING)", "d"),
        ("LATEST_BY_OFFSET(STRING, 3)", "[b, c, d]"),
        ("COLLECT_LIST(STRING)", "[b, d, a, c]"),
    ] {
        for input in [Input::AppendOnly, Input::Changing] {
            let bound = Call::parse(call).bind(input);
            let mut groups = bound.groups();
            groups.resize(2);
            let values = columns(&["a", "b", "c", "d"], bound.argument_types());
            groups.update(&[0, 1, 0, 1], &values).expect("rows come");
            groups.merge(&[1], &[0]).expect("groups can be merged");
            assert_eq!(text(&groups.evaluate(&[1]).expect("a result")), [expected], "{call}");
        }
    }
}

/// A group that was saved long ago is older than one that was numbered from outside.
#[test]
fn rows_are_numbered_from_outside() {
    let bound = Call::parse("LATEST_BY_OFFSET(STRING)").bind(Input::AppendOnly);
    let values = |row| columns(&[row], bound.argument_types());
    let mut groups = bound.groups();
    groups.resize(2);
    groups.arrive(200);
    groups.update(&[0], &values("late")).expect("a row comes");
    groups.arrive(100);
    groups.update(&[1], &values("early")).expect("a row comes");
    groups.merge(&[1], &[0]).expect("groups can be merged");
    assert_eq!(text(&groups.evaluate(&[1, 0]).expect("results")), ["late", "NULL"]);
}

/// Groups that were numbered apart lose nothing when they meet.
#[test]
fn rows_numbered_alike_are_all_kept() {
    let bound = Call::parse("LATEST_BY_OFFSET(STRING, 3)").bind(Input::Changing);
    let mut groups = bound.groups();
    groups.resize(2);
    for (slot, row) in [(0, "a"), (1, "b")] {
        groups.arrive(7);
        groups.update(&[slot], &columns(&[row], bound.argument_types())).expect("a row comes");
    }
    groups.merge(&[0], &[1]).expect("groups can be merged");
    assert_eq!(text(&groups.evaluate(&[0]).expect("a result")), ["[a, b]"]);
}

#[test]
fn attr_is_the_only_value() {
    check("ATTR(STRING)", "", "NULL");
    check("ATTR(STRING)", "+a +a", "a");
    check("ATTR(STRING)", "+a +NULL", "NULL");
    check("ATTR(STRING)", "+a +b +c -c -b", "a");
}

#[test]
fn aggregates_of_datafusion_take_part() {
    check("median(DOUBLE)", "+1 +5 +2", "2.0");
    check("median(DOUBLE)", "+1 +5 +2 -1", "3.5");
    check("bool_and(BOOLEAN)", "+true +false -false", "true");
    check("var_pop(DOUBLE)", "+1 +3 +8 -8", "1.0");
    check("array_agg(STRING)", "+a +b +c -b", "[a, c]");
    check("approx_distinct(STRING)", "+a +b +a", "2");
}

#[test]
fn wrong_arguments_are_named() {
    let message = "function SUM does not accept parameters (STRING)";
    assert_eq!(refused("SUM(STRING)"), message);
    let message = "function MAX does not accept parameters (BOOLEAN)";
    assert_eq!(refused("MAX(BOOLEAN)"), message);
    let message = "function TOPK does not accept parameters (INTEGER)";
    assert_eq!(refused("TOPK(INTEGER)"), message);
    let message = "parameter 2 of TOPK must be 1 or greater, was 0";
    assert_eq!(refused("TOPK(INTEGER, 0)"), message);
    let message = "parameter 2 passed to function EARLIEST_BY_OFFSET must be a literal constant, \
                   but was an expression";
    assert_eq!(refused("EARLIEST_BY_OFFSET(INTEGER, INTEGER)"), message);
}

#[test]
fn the_error_lists_the_valid_forms() {
    let error = Call::parse("HISTOGRAM(INTEGER)").try_bind(Input::AppendOnly);
    let Err(crate::Error::Invalid(diagnostic)) = error else { panic!("a diagnostic is expected") };
    let forms = "valid forms: HISTOGRAM(value STRING) → MAP<STRING, BIGINT>";
    assert_eq!(diagnostic.hint.as_deref(), Some(forms));
}
