//! Laws that hold for every aggregate, tried with random rows.

use arrow::array::{AsArray, Float64Array};
use arrow::datatypes::Float64Type;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::*;

const CALLS: &[&str] = &[
    "ATTR(STRING)",
    "AVG(BIGINT)",
    "AVG(DOUBLE)",
    "COLLECT_LIST(STRING)",
    "COLLECT_SET(INTEGER)",
    "CORRELATION(DOUBLE, DOUBLE)",
    "COUNT()",
    "COUNT(INTEGER)",
    "CORRELATION(DISTINCT DOUBLE, DOUBLE)",
    "COUNT(DISTINCT INTEGER)",
    "COUNT_DISTINCT(STRING)",
    "EARLIEST_BY_OFFSET(INTEGER)",
    "EARLIEST_BY_OFFSET(STRING, 3, false)",
    "HISTOGRAM(STRING)",
    "LATEST_BY_OFFSET(STRING, false)",
    "LATEST_BY_OFFSET(DOUBLE, 2)",
    "MAX(DOUBLE)",
    "MAX(STRING)",
    "MIN(DECIMAL)",
    "MIN(INTEGER)",
    "STDDEV_SAMP(DOUBLE)",
    "STDDEV_SAMPLE(INTEGER)",
    "SUM(DECIMAL)",
    "SUM(DISTINCT DOUBLE)",
    "SUM(DOUBLE)",
    "SUM(INTEGER)",
    "TOPK(INTEGER, 3)",
    "TOPK(INTEGER, STRING, DOUBLE, 3)",
    "TOPKDISTINCT(STRING, 2)",
    "array_agg(STRING)",
    "first_value(STRING)",
    "median(DOUBLE)",
    "var_pop(DOUBLE)",
];

const SLOTS: u32 = 4;

/// The slow and obvious aggregate: the rows of each slot, computed anew.
struct Model {
    bound: Arc<dyn BoundAggregate>,
    rows: Vec<Vec<String>>,
}

impl Model {
    fn new(bound: Arc<dyn BoundAggregate>) -> Self {
        Self { bound, rows: vec![Vec::new(); SLOTS as usize] }
    }

    fn result(&self, slot: usize) -> ArrayRef {
        let mut groups = self.bound.groups();
        groups.resize(1);
        let rows: Vec<&str> = self.rows[slot].iter().map(String::as_str).collect();
        let values = columns(&rows, self.bound.argument_types());
        groups.update(&vec![0; rows.len()], &values).expect("rows come");
        groups.evaluate(&[0]).expect("a result")
    }
}

/// Few different values, so that equal ones meet; whole, so that sums are exact.
fn random_row(columns: usize, random: &mut StdRng) -> String {
    let cell = |_| match random.random_range(0..6) {
        0 => "NULL".to_string(),
        number => number.to_string(),
    };
    (0..columns).map(cell).collect::<Vec<_>>().join(":")
}

fn random_rows(bound: &dyn BoundAggregate, random: &mut StdRng) -> Vec<String> {
    let count = random.random_range(0..6);
    (0..count).map(|_| random_row(bound.argument_types().len(), random)).collect()
}

/// A batch of rows to come or to go, with their slots.
type Batch = (Vec<u32>, Vec<String>);

fn random_update(model: &mut Model, random: &mut StdRng) -> Batch {
    let rows = random_rows(model.bound.as_ref(), random);
    let slots: Vec<_> = rows.iter().map(|_| random.random_range(0..SLOTS)).collect();
    for (slot, row) in slots.iter().zip(&rows) {
        model.rows[*slot as usize].push(row.clone());
    }
    (slots, rows)
}

fn random_undo(model: &mut Model, random: &mut StdRng) -> Batch {
    let (mut slots, mut gone) = (Vec::new(), Vec::new());
    for slot in 0..SLOTS {
        let rows = &mut model.rows[slot as usize];
        if rows.is_empty() || random.random_bool(0.5) {
            continue;
        }
        let row = rows[random.random_range(0..rows.len())].clone();
        let last = rows.iter().rposition(|other| *other == row).expect("it was just there");
        rows.remove(last);
        slots.push(slot);
        gone.push(row);
    }
    (slots, gone)
}

fn values((slots, rows): &Batch, bound: &dyn BoundAggregate) -> (Vec<u32>, Vec<ArrayRef>) {
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    (slots.clone(), columns(&rows, bound.argument_types()))
}

/// Doubles may differ in the last digits, and so in the sign of zero: taking back adds other
/// rounding errors.
fn assert_same(found: &ArrayRef, expected: &ArrayRef, what: &str) {
    if *found.data_type() != DataType::Float64 {
        assert_eq!(text(found), text(expected), "{what}");
        return;
    }
    let digits = |values: &ArrayRef| -> Float64Array {
        values.as_primitive::<Float64Type>().unary(|value| (value * 1e6).round() + 0.0)
    };
    assert_eq!(
        text(&(Arc::new(digits(found)) as _)),
        text(&(Arc::new(digits(expected)) as _)),
        "{what}"
    );
}

