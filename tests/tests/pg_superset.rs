//! Apache Superset at the Postgres port: it adds the database, lists what is there, makes data sets
//! and charts, and runs queries in its SQL Lab. Its own start takes longer than all the other tests
//! of clients, so it is driven only where that is asked for: `make test-superset`.

mod pg_harness;

use pg_harness::python::run_client;
use pg_harness::skip;

#[tokio::test]
async fn superset() {
    if std::env::var_os("SUPERSET").is_none() {
        return skip("Superset takes a minute: make test-superset");
    }
    run_client("superset", "superset_client", "postgresql+psycopg2").await;
}
