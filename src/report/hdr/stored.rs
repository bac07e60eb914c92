//! Histograms as a result holds them: HdrHistogram's V2 format, compressed or not, as base64. The crate's own reader makes a
//! histogram of whatever bounds the text names, up to gigabytes, before it looks at the counts; here the bounds must be
//! those of a run, and no more is unpacked than such a histogram needs. Must not know the result document.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;

/// Longest text.
const MOST_TEXT: usize = 1 << 20;
/// First bytes of the format, and of its compressed form.
const COOKIE: u32 = 0x1c84_9313;
const COMPRESSED: u32 = 0x1c84_9314;
/// Bytes before the counts.
const HEADER: usize = 40;
/// Most bytes of the counts: each of at most 45 056 buckets takes up to 9.
const MOST_PAYLOAD: usize = 1 << 19;
/// Most significant digits, as plimsoll records.
const MOST_DIGITS: u32 = 3;
/// Largest value that the bounds name, µs: 101 days. With three digits that is 34 816 buckets, 272 KiB.
const MOST_VALUE: u64 = 1 << 43;
/// Most values in all buckets together: sums of several histograms stay in range.
const MOST_COUNT: u64 = 1 << 47;

/// The histogram in a text; `None` when it is empty, damaged, or larger than that of a run.
pub(super) fn decode(text: &str) -> Option<Histogram<u64>> {
    let bytes = STANDARD.decode(Some(text).filter(|text| text.len() <= MOST_TEXT)?).ok()?;
    let plain = match number(&bytes, 0)? {
        COMPRESSED => unpacked(bytes.get(8..)?)?,
        _ => bytes,
    };
    if !is_of_a_run(&plain) {
        return None;
    }
    let histogram: Histogram<u64> = Deserializer::new().deserialize(&mut plain.as_slice()).ok()?;
    (!histogram.is_empty()).then_some(histogram)
}

/// The plain form in a compressed one.
fn unpacked(bytes: &[u8]) -> Option<Vec<u8>> {
    let most = HEADER + MOST_PAYLOAD;
    let mut plain = vec![];
    flate2::read::ZlibDecoder::new(bytes).take(most as u64 + 1).read_to_end(&mut plain).ok()?;
    (plain.len() <= most).then_some(plain)
}

/// Whether the bounds are those of a run, and the counts what can be added up.
fn is_of_a_run(bytes: &[u8]) -> bool {
    let header = || {
        let [cookie, payload, _, digits] = [0, 4, 8, 12].map(|at| number(bytes, at));
        let [low, high] =
            [16, 24].map(|at| Some(u64::from(number(bytes, at)?) << 32 | u64::from(number(bytes, at + 4)?)));
        let is_known = cookie? == COOKIE && digits? <= MOST_DIGITS && low? == 1 && high? <= MOST_VALUE;
        let payload = bytes.get(HEADER..)?.get(..usize::try_from(payload?).ok()?)?;
        is_known.then_some(payload)
    };
    header().is_some_and(|payload| total(payload).is_some())
}

/// The sum of the counts; `None` when it is too large, or a number is cut off. Each is a LEB128 number whose ninth byte is
/// whole, zig-zag coded; a negative one is so many empty buckets.
fn total(payload: &[u8]) -> Option<u64> {
    let (mut sum, mut buckets, mut rest) = (0u64, 0u64, payload);
    while !rest.is_empty() {
        let mut coded = 0u64;
        for index in 0..9 {
            let (byte, tail) = rest.split_first()?;
            rest = tail;
            let bits = if index == 8 { *byte } else { *byte & 0x7f };
            coded |= u64::from(bits) << (7 * index);
            if *byte < 0x80 {
                break;
            }
        }
        let magnitude = (coded >> 1).checked_add(coded & 1)?;
        let (count, empty) = if coded & 1 == 0 { (magnitude, 1) } else { (0, magnitude) };
        sum = sum.checked_add(count).filter(|sum| *sum <= MOST_COUNT)?;
        buckets = buckets.checked_add(empty).filter(|buckets| *buckets <= MOST_COUNT)?;
    }
    Some(sum)
}

