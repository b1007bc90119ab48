//! A backup that is made under load holds one moment, and what is made of it goes on from there.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use engine::{Engine, Options, Outcome, Session, Storage, Workers};
use futures::StreamExt;

/// What is checked of a backup, one by one.
const DERIVED: [&str; 5] = ["LARGE", "BY_ITEM", "WINDOWS", "PRICED", "PAIRS"];

const QUERIES: &str = "
    CREATE STREAM ORDERS (ID BIGINT KEY, ITEM STRING, N BIGINT)
        WITH (KAFKA_TOPIC='orders', PARTITIONS=3, VALUE_FORMAT='JSON');
    CREATE TABLE ITEMS (ITEM STRING PRIMARY KEY, PRICE BIGINT)
        WITH (KAFKA_TOPIC='items', PARTITIONS=2, VALUE_FORMAT='JSON');
    CREATE STREAM LARGE AS SELECT * FROM ORDERS WHERE N > 3;
    CREATE TABLE BY_ITEM AS SELECT ITEM, COUNT(*) AS N, SUM(N) AS S, LATEST_BY_OFFSET(ID) AS L
        FROM ORDERS GROUP BY ITEM;
    CREATE TABLE WINDOWS AS SELECT ITEM, COUNT(*) AS N FROM ORDERS
        WINDOW TUMBLING (SIZE 1 SECOND, GRACE PERIOD 100 MILLISECONDS) GROUP BY ITEM;
    CREATE STREAM PRICED AS SELECT O.ITEM AS ITEM, ID, N * PRICE AS TOTAL
        FROM ORDERS O LEFT JOIN ITEMS I ON O.ITEM = I.ITEM;
    CREATE STREAM PAIRS WITH (VALUE_FORMAT='ARROW') AS SELECT A.ID AS ID, A.N AS N, B.N AS M
        FROM ORDERS A JOIN LARGE B WITHIN 1 SECOND GRACE PERIOD 1 SECOND ON A.ID = B.ID;";

async fn open(dir: &Path) -> Engine {
    let options = Options {
        storage: Storage::Directory(dir.to_owned()),
        workers: Workers::Threads(2),
        ..Options::default()
    };
    Engine::open(options).await.expect("the directory opens")
}

/// A batch of orders and a price, together in one transaction.
async fn insert(session: &mut Session, number: i64) {
    let order = |at: i64| {
        let id = 10 * number + at;
        format!("({id}, 'item {}', {})", (id * 7) % 11, id % 8)
    };
    let orders: Vec<String> = (0..10).map(order).collect();
    let script = format!(
        "INSERT INTO ORDERS VALUES {}; INSERT INTO ITEMS VALUES ('item {}', {number});",
        orders.join(", "),
        number % 11
    );
    session.begin();
    session.run(&script).await.expect("rows are inserted");
    session.commit().expect("the transaction commits");
}

async fn count(engine: &Engine, name: &str) -> i64 {
    let query = format!("SELECT COUNT(*) FROM {name};");
    let outcome = engine.session().run(&query).await.expect("the query runs").pop();
    let Some(Outcome::Rows(mut rows)) = outcome else { panic!("expected rows") };
    let batch = rows.stream.next().await.expect("a batch").expect("a batch");
    let column = batch.column(0).as_any().downcast_ref::<arrow::array::Int64Array>();
    column.expect("a number").value(0)
}

async fn verify(engine: &Engine) {
    engine.run_until_idle().await.expect("queries catch up");
    for name in DERIVED {
        let verified = engine.session().run(&format!("VERIFY {name};")).await;
        verified.unwrap_or_else(|error| panic!("{error}"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_is_one_moment_from_which_queries_go_on() {
    let place = tempfile::tempdir().expect("a directory");
    let engine = open(&place.path().join("data")).await;
    engine.session().run(QUERIES).await.expect("queries are created");
    let (loading, stop) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicBool::new(false)));
    let load = tokio::spawn({
        let (engine, loading, stop) = (engine.clone(), Arc::clone(&loading), Arc::clone(&stop));
        async move {
            let mut session = engine.session();
            while !stop.load(Ordering::SeqCst) {
                insert(&mut session, loading.load(Ordering::SeqCst)).await;
                loading.fetch_add(1, Ordering::SeqCst);
            }
        }
    });
    let mut before = Vec::new();
    for number in 0..3 {
        let until = loading.load(Ordering::SeqCst) + 20;
        while loading.load(Ordering::SeqCst) < until {
            tokio::task::yield_now().await;
        }
        let to = place.path().join(format!("backup {number}"));
        let at_least = loading.load(Ordering::SeqCst);
        let backup = format!("BACKUP TO '{}';", to.display());
        engine.session().run(&backup).await.expect("a backup is made");
        before.push((to, at_least, loading.load(Ordering::SeqCst) + 1));
    }
    stop.store(true, Ordering::SeqCst);
    load.await.expect("the load ends");
    verify(&engine).await;
    engine.shutdown().await.expect("the engine shuts down");
    for (number, (backup, at_least, at_most)) in before.into_iter().enumerate() {
        let dir = place.path().join(format!("restored {number}"));
        engine::restore(&backup, &dir).expect("the backup is restored");
        let restored = open(&dir).await;
        verify(&restored).await;
        let orders = count(&restored, "ORDERS").await;
        assert!((10 * at_least..=10 * at_most).contains(&orders), "{at_least} {orders} {at_most}");
        assert_eq!(orders % 10, 0, "a transaction is there as a whole");
        let mut session = restored.session();
        for next in 0..5 {
            insert(&mut session, 1_000_000 + next).await;
        }
        verify(&restored).await;
        assert_eq!(count(&restored, "PRICED").await, orders + 50);
        drop(session);
        restored.shutdown().await.expect("the engine shuts down");
    }
}

#[tokio::test]
async fn nothing_is_overwritten() {
    let place = tempfile::tempdir().expect("a directory");
    let (data, backup) = (place.path().join("data"), place.path().join("backup"));
    let engine = open(&data).await;
    let refused = async |to: &Path| {
        let error = engine.session().run(&format!("BACKUP TO '{}';", to.display())).await;
        error.expect_err("the directory is refused").to_string()
    };
    std::fs::create_dir(&backup).expect("a directory");
    std::fs::write(backup.join("mine"), "mine").expect("a file");
    assert!(refused(&backup).await.ends_with("it exists already"));
    assert!(refused(&backup.join("mine")).await.ends_with("it exists already"));
    assert!(refused(&data.join("backup")).await.ends_with("it is in the data directory"));
    let error = engine::restore(&backup, &place.path().join("new")).expect_err("no backup");
    assert!(error.to_string().ends_with("is no backup: there is no backup.json"));

    let good = place.path().join("good");
    engine.session().run(&format!("BACKUP TO '{}';", good.display())).await.expect("a backup");
    let error = engine::restore(&good, &data).expect_err("the data is in use");
    assert!(error.to_string().ends_with("it is not empty"));
    let error = engine::restore(&good, &backup).expect_err("the directory is not empty");
    assert!(error.to_string().ends_with("it is not empty"));
    assert_eq!(std::fs::read_to_string(backup.join("mine")).expect("the file is there"), "mine");
    engine.shutdown().await.expect("the engine shuts down");

    let memory = Engine::open(Options::default()).await.expect("an engine in memory");
    let error = memory.session().run("BACKUP TO '/nowhere';").await.expect_err("no files");
    assert!(error.to_string().contains("everything in memory"));
}
