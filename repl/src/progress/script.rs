//! How far a script is.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget};
use sql::lexer::{self, TokenKind};

use super::{PATIENCE, REFRESH, spinner, steps, waiting};
use crate::render::Place;

/// No terminal shows more characters of a statement than these.
const STATEMENT_MAX: usize = 500;

/// A bar over the steps of a script, its statements and commands; it names the one that runs.
///
/// Where the output goes to the same terminal, it is there only while a statement keeps one
/// waiting, and gone before that statement has something to show. Elsewhere it stays.
pub struct ScriptBar {
    presence: Presence,
    total: u64,
    /// The number of the step that runs, from 1.
    number: u64,
    begun: Instant,
    /// The bar that stays, once it has been shown.
    bar: Option<ProgressBar>,
}

/// When the bar is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presence {
    /// Never: nobody could see it, or it would tell nothing.
    Never,
    /// While a statement keeps one waiting.
    Waiting,
    /// From one statement to the next.
    Always,
}

impl ScriptBar {
    /// No bar, as for statements that are typed.
    pub fn none() -> Self {
        Self::new(Presence::Never, 0)
    }

    /// A bar for a script that begins. `count` tells how many steps it has, where that can be
    /// known, and is asked only where somebody could see the bar: it reads the script.
    pub fn begin(count: impl FnOnce() -> io::Result<Option<u64>>) -> io::Result<Self> {
        let (stderr, stdout) = (io::stderr().is_terminal(), io::stdout().is_terminal());
        let total = if stderr { count()?.unwrap_or(0) } else { 0 };
        Ok(Self::new(presence(total, stderr, stdout), total))
    }

    fn new(presence: Presence, total: u64) -> Self {
        Self { presence, total, number: 0, begun: Instant::now(), bar: None }
    }

    /// The next step begins.
    pub fn step(&mut self) {
        self.number += 1;
    }

    /// Waits for a statement, and shows that it goes on where it takes its time; `told` is what
    /// the bar says of it.
    pub async fn waiting<T>(
        &mut self,
        place: Place<'_>,
        told: &str,
        work: impl Future<Output = T>,
    ) -> T {
        if self.presence == Presence::Always && self.begun.elapsed() >= PATIENCE {
            self.stay(place, told);
            return work.await;
        }
        waiting(|| self.sign(place, told), work).await
    }

    /// Takes the bar away, before something else is written to the terminal. The next statement
    /// brings it back.
    pub fn clear(&self) {
        if let Some(bar) = self.shown() {
            bar.finish_and_clear();
        }
    }

    /// What is shown while a statement keeps one waiting.
    fn sign(&self, place: Place<'_>, told: &str) -> ProgressBar {
        match self.presence {
            Presence::Never => spinner(line_of(place).unwrap_or_else(|| "running".to_owned())),
            Presence::Waiting | Presence::Always => self.draw(self.message(place, told)),
        }
    }

    /// Shows the bar, or lets the one that is there tell of this statement.
    fn stay(&mut self, place: Place<'_>, told: &str) {
        let message = self.message(place, told);
        match self.shown() {
            Some(bar) => {
                bar.set_position(self.done());
                bar.set_message(message);
            }
            None => self.bar = Some(self.draw(message)),
        }
    }

    fn shown(&self) -> Option<&ProgressBar> {
        self.bar.as_ref().filter(|bar| !bar.is_finished())
    }

    fn draw(&self, message: String) -> ProgressBar {
        let bar = steps(self.total, ProgressDrawTarget::stderr());
        let bar = bar.with_position(self.done()).with_message(message);
        let bar = bar.with_elapsed(self.begun.elapsed());
        bar.enable_steady_tick(REFRESH);
        bar
    }

    /// How many steps are over.
    fn done(&self) -> u64 {
        self.number.saturating_sub(1)
    }

    /// What the bar says: which step of how many runs, where it stands, and what it is.
    fn message(&self, place: Place<'_>, told: &str) -> String {
        let statement = Some(one_line(told)).filter(|text| !text.is_empty());
        let about: Vec<String> = line_of(place).into_iter().chain(statement).collect();
        let message = format!("{}/{} {}", self.number, self.total, about.join(": "));
        message.trim_end().to_owned()
    }
}

