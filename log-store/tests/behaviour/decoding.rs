//! A short run of what `fuzz/` does for as long as one lets it: the same function on the same corpus,
//! with chance out of a seed.

use std::fs;
use std::path::Path;

use log_store::*;

use crate::store::*;

#[path = "../../fuzz/decode_any.rs"]
mod decode_any;

use decode_any::decode_any;

const ROUNDS_PER_SEED: usize = 200;
/// Where a batch has its checksum, and what it is of.
const CHECKSUM: std::ops::Range<usize> = 17..21;

#[test]
fn no_bytes_make_the_decoder_panic() {
    let mut chance = Chance(7);
    let seeds = corpus().into_iter().chain(Codec::ALL.map(batch_in));
    for sound in seeds {
        decode_any(&sound);
        for _ in 0..ROUNDS_PER_SEED {
            decode_any(&spoiled(&sound, &mut chance));
        }
    }
}

fn corpus() -> Vec<Vec<u8>> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/decode");
    let files = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.collect();
    files.sort();
    files.into_iter().map(|file| fs::read(file).unwrap()).collect()
}

fn batch_in(codec: Codec) -> Vec<u8> {
    let store = LogStore::in_memory();
    let topic = single(&store, "t", &[]);
    let mut records = RecordsBuilder::new().with_compression(codec);
    for i in 0..20 {
        let header = Header { key: "h", value: None };
        records.push(Some(b"key"), Some(&[i; 30]), Timestamp(i64::from(i)), &[header]);
    }
    topic.append(records.build()).unwrap();
    topic.read(Offset(0), 1, Isolation::Everything).unwrap().batches[0].bytes().to_vec()
}

/// A few bytes are other ones, some may be missing, and the checksum is often right all the same.
fn spoiled(sound: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = sound.to_vec();
    for _ in 0..1 + chance.below(3) {
        let at = chance.below(bytes.len());
        bytes[at] = chance.below(256) as u8;
    }
    if chance.below(4) == 0 {
        bytes.truncate(chance.below(bytes.len()));
    }
    if chance.below(2) == 0 && bytes.len() > CHECKSUM.end {
        let crc = crc32c::crc32c(&bytes[CHECKSUM.end..]);
        bytes[CHECKSUM].copy_from_slice(&crc.to_be_bytes());
    }
    bytes
}
