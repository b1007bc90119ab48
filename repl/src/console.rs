//! Runs statements and shell commands one at a time, and shows what they give.
//!
//! The interactive shell and scripts share it: they differ only in where the text comes from and
//! in what they do after a failure. Ctrl-C ends the statement that runs and nothing else.

pub mod interrupt;
mod screen;

use std::io::{self, Write};
use std::time::{Duration, Instant};

use engine::QueryInfo;
use futures::StreamExt;

use self::interrupt::Interrupt;
use self::screen::{Screen, print};
use crate::answer::{Answer, Done, Failure, Rows};
use crate::connection::Connection;
use crate::help;
use crate::meta::Meta;
use crate::progress::{self, ScriptBar};
use crate::render::{
    Colour, Output, Place, Renderer, Shape, Style, counted, render_failure, renderer,
    terminal_width,
};

/// How results are shown.
#[derive(Debug, Clone, Copy)]
pub struct View {
    /// How rows are written.
    pub output: Output,
    /// One line per value instead of one per row.
    pub expanded: bool,
    /// Show how long each statement took.
    pub timing: bool,
    /// Print each statement before it runs.
    pub echo: bool,
}

/// How a statement or a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Well.
    Done,
    /// With a failure, which has been shown.
    Failed,
    /// By Ctrl-C.
    Interrupted,
    /// With the wish to leave.
    Quit,
}

/// A connection, and how its answers are shown.
pub struct Console {
    /// What runs the statements.
    pub connection: Connection,
    /// How results are shown.
    pub view: View,
    /// How far the script is that runs, if one does.
    pub bar: ScriptBar,
    style: Style,
    error_style: Style,
}

impl Console {
    /// A console on standard output.
    pub fn new(connection: Connection, view: View) -> Self {
        let (style, error_style) = (Style::of_stdout(), Style::of_stderr());
        Self { connection, view, bar: ScriptBar::none(), style, error_style }
    }

    /// Runs one statement and shows what it gives.
    pub async fn run(&mut self, statement: &str, place: Place<'_>) -> io::Result<Ending> {
        if self.view.echo {
            self.echo(statement)?;
        }
        let started = Instant::now();
        let ending = match self.attempt(statement, place).await? {
            Ok(ending) => ending,
            Err(failure) => self.fail(&failure, statement, place)?,
        };
        if self.view.timing {
            self.note(&format!("Time: {}", duration(started.elapsed())))?;
        }
        Ok(ending)
    }

    /// Carries out a shell command that concerns more than the shell's own loop.
    pub async fn command(&mut self, command: Meta) -> io::Result<Ending> {
        // `\wait` has bars of its own, and so has a script within the script.
        self.bar.clear();
        match command {
            Meta::Quit => return Ok(Ending::Quit),
            Meta::Help(topic) => return self.help(&topic),
            Meta::Statement(statements) => return self.run_all(&statements).await,
            Meta::Include(path) => return Box::pin(crate::script::run_file(self, &path)).await,
            Meta::Wait => return self.wait().await,
            Meta::Expanded(switch) => self.view.expanded = switch.apply(self.view.expanded),
            Meta::Timing(switch) => self.view.timing = switch.apply(self.view.timing),
            Meta::Output(output) => self.view.output = output,
            Meta::Echo(text) => print(&(text + "\n"))?,
            Meta::Clear => print("\x1b[2J\x1b[H")?,
        }
        Ok(Ending::Done)
    }

    /// Shows why something failed.
    pub fn fail(&self, failure: &Failure, statement: &str, at: Place) -> io::Result<Ending> {
        self.bar.clear();
        let text = render_failure(failure, statement, at, self.error_style);
        writeln!(io::stderr(), "{text}")?;
        Ok(Ending::Failed)
    }

    async fn run_all(&mut self, statements: &str) -> io::Result<Ending> {
        for statement in statements.lines() {
            let ending = self.run(statement, Place::TYPED).await?;
            if ending != Ending::Done {
                return Ok(ending);
            }
        }
        Ok(Ending::Done)
    }

    async fn attempt(
        &mut self,
        statement: &str,
        place: Place<'_>,
    ) -> io::Result<Result<Ending, Failure>> {
        let mut interrupt = Interrupt::listen()?;
        let canceller = self.connection.canceller();
        // What is echoed stands above the bar, and need not be in it.
        let told = if self.view.echo { "" } else { statement };
        let running = self.bar.waiting(place, told, self.connection.run(statement));
        let Some(answers) = interrupt.or(running).await else {
            canceller.cancel().await;
            return Ok(Ok(self.interrupted()?));
        };
        let answers = match answers {
            Ok(answers) => answers,
            Err(failure) => return Ok(Err(failure)),
        };
        for answer in answers {
            let shown = match answer {
                Answer::Done(done) => Ok(self.show_done(&done)?),
                Answer::Rows(rows) => self.show_rows(rows, &mut interrupt, place, told).await?,
            };
            if !matches!(shown, Ok(Ending::Done)) {
                return Ok(shown);
            }
        }
        Ok(Ok(Ending::Done))
    }

