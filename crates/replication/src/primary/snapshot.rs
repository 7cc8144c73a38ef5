//! Which snapshot a replica gets: the running one, the next one, and when that begins.

use super::link::{CloseReason, Link, LinkState, SnapshotFilter};
use super::{Action, LinkId, Primary, SnapshotForm};
use crate::ReaderId;
use bytes::Bytes;

/// The snapshot that was asked for. From its start to its end it has an offset, and a reader that holds the stream
/// after it for replicas that join late.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) form: SnapshotForm,
    pub(super) filter: SnapshotFilter,
    started: Option<Started>,
}

#[derive(Clone, Debug)]
struct Started {
    offset: u64,
    reader: ReaderId,
    mark: [u8; 40],
}

impl Job {
    fn takes(&self, link: &Link) -> bool {
        link.state == LinkState::WaitStart
            && link.filter == self.filter
            && (self.form == SnapshotForm::Spool || link.capabilities.eof)
    }
}

impl Primary {
    /// Finds a snapshot for a replica that was just put into `WaitStart`.
    pub(super) fn place_in_snapshot(&mut self, id: LinkId, now_ms: u64, actions: &mut Vec<Action>) {
        let link = &self.links[&id];
        match &self.job {
            Some(job) => {
                let joins = job.form == SnapshotForm::Spool && job.takes(link);
                if let (true, Some(started)) = (joins, job.started.clone()) {
                    self.begin_full_resync(id, started.offset, actions);
                    actions.push(Action::ForgetDb);
                }
            }
            None if self.settings.diskless
                && link.capabilities.eof
                && self.settings.diskless_delay_ms > 0 =>
            {
                self.start_snapshot_if_due(now_ms, actions);
            }
            None => self.start_snapshot(actions),
        }
    }

    /// Starts a snapshot for the waiting replicas, once there are enough of them or the first has waited long enough.
    pub(super) fn start_snapshot_if_due(&mut self, now_ms: u64, actions: &mut Vec<Action>) {
        if self.job.is_some() {
            return;
        }
        let Some((filter, _)) = self.waiting_request() else { return };
        let waiting = self.links.values().filter(|l| l.state == LinkState::WaitStart && l.filter == filter);
        let (count, oldest_ms) = waiting.fold((0, now_ms), |(n, t), link| (n + 1, t.min(link.attached_ms)));
        let max = self.settings.diskless_max_replicas;
        let due = !self.settings.diskless
            || (max > 0 && count >= max)
            || now_ms - oldest_ms >= self.settings.diskless_delay_ms;
        if due {
            self.start_snapshot(actions);
        }
    }

    /// The filter of the first waiting replica, and whether all that wait for that filter know the end mark.
    fn waiting_request(&self) -> Option<(SnapshotFilter, bool)> {
        let mut waiting = self.links.values().filter(|link| link.state == LinkState::WaitStart);
        let first = waiting.next()?;
        let eof = waiting.filter(|link| link.filter == first.filter).all(|link| link.capabilities.eof);
        Some((first.filter, eof && first.capabilities.eof))
    }

    fn start_snapshot(&mut self, actions: &mut Vec<Action>) {
        let Some((filter, all_know_eof)) = self.waiting_request() else { return };
        let diskless = (self.settings.diskless || filter.filters()) && all_know_eof;
        let form = if diskless { SnapshotForm::Diskless } else { SnapshotForm::Spool };
        self.job = Some(Job { form, filter, started: None });
        actions.push(Action::StartSnapshot { form, filter });
    }

    pub(super) fn snapshot_started(&mut self, actions: &mut Vec<Action>) {
        let mark = self.random_mark();
        let offset = self.offset;
        let (Some(backlog), Some(job)) = (&mut self.backlog, &mut self.job) else {
            self.job = None;
            actions.push(Action::AbortSnapshot);
            return;
        };
        let reader = backlog.open_reader(offset).expect("the end of the stream can be read");
        job.started = Some(Started { offset, reader, mark });
        let (job, form) = (&*job, job.form);
        let takers: Vec<LinkId> =
            self.links.iter().filter(|(_, link)| job.takes(link)).map(|(id, _)| *id).collect();
        for &id in &takers {
            self.begin_full_resync(id, offset, actions);
            if form == SnapshotForm::Diskless {
                let header = [b"$EOF:", &mark[..], b"\r\n"].concat();
                actions.push(Action::Send { link: id, bytes: header.into() });
                actions.push(Action::SendSnapshot { link: id });
            }
        }
        actions.push(Action::ForgetDb);
        if takers.is_empty() {
            self.end_job();
            actions.push(Action::AbortSnapshot);
        }
    }

