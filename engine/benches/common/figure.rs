//! Lines that `make bench` reads, keeps and compares with those of its last run.

/// Reports a figure; more is better. `unit` is `of …` for a ratio to another side in the same run,
/// which moves less from run to run than a rate does.
pub fn figure(name: &str, value: f64, unit: &str) {
    println!("figure\t{name}\t{value:.3}\t{unit}");
}
