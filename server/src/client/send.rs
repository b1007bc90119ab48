//! Replies onto the wire.
//!
//! Rows are flushed whenever no more are ready: changes reach the client as they happen, and a long
//! result still leaves in full buffers. A client that reads slowly holds up nothing but its own
//! statement, because nothing is read from the engine that cannot be written.

use std::sync::Arc;

use futures::{FutureExt, Sink, SinkExt, Stream, StreamExt, stream};
use pgwire::api::portal::Format;
use pgwire::api::results::{FieldInfo, SendableRowStream};
use pgwire::api::store::PortalStore;
use pgwire::api::{ClientInfo, ClientPortalStore};
use pgwire::error::{PgWireError, PgWireResult};
use pgwire::messages::PgWireBackendMessage as Message;
use pgwire::messages::copy::{CopyData, CopyDone, CopyInResponse, CopyOutResponse};
use pgwire::messages::data::{FieldDescription, RowDescription};
use pgwire::messages::response::CommandComplete;
use pgwire::messages::startup::ParameterStatus;
use pgwire::types::format::FormatOptions;

use super::reply::{Done, Rows};
use crate::encode::copy::copy_rows;
use crate::encode::rows::{data_rows, field_infos};
use crate::failure::Failure;
use crate::text::copy::CopyOptions;

/// A connection that messages can be sent on.
pub(crate) trait Wire: Sink<Message, Error: Into<PgWireError>> + Unpin + Send {}

impl<C: Sink<Message, Error: Into<PgWireError>> + Unpin + Send> Wire for C {}

/// Hands a message to the connection's buffer.
pub(crate) async fn feed<C: Wire>(client: &mut C, message: Message) -> PgWireResult<()> {
    client.feed(message).await.map_err(Into::into)
}

async fn flush<C: Wire>(client: &mut C) -> PgWireResult<()> {
    client.flush().await.map_err(Into::into)
}

/// Sends what belongs to a statement that took effect.
pub(crate) async fn send_done<C>(client: &mut C, done: Done) -> PgWireResult<()>
where
    C: Wire + ClientInfo + ClientPortalStore,
    C::PortalStore: PortalStore,
{
    for notice in done.notices {
        feed(client, Message::NoticeResponse(notice.into())).await?;
    }
    for (name, value) in done.reported {
        feed(client, Message::ParameterStatus(ParameterStatus::new(name.into(), value))).await?;
    }
    for name in done.forgotten {
        client.portal_store().rm_statement(&name);
    }
    if let Some(status) = done.transaction {
        client.set_transaction_status(status);
    }
    feed(client, complete(done.tag)).await
}

/// The rows of a reply, encoded one by one as they are asked for.
pub(crate) fn encoded(
    rows: Rows,
    format: &Format,
    options: &Arc<FormatOptions>,
    script: &str,
) -> (Arc<Vec<FieldInfo>>, SendableRowStream) {
    let infos = field_infos(&rows.fields, format, options);
    let script: Arc<str> = script.into();
    let encoder = infos.clone();
    let rows = rows.batches.flat_map(move |batch| match batch {
        Ok(batch) => stream::iter(data_rows(&batch, &encoder)).left_stream(),
        Err(failure) => stream::iter([Err(failure.into_wire(&script))]).right_stream(),
    });
    (infos, Box::pin(rows))
}

/// Sends the columns of a result.
pub(crate) async fn send_description<C: Wire>(
    client: &mut C,
    infos: &[FieldInfo],
) -> PgWireResult<()> {
    let fields = infos.iter().map(FieldDescription::from).collect();
    feed(client, Message::RowDescription(RowDescription::new(fields))).await
}

/// Sends rows until there are no more, or as many as asked for; says how many, and whether it
/// was the end.
pub(crate) async fn send_rows<C: Wire>(
    client: &mut C,
    rows: &mut SendableRowStream,
    most: Option<usize>,
) -> PgWireResult<(usize, bool)> {
    let mut sent = 0;
    while most.is_none_or(|most| sent < most) {
        match next_or_flush(client, rows).await? {
            Some(row) => feed(client, Message::DataRow(row?)).await?,
            None => return Ok((sent, true)),
        }
        sent += 1;
    }
    Ok((sent, false))
}

/// Sends a result as `COPY … TO STDOUT`.
pub(crate) async fn send_copy<C: Wire>(
    client: &mut C,
    rows: Rows,
    options: CopyOptions,
    script: &str,
) -> PgWireResult<()> {
    let columns = rows.fields.len();
    let response = CopyOutResponse::new(0, column_count(columns), vec![0; columns]);
    feed(client, Message::CopyOutResponse(response)).await?;
    let mut lines = copy_lines(rows, options, script);
    let mut sent = 0;
    while let Some(line) = next_or_flush(client, &mut lines).await? {
        let (line, is_row) = line?;
        sent += usize::from(is_row);
        feed(client, Message::CopyData(line)).await?;
    }
    feed(client, Message::CopyDone(CopyDone::new())).await?;
    feed(client, complete(format!("COPY {sent}"))).await
}

type Lines = std::pin::Pin<Box<dyn Stream<Item = PgWireResult<(CopyData, bool)>> + Send>>;

/// The lines of a copy, each with whether it is a row: the header is none.
fn copy_lines(rows: Rows, options: CopyOptions, script: &str) -> Lines {
    let infos = field_infos(&rows.fields, &Format::UnifiedText, &Arc::default());
    let script: Arc<str> = script.into();
    let header = options.header.then(|| crate::encode::copy::header(&infos, &options));
    let header = stream::iter(header).map(|line| Ok((line, false)));
    let rows = rows.batches.flat_map(move |batch: Result<_, Failure>| match batch {
        Ok(batch) => stream::iter(copy_rows(&batch, &infos, &options)).left_stream(),
        Err(failure) => stream::iter([Err(failure.into_wire(&script))]).right_stream(),
    });
    Box::pin(header.chain(rows.map(|line| line.map(|line| (line, true)))))
}

/// Asks the client to send rows.
pub(crate) async fn ask_for_copy<C: Wire>(client: &mut C, columns: usize) -> PgWireResult<()> {
    let response = CopyInResponse::new(0, column_count(columns), vec![0; columns]);
    feed(client, Message::CopyInResponse(response)).await?;
    flush(client).await
}

/// The message that a statement gave all its rows.
pub(crate) fn complete_rows(tag: &str, rows: usize) -> Message {
    match tag {
        "SELECT" | "FETCH" => complete(format!("{tag} {rows}")),
        tag => complete(tag.to_owned()),
    }
}

/// The message that a statement is complete.
pub(crate) fn complete(tag: String) -> Message {
    Message::CommandComplete(CommandComplete::new(tag))
}

/// The next item; what is in the buffer goes out before anything is waited for.
async fn next_or_flush<C: Wire, T>(
    client: &mut C,
    items: &mut (impl Stream<Item = T> + Unpin),
) -> PgWireResult<Option<T>> {
    if let Some(next) = items.next().now_or_never() {
        return Ok(next);
    }
    flush(client).await?;
    Ok(items.next().await)
}

/// Columns as the wire counts them; a result of more has been refused by the planner.
fn column_count(columns: usize) -> i16 {
    i16::try_from(columns).unwrap_or(i16::MAX)
}
