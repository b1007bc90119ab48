//! The model of the Nexmark generator, as Apache Beam and the Flink community have it.
//!
//! Of 50 events in a row the first is a person, three are auctions and 46 are bids. Event `n` happens
//! at `base_time + n / rate` seconds. Most bids go to one hot auction, most auctions belong to one hot
//! seller, and which ones are hot moves on with time. Some ids belong to persons and auctions that
//! come a little later. Prices are spread over eight orders of magnitude.
//!
//! The values are not those of the Java generator, which has another source of chance; their
//! distributions are.

use super::random::Random;

const PERSONS: i64 = 1;
const AUCTIONS: i64 = 3;
const BIDS: i64 = 46;
/// Events of one round.
const ROUND: i64 = PERSONS + AUCTIONS + BIDS;

/// The id of the first person and of the first auction.
const FIRST_ID: i64 = 1000;
const FIRST_CATEGORY: i64 = 10;
const CATEGORIES: i64 = 5;

/// One in so many is hot: the first of so many auctions and sellers, the second of so many bidders.
const HOT_OF: i64 = 100;
/// One in so many bids does not go to the hot auction; and so on.
const COLD_AUCTION: i64 = 2;
const COLD_SELLER: i64 = 4;
const COLD_BIDDER: i64 = 4;
const COLD_CHANNEL: i64 = 2;

/// Persons that act at a time, and auctions that are open.
const ACTIVE_PERSONS: i64 = 1000;
const OPEN_AUCTIONS: i64 = 100;
/// How many ids somebody may name that nobody has yet.
const AHEAD: i64 = 10;

/// The average bytes of an event, which `extra` fills up to.
const PERSON_BYTES: usize = 200;
const AUCTION_BYTES: usize = 500;
const BID_BYTES: usize = 100;
/// What the numbers of an event count for among its bytes.
const PERSON_NUMBERS: usize = 8;
const AUCTION_NUMBERS: usize = 48;
const BID_NUMBERS: usize = 32;

const STATES: [&str; 6] = ["AZ", "CA", "ID", "OR", "WA", "WY"];
const CITIES: [&str; 10] = [
    "Phoenix",
    "Los Angeles",
    "San Francisco",
    "Boise",
    "Portland",
    "Bend",
    "Redmond",
    "Seattle",
    "Kent",
    "Cheyenne",
];
const FIRST_NAMES: [&str; 11] = [
    "Peter", "Paul", "Luke", "John", "Saul", "Vicky", "Kate", "Julie", "Sarah", "Deiter", "Walter",
];
const LAST_NAMES: [&str; 9] =
    ["Shultz", "Abrams", "Spencer", "White", "Bartels", "Walton", "Smith", "Jones", "Noris"];
const HOT_CHANNELS: [&str; 4] = ["Google", "Facebook", "Baidu", "Apple"];
const CHANNELS: u32 = 10_000;

/// Letters that every `extra` is cut from.
const POOL_BYTES: usize = 1 << 20;

/// What the events depend on.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Chance.
    pub seed: u64,
    /// Events for each second of event time.
    pub rate: f64,
    /// The time of the first event, milliseconds since 1970.
    pub base_time: i64,
    /// Events are out of order within groups of so many; 1: they are in order.
    pub group: i64,
}

/// Makes events.
pub struct Generator {
    settings: Settings,
    pool: String,
    channels: Vec<Channel>,
}

/// Where bids come in.
struct Channel {
    name: String,
    url: String,
}

/// Something happens.
#[derive(Debug, Clone, PartialEq)]
pub enum Event<'a> {
    /// Somebody registers.
    Person(Person<'a>),
    /// Something is for sale.
    Auction(Auction<'a>),
    /// Somebody offers a price.
    Bid(Bid<'a>),
}

/// Somebody who buys and sells; as below, the fields are the columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Person<'a> {
    pub id: i64,
    pub name: String,
    pub email_address: String,
    pub credit_card: String,
    pub city: &'static str,
    pub state: &'static str,
    pub date_time: i64,
    pub extra: &'a str,
}

/// Something for sale.
#[derive(Debug, Clone, PartialEq)]
pub struct Auction<'a> {
    pub id: i64,
    pub item_name: String,
    pub description: String,
    pub initial_bid: i64,
    pub reserve: i64,
    pub date_time: i64,
    pub expires: i64,
    pub seller: i64,
    pub category: i64,
    pub extra: &'a str,
}

/// A price offered.
#[derive(Debug, Clone, PartialEq)]
pub struct Bid<'a> {
    pub auction: i64,
    pub bidder: i64,
    pub price: i64,
    pub channel: &'a str,
    pub url: &'a str,
    pub date_time: i64,
    pub extra: &'a str,
}