/// When the bar of a script of so many steps is there, by what the two outputs are. Of a single
/// step it would tell nothing, nor where nobody knows their number, which is 0 here.
fn presence(steps: u64, stderr_is_terminal: bool, stdout_is_terminal: bool) -> Presence {
    match (stderr_is_terminal && steps > 1, stdout_is_terminal) {
        (false, _) => Presence::Never,
        (true, true) => Presence::Waiting,
        (true, false) => Presence::Always,
    }
}

/// The line of a script, where that has a name.
fn line_of(place: Place<'_>) -> Option<String> {
    let file = Path::new(place.script?).file_name()?.to_string_lossy();
    Some(format!("{file}, line {}", place.line))
}

/// The beginning of a statement in one line, without the comments before it.
fn one_line(statement: &str) -> String {
    let first = lexer::tokens(statement).find(|token| token.kind != TokenKind::Comment);
    let start = first.map_or(0, |token| token.range.start);
    let beginning: String = statement[start..].chars().take(STATEMENT_MAX).collect();
    beginning.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use indicatif::TermLike;
    use parking_lot::Mutex;

    use super::*;

    const STATEMENT: &str = "-- what people do\nCREATE STREAM clicks\n  (user STRING KEY);";

    fn third_of_twelve() -> ScriptBar {
        ScriptBar { number: 3, ..ScriptBar::new(Presence::Waiting, 12) }
    }

    #[test]
    fn a_bar_is_there_where_it_can_be_seen_and_tells_something() {
        assert_eq!(presence(2, true, false), Presence::Always);
        assert_eq!(presence(2, true, true), Presence::Waiting);
        assert_eq!(presence(2, false, true), Presence::Never);
        assert_eq!(presence(2, false, false), Presence::Never);
        assert_eq!(presence(1, true, false), Presence::Never);
        assert_eq!(presence(0, true, false), Presence::Never);
    }

    #[test]
    fn the_message_names_step_line_and_statement() {
        let bar = third_of_twelve();
        let place = Place { script: Some("scripts/a.sql"), line: 8 };
        assert_eq!(
            bar.message(place, STATEMENT),
            "3/12 a.sql, line 8: CREATE STREAM clicks (user STRING KEY);"
        );
        assert_eq!(bar.message(place, ""), "3/12 a.sql, line 8");
        assert_eq!(bar.message(Place::TYPED, "SHOW\n\tTOPICS;"), "3/12 SHOW TOPICS;");
        assert_eq!(bar.message(Place::TYPED, ""), "3/12");
    }

    #[test]
    fn a_long_statement_is_not_looked_at_to_its_end() {
        let insert = format!("INSERT INTO t VALUES {};", "(1), ".repeat(1000));
        assert_eq!(one_line(&insert).chars().count(), STATEMENT_MAX);
    }

    /// A terminal of one line that keeps what is on it.
    #[derive(Debug, Clone, Default)]
    struct Line(Arc<Mutex<String>>);

    impl TermLike for Line {
        fn width(&self) -> u16 {
            60
        }

        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write_str(text)
        }

        fn write_str(&self, text: &str) -> io::Result<()> {
            self.0.lock().push_str(text);
            Ok(())
        }

        fn clear_line(&self) -> io::Result<()> {
            self.0.lock().clear();
            Ok(())
        }

        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_bar_fits_the_terminal_and_leaves_nothing_behind() {
        let line = Line::default();
        let bar = steps(12, ProgressDrawTarget::term_like(Box::new(line.clone())));
        let place = Place { script: Some("a.sql"), line: 8 };
        bar.set_message(third_of_twelve().message(place, STATEMENT));
        let shown = line.0.lock().clone();
        assert!(shown.contains("3/12 a.sql, line 8: CREATE STREAM"), "{shown}");
        assert!(!shown.contains("clicks"), "{shown}");
        bar.finish_and_clear();
        assert_eq!(*line.0.lock(), "");
    }
}
