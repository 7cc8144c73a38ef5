//! `Marker` and `MaxRecords`.
//!
//! A marker is the key of the first item of the next page, so a page that begins there is right whatever was made or deleted in
//! between. To callers it is opaque.

use crate::faults;
use aws_protocol::Fault;

const MAX_RECORDS: std::ops::RangeInclusive<i32> = 20..=100;

/// One page of items that are in the order of their keys, and the marker of the next.
pub(crate) fn page<T>(
    items: Vec<T>,
    key: impl Fn(&T) -> String,
    marker: Option<&str>,
    max_records: Option<i32>,
) -> Result<(Vec<T>, Option<String>), Fault> {
    let count = max_records.unwrap_or(*MAX_RECORDS.end());
    if !MAX_RECORDS.contains(&count) {
        return Err(faults::value(format!(
            "Invalid value {count} for MaxRecords. Must be between {} and {}",
            MAX_RECORDS.start(),
            MAX_RECORDS.end()
        )));
    }
    let from = match marker.filter(|marker| !marker.is_empty()) {
        None => None,
        Some(marker) => Some(decode(marker).ok_or_else(|| faults::value("Invalid value for Marker."))?),
    };
    let mut rest = items.into_iter().filter(|item| from.as_ref().is_none_or(|from| key(item) >= *from));
    let page: Vec<T> = rest.by_ref().take(count as usize).collect();
    Ok((page, rest.next().map(|item| encode(&key(&item)))))
}

fn encode(key: &str) -> String {
    key.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn decode(marker: &str) -> Option<String> {
    let bytes = marker.as_bytes().chunks(2).map(|pair| {
        let digits = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
        u8::from_str_radix(digits, 16).ok()
    });
    String::from_utf8(bytes.collect::<Option<_>>()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_and_end() {
        let all: Vec<u32> = (100..155).collect();
        let key = |item: &u32| item.to_string();
        let (first, marker) = page(all.clone(), key, None, Some(20)).unwrap();
        let (second, marker) = page(all.clone(), key, marker.as_deref(), Some(20)).unwrap();
        // The first item of the next page is gone meanwhile.
        let fewer: Vec<u32> = all.iter().copied().filter(|item| *item != 140).collect();
        let (third, end) = page(fewer, key, marker.as_deref(), Some(20)).unwrap();
        assert_eq!((first[0], second[0], third[0], third.len(), end), (100, 120, 141, 14, None));
    }

    #[test]
    fn wrong_sizes_and_markers_are_told() {
        for (marker, count) in [(None, Some(19)), (None, Some(101)), (Some("x"), None), (Some("ff"), None)] {
            let refused = page(vec![1], |_| String::new(), marker, count).unwrap_err();
            assert_eq!(refused.code, "InvalidParameterValue");
        }
    }
}
