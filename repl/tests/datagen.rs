//! `millstream datagen nexmark`.

mod millstream;

use millstream::Place;

const TOPICS: [&str; 3] = ["person", "auction", "bid"];

fn generated(args: &[&str]) -> Place {
    let place = Place::new();
    place.run(&[&["datagen", "nexmark"], args].concat()).ok();
    place
}

/// The records of a topic with their keys.
fn records(place: &Place, topic: &str) -> Vec<String> {
    let out = place.run(&["consume", topic, "-k", "="]).ok();
    out.lines().map(str::to_owned).collect()
}

fn csv(place: &Place, query: &str) -> String {
    place.run(&["--output", "csv", "-c", query]).ok()
}

#[test]
fn events_are_persons_auctions_and_bids_and_can_be_asked_for_at_once() {
    let place = Place::new();
    let run = place.run(&["datagen", "nexmark", "--events", "5000"]);
    assert!(run.err.contains("100 persons, 300 auctions and 4600 bids written"), "{}", run.err);
    run.ok();
    let counts = TOPICS.map(|topic| csv(&place, &format!("SELECT COUNT(*) AS n FROM {topic};")));
    assert_eq!(counts, ["N\n100\n", "N\n300\n", "N\n4600\n"]);
    // The time of a record is its own, and ids are keys.
    let query = "SELECT COUNT(*) AS n FROM auction WHERE ROWTIME = dateTime AND expires > dateTime
        AND id >= 1000;";
    assert_eq!(csv(&place, query), "N\n300\n");
    assert!(csv(&place, "SELECT COUNT(DISTINCT id) AS n FROM person;").ends_with("\n100\n"));
}

#[test]
fn a_seed_gives_the_same_records_however_often() {
    let (one, other) = (generated(&["-n", "500"]), generated(&["-n", "500"]));
    let changed = generated(&["-n", "500", "--seed", "43"]);
    for topic in TOPICS {
        assert_eq!(records(&one, topic), records(&other, topic));
        assert_ne!(records(&one, topic), records(&changed, topic));
    }
    // In two runs as in one.
    let halves = generated(&["-n", "250"]);
    halves.run(&["datagen", "nexmark", "-n", "250", "--first", "250"]).ok();
    assert_eq!(records(&halves, "bid"), records(&one, "bid"));
}

/// A change of these records makes figures of before and after it incomparable.
#[test]
fn the_first_records_stay_as_they_are() {
    let place = generated(&["-n", "5"]);
    let found = TOPICS.map(|topic| records(&place, topic)[0].clone());
    let expected = [
        r#"1000={"id":1000,"name":"Sarah White","emailAddress":"anynj@skxy.com","creditCard":"9198 5630 0992 0343","city":"Boise","state":"OR","dateTime":1436918400000,"extra":"wbhenabcffvmopcocnlsqwvphoipthqfrybyuvesyxxlxeikcwvkvvsijpdbzxmoqeuvzxrmtfgmpvxikoexyepjghbtdgcqzmljeaqehgifuvoujofqfiboabyo"}"#,
        r#"1000={"id":1000,"itemName":"nazpafbzg","description":"j dvrr","initialBid":216060,"reserve":362225,"dateTime":1436918400000,"expires":1436918400124,"seller":1000,"category":10,"extra":"bwfdevtugqpcdjdcxnldxyohyfbwsiifegrwrzogjllrvwvwihuxhasywjsioawqghdgtaqeqirngmawlpgqtyzzznvuajetwlwrepxidtaoprifjbermjfpubpbgwincwybphqhfragksndlnhfrgtzzkcinzjcvhmbqjtgzxtpslmdyotuiprkhelovbifdgrgbirexwfcqxanndxtpblrpepugaulxchbumnrxlmixffdyqrguqbzisvpxmrmiqibaehtapmvacdbuykmkdupoqcnohkglsqhgmirpegdkbmnjxkomuqqmrvqguhotdkwrakciswhptlquqgqkwfgvecyckwpuuxoyzqnctartreolqkwdgfmfscfphclhsuojpketbsvxu"}"#,
        r#"={"auction":1000,"bidder":1001,"price":9188733,"channel":"Facebook","url":"https://www.nexmark.com/vmjn/ojw/elr/item.htm?query=1","dateTime":1436918400000,"extra":"jzfcqndyilgbrdytlpwtvfrvmyhyfrmmcruenwxxiqyeftmdvnngorthrvmaitlblzqmzdbbazwogvd"}"#,
    ];
    assert_eq!(found, expected);
}

#[test]
fn columns_hold_what_json_holds() {
    let place = generated(&["-n", "2000", "-p", "2"]);
    let columnar = ["datagen", "nexmark", "-n", "2000", "-p", "2", "--prefix", "c_"];
    place.run(&[&columnar[..], &["--format", "arrow"]].concat()).ok();
    for topic in TOPICS {
        let select = |name: &str| {
            let query = format!("SELECT *, ROWTIME, ROWPARTITION, ROWOFFSET FROM {name};");
            let out = csv(&place, &query);
            let mut lines: Vec<String> = out.lines().map(str::to_owned).collect();
            lines[1..].sort_unstable();
            lines
        };
        let json = select(topic);
        assert!(json.len() > 40);
        assert_eq!(select(&format!("c_{topic}")), json);
    }
    let err = place.run(&["datagen", "nexmark", "-n", "50", "--format", "arrow"]).failed();
    assert!(err.contains("PERSON are in JSON, expected ARROW"), "{err}");
    let err = place.run(&["datagen", "nexmark", "-n", "50", "-p", "3"]).failed();
    assert!(err.contains("topic 'person' has 2 partitions, expected 3"), "{err}");
}

#[test]
fn queries_run_while_events_come_at_a_rate() {
    let place = generated(&["-n", "50"]);
    let query =
        "CREATE TABLE per_channel AS SELECT channel, COUNT(*) AS n FROM bid GROUP BY channel;";
    place.run(&["-c", query]).ok();
    place.run(&["datagen", "nexmark", "--rate", "5000", "-n", "1000", "--first", "50"]).ok();
    let sum = place.run_with_input(
        &["--output", "csv"],
        "\\wait\nSELECT SUM(n) AS n FROM per_channel; SELECT MAX(dateTime) AS t FROM bid;",
    );
    // 1,050 events, the last of them at 5,000 events a second.
    assert_eq!(sum.ok(), "N\n966\nT\n1436918400209\n");
}

#[test]
fn arguments_that_make_no_sense_are_refused() {
    let place = Place::new();
    let refused = |args: &[&str], reason: &str| {
        let run = place.run(&[&["datagen", "nexmark"], args].concat());
        assert_eq!(run.status, 2, "{}", run.err);
        assert!(run.err.contains(reason), "{}", run.err);
    };
    refused(&[], "--events <COUNT>|--rate <EVENTS>");
    refused(&["-n", "0"], "0 is not in 1..");
    refused(&["-n", "9", "--out-of-order-group", "953"], "no multiple of 953");
    refused(&["-n", "9", "--prefix", "a-b"], "expected letters, digits and _");
}
