//! Zigzag variable-length integers, as Kafka's records use them.

/// The most bytes that a 64-bit number takes.
pub(crate) const VARINT_BYTES_MAX: usize = 10;

/// The bytes that `value` takes.
pub(crate) fn varint_len(value: i64) -> usize {
    let significant_bits = 64 - (zigzag(value) | 1).leading_zeros() as usize;
    significant_bits.div_ceil(7)
}

/// Appends `value`.
pub(crate) fn put_varint(buffer: &mut Vec<u8>, value: i64) {
    let mut rest = zigzag(value);
    if rest < 0x80 {
        buffer.push(rest as u8);
        return;
    }
    let mut encoded = [0; VARINT_BYTES_MAX];
    let mut len = 0;
    while rest >= 0x80 {
        encoded[len] = rest as u8 | 0x80;
        rest >>= 7;
        len += 1;
    }
    encoded[len] = rest as u8;
    buffer.extend_from_slice(&encoded[..=len]);
}

/// Takes a number off the front of `bytes`; nothing if they end in the middle of it or it has more
/// bytes than any number needs.
pub(crate) fn take_varint(bytes: &mut &[u8]) -> Option<i64> {
    let mut value = 0_u64;
    for (i, byte) in bytes.iter().take(VARINT_BYTES_MAX).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            *bytes = &bytes[i + 1..];
            return Some((value >> 1) as i64 ^ -((value & 1) as i64));
        }
    }
    None
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_survive_and_their_length_is_known() {
        for value in
            [0, -1, 1, 63, 64, -64, -65, 8191, 8192, i64::from(i32::MAX), i64::MAX, i64::MIN]
        {
            let mut buffer = Vec::new();
            put_varint(&mut buffer, value);
            assert_eq!(buffer.len(), varint_len(value), "{value}");
            assert_eq!(take_varint(&mut &buffer[..]), Some(value));
        }
    }

    #[test]
    fn half_a_number_is_none() {
        assert_eq!(take_varint(&mut &[0x80][..]), None);
        assert_eq!(take_varint(&mut &[0xff; 11][..]), None);
    }
}
