//! The log on a disk that is full, fails, and loses its power, at every one of its calls.

use super::tests::{decision, empty, next_node};
use super::*;
use files::simulation::{SECTOR_BYTES, Simulation, Survival, random};
use fleet::NodeId;

/// How often each crash is looked at.
const CRASHES: u64 = 40;

/// A control plane, and what it owes.
struct Keeper {
    directory: Directory,
    store: Option<(Store, Fleet)>,
    /// How many decisions somebody has heard of, or has built others on.
    promised: u64,
    /// All decisions that were to be written: whether they must be on the disk.
    attempted: Vec<bool>,
}

impl Keeper {
    fn on(disk: &Simulation) -> Keeper {
        Keeper { directory: disk.directory("/data/control"), store: None, promised: 0, attempted: Vec::new() }
    }

    /// The next start, in the same boot of the machine.
    fn start(&mut self) -> io::Result<()> {
        self.store = None;
        let opened = Store::open_in(self.directory.clone(), empty).map_err(|why| match why {
            StoreError::Io(error) => error,
            other => panic!("{other}"),
        })?;
        let found = opened.0.sequence;
        let possible = self.promised..=self.attempted.len() as u64;
        assert!(possible.contains(&found), "{found} of {possible:?}");
        self.attempted.truncate(found as usize);
        self.promised = found;
        let last = self.attempted.iter().rposition(|durable| *durable).map_or(0, |at| at as u64 + 1);
        assert_eq!(next_node(&opened.1), last + 1, "the state is that of its sequence");
        self.store = Some(opened);
        Ok(())
    }

    fn decide(&mut self, durable: bool) -> io::Result<()> {
        self.attempted.push(durable);
        let (store, fleet) = self.store.as_mut().expect("it was started");
        let commands = decision_of(self.attempted.len() as u64, durable);
        store.append(7, &commands)?;
        fleet.apply(7, "us-east-1", &commands[0].1).unwrap();
        if durable {
            self.promised = self.attempted.len() as u64;
        }
        Ok(())
    }

    /// As the service does it: when it fails the log goes on.
    fn compact(&mut self) {
        let (store, fleet) = self.store.as_mut().expect("it was started");
        store.lines = LINES_PER_SNAPSHOT;
        if store.compact(fleet).is_ok() {
            self.promised = self.attempted.len() as u64;
        }
    }

    /// A life with everything in it, up to the first failure that ends a process.
    fn live(&mut self) -> io::Result<()> {
        self.start()?;
        self.decide(false)?;
        self.decide(true)?;
        self.decide(false)?;
        self.compact();
        self.decide(true)?;
        self.decide(false)?;
        self.decide(false)?;
        self.start()?;
        self.decide(false)?;
        self.decide(true)?;
        self.decide(false)?;
        self.decide(false)
    }
}

fn calls_of_a_life() -> u64 {
    let disk = Simulation::new();
    Keeper::on(&disk).live().unwrap();
    disk.calls()
}

/// The machine crashes in every way, and starts again: what was promised is there, and stays.
fn crash_and_start(disk: &Simulation, keeper: &Keeper, survival: Survival) {
    for seed in 0..CRASHES {
        let mut choose = random(seed);
        let after = disk.crash(survival, &mut choose);
        let mut next =
            Keeper { promised: keeper.promised, attempted: keeper.attempted.clone(), ..Keeper::on(&after) };
        next.start().unwrap();
        next.decide(true).unwrap();
        next.decide(false).unwrap();
        let again = after.crash(survival, &mut choose);
        Keeper { promised: next.promised, attempted: next.attempted, ..Keeper::on(&again) }.start().unwrap();
    }
}

/// Some sectors long.
fn decision_of(number: u64, durable: bool) -> Vec<(String, Command)> {
    let seen = || vec![(String::new(), Command::Forget { node: NodeId(number) })];
    let commands: Vec<_> = (0..20).flat_map(|_| if durable { decision(number) } else { seen() }).collect();
    assert_eq!(is_promised(&commands), durable);
    assert!(format::line(number, 7, &commands).unwrap().len() > SECTOR_BYTES);
    commands
}

#[test]
fn what_was_promised_is_there_whenever_the_machine_loses_its_power() {
    for call in 0..=calls_of_a_life() {
        let disk = Simulation::new();
        disk.stop_at(call);
        let mut keeper = Keeper::on(&disk);
        assert_eq!(keeper.live().is_ok(), call == calls_of_a_life(), "call {call}");
        for survival in [Survival::Prefix, Survival::Sectors] {
            crash_and_start(&disk, &keeper, survival);
        }
    }
}