fn assert_like_model(groups: &dyn Groups, model: &Model, what: &str) {
    let slots: Vec<u32> = (0..SLOTS).collect();
    let results = groups.evaluate(&slots).expect("results");
    for slot in 0..SLOTS as usize {
        assert_same(&results.slice(slot, 1), &model.result(slot), &format!("{what}, slot {slot}"));
    }
}

/// Saves all slots and loads them, in another order, into groups that knew nothing.
fn reloaded(groups: &dyn Groups, bound: &dyn BoundAggregate) -> Box<dyn Groups> {
    let slots: Vec<u32> = (0..SLOTS).rev().collect();
    let state = groups.save(&slots).expect("a state");
    let types: Vec<_> = state.iter().map(|column| column.data_type().clone()).collect();
    assert_eq!(types, bound.state_types());
    let mut loaded = bound.groups();
    loaded.resize(SLOTS as usize);
    loaded.load(&slots, &state).expect("a state can be loaded");
    loaded
}

fn seeds() -> impl Iterator<Item = (u64, &'static str)> {
    CALLS.iter().flat_map(|call| (0..20).map(move |seed| (seed, *call)))
}

#[test]
fn what_is_taken_back_never_was() {
    for (seed, call) in seeds() {
        let mut random = StdRng::seed_from_u64(seed);
        let bound = Call::parse(call).bind(Input::Changing);
        let mut model = Model::new(bound.clone());
        let mut groups = bound.groups();
        groups.resize(SLOTS as usize);
        for step in 0..12 {
            if random.random_bool(0.6) {
                let batch = random_update(&mut model, &mut random);
                let (slots, values) = values(&batch, bound.as_ref());
                groups.update(&slots, &values).expect("rows come");
            } else {
                let batch = random_undo(&mut model, &mut random);
                let (slots, values) = values(&batch, bound.as_ref());
                groups.undo(&slots, &values).expect("rows go");
            }
            if random.random_bool(0.2) {
                groups = reloaded(groups.as_ref(), bound.as_ref());
            }
            assert_like_model(
                groups.as_ref(),
                &model,
                &format!("{call}, seed {seed}, step {step}"),
            );
        }
    }
}

#[test]
fn rows_that_stay_give_the_same_in_both_modes() {
    for (seed, call) in seeds() {
        let mut random = StdRng::seed_from_u64(seed);
        let bound = Call::parse(call).bind(Input::AppendOnly);
        let mut model = Model::new(Call::parse(call).bind(Input::Changing));
        let mut groups = bound.groups();
        groups.resize(SLOTS as usize);
        for _ in 0..6 {
            let batch = random_update(&mut model, &mut random);
            let (slots, values) = values(&batch, bound.as_ref());
            groups.update(&slots, &values).expect("rows come");
            if random.random_bool(0.3) {
                groups = reloaded(groups.as_ref(), bound.as_ref());
            }
        }
        assert_like_model(groups.as_ref(), &model, &format!("{call}, seed {seed}"));
    }
}

/// Slot 0 gets its rows before slot 1.
#[test]
fn merging_is_applying_one_after_the_other() {
    for (seed, call) in seeds() {
        let mut random = StdRng::seed_from_u64(seed);
        let input = if seed % 2 == 0 { Input::AppendOnly } else { Input::Changing };
        let bound = Call::parse(call).bind(input);
        let mut model = Model::new(bound.clone());
        let mut groups = bound.groups();
        groups.resize(SLOTS as usize);
        for slot in 0..2 {
            let rows = random_rows(bound.as_ref(), &mut random);
            model.rows[0].extend(rows.clone());
            let (slots, values) = values(&(vec![slot; rows.len()], rows), bound.as_ref());
            groups.update(&slots, &values).expect("rows come");
        }
        groups.merge(&[0], &[1]).expect("groups can be merged");
        assert_like_model(groups.as_ref(), &model, &format!("{call}, seed {seed}"));
    }
}

#[test]
fn reset_slots_hold_nothing() {
    for call in CALLS {
        let bound = Call::parse(call).bind(Input::Changing);
        let mut model = Model::new(bound.clone());
        let mut groups = bound.groups();
        groups.resize(SLOTS as usize);
        let memory = groups.memory();
        let batch = random_update(&mut model, &mut StdRng::seed_from_u64(1));
        let (slots, values) = values(&batch, bound.as_ref());
        groups.update(&slots, &values).expect("rows come");
        groups.reset(&(0..SLOTS).collect::<Vec<_>>());
        assert_eq!(groups.memory(), memory, "{call}");
        assert_like_model(groups.as_ref(), &Model::new(bound), call);
    }
}