    fn show_done(&self, done: &Done) -> io::Result<Ending> {
        if !done.warnings.is_empty() {
            self.bar.clear();
        }
        for warning in &done.warnings {
            let label = self.error_style.paint(Colour::Warning, "warning:");
            writeln!(io::stderr(), "{label} {warning}")?;
        }
        if !done.message.is_empty() {
            self.note(&done.message)?;
        }
        Ok(Ending::Done)
    }

    async fn show_rows(
        &mut self,
        rows: Rows,
        interrupt: &mut Interrupt,
        place: Place<'_>,
        told: &str,
    ) -> io::Result<Result<Ending, Failure>> {
        let mut screen = Screen::new(self.renderer(&rows), rows.endless);
        let canceller = self.connection.canceller();
        let mut pages = rows.pages;
        let mut is_first = !rows.endless;
        loop {
            let next = match std::mem::take(&mut is_first) {
                true => interrupt.or(self.bar.waiting(place, told, pages.next())).await,
                false => interrupt.or(pages.next()).await,
            };
            match next {
                Some(Some(Ok(page))) => screen.add(page)?,
                Some(Some(Err(failure))) => return screen.flush().map(|()| Err(failure)),
                Some(None) => return self.end(screen),
                None => break,
            }
        }
        drop(pages);
        canceller.cancel().await;
        // Ctrl-C is the usual end of rows that never end by themselves.
        if rows.endless { self.end(screen) } else { Ok(Ok(self.interrupted()?)) }
    }

    fn renderer(&self, rows: &Rows) -> Box<dyn Renderer + Send> {
        let style = Style { width: terminal_width(), ..self.style };
        let columns = rows.columns.clone();
        let shape = Shape { columns, endless: rows.endless, expanded: self.view.expanded, style };
        renderer(self.view.output, shape)
    }

    fn end(&self, screen: Screen) -> io::Result<Result<Ending, Failure>> {
        let end = screen.end()?;
        if !end.is_empty() {
            print(&(self.faint_last_line(&end) + "\n"))?;
        }
        Ok(Ok(Ending::Done))
    }

    fn faint_last_line(&self, text: &str) -> String {
        let start = text.rfind('\n').map_or(0, |at| at + 1);
        format!("{}{}", &text[..start], self.style.paint(Colour::Faint, &text[start..]))
    }

    fn interrupted(&self) -> io::Result<Ending> {
        self.bar.clear();
        writeln!(io::stderr(), "cancelled")?;
        Ok(Ending::Interrupted)
    }

    fn help(&self, topic: &str) -> io::Result<Ending> {
        match help::page(topic, self.style) {
            Ok(page) => print(&(page + "\n")).map(|()| Ending::Done),
            Err(message) => self.fail(&Failure::new(message), "", Place::TYPED),
        }
    }

    /// Waits until every persistent query has read all its input. One that has stopped will
    /// never get there, and is named.
    async fn wait(&mut self) -> io::Result<Ending> {
        let Some(engine) = self.connection.engine() else {
            let message = "\\wait needs the engine in this process; SHOW QUERIES tells the lag";
            return self.fail(&Failure::new(message), "", Place::TYPED);
        };
        let mut interrupt = Interrupt::listen()?;
        let queries = match interrupt.or(progress::catch_up(engine)).await {
            None => return self.interrupted(),
            Some(Ok(queries)) => queries,
            Some(Err(error)) => {
                return self.fail(&Failure::new(error.to_string()), "", Place::TYPED);
            }
        };
        let stopped =
            |query: &QueryInfo| Some(format!("{}: {}", query.id, query.failure.as_ref()?));
        match queries.iter().find_map(stopped) {
            Some(message) => self.fail(&Failure::new(message), "", Place::TYPED),
            None => {
                let count = counted(queries.len() as u64, "query has", "queries have");
                self.note(&format!("{count} caught up"))?;
                Ok(Ending::Done)
            }
        }
    }

    /// Prints a statement with the comments before it, as a reader of a script sees it.
    fn echo(&self, statement: &str) -> io::Result<()> {
        print(&format!("\n{}\n", crate::highlight::paint(statement, self.style)))
    }

    /// A line for a person: kept out of output that a program reads.
    fn note(&self, text: &str) -> io::Result<()> {
        let text = self.style.paint(Colour::Faint, text) + "\n";
        if self.view.output == Output::Table { print(&text) } else { Ok(()) }
    }
}

/// Three digits and a unit, as a person would say it.
fn duration(time: Duration) -> String {
    match time.as_secs_f64() {
        seconds if seconds < 1.0 => format!("{:.1} ms", seconds * 1e3),
        seconds if seconds < 100.0 => format!("{seconds:.2} s"),
        seconds => format!("{} min {:.0} s", seconds as u64 / 60, seconds % 60.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_naturally() {
        assert_eq!(duration(Duration::from_micros(3140)), "3.1 ms");
        assert_eq!(duration(Duration::from_millis(2500)), "2.50 s");
        assert_eq!(duration(Duration::from_secs(150)), "2 min 30 s");
    }
}
