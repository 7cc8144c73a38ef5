//! `Marker` and `MaxRecords`.
//!
//! A marker is the operation and the key of the first item of the next page, so a page that begins there is right whatever was made or
//! deleted in between. To callers it is opaque; one of another operation is refused.

use crate::faults;
use aws_protocol::Fault;

const MAX_RECORDS: std::ops::RangeInclusive<i32> = 20..=100;

/// One page of the items of an operation, which are in the order of their keys, and the marker of the next.
pub(crate) fn page<T>(
    operation: &str,
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
        Some(marker) => {
            Some(decode(operation, marker).ok_or_else(|| faults::value("Invalid value for Marker."))?)
        }
    };
    let mut rest = items.into_iter().filter(|item| from.as_ref().is_none_or(|from| key(item) >= *from));
    let page: Vec<T> = rest.by_ref().take(count as usize).collect();
    Ok((page, rest.next().map(|item| encode(operation, &key(&item)))))
}

fn encode(operation: &str, key: &str) -> String {
    format!("{operation} {key}").bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn decode(operation: &str, marker: &str) -> Option<String> {
    let bytes = marker.as_bytes().chunks(2).map(|pair| {
        let is_pair = pair.len() == 2 && pair.iter().all(u8::is_ascii_hexdigit);
        u8::from_str_radix(std::str::from_utf8(pair).ok().filter(|_| is_pair)?, 16).ok()
    });
    let text = String::from_utf8(bytes.collect::<Option<_>>()?).ok()?;
    Some(text.strip_prefix(operation)?.strip_prefix(' ')?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_and_end() {
        let all: Vec<u32> = (100..155).collect();
        let key = |item: &u32| item.to_string();
        let page = |items, marker: Option<&str>| page("Describe", items, key, marker, Some(20)).unwrap();
        let (first, marker) = page(all.clone(), None);
        let (second, marker) = page(all.clone(), marker.as_deref());
        // The first item of the next page is gone meanwhile.
        let fewer: Vec<u32> = all.iter().copied().filter(|item| *item != 140).collect();
        let (third, end) = page(fewer, marker.as_deref());
        assert_eq!((first[0], second[0], third[0], third.len(), end), (100, 120, 141, 14, None));
    }

    #[test]
    fn wrong_sizes_and_markers_are_told() {
        let of_another = encode("List", "1");
        assert!(page("List", vec![1], u32::to_string, Some(&of_another), None).is_ok());
        for (marker, count) in [
            (None, Some(19)),
            (None, Some(101)),
            (Some("x"), None),
            (Some("ff"), None),
            (Some("+f"), None),
            (Some(of_another.as_str()), None),
        ] {
            let refused = page("Describe", vec![1], u32::to_string, marker, count).unwrap_err();
            assert_eq!(refused.code, "InvalidParameterValue", "{marker:?}");
        }
    }
}
