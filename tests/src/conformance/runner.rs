//! Runs many cases, each in a fresh engine on a thread of its own, and survives them all.
//!
//! A case that panics fails with its message; a case that does not end in time fails and its
//! thread is left behind, because a thread cannot be stopped from outside. Verdicts come back in
//! the order of the cases, however many run at once.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, Once, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use super::case::{Case, Kind};
use super::load::Loaded;
use super::refusal::Refusal;
use super::verdict::Verdict;
use super::{run_query, run_rest, run_sql};

/// How long a case may take.
pub const DEADLINE: Duration = Duration::from_secs(20);

const THREAD_NAME: &str = "conformance case";

/// The stack of a case's thread: nested expressions are analysed recursively.
const STACK_BYTES: usize = 8 << 20;

/// Runs all cases on all cores.
pub fn run_all(cases: &[Loaded]) -> Vec<Verdict> {
    run_all_with(cases, DEADLINE, carry_out)
}

/// How one case is carried out.
type CarryOut = fn(&Case) -> Result<Option<Refusal>>;

fn run_all_with(cases: &[Loaded], deadline: Duration, carry_out: CarryOut) -> Vec<Verdict> {
    keep_panics_of_cases();
    let next = AtomicUsize::new(0);
    let verdicts = Mutex::new(vec![None; cases.len()]);
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(loaded) = cases.get(index) else { return };
            let verdict = run_one(loaded.case.clone(), deadline, carry_out);
            let mut verdicts = verdicts.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(place) = verdicts.get_mut(index) {
                *place = Some(verdict);
            }
        }
    };
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(work);
        }
    });
    let verdicts = verdicts.into_inner().unwrap_or_else(PoisonError::into_inner);
    verdicts.into_iter().map(|verdict| verdict.unwrap_or_else(not_run)).collect()
}

fn not_run() -> Verdict {
    Verdict::failed("not run")
}

fn run_one(case: Case, deadline: Duration, carry_out: CarryOut) -> Verdict {
    let (sender, receiver) = mpsc::channel();
    let body = move || {
        let result = panic::catch_unwind(AssertUnwindSafe(|| carry_out(&case)));
        let verdict = result.map_or_else(|payload| panicked(payload.as_ref()), Verdict::of);
        // Nobody listens any more where the deadline is over.
        let _ = sender.send(verdict);
    };
    let thread = thread::Builder::new().name(THREAD_NAME.into()).stack_size(STACK_BYTES);
    if let Err(error) = thread.spawn(body) {
        return Verdict::failed(format!("no thread: {error}"));
    }
    match receiver.recv_timeout(deadline) {
        Ok(verdict) => verdict,
        Err(RecvTimeoutError::Timeout) => Verdict::failed("timed out"),
        Err(RecvTimeoutError::Disconnected) => Verdict::failed("ended without a verdict"),
    }
}

/// Carries out one case on a runtime of its own.
fn carry_out(case: &Case) -> Result<Option<Refusal>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("start a runtime")?;
    let result = runtime.block_on(async {
        match case.kind {
            Kind::Query => run_query::run(case).await,
            Kind::Rest => run_rest::run(case).await,
            Kind::Sql => run_sql::run(case).await,
        }
    });
    runtime.shutdown_background();
    result
}

thread_local! {
    static LAST_PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Keeps the place of a panic for the verdict instead of printing it, on the threads of cases.
fn keep_panics_of_cases() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if thread::current().name() != Some(THREAD_NAME) {
                return previous(info);
            }
            let place = info.location().map(|place| format!("{}:{}", place.file(), place.line()));
            LAST_PANIC.with(|last| last.replace(place));
        }));
    });
}

fn panicked(payload: &(dyn Any + Send)) -> Verdict {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    let place = LAST_PANIC.with(RefCell::take).unwrap_or_else(|| "an unknown place".to_owned());
    Verdict::failed(format!("panicked at {place}: {}", text.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded(id: &str) -> Loaded {
        let text = format!(r#"{{"id": "{id}", "kind": "sql", "tier": "core", "statements": []}}"#);
        let case = serde_json::from_str(&text).expect("a case");
        Loaded { file: "sql/x.json".into(), case }
    }

    /// Stands in for an engine: what happens is in the id.
    fn scripted(case: &Case) -> Result<Option<Refusal>> {
        match case.id.as_str() {
            "panics" => panic!("out of ideas"),
            "fails" => anyhow::bail!("wrong answer"),
            "hangs" => loop {
                thread::park();
            },
            _ => Ok(None),
        }
    }

    #[test]
    fn panics_and_hangs_are_failures_and_order_is_kept() {
        let cases = ["passes", "panics", "hangs", "fails", "passes too"].map(loaded);
        let verdicts = run_all_with(&cases, Duration::from_millis(200), scripted);
        let passed: Vec<_> = verdicts.iter().map(|verdict| verdict.passed).collect();
        assert_eq!(passed, [true, false, false, false, true]);
        assert!(verdicts[1].why.contains("runner.rs") && verdicts[1].why.ends_with("out of ideas"));
        assert_eq!(verdicts[2].why, "timed out");
        assert_eq!(verdicts[3].why, "wrong answer");
    }
}