impl Generator {
    /// A generator with these settings.
    pub fn new(settings: Settings) -> Self {
        let mut random = Random::at(settings.seed, u64::MAX);
        let pool = (0..POOL_BYTES).map(|_| letter(&mut random)).collect();
        let mut channels: Vec<Channel> = (0..CHANNELS)
            .map(|number| {
                let mut url = url(&mut random);
                if !random.once_in(10) {
                    url += &format!("&channel_id={}", channel_id(number));
                }
                Channel { name: format!("channel-{number}"), url }
            })
            .collect();
        let hot = HOT_CHANNELS.map(|name| Channel { name: name.into(), url: url(&mut random) });
        channels.extend(hot);
        Self { settings, pool, channels }
    }

    /// The event of this number, counted from 0.
    pub fn event(&self, number: i64) -> Event<'_> {
        let group = self.settings.group;
        // 953 is prime, so that no two events of a group change to the same place.
        let number = number - number % group + (number % group) * 953 % group;
        let mut random = Random::at(self.settings.seed, number.unsigned_abs());
        match number % ROUND {
            place if place < PERSONS => Event::Person(self.person(number, &mut random)),
            place if place < PERSONS + AUCTIONS => {
                Event::Auction(self.auction(number, &mut random))
            }
            _ => Event::Bid(self.bid(number, &mut random)),
        }
    }

    fn person(&self, number: i64, random: &mut Random) -> Person<'_> {
        let name = format!("{} {}", random.pick(&FIRST_NAMES), random.pick(&LAST_NAMES));
        let email_address = format!("{}@{}.com", words(random, 7, ' '), words(random, 5, ' '));
        let mut digits = || random.below(10_000);
        let credit_card =
            format!("{:04} {:04} {:04} {:04}", digits(), digits(), digits(), digits());
        let (city, state) = (random.pick(&CITIES), random.pick(&STATES));
        let texts = [&name, &email_address, &credit_card, city, state];
        let bytes = PERSON_NUMBERS + texts.map(str::len).iter().sum::<usize>();
        Person {
            id: FIRST_ID + last_person(number),
            extra: self.extra(bytes, PERSON_BYTES, random),
            date_time: self.time(number),
            name,
            email_address,
            credit_card,
            city,
            state,
        }
    }

    fn auction(&self, number: i64, random: &mut Random) -> Auction<'_> {
        let newest = last_person(number);
        let cold = random.once_in(COLD_SELLER);
        let seller = if cold { some_person(newest, random) } else { newest / HOT_OF * HOT_OF };
        let category = FIRST_CATEGORY + random.below(CATEGORIES);
        let initial_bid = price(random);
        let reserve = initial_bid + price(random);
        let date_time = self.time(number);
        // On average as long as it takes until so many other auctions have begun.
        let horizon = self.time(number + OPEN_AUCTIONS * ROUND / AUCTIONS) - date_time;
        let expires = date_time + 1 + random.below((2 * horizon).max(1));
        let (item_name, description) = (words(random, 20, ' '), words(random, 100, ' '));
        let bytes = AUCTION_NUMBERS + item_name.len() + description.len();
        Auction {
            id: FIRST_ID + last_auction(number),
            seller: FIRST_ID + seller,
            extra: self.extra(bytes, AUCTION_BYTES, random),
            item_name,
            description,
            initial_bid,
            reserve,
            date_time,
            expires,
            category,
        }
    }

    fn bid(&self, number: i64, random: &mut Random) -> Bid<'_> {
        let newest = last_auction(number);
        let auction = match random.once_in(COLD_AUCTION) {
            true => {
                let oldest = (newest - OPEN_AUCTIONS).max(0);
                oldest + random.below(newest - oldest + 1 + AHEAD)
            }
            false => newest / HOT_OF * HOT_OF,
        };
        let newest = last_person(number);
        let bidder = match random.once_in(COLD_BIDDER) {
            true => some_person(newest, random),
            false => newest / HOT_OF * HOT_OF + 1,
        };
        let price = price(random);
        let channel = match random.once_in(COLD_CHANNEL) {
            true => random.index(CHANNELS as usize),
            false => CHANNELS as usize + random.index(HOT_CHANNELS.len()),
        };
        let Channel { name, url } = &self.channels[channel];
        Bid {
            auction: FIRST_ID + auction,
            bidder: FIRST_ID + bidder,
            price,
            channel: name,
            url,
            date_time: self.time(number),
            extra: self.extra(BID_NUMBERS, BID_BYTES, random),
        }
    }

    fn time(&self, number: i64) -> i64 {
        self.settings.base_time + (number as f64 * 1000.0 / self.settings.rate) as i64
    }

    /// Letters that fill an event of so many bytes up to the average, give or take a fifth.
    fn extra(&self, bytes: usize, average: usize, random: &mut Random) -> &str {
        let missing = average.saturating_sub(bytes);
        let spread = missing / 5;
        let len = missing - spread + random.index((2 * spread).max(1));
        let start = random.index(POOL_BYTES - len);
        &self.pool[start..start + len]
    }
}

/// The number of the newest person when an event happens.
fn last_person(number: i64) -> i64 {
    number / ROUND * PERSONS
}

