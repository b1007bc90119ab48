//! Rows by their key, straight from the state and prepared.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, StringArray};
use arrow::datatypes::DataType;

use super::{asked, engine, header, rows, texts};
use crate::query::lookup::Lookup;
use crate::{PreparedQuery, Session};

/// Whether a query is a lookup, with placeholders of these types.
fn is_lookup(session: &Session, query: &str, parameters: &[Option<DataType>]) -> bool {
    let statement = session.parse(query).unwrap().remove(0);
    let sql::ast::StatementKind::Query(sql::ast::Query::Select(select)) = statement.kind else {
        return false;
    };
    let shared = &session.shared;
    Lookup::plan(shared, &shared.catalog(), &select, parameters).unwrap().is_some()
}

#[tokio::test]
async fn a_lookup_says_what_a_plan_says() {
    let (_engine, mut session) = engine().await;
    for query in [
        "SELECT * FROM BY_ID WHERE ID = 'a'",
        "SELECT N, ROWTIME, ID FROM BY_ID WHERE 'bb' = ID",
        "SELECT T.N AS HOW_MANY FROM BY_ID T WHERE T.ID = 'c'",
        "SELECT * FROM BY_ID WHERE ID = 'nobody'",
        "SELECT N FROM BY_BOTH WHERE PAGE = 1 AND ID = 'bb'",
        "SELECT * FROM BY_SECOND WHERE ID = 'bb'",
        "SELECT WINDOWEND, N FROM BY_SECOND WHERE ID = 'a'",
    ] {
        assert!(is_lookup(&session, &format!("{query};"), &[]), "{query}");
        let planned = format!("{query} LIMIT 100;");
        assert!(!is_lookup(&session, &planned, &[]), "{planned}");
        let query = format!("{query};");
        let found = header(&rows(&mut session, &query).await.unwrap());
        assert_eq!(found, header(&rows(&mut session, &planned).await.unwrap()), "{query}");
        let found = asked(&mut session, &query).await;
        assert_eq!(found, asked(&mut session, &planned).await, "{query}");
    }
}

#[tokio::test]
async fn other_conditions_are_planned() {
    let (_engine, session) = engine().await;
    for query in [
        "SELECT * FROM BY_ID;",
        "SELECT * FROM BY_ID WHERE ID > 'a';",
        "SELECT * FROM BY_ID WHERE ID = 'a' OR ID = 'bb';",
        "SELECT * FROM BY_ID WHERE ID = 'a' AND ID = 'bb';",
        "SELECT * FROM BY_ID WHERE ID = 'a' AND N = 2;",
        "SELECT * FROM BY_ID WHERE NOT (ID = 'a');",
        "SELECT N + 1 FROM BY_ID WHERE ID = 'a';",
        "SELECT N, N FROM BY_ID WHERE ID = 'a';",
        "SELECT COUNT(*) FROM BY_ID WHERE ID = 'a';",
        "SELECT * FROM BY_BOTH WHERE ID = 'a';",
        "SELECT * FROM BY_BOTH WHERE ID = 'a' AND PAGE = 1.5;",
        "SELECT * FROM BY_SECOND WHERE ID = 'a' AND WINDOWSTART = 0;",
        "SELECT * FROM CLICKS WHERE ID = 'a';",
        "SELECT * FROM BY_ID WHERE ID = 'a' EMIT CHANGES;",
        "SELECT ROWPARTITION FROM BY_ID WHERE ID = 'a';",
        "SELECT * FROM BY_ID WHERE ID = $1;",
    ] {
        assert!(!is_lookup(&session, query, &[]), "{query}");
    }
    let placeholder = "SELECT * FROM BY_ID WHERE ID = $1;";
    assert!(is_lookup(&session, placeholder, &[Some(DataType::Utf8)]));
    assert!(!is_lookup(&session, placeholder, &[None]));
}

async fn explained(session: &mut Session, query: &str) -> Vec<String> {
    texts(rows(session, &format!("EXPLAIN {query}")).await.unwrap()).await
}

#[tokio::test]
async fn explain_shows_a_lookup_where_one_runs() {
    let (_engine, mut session) = engine().await;
    let by_both = "SELECT T.N AS HOW_MANY, ID FROM BY_BOTH T WHERE PAGE = 1 AND T.ID = 'it''s';";
    let expected = [
        "Project [N, ID]",
        " : HOW_MANY BIGINT, ID STRING KEY",
        "  Lookup BY_BOTH [key: ID = 'it''s' AND PAGE = 1]",
        "   : ID STRING KEY, PAGE INTEGER KEY, N BIGINT",
    ];
    assert_eq!(explained(&mut session, by_both).await, expected);
    for (condition, looks_up) in [("= 'a'", true), ("= 'a' LIMIT 1", false), ("> 'a'", false)] {
        let query = format!("SELECT N FROM BY_ID WHERE ID {condition};");
        assert_eq!(is_lookup(&session, &query, &[]), looks_up, "{query}");
        let plan = explained(&mut session, &query).await.join("\n");
        assert_eq!(plan.contains("Lookup BY_ID"), looks_up, "{plan}");
        assert_eq!(plan.contains("TableScan: BY_ID"), !looks_up, "{plan}");
    }
}

fn prepared(session: &Session, query: &str) -> PreparedQuery {
    let statement = session.parse(query).unwrap().remove(0);
    session.prepare(&statement).unwrap().expect("a query that can be prepared")
}

fn text(value: &str) -> ArrayRef {
    Arc::new(StringArray::from(vec![value]))
}

#[tokio::test]
async fn a_prepared_query_is_asked_with_one_value_after_the_other() {
    let (_engine, session) = engine().await;
    let query = prepared(&session, "SELECT N FROM BY_BOTH WHERE ID = $2 AND PAGE = $1;");
    assert_eq!(query.parameters(), [Some(DataType::Int32), Some(DataType::Utf8)]);
    for (page, id, expected) in [(1, "bb", &["2"][..]), (2, "a", &["1"]), (7, "a", &[])] {
        let page: ArrayRef = Arc::new(Int32Array::from(vec![page]));
        let rows = session.ask(&query, &[page, text(id)]).unwrap().expect("still a lookup");
        assert_eq!(texts(rows).await, expected);
    }
    assert!(session.ask(&query, &[text("a")]).is_err());
}

#[tokio::test]
async fn a_prepared_query_follows_the_catalog() {
    let (engine, mut session) = engine().await;
    let query = prepared(&session, "SELECT * FROM BY_ID WHERE ID = $1;");
    session.run("DROP TABLE BY_ID;").await.unwrap();
    assert!(session.ask(&query, &[text("a")]).unwrap().is_none());
    let create = "CREATE TABLE BY_ID AS SELECT ID, MAX(AMOUNT) AS M FROM CLICKS GROUP BY ID;";
    session.run(create).await.unwrap();
    engine.run_until_idle().await.unwrap();
    let rows = session.ask(&query, &[text("a")]).unwrap().expect("a lookup again");
    assert_eq!(header(&rows), ["ID*", "M"]);
    assert_eq!(texts(rows).await, ["a 30"]);
    assert!(session.prepare(&session.parse("SHOW TABLES;").unwrap()[0]).unwrap().is_none());
}
