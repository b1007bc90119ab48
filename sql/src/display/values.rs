//! `WITH` clauses, windows and durations.

use std::fmt::{self, Display, Formatter};

use super::{Quoted, name};
use crate::ast::{
    Duration, Properties, Property, PropertyValue, TimeUnit, Window, WindowShape, Within,
};

impl Display for Properties {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("WITH ")?;
        super::bracketed(f, &self.entries)
    }
}

impl Display for Property {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}", name(&self.name), self.value)
    }
}

impl Display for PropertyValue {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            PropertyValue::String(text) => Quoted(text).fmt(f),
            PropertyValue::Integer(number) => number.fmt(f),
            PropertyValue::Decimal(text) => f.write_str(text),
            PropertyValue::Boolean(flag) => flag.fmt(f),
            PropertyValue::Null => f.write_str("NULL"),
        }
    }
}

impl Display for Window {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.shape {
            WindowShape::Tumbling { size } => write!(f, "WINDOW TUMBLING (SIZE {size}")?,
            WindowShape::Hopping { size, advance } => {
                write!(f, "WINDOW HOPPING (SIZE {size}, ADVANCE BY {advance}")?;
            }
            WindowShape::Session { gap } => write!(f, "WINDOW SESSION ({gap}")?,
        }
        if let Some(retention) = self.retention {
            write!(f, ", RETENTION {retention}")?;
        }
        if let Some(grace) = self.grace {
            write!(f, ", GRACE PERIOD {grace}")?;
        }
        f.write_str(")")
    }
}

impl Display for Within {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.before == self.after {
            write!(f, "WITHIN {}", self.before)?;
        } else {
            write!(f, "WITHIN ({}, {})", self.before, self.after)?;
        }
        match self.grace {
            Some(grace) => write!(f, " GRACE PERIOD {grace}"),
            None => Ok(()),
        }
    }
}

impl Display for Duration {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let plural = if self.count == 1 { "" } else { "S" };
        write!(f, "{} {}{plural}", self.count, self.unit)
    }
}

impl Display for TimeUnit {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TimeUnit::Day => "DAY",
            TimeUnit::Hour => "HOUR",
            TimeUnit::Minute => "MINUTE",
            TimeUnit::Second => "SECOND",
            TimeUnit::Millisecond => "MILLISECOND",
        })
    }
}