/// The number of the newest auction when an event happens; -1 if there is none yet.
fn last_auction(number: i64) -> i64 {
    let begun = (number % ROUND + 1 - PERSONS).clamp(0, AUCTIONS);
    number / ROUND * AUCTIONS + begun - 1
}

/// One of those who act, or who soon will.
fn some_person(newest: i64, random: &mut Random) -> i64 {
    let active = (newest + 1).min(ACTIVE_PERSONS);
    newest + 1 - active + random.below(active + AHEAD)
}

fn price(random: &mut Random) -> i64 {
    (10_f64.powf(random.unit() * 6.0) * 100.0).round() as i64
}

fn letter(random: &mut Random) -> char {
    char::from(b'a' + random.index(26) as u8)
}

/// Letters, now and then interrupted.
fn words(random: &mut Random, longest: usize, gap: char) -> String {
    let len = 3 + random.index(longest - 3);
    let text: String =
        (0..len).map(|_| if random.once_in(13) { gap } else { letter(random) }).collect();
    text.trim().to_owned()
}

fn url(random: &mut Random) -> String {
    let [a, b, c] = [(); 3].map(|()| words(random, 5, '_'));
    format!("https://www.nexmark.com/{a}/{b}/{c}/item.htm?query=1")
}

/// As the Java generator has it.
fn channel_id(number: u32) -> i32 {
    i32::wrapping_abs(number.reverse_bits() as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generator(group: i64) -> Generator {
        Generator::new(Settings { seed: 42, rate: 10_000.0, base_time: 1_000_000, group })
    }

    fn time(event: &Event<'_>) -> i64 {
        match event {
            Event::Person(person) => person.date_time,
            Event::Auction(auction) => auction.date_time,
            Event::Bid(bid) => bid.date_time,
        }
    }

    #[test]
    fn rounds_have_a_person_three_auctions_and_bids() {
        let generator = generator(1);
        let kinds = (0..100).map(|number| match generator.event(number) {
            Event::Person(person) => {
                assert_eq!(person.id, FIRST_ID + number / 50);
                'p'
            }
            Event::Auction(auction) => {
                assert_eq!(auction.id, FIRST_ID + number / 50 * 3 + number % 50 - 1);
                'a'
            }
            Event::Bid(_) => 'b',
        });
        let round = format!("paaa{}", "b".repeat(46));
        assert_eq!(kinds.collect::<String>(), round.repeat(2));
    }

    #[test]
    fn the_same_seed_gives_the_same_events() {
        let (one, other) = (generator(1), generator(1));
        assert!((0..500).all(|number| one.event(number) == other.event(number)));
        let seed = Settings { seed: 43, ..one.settings };
        let changed = Generator::new(seed);
        assert!((0..500).all(|number| one.event(number) != changed.event(number)));
    }

    #[test]
    fn what_is_hot_is_named_most() {
        let generator = generator(1);
        let bids: Vec<Bid<'_>> = (100_000..120_000)
            .filter_map(|number| match generator.event(number) {
                Event::Bid(bid) => Some(bid),
                _ => None,
            })
            .collect();
        let share = |is: &dyn Fn(&Bid<'_>) -> bool| {
            bids.iter().filter(|bid| is(bid)).count() as f64 / bids.len() as f64
        };
        let near = |share: f64, expected: f64| (share - expected).abs() < 0.02;
        // A cold bid may go to the hot auction as well: one of about a hundred.
        assert!(near(share(&|bid| bid.auction % 100 == 0), 0.505));
        assert!(near(share(&|bid| bid.bidder % 100 == 1), 0.75));
        assert!(near(share(&|bid| HOT_CHANNELS.contains(&bid.channel)), 0.5));
        assert!(near(share(&|bid| bid.price < 10_000), 1.0 / 3.0));
        assert!(near(share(&|bid| bid.url.contains("&channel_id=")), 0.45));
        assert!(bids.iter().all(|bid| (100..=100_000_000).contains(&bid.price)));
    }

    #[test]
    fn times_follow_the_rate_and_groups_are_shuffled() {
        let ordered = generator(1);
        assert_eq!(time(&ordered.event(25)), 1_000_002);
        let shuffled = generator(20);
        let times = |generator: &Generator, numbers: std::ops::Range<i64>| {
            numbers.map(|number| time(&generator.event(number))).collect::<Vec<_>>()
        };
        let mut of_group = times(&shuffled, 40..60);
        assert!(!of_group.is_sorted());
        of_group.sort_unstable();
        assert_eq!(of_group, times(&ordered, 40..60));
    }

    #[test]
    fn an_auction_lasts_until_a_hundred_others_have_begun() {
        let generator = generator(1);
        let lasting: Vec<i64> = (0..50_000)
            .filter_map(|number| match generator.event(number) {
                Event::Auction(auction) => Some(auction.expires - auction.date_time),
                _ => None,
            })
            .collect();
        let average = lasting.iter().sum::<i64>() as f64 / lasting.len() as f64;
        assert!(lasting.iter().all(|ms| *ms > 0) && (160.0..175.0).contains(&average));
    }
}
