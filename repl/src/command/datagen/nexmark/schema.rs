//! The three topics, and the streams over them.

use std::fmt::Write as _;

use anyhow::bail;
use arrow::datatypes::{DataType, Field, Fields};
use clap::ValueEnum;
use engine::format::{Format as EngineFormat, Layout, Side};
use engine::{Engine, SourceInfo};

/// How values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A JSON object per record
    Json,
    /// Columns, a batch at a time
    Arrow,
}

impl Format {
    fn name(self) -> &'static str {
        match self {
            Self::Json => "JSON",
            Self::Arrow => "ARROW",
        }
    }
}

/// The topics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// Persons, with their ids as keys.
    Person,
    /// Auctions, with their ids as keys.
    Auction,
    /// Bids, without keys.
    Bid,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// BIGINT.
    Number,
    /// STRING.
    Text,
}

use Kind::{Number, Text};

impl Kind {
    fn data_type(self) -> DataType {
        match self {
            Number => DataType::Int64,
            Text => DataType::Utf8,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Number => "BIGINT",
            Text => "STRING",
        }
    }
}

impl Table {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Person, Self::Auction, Self::Bid];

    /// The name of its topic without a prefix.
    pub fn name(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Auction => "auction",
            Self::Bid => "bid",
        }
    }

    /// The column of its key.
    pub fn key(self) -> Option<&'static str> {
        match self {
            Self::Person | Self::Auction => Some("id"),
            Self::Bid => None,
        }
    }

    /// The columns of its value, the key's not among them.
    pub fn columns(self) -> &'static [(&'static str, Kind)] {
        match self {
            Self::Person => &[
                ("name", Text),
                ("emailAddress", Text),
                ("creditCard", Text),
                ("city", Text),
                ("state", Text),
                ("dateTime", Number),
                ("extra", Text),
            ],
            Self::Auction => &[
                ("itemName", Text),
                ("description", Text),
                ("initialBid", Number),
                ("reserve", Number),
                ("dateTime", Number),
                ("expires", Number),
                ("seller", Number),
                ("category", Number),
                ("extra", Text),
            ],
            Self::Bid => &[
                ("auction", Number),
                ("bidder", Number),
                ("price", Number),
                ("channel", Text),
                ("url", Text),
                ("dateTime", Number),
                ("extra", Text),
            ],
        }
    }

    /// How its records lie in the log as columns.
    pub fn layout(self) -> Layout {
        let field =
            |(name, kind): (&str, Kind)| Field::new(name.to_uppercase(), kind.data_type(), true);
        let key = self.key().map(|name| field((name, Number)));
        let side = |format, columns| Side { format, columns, wrapped: true };
        let key = side(EngineFormat::Json, key.into_iter().collect());
        let values: Fields = self.columns().iter().copied().map(field).collect();
        Layout::new(&key, &side(EngineFormat::Arrow, values), false)
    }

    /// The statement that declares a stream over its topic, and makes the topic where it is missing.
    pub fn statement(self, prefix: &str, format: Format, partitions: Option<u32>) -> String {
        let name = self.name();
        let mut text = format!("CREATE STREAM {prefix}{name} (\n");
        let key = self.key().map(|name| format!("  {name} BIGINT KEY"));
        let columns = self.columns().iter().map(|(name, kind)| format!("  {name} {}", kind.name()));
        text += &key.into_iter().chain(columns).collect::<Vec<_>>().join(",\n");
        let format = format.name();
        let _ = write!(text, "\n) WITH (KAFKA_TOPIC = '{prefix}{name}', ");
        if let Some(partitions) = partitions {
            let _ = write!(text, "PARTITIONS = {partitions}, ");
        }
        text += &format!("KEY_FORMAT = 'JSON', VALUE_FORMAT = '{format}');");
        text
    }
}

/// Declares the streams that are not there yet.
pub async fn declare(
    engine: &Engine,
    prefix: &str,
    format: Format,
    partitions: Option<u32>,
) -> anyhow::Result<()> {
    for table in Table::ALL {
        let topic = format!("{prefix}{}", table.name());
        if let Some(source) = engine.source(&topic.to_uppercase()) {
            check(&source, &topic, format)?;
            continue;
        }
        let missing = engine.log().topic(&topic).is_none();
        let partitions = partitions.or(missing.then_some(1));
        engine.session().run(&table.statement(prefix, format, partitions)).await?;
    }
    Ok(())
}

/// What is there already must be what the events are written for.
fn check(source: &SourceInfo, topic: &str, format: Format) -> anyhow::Result<()> {
    let SourceInfo { name, topic: found, .. } = source;
    if found != topic {
        bail!("{name} lies on topic '{found}', expected '{topic}'; --prefix chooses other names");
    }
    let (expected, found) = (format.name(), &source.value.format);
    if expected != found {
        bail!(
            "the values of {name} are in {found}, expected {expected}; --prefix chooses other names"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_name_every_column() {
        let text = Table::Bid.statement("nx_", Format::Arrow, Some(4));
        assert_eq!(
            text,
            "CREATE STREAM nx_bid (\n  auction BIGINT,\n  bidder BIGINT,\n  price BIGINT,\n  \
             channel STRING,\n  url STRING,\n  dateTime BIGINT,\n  extra STRING\n) WITH \
             (KAFKA_TOPIC = 'nx_bid', PARTITIONS = 4, KEY_FORMAT = 'JSON', VALUE_FORMAT = 'ARROW');"
        );
        let text = Table::Person.statement("", Format::Json, None);
        assert!(text.starts_with("CREATE STREAM person (\n  id BIGINT KEY,\n  name STRING,"));
        assert!(sql::parse(&text).is_ok());
    }
}