#[test]
fn a_call_that_fails_loses_nothing_that_was_promised_then_or_later() {
    for call in 0..calls_of_a_life() {
        let disk = Simulation::new();
        disk.fail(None, call);
        let mut keeper = Keeper::on(&disk);
        let lived = keeper.live();
        for survival in [Survival::Prefix, Survival::Sectors] {
            crash_and_start(&disk, &keeper, survival);
        }
        if lived.is_err() {
            // The process ends and begins again, the machine goes on: what it reads no disk may hold.
            keeper.start().unwrap();
            keeper.decide(true).unwrap();
        }
        for survival in [Survival::Prefix, Survival::Sectors] {
            crash_and_start(&disk, &keeper, survival);
        }
    }
}

#[test]
fn a_full_disk_loses_nothing_that_was_promised_and_the_next_start_with_room_goes_on() {
    let mut bytes = 0;
    loop {
        let disk = Simulation::new();
        disk.fill_after(bytes);
        let mut keeper = Keeper::on(&disk);
        match keeper.live() {
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::StorageFull, "{error}"),
            Ok(()) => break,
        }
        disk.make_room();
        keeper.start().unwrap();
        keeper.decide(true).unwrap();
        crash_and_start(&disk, &keeper, Survival::Prefix);
        bytes += 97;
    }
    assert!(bytes > 5_000, "it was full at many places: {bytes}");
}

/// The rename of the log is seen, and whether the disk has it is not known: lines that went to the new one could be gone
/// with it.
#[test]
fn nothing_is_promised_by_a_log_whose_name_a_crash_may_take_back() {
    let disk = Simulation::new();
    let mut keeper = Keeper::on(&disk);
    keeper.start().unwrap();
    keeper.decide(true).unwrap();
    // The snapshot's is the first.
    disk.fail(Some(Action::SyncDirectory), 1);
    keeper.compact();
    let error = keeper.decide(true).unwrap_err();
    assert_eq!(error.to_string(), "it is not known which log of the fleet the disk holds");
    keeper.start().unwrap();
    keeper.decide(true).unwrap();
    crash_and_start(&disk, &keeper, Survival::Prefix);
}

/// A sector in the midst of what was synced is not a crash's work.
#[test]
fn zeros_before_what_was_promised_are_damage() {
    let disk = Simulation::new();
    let mut keeper = Keeper::on(&disk);
    keeper.start().unwrap();
    for durable in [false, false, true, false] {
        keeper.decide(durable).unwrap();
    }
    let whole = keeper.directory.read("fleet.log").unwrap().unwrap();
    let open = |zeros: std::ops::Range<usize>, length: usize| {
        let mut bytes = whole[..length].to_vec();
        bytes[zeros].fill(0);
        keeper.directory.publish("fleet.log", Permission::Usual, &bytes).unwrap();
        Store::open_in(keeper.directory.clone(), empty).map(|(store, _)| store.sequence)
    };
    let snapshot = keeper.directory.read("fleet.json").unwrap().unwrap();
    let ends: Vec<usize> = (0..whole.len()).filter(|at| whole[*at] == b'\n').map(|at| at + 1).collect();
    let error = open(SECTOR_BYTES..2 * SECTOR_BYTES, whole.len()).unwrap_err();
    assert!(error.to_string().contains("fleet.log is damaged (line 2)"), "{error}");
    // Neither ends at the end of a sector nor of the file.
    let error = open(SECTOR_BYTES..2 * SECTOR_BYTES - 1, ends[3]).unwrap_err();
    assert!(error.to_string().contains("is damaged"), "{error}");
    // The head is never lost, for it was published.
    let error = open(0..SECTOR_BYTES, ends[3]).unwrap_err();
    assert!(error.to_string().contains("is damaged"), "{error}");
    // With nothing behind the promise, it may have been on its way.
    assert_eq!(open(SECTOR_BYTES..2 * SECTOR_BYTES, ends[3]).unwrap(), 0);
    keeper.directory.publish("fleet.json", Permission::Usual, &snapshot).unwrap();
    assert_eq!(open(ends[4] - 10..ends[4], whole.len()).unwrap(), 3);
}
