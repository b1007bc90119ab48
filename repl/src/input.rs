//! The line editor: statements over several lines until their semicolon, history, completion,
//! colours and hints.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::HistoryHinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{CompletionType, Config, Context, Editor, Helper, Hinter};
use sql::is_complete;

use crate::complete::complete;
use crate::highlight;
use crate::meta;
use crate::names::Names;
use crate::render::{Colour, Style};

/// Statements that are remembered across sessions.
const HISTORY_ENTRIES_MAX: usize = 10_000;

/// What the user entered.
pub enum Entry {
    /// Statements, or a command.
    Text(String),
    /// Ctrl-C: what was typed is forgotten.
    Cancelled,
    /// Ctrl-D.
    End,
}

/// Reads from the terminal.
pub struct Input {
    editor: Editor<Assistant, DefaultHistory>,
    history: Option<PathBuf>,
    prompt: (String, String),
}

impl Input {
    /// An editor whose completion offers `names`.
    pub fn open(names: Arc<Mutex<Names>>, style: Style) -> rustyline::Result<Self> {
        let config = Config::builder()
            .max_history_size(HISTORY_ENTRIES_MAX)?
            .history_ignore_dups(true)?
            .history_ignore_space(true)
            .completion_type(CompletionType::List)
            .build();
        let mut editor = Editor::with_config(config)?;
        editor.set_helper(Some(Assistant { names, style, hinter: HistoryHinter::new() }));
        let history = history_file();
        if let Some(path) = &history {
            // There is no history before the first session.
            let _ = editor.load_history(path);
        }
        let prompt = "millstream> ";
        Ok(Self { editor, history, prompt: (prompt.into(), style.paint(Colour::Strong, prompt)) })
    }

    /// Reads one command, or statements up to a semicolon.
    pub fn read(&mut self) -> rustyline::Result<Entry> {
        match self.editor.readline(&self.prompt) {
            Ok(text) => {
                self.remember(&text)?;
                Ok(Entry::Text(text))
            }
            Err(ReadlineError::Interrupted) => Ok(Entry::Cancelled),
            Err(ReadlineError::Eof) => Ok(Entry::End),
            Err(error) => Err(error),
        }
    }

    /// Appends at once, so that a shell that is killed has lost nothing.
    fn remember(&mut self, text: &str) -> rustyline::Result<()> {
        if self.editor.add_history_entry(text)?
            && let Some(path) = &self.history
            && let Err(error) = self.editor.append_history(path)
        {
            tracing::warn!(path = %path.display(), %error, "history is not kept");
            self.history = None;
        }
        Ok(())
    }
}

/// `MILLSTREAM_HISTORY`, or the place for state that the desktop standard gives; an empty
/// variable keeps no history.
fn history_file() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("MILLSTREAM_HISTORY") {
        return (!path.is_empty()).then(|| path.into());
    }
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    let folder = state.or_else(|| Some(std::env::home_dir()?.join(".local/state")))?;
    let folder = folder.join("millstream");
    std::fs::create_dir_all(&folder).ok()?;
    Some(folder.join("history"))
}

/// What the editor asks while somebody types.
#[derive(Helper, Hinter)]
struct Assistant {
    names: Arc<Mutex<Names>>,
    style: Style,
    #[rustyline(Hinter)]
    hinter: HistoryHinter,
}

impl Completer for Assistant {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        cursor: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(complete(line, cursor, &self.names.lock()))
    }
}

impl Highlighter for Assistant {
    fn highlight<'l>(&self, line: &'l str, _cursor: usize) -> Cow<'l, str> {
        if self.style.colour { highlight::paint(line, self.style).into() } else { line.into() }
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        self.style.paint(Colour::Faint, hint).into()
    }

    fn highlight_char(&self, _line: &str, _cursor: usize, kind: CmdKind) -> bool {
        self.style.colour && kind != CmdKind::MoveCursor
    }
}

impl Validator for Assistant {
    fn validate(&self, context: &mut ValidationContext) -> rustyline::Result<ValidationResult> {
        let text = context.input();
        let whole = is_complete(text) || meta::parse(text).is_some();
        Ok(if whole { ValidationResult::Valid(None) } else { ValidationResult::Incomplete })
    }
}
