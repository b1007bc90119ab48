//! The `millstream` command: SQL over logs, in one program and one data directory.
//!
//! Without arguments it opens a shell with everything embedded. The exit status is 0 when all
//! went well, 1 when something failed, 2 for arguments that make no sense and 130 after Ctrl-C.

mod answer;
mod args;
mod command;
mod complete;
mod connection;
mod console;
mod embedded;
mod help;
mod highlight;
mod input;
mod meta;
mod names;
mod progress;
mod remote;
mod render;
mod script;
mod shell;
mod value;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use engine::Workers;
use tikv_jemallocator::Jemalloc;
use tokio::runtime::Runtime;
use tracing_subscriber::EnvFilter;

use crate::args::{Args, Command, Statements};
use crate::command::serve::LogFormat;
use crate::connection::Connection;
use crate::console::{Console, Ending};

#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    let args = Args::of_process();
    start_log(&args);
    match run(args) {
        Ok(Ending::Done | Ending::Quit) => ExitCode::SUCCESS,
        Ok(Ending::Failed) => ExitCode::FAILURE,
        Ok(Ending::Interrupted) => ExitCode::from(130),
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => report(&error),
    }
}

/// The log goes to standard error; a shell only wants to hear what went wrong.
fn start_log(args: &Args) {
    let (default, format) = match &args.command {
        Some(Command::Serve(serve)) => ("info", serve.log_format),
        _ => ("error", LogFormat::Text),
    };
    let filter =
        EnvFilter::try_from_env("MILLSTREAM_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    match format {
        LogFormat::Text => log.with_ansi(io::stderr().is_terminal()).init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
}

fn run(args: Args) -> anyhow::Result<Ending> {
    let runtime = Runtime::new()?;
    match &args.command {
        None => run_statements(&runtime, &args),
        Some(Command::Serve(serve)) => {
            runtime.block_on(command::serve::run(&args.data(), serve))?;
            Ok(Ending::Done)
        }
        Some(Command::Import(import)) => {
            with_topics(&runtime, &args, |engine| command::import::run(engine, import))
        }
        Some(Command::Datagen { generator }) => {
            with_engine(&runtime, &args, generator.workers(), |engine| {
                runtime.block_on(command::datagen::run(engine, generator))
            })
        }
        Some(Command::Topic { command }) => with_topics(&runtime, &args, |engine| {
            command::topic::run(engine, command, args.output())
        }),
        Some(Command::Produce(produce)) => {
            with_topics(&runtime, &args, |engine| command::produce::run(engine, produce))
        }
        Some(Command::Consume(consume)) => with_topics(&runtime, &args, |engine| {
            command::consume::run(engine, consume, args.output)
        }),
        Some(Command::Group { command }) => with_topics(&runtime, &args, |engine| {
            command::group::run(engine, command, args.output())
        }),
        Some(Command::Restore { backup }) => {
            command::restore::run(backup, &args.data())?;
            Ok(Ending::Done)
        }
    }
}

/// Opens the data directory for a command that works on its topics; no query runs meanwhile.
fn with_topics(
    runtime: &Runtime,
    args: &Args,
    work: impl FnOnce(&engine::Engine) -> anyhow::Result<()>,
) -> anyhow::Result<Ending> {
    with_engine(runtime, args, Workers::Manual, work)
}

/// Opens the data directory for a command.
fn with_engine(
    runtime: &Runtime,
    args: &Args,
    workers: Workers,
    work: impl FnOnce(&engine::Engine) -> anyhow::Result<()>,
) -> anyhow::Result<Ending> {
    let engine = runtime.block_on(embedded::open_engine(&args.data(), workers))?;
    let done = work(&engine);
    runtime.block_on(engine.shutdown())?;
    done.map(|()| Ending::Done)
}

fn run_statements(runtime: &Runtime, args: &Args) -> anyhow::Result<Ending> {
    let connection = match &args.connect {
        Some(address) => runtime.block_on(Connection::connect(address))?,
        None => runtime.block_on(Connection::open(&args.data()))?,
    };
    let mut console = Console::new(connection, args.view());
    let ending = run_on(&mut console, runtime, args);
    runtime.block_on(console.connection.close())?;
    ending
}

/// Scripts first, then the shell if there were none or it was asked for.
fn run_on(console: &mut Console, runtime: &Runtime, args: &Args) -> anyhow::Result<Ending> {
    let interactive = io::stdin().is_terminal();
    let ending = match args.statements(interactive) {
        Statements::None => Ending::Done,
        Statements::Given(text) => runtime.block_on(script::run_text(console, text))?,
        Statements::Files(files) => runtime.block_on(run_files(console, files))?,
        Statements::Stdin => runtime.block_on(script::run_stdin(console))?,
    };
    if args.opens_shell(interactive) && ending == Ending::Done {
        console.view.echo = false;
        shell::run(console, runtime.handle())?;
    }
    Ok(ending)
}

async fn run_files(console: &mut Console, files: &[std::path::PathBuf]) -> io::Result<Ending> {
    for file in files {
        let ending = script::run_file(console, file).await?;
        if ending != Ending::Done {
            return Ok(ending);
        }
    }
    Ok(Ending::Done)
}

/// Whoever read the output has seen enough.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io = error.downcast_ref::<io::Error>();
    io.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn report(error: &anyhow::Error) -> ExitCode {
    // Where standard error is closed too there is nobody left to tell.
    let _ = writeln!(io::stderr(), "error: {error:#}");
    if is_locked(error) {
        let _ = writeln!(io::stderr(), "  hint: {LOCKED_HINT}");
    }
    ExitCode::FAILURE
}

const LOCKED_HINT: &str = "one process holds a data directory at a time; \
    if that one serves, millstream --connect reaches it";

fn is_locked(error: &anyhow::Error) -> bool {
    let engine = error.downcast_ref::<engine::Error>();
    matches!(engine, Some(engine::Error::Log(log_store::Error::Locked { .. })))
}
