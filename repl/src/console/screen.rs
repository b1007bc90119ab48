//! Rows of one result on their way to standard output.

use std::io::{self, Write};

use crate::answer::Row;
use crate::render::Renderer;

/// Rows of a bounded result are drawn this many at a time.
const PAGE_ROWS: usize = 1000;

/// Gathers the rows of one result into pages and draws them.
pub struct Screen {
    renderer: Box<dyn Renderer + Send>,
    waiting: Vec<Row>,
    page_rows: usize,
    rows: u64,
}

impl Screen {
    /// Endless rows are drawn as they come.
    pub fn new(renderer: Box<dyn Renderer + Send>, endless: bool) -> Self {
        let page_rows = if endless { 1 } else { PAGE_ROWS };
        Self { renderer, waiting: Vec::new(), page_rows, rows: 0 }
    }

    /// Adds rows, and draws a page when there are enough.
    pub fn add(&mut self, page: Vec<Row>) -> io::Result<()> {
        self.waiting.extend(page);
        if self.waiting.len() < self.page_rows { Ok(()) } else { self.flush() }
    }

    /// Draws what waits.
    pub fn flush(&mut self) -> io::Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        self.rows += self.waiting.len() as u64;
        let text = self.renderer.page(&self.waiting);
        self.waiting.clear();
        print(&text)
    }

    /// Draws what waits, and gives the text that closes the result.
    pub fn end(mut self) -> io::Result<String> {
        self.flush()?;
        Ok(self.renderer.end(self.rows))
    }
}

/// Writes text at once: what a query has given is not kept back.
pub fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
