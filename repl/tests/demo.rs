//! The demo, as `make demo` runs it without a terminal: twice in the same directory.

mod millstream;

use millstream::Place;

/// Answers of the demo that can be counted in its data with any other tool.
const ANSWERS: &[&str] = &[
    " JFK    │ 2013-02-09 │       283 │       96",
    " LGA    │ 2013-02-09 │       206 │       50",
    " ExpressJet Airlines Inc. │ 2688 │   415 │ 68.1",
    " Hawaiian Airlines Inc. │     51 │ JFK    │ HNL  │      1301",
];

#[test]
fn the_demo_works_and_works_again() {
    let place = Place::new();
    let first = demo(&place);
    let second = demo(&place);
    for answer in ANSWERS {
        assert!(first.contains(answer), "{answer}\n{first}");
        assert!(second.contains(answer), "{answer}\n{second}");
    }
}

fn demo(place: &Place) -> String {
    let file = |name: &str| format!("{}/../demo/{name}", env!("CARGO_MANIFEST_DIR"));
    let (flights, airlines) = (file("data/flights.csv.gz"), file("data/airlines.csv"));
    let import =
        ["import", &flights, "--topic", "flights", "--timestamp", "sched_dep_ms", "--once"];
    place.run(&import).ok();
    let import = [
        "import",
        &airlines,
        "--topic",
        "airlines",
        "--key",
        "carrier",
        "--timestamp",
        "since_ms",
        "--once",
    ];
    place.run(&import).ok();
    place.run(&["--interactive", "--echo", "-f", &file("flights.sql")]).ok()
}
