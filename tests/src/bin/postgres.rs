//! The bench beside PostgreSQL; `make bench-postgres` runs it.

use anyhow::Result;
use tests::postgres::arguments::Arguments;
use tests::postgres::bench;

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::read(std::env::args().skip(1))?;
    bench::run(&arguments, &mut std::io::stdout()).await
}
