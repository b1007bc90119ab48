//! `millstream serve` as a process of its own: what it says, and where it answers.

mod millstream;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Command;

use millstream::Place;
use serde_json::Value;

#[test]
fn metrics_are_answered_and_the_log_is_json() {
    let place = Place::new();
    let any = "127.0.0.1:0";
    let args = ["serve", "--listen", any, "--metrics-addr", any, "--log-format", "json"];
    let mut server = place.start(&args);
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let listening = lines.next().unwrap().unwrap();
    assert!(listening.starts_with("listening on 127.0.0.1:"), "{listening}");
    let metrics = lines.next().unwrap().unwrap();
    let url = metrics.strip_prefix("metrics on http://").unwrap();
    let addr = url.strip_suffix("/metrics").unwrap();

    let mut socket = TcpStream::connect(addr).unwrap();
    socket.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("\nmillstream_queries{kind=\"push\",status=\"running\"} 0\n"));

    Command::new("kill").args(["-TERM", &server.id().to_string()]).status().unwrap();
    let output = server.wait_with_output().unwrap();
    assert!(output.status.success());
    let log = String::from_utf8(output.stderr).unwrap();
    let entries: Vec<Value> =
        log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let has = |message: &str| entries.iter().any(|entry| entry["message"] == message);
    assert!(has("serving") && has("stopping"), "{log}");
    assert!(entries.iter().all(|entry| entry["level"] == "INFO"), "{log}");
}
