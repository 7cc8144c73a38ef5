//! `DescribeEvents`: what has happened, the newest first, of the last hour unless asked otherwise.
//!
//! ```text
//!   StartTime, EndTime   from the one to the other
//!   StartTime            until now, or for Duration
//!   EndTime              for Duration before it, or an hour
//!   neither              for Duration before now, or an hour
//! ```
//! What is older than 14 days, by the region's clock, is not shown any more.

use crate::lookup::Lookup;
use crate::{Cx, Operation, faults, paging};
use aws_protocol::{Fault, Item, Members, Timestamp};
use fleet::{KEPT_FOR_MS, Source};
use serde::{Deserialize, Serialize};

/// Minutes that are looked back where nothing else is asked for.
const DEFAULT_MINUTES: i32 = 60;

const MINUTE_MS: u64 = 60_000;

pub(crate) struct DescribeEvents;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Input {
    source_identifier: Option<String>,
    source_type: Option<String>,
    start_time: Option<Timestamp>,
    end_time: Option<Timestamp>,
    duration: Option<i32>,
    max_records: Option<i32>,
    marker: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    marker: Option<String>,
    events: Members<Event>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    source_identifier: String,
    source_type: &'static str,
    message: String,
    date: Timestamp,
}

impl Item for Event {
    const NAME: &'static str = "Event";
}

impl Operation for DescribeEvents {
    const NAME: &'static str = "DescribeEvents";
    type Input = Input;
    type Output = Output;

    fn answer(cx: &Cx<'_>, input: &Input) -> Result<Output, Fault> {
        let source_type = input.source_type.as_deref().map(source_type).transpose()?;
        let source = input.source_identifier.as_deref();
        if source.is_some() && source_type.is_none() {
            return Err(faults::combination(
                "Cannot specify SourceIdentifier without specifying SourceType.",
            ));
        }
        let (from_ms, to_ms) = period(cx, input)?;
        let events = cx.here().into_iter().flat_map(|region| region.events_at(cx.now_ms));
        let asked = events.filter(|(_, event)| {
            (from_ms..=to_ms).contains(&event.at_ms)
                && source_type.is_none_or(|source_type| event.source == source_type)
                && source.is_none_or(|id| event.source_id.eq_ignore_ascii_case(id))
        });
        let mut events: Vec<_> = asked.map(|(number, event)| (key(number, event), event)).collect();
        events.sort_by(|one, other| one.0.cmp(&other.0));
        let (page, marker) = paging::page(
            Self::NAME,
            events,
            |(key, _)| key.clone(),
            input.marker.as_deref(),
            input.max_records,
        )?;
        let event = |(_, event): (String, &fleet::Event)| Event {
            source_identifier: event.source_id.clone(),
            source_type: event.source.name(),
            message: event.message.clone(),
            date: Timestamp::from_unix_ms(event.at_ms as i64),
        };
        Ok(Output { marker, events: page.into_iter().map(event).collect() })
    }
}

fn source_type(name: &str) -> Result<Source, Fault> {
    Source::named(name).ok_or_else(|| faults::value(format!("Invalid value for SourceType: {name}")))
}

/// What events are sorted and paged by: the newest is the first, and of one instant what happened last. What happens between two pages
/// comes before both.
fn key(number: u64, event: &fleet::Event) -> String {
    format!("{:020}-{:020}", u64::MAX - event.at_ms, u64::MAX - number)
}

/// From when to when, in Unix ms.
fn period(cx: &Cx<'_>, input: &Input) -> Result<(u64, u64), Fault> {
    let at = |time: Timestamp| u64::try_from(time.unix_ms).unwrap_or_default();
    let kept_minutes = (KEPT_FOR_MS / MINUTE_MS) as i32;
    if let Some(duration) = input.duration.filter(|minutes| !(0..=kept_minutes).contains(minutes)) {
        return Err(faults::value(format!(
            "Invalid value {duration} for Duration. Must be between 0 and {kept_minutes} minutes."
        )));
    }
    let span_ms = input.duration.unwrap_or(DEFAULT_MINUTES) as u64 * MINUTE_MS;
    let (from_ms, to_ms) = match (input.start_time.map(at), input.end_time.map(at)) {
        (Some(_), Some(_)) if input.duration.is_some() => {
            return Err(faults::combination("Cannot specify StartTime, EndTime and Duration together."));
        }
        (Some(from_ms), Some(to_ms)) => (from_ms, to_ms),
        (Some(from_ms), None) if input.duration.is_some() => (from_ms, from_ms + span_ms),
        (Some(from_ms), None) if from_ms > cx.now_ms => {
            return Err(faults::combination("StartTime must not be in the future."));
        }
        (Some(from_ms), None) => (from_ms, cx.now_ms),
        (None, Some(to_ms)) => (to_ms.saturating_sub(span_ms), to_ms),
        (None, None) => (cx.now_ms.saturating_sub(span_ms), cx.now_ms),
    };
    match from_ms > to_ms {
        true => Err(faults::combination("StartTime must not be after EndTime.")),
        false => Ok((from_ms, to_ms)),
    }
}