    fn random_mark(&mut self) -> [u8; 40] {
        let id = crate::ReplicationId::from_random((self.random)());
        id.as_str().as_bytes().try_into().expect("an id has 40 digits")
    }

    /// Answers PSYNC with the snapshot's offset, and pins the stream behind it unless only the snapshot is wanted.
    fn begin_full_resync(&mut self, id: LinkId, offset: u64, actions: &mut Vec<Action>) {
        let backlog = self.backlog.as_mut().expect("a replica has attached");
        let link = self.links.get_mut(&id).expect("the caller found the link");
        link.state = LinkState::WaitEnd;
        if !link.rdb_only {
            link.reader = Some(backlog.open_reader(offset).expect("the job's reader holds the offset"));
        }
        if !link.pre_psync {
            let reply = format!("+FULLRESYNC {} {offset}\r\n", self.history.id());
            actions.push(Action::Send { link: id, bytes: reply.into() });
        }
    }

    pub(super) fn snapshot_ready(&mut self, length: u64, now_ms: u64, actions: &mut Vec<Action>) {
        let Some((form, started)) = self.end_job() else { return };
        for id in self.replica_ids(|link| link.state == LinkState::WaitEnd) {
            match form {
                SnapshotForm::Diskless => {
                    let mark = Bytes::copy_from_slice(&started.mark);
                    actions.push(Action::Send { link: id, bytes: mark });
                    self.put_online(id, true, now_ms, actions);
                }
                SnapshotForm::Spool => {
                    self.links.get_mut(&id).expect("the id is a link's").state = LinkState::SendBulk;
                    actions.push(Action::Send { link: id, bytes: format!("${length}\r\n").into() });
                    actions.push(Action::SendSnapshot { link: id });
                }
            }
        }
        self.start_snapshot_if_due(now_ms, actions);
    }

    pub(super) fn snapshot_sent(&mut self, id: LinkId, now_ms: u64, actions: &mut Vec<Action>) {
        if self.link_state(id) == Some(LinkState::SendBulk) {
            self.put_online(id, false, now_ms, actions);
        }
    }

    /// Behind a diskless snapshot the stream waits for the first ACK; behind a spool it follows at once.
    fn put_online(&mut self, id: LinkId, on_ack: bool, now_ms: u64, actions: &mut Vec<Action>) {
        let link = self.links.get_mut(&id).expect("the caller found the link");
        if link.rdb_only {
            self.close(id, CloseReason::SnapshotOnly, now_ms, actions);
            return;
        }
        link.state = LinkState::Online;
        link.ack_ms = now_ms;
        link.blocked_since_ms = None;
        link.stream_on_ack = on_ack;
        if !on_ack {
            actions.push(Action::StartStream { link: id });
        }
    }

    /// A failure before the start is answered with an error, so that the replica tries again; after the start only
    /// closing the connection is left.
    pub(super) fn snapshot_failed(&mut self, now_ms: u64, actions: &mut Vec<Action>) {
        let started = self.end_job().is_some();
        let lost = if started { LinkState::WaitEnd } else { LinkState::WaitStart };
        for id in self.replica_ids(|link| link.state == lost) {
            if !started {
                let error = b"-ERR BGSAVE failed, replication can't continue\r\n";
                actions.push(Action::Send { link: id, bytes: Bytes::from_static(error) });
            }
            self.close(id, CloseReason::SnapshotFailed, now_ms, actions);
        }
        self.start_snapshot_if_due(now_ms, actions);
    }

    /// Called when a link in `state` is gone: aborts a snapshot that no replica waits for.
    pub(super) fn abort_snapshot_without_takers(&mut self, state: LinkState, actions: &mut Vec<Action>) {
        let started = self.job.as_ref().is_some_and(|job| job.started.is_some());
        let others = self.links.values().any(|link| link.state == LinkState::WaitEnd);
        if started && state == LinkState::WaitEnd && !others {
            self.end_job();
            actions.push(Action::AbortSnapshot);
        }
    }

    /// Forgets the job. Returns its form and start if it had started.
    fn end_job(&mut self) -> Option<(SnapshotForm, Started)> {
        let job = self.job.take()?;
        let started = job.started?;
        if let Some(backlog) = &mut self.backlog {
            backlog.close_reader(started.reader);
        }
        Some((job.form, started))
    }
}
