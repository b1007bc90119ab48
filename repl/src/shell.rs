//! The interactive shell: read, run, show, until the user leaves.

use std::io::{self, Cursor, Write};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::runtime::Handle;

use crate::console::{Console, Ending};
use crate::input::{Entry, Input};
use crate::names::{self, Names};
use crate::render::Style;
use crate::script;

const GREETING: &str = "Millstream: SQL over logs. help explains, exit leaves.";

/// Runs until the user leaves. It blocks its thread, which must not be one of the runtime's.
pub fn run(console: &mut Console, runtime: &Handle) -> anyhow::Result<()> {
    let names = Arc::new(Mutex::new(Names::default()));
    let mut input = Input::open(names.clone(), Style::of_stdout())?;
    writeln!(io::stdout(), "{GREETING}")?;
    *names.lock() = runtime.block_on(Names::ask(&mut console.connection));
    loop {
        let text = match input.read()? {
            Entry::Text(text) => text,
            Entry::Cancelled => continue,
            Entry::End => break,
        };
        let ending = runtime.block_on(script::run(console, Cursor::new(&text), None))?;
        if ending == Ending::Quit {
            break;
        }
        if names::may_change(&text) {
            *names.lock() = runtime.block_on(Names::ask(&mut console.connection));
        }
    }
    Ok(())
}
