//! Golden scripts: statements and commands in a text file, with the output that was recorded
//! once and read by a person.
//!
//! A script is a list of steps. A step is input, a line `---`, and output up to an empty line:
//!
//! ```text
//! # Clicks are counted per page.
//! CREATE STREAM clicks (user STRING KEY, page STRING) WITH (KAFKA_TOPIC='clicks', VALUE_FORMAT='JSON');
//! produce clicks key=anna value={"page":"home"} @1s
//! ---
//! stream CLICKS created
//!
//! SELECT * FROM clicks;
//! ---
//! USER | PAGE
//! anna | home
//! ```
//!
//! Input is SQL up to a line that ends in `;`, comment lines that begin with `#`, and commands:
//!
//! | command | does |
//! |---|---|
//! | `produce TOPIC [key=K] [value=V] [header:NAME=TEXT]… [@TIME]` | appends a record; without key there is none, without value it is a tombstone. The key is encoded as the stream or table on the topic says; the value is written as it stands, and ends at ` @` or the end of the line |
//! | `records TOPIC` | prints the committed records of a topic |
//! | `clock TIME` | moves the wall clock |
//! | `crash` | drops the engine without shutting it down, and opens it again |
//! | `restart` | the same with a proper shutdown |
//! | `only 1 partition` | the script shows partition counts or offsets: not for 3 partitions |
//!
//! Times are `1500ms`, `10s`, `2m`, `1h`, `3d` since the epoch.
//!
//! Every script runs in several [`Variant`]s: on memory and on disk, at one and at three
//! partitions, and once with a crash after every command. All must give the recorded output;
//! where there are several partitions, only the order per key is compared. A script that crashes
//! or restarts by itself runs on disk only.
//!
//! `UPDATE_GOLDENFILES=1` records the output of the first variant anew.

mod command;
mod driver;
mod render;
mod runner;
mod script;
mod time;

pub use driver::Variant;
pub use runner::{Failure, refusals, run_file};
