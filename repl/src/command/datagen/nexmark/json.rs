//! Events as JSON. No text of the generator holds anything that JSON would escape.

use std::io::Write;

use super::model::{Auction, Bid, Event, Person};

/// Writes an event behind what `out` holds.
pub fn write(event: &Event<'_>, out: &mut Vec<u8>) {
    let written = match event {
        Event::Person(person) => write_person(person, out),
        Event::Auction(auction) => write_auction(auction, out),
        Event::Bid(bid) => write_bid(bid, out),
    };
    written.expect("memory takes every byte");
}

fn write_person(person: &Person<'_>, out: &mut Vec<u8>) -> std::io::Result<()> {
    let Person { id, name, email_address, credit_card, city, state, date_time, extra } = person;
    write!(out, r#"{{"id":{id},"name":"{name}","emailAddress":"{email_address}","#)?;
    write!(out, r#""creditCard":"{credit_card}","city":"{city}","state":"{state}","#)?;
    write!(out, r#""dateTime":{date_time},"extra":"{extra}"}}"#)
}

fn write_auction(auction: &Auction<'_>, out: &mut Vec<u8>) -> std::io::Result<()> {
    let Auction { id, item_name, description, initial_bid, reserve, .. } = auction;
    let Auction { date_time, expires, seller, category, extra, .. } = auction;
    write!(out, r#"{{"id":{id},"itemName":"{item_name}","description":"{description}","#)?;
    write!(out, r#""initialBid":{initial_bid},"reserve":{reserve},"dateTime":{date_time},"#)?;
    write!(out, r#""expires":{expires},"seller":{seller},"category":{category},"#)?;
    write!(out, r#""extra":"{extra}"}}"#)
}

fn write_bid(bid: &Bid<'_>, out: &mut Vec<u8>) -> std::io::Result<()> {
    let Bid { auction, bidder, price, channel, url, date_time, extra } = bid;
    write!(out, r#"{{"auction":{auction},"bidder":{bidder},"price":{price},"#)?;
    write!(out, r#""channel":"{channel}","url":"{url}","dateTime":{date_time},"#)?;
    write!(out, r#""extra":"{extra}"}}"#)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::datagen::nexmark::model::{Generator, Settings};

    #[test]
    fn every_event_is_json_with_its_fields_in_order() {
        let settings = Settings { seed: 1, rate: 1e4, base_time: 0, group: 1 };
        let generator = Generator::new(settings);
        let mut kinds = Vec::new();
        for number in 0..50 {
            let mut text = Vec::new();
            write(&generator.event(number), &mut text);
            let value: serde_json::Value = serde_json::from_slice(&text).unwrap();
            let names = value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
            kinds.push(names.join(" "));
            assert_eq!(value["dateTime"], number / 10);
        }
        kinds.dedup();
        assert_eq!(
            kinds,
            [
                "id name emailAddress creditCard city state dateTime extra",
                "id itemName description initialBid reserve dateTime expires seller category extra",
                "auction bidder price channel url dateTime extra",
            ]
        );
    }
}