/// A big-endian number of 32 bits.
fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use hdrhistogram::serialization::{Serializer as _, V2DeflateSerializer, V2Serializer};
    use proptest::prelude::*;

    use super::*;

    fn made() -> Histogram<u64> {
        let mut histogram = Histogram::new_with_bounds(1, 3_600_000_000, 3).expect("bounds of a run");
        (1..2000).for_each(|value| histogram.record(value * value).expect("in range"));
        histogram
    }

    /// A histogram's header with these bounds, and counts.
    fn text(digits: u32, low: u64, high: u64, length: u32, counts: &[u8]) -> String {
        let mut bytes = vec![];
        [COOKIE, length, 0, digits].iter().for_each(|word| bytes.extend(word.to_be_bytes()));
        [low, high, 1f64.to_bits()].iter().for_each(|word| bytes.extend(word.to_be_bytes()));
        bytes.extend(counts);
        STANDARD.encode(bytes)
    }

    #[test]
    fn both_forms_are_read() {
        let (mut plain, mut packed) = (vec![], vec![]);
        V2Serializer::new().serialize(&made(), &mut plain).expect("in memory");
        V2DeflateSerializer::new().serialize(&made(), &mut packed).expect("in memory");
        for bytes in [plain, packed] {
            assert_eq!(decode(&STANDARD.encode(bytes)).as_ref(), Some(&made()));
        }
        assert!(decode(&text(3, 1, 3_600_000_000, 1, &[2])).is_some(), "one value");
    }

    #[test]
    fn no_text_asks_for_more_than_a_run_needs() {
        let two_gib = u32::MAX / 2;
        for (what, text) in [
            ("a long payload that is not there", text(3, 1, 3_600_000_000, two_gib, &[2])),
            ("five digits", text(5, 1, u64::MAX, 1, &[2])),
            ("a large value", text(3, 1, u64::MAX, 1, &[2])),
            ("no lowest value", text(3, 0, 3_600_000_000, 1, &[2])),
            ("a large lowest value", text(0, u64::MAX, u64::MAX, 1, &[2])),
            ("no bounds", text(3, 1, 1, 1, &[2])),
            (
                "the most empty buckets",
                text(3, 1, 3_600_000_000, 10, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]),
            ),
            (
                "the largest count",
                text(3, 1, 3_600_000_000, 9, &[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
            ),
            ("a number cut off", text(3, 1, 3_600_000_000, 1, &[0x80])),
            ("more buckets than there are", text(0, 1, 2, 3, &[0x9f, 0x9c, 2])),
            ("empty", String::new()),
            ("no base64", "!".into()),
        ] {
            assert!(decode(&text).is_none(), "{what}");
        }
    }

    #[test]
    fn what_unpacks_to_gigabytes_is_refused() {
        use std::io::Write as _;
        let mut packed = flate2::write::ZlibEncoder::new(vec![], flate2::Compression::best());
        packed.write_all(&vec![0; 64 << 20]).expect("in memory");
        let packed = packed.finish().expect("in memory");
        let mut bytes = [COMPRESSED.to_be_bytes(), (packed.len() as u32).to_be_bytes()].concat();
        bytes.extend(packed);
        assert!(decode(&STANDARD.encode(bytes)).is_none());
    }

    proptest! {
        #[test]
        fn any_damage_is_survived(at in 0usize..4096, byte: u8, cut in 0usize..4096) {
            let mut plain = vec![];
            V2Serializer::new().serialize(&made(), &mut plain).expect("in memory");
            let at = at % plain.len();
            plain[at] = byte;
            plain.truncate(plain.len() - cut % plain.len() / 8);
            let _ = decode(&STANDARD.encode(plain));
        }
    }
}
