//! `/metrics` and `/health` of a server, as Prometheus would ask for them.

mod pg_harness;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use pg_harness::Running;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_postgres::NoTls;

async fn start() -> (Running, SocketAddr) {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let running =
        Running::start_with(|config| server::Config { metrics_addr: Some(any), ..config });
    let running = running.await;
    let addr = running.metrics_addr.expect("the server answers for metrics");
    (running, addr)
}

/// Sends a request as it is; gives the head and the body of the answer.
async fn send(addr: SocketAddr, request: &str) -> (String, String) {
    let mut socket = TcpStream::connect(addr).await.expect("the port listens");
    socket.write_all(request.as_bytes()).await.expect("a request");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    (head.to_owned(), body.to_owned())
}

async fn get(addr: SocketAddr, path: &str) -> (String, String) {
    let (head, body) = send(addr, &format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")).await;
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
    assert_eq!(length, Some(body.len().to_string().as_str()), "{head}");
    (head, body)
}

/// Samples by name and labels. Fails where the text breaks a rule of the format.
fn samples(text: &str) -> BTreeMap<String, f64> {
    assert!(text.ends_with('\n'));
    let (mut helped, mut typed) = (BTreeSet::new(), BTreeSet::new());
    let mut family = "";
    let mut samples = BTreeMap::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').expect("a name and a text");
            assert!(helped.insert(name) && !help.is_empty(), "{line}");
            family = name;
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a name and a type");
            assert!(typed.insert(name) && name == family, "{line}");
            assert!(kind == "counter" && name.ends_with("_total") || kind == "gauge", "{line}");
        } else {
            let (series, value) = line.rsplit_once(' ').expect("a series and a value");
            let name = series.split('{').next().unwrap_or_default();
            assert!(name == family && typed.contains(name), "{line}");
            assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'), "{line}");
            check_labels(&series[name.len()..]);
            let value = value.parse().expect("a number");
            assert!(samples.insert(series.to_owned(), value).is_none(), "{line} is there twice");
        }
    }
    assert_eq!(helped, typed);
    samples
}

/// `{name="text",…}` or nothing; a text has its quotes, backslashes and line ends escaped.
fn check_labels(labels: &str) {
    let Some(mut rest) = labels.strip_prefix('{') else {
        assert!(labels.is_empty(), "{labels}");
        return;
    };
    loop {
        let (name, text) = rest.split_once("=\"").expect("a label");
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'), "{labels}");
        let mut end = 0;
        let mut chars = text.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => assert!(matches!(chars.next(), Some((_, '\\' | '"' | 'n'))), "{labels}"),
                '"' => {
                    end = at + 1;
                    break;
                }
                _ => {}
            }
        }
        assert!(end > 0, "{labels}");
        match &text[end..] {
            "}" => return,
            more => rest = more.strip_prefix(',').expect("a comma between labels"),
        }
    }
}

#[tokio::test]
async fn prometheus_reads_what_goes_on() {
    let (running, addr) = start().await;
    let mut config = tokio_postgres::Config::new();
    config.host(running.addr.ip().to_string()).port(running.addr.port()).user("tester");
    let (client, connection) = config.connect(NoTls).await.expect("the server answers");
    tokio::spawn(connection);
    let create = "CREATE STREAM s (name STRING KEY, v INT)
        WITH (KAFKA_TOPIC='s', PARTITIONS=1, VALUE_FORMAT='JSON');
        CREATE TABLE t AS SELECT name, COUNT(*) AS n FROM s GROUP BY name;";
    client.batch_execute(create).await.expect("a stream and a table");
    client.batch_execute("INSERT INTO s VALUES ('a', 1), ('b', 2)").await.expect("rows");
    let caught_up = "millstream_query_records_read_total{query=\"CTAS_T_0\"}";
    let found = loop {
        let (head, body) = get(addr, "/metrics").await;
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        assert!(head.contains("Content-Type: text/plain; version=0.0.4; charset=utf-8"), "{head}");
        let found = samples(&body);
        if found.get(caught_up) == Some(&2.0) {
            break found;
        }
    };
    let value = |series: &str| *found.get(series).unwrap_or_else(|| panic!("no {series}"));
    assert_eq!(value("millstream_query_lag_records{query=\"CTAS_T_0\"}"), 0.0);
    assert_eq!(value("millstream_query_running{query=\"CTAS_T_0\"}"), 1.0);
    assert!(value("millstream_query_last_commit_timestamp_seconds{query=\"CTAS_T_0\"}") > 1e9);
    assert_eq!(value("millstream_queries{kind=\"persistent\",status=\"running\"}"), 1.0);
    assert_eq!(value("millstream_queries{kind=\"push\",status=\"running\"}"), 0.0);
    assert_eq!(value("millstream_partition_start_offset{topic=\"s\",partition=\"0\"}"), 0.0);
    assert!(value("millstream_partition_bytes{topic=\"s\",partition=\"0\"}") > 0.0);
    assert_eq!(value("millstream_connections{state=\"idle\"}"), 1.0);
    assert!(value("process_resident_memory_bytes") > 1e6);
    running.stop().await;
}

#[tokio::test]
async fn health_tells_of_queries() {
    let (running, addr) = start().await;
    let (head, body) = get(addr, "/health").await;
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    let health: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(health["status"], "ok");
    assert_eq!(health["queries"]["running"], 0);
    running.stop().await;
}

#[tokio::test]
async fn other_requests_are_refused() {
    let (running, addr) = start().await;
    let status = |head: &str| head.split(' ').nth(1).map(str::to_owned);
    assert_eq!(status(&get(addr, "/nowhere").await.0).as_deref(), Some("404"));
    let (head, _) = send(addr, "POST /metrics HTTP/1.1\r\nContent-Length: 0\r\n\r\n").await;
    assert_eq!(status(&head).as_deref(), Some("405"));
    let (head, body) = send(addr, "HEAD /metrics HTTP/1.1\r\n\r\n").await;
    assert_eq!((status(&head).as_deref(), body.as_str()), (Some("200"), ""));
    let (head, _) = send(addr, "nonsense\r\n\r\n").await;
    assert_eq!(status(&head).as_deref(), Some("400"));
    running.stop().await;
}
