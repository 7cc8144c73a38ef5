//! The collector: mark and sweep, in slices.
//!
//! ```text
//!   pause ──▶ marking, a slice at a time ──▶ the stacks once more ──▶ sweeping, a slice at a time ──▶ pause
//! ```
//! An object is white, or black once it was reached. A black table may still wait in `grey` for its contents to be
//! scanned; a long one is scanned in pieces. While marking goes on, a value that is stored into a black object is
//! marked at once (`Heap::guard`), so nothing black ever needs to be scanned again but the stacks, which are not
//! guarded: they are scanned when marking ends. New objects are white. When sweeping starts the colours change, so
//! that new objects survive it.
//!
//! A slice is due after every `step` bytes of allocation and works through `work` units, so a cycle ends before the heap
//! has doubled.

use super::arena::{Arena, Mark};
use super::heap::{Event, Heap};
use super::objects::{Closure, Native, Thread, Upvalue};
use super::strings::Strings;
use super::table::Table;
use crate::compile::code::Proto;
use crate::value::{ProtoId, TableId, ThreadId, UpvalueId, Value};

/// What waits to be scanned.
#[derive(Debug, Clone, Copy)]
enum Grey {
    /// A table, from this step of its iteration on.
    Table(TableId, usize),
    Closure(u32),
    Native(u32),
    Thread(u32),
    Proto(ProtoId),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Phase {
    #[default]
    Pause,
    Marking,
    /// The kind of objects, and the place.
    Sweeping(u8, u32),
}

/// How often slices are, and how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Bytes of allocation between two slices.
    pub(crate) step: usize,
    /// Units of work of a slice: about one for 16 bytes.
    pub(crate) work: usize,
    /// A cycle does not begin below so many bytes.
    pub(crate) least: usize,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace { step: 32 << 10, work: 16 << 10, least: 256 << 10 }
    }
}

/// The state of a cycle.
#[derive(Debug, Default)]
pub(crate) struct Collector {
    /// Which white is alive.
    pub(crate) colour: bool,
    /// Whether stores into black objects must mark.
    pub(crate) is_marking: bool,
    phase: Phase,
    grey: Vec<Grey>,
    /// Threads that were reached; their stacks are scanned again.
    threads: Vec<u32>,
    /// Tables with weak keys, values or both that were reached.
    weak: Vec<(TableId, bool, bool)>,
    /// When the next slice is due.
    pub(crate) due: usize,
    /// Whether the host or the script stopped it.
    pub(crate) is_stopped: bool,
    pub(crate) pace: Pace,
    /// By how many percent the heap grows between two cycles.
    pub(crate) pause: usize,
}

impl Collector {
    /// A table's parts have moved: what was scanned of it means nothing.
    pub(crate) fn rescan(&mut self, tables: &Arena<Table>, table: TableId) {
        if self.is_marking && tables.mark(table.0) == Mark::Black {
            self.grey.push(Grey::Table(table, 0));
        }
    }
}

impl Heap {
    /// Whether a slice is due.
    #[inline]
    pub(crate) fn is_due(&self) -> bool {
        self.used >= self.collector.due
    }

    /// Runs a slice. The roots are marked by the caller's function, at the start and at the end of marking.
    pub(crate) fn slice(&mut self, roots: &mut dyn FnMut(&mut Heap)) {
        if self.collector.is_stopped {
            self.collector.due = self.used + self.collector.pace.step;
            return;
        }
        if self.collector.due == 0 {
            // The first call only sets the pace.
            self.collector.due = self.collector.pace.least.max(self.used);
            return;
        }
        self.advance(self.collector.pace.work, roots);
        if self.collector.phase != Phase::Pause {
            self.collector.due = self.used + self.collector.pace.step;
        }
    }

    /// Runs a cycle from its beginning to its end.
    pub(crate) fn collect(&mut self, roots: &mut dyn FnMut(&mut Heap)) {
        while self.collector.phase != Phase::Pause {
            self.advance(usize::MAX / 2, roots);
        }
        self.advance(0, roots);
        while self.collector.phase != Phase::Pause {
            self.advance(usize::MAX / 2, roots);
        }
    }

    /// Goes on by so much work, at most to the end of the phase. True if a cycle ended.
    pub(crate) fn advance(&mut self, work: usize, roots: &mut dyn FnMut(&mut Heap)) -> bool {
        match self.collector.phase {
            Phase::Pause => {
                self.collector.is_marking = true;
                self.collector.phase = Phase::Marking;
                self.mark_own();
                roots(self);
            }
            Phase::Marking => {
                if self.scan(work) {
                    self.finish_marking(roots);
                }
            }
            Phase::Sweeping(kind, place) => {
                if self.sweep(kind, place, work) {
                    let pause = if self.collector.pause == 0 { 200 } else { self.collector.pause };
                    let next = (self.used / 100).saturating_mul(pause);
                    // Near the limit the next cycle comes sooner.
                    let room = self.limit.saturating_sub(self.used) / 2;
                    self.collector.due = next
                        .max(self.collector.pace.least)
                        .max(self.used + self.collector.pace.step)
                        .min(self.used.saturating_add(room.max(self.collector.pace.step)));
                    self.collector.phase = Phase::Pause;
                    return true;
                }
            }
        }
        false
    }

    fn mark_own(&mut self) {
        for id in self.events {
            self.mark(Value::Str(id));
        }
        if let Some(meta) = self.string_meta {
            self.mark(Value::Table(meta));
        }
        if let Some(next) = self.next {
            self.mark(Value::Native(next));
        }
    }

    /// Marks what a value names.
    #[inline]
    pub(crate) fn mark(&mut self, value: Value) {
        match value {
            Value::Nil | Value::Bool(_) | Value::Number(_) | Value::Pointer(_) => {}
            Value::Str(id) => {
                let place = id.0 & !crate::value::StrId::LONG;
                if self.strings.arena.mark(place) != Mark::Free {
                    self.strings.arena.set_mark(place, Mark::Black);
                }
            }
            Value::Table(id) => {
                if let Mark::White(_) = self.tables.mark(id.0) {
                    self.tables.set_mark(id.0, Mark::Black);
                    self.collector.grey.push(Grey::Table(id, 0));
                }
            }
            Value::Function(id) => {
                if let Mark::White(_) = self.closures.mark(id.0) {
                    self.closures.set_mark(id.0, Mark::Black);
                    self.collector.grey.push(Grey::Closure(id.0));
                }
            }
            Value::Native(id) => {
                if let Mark::White(_) = self.natives.mark(id.0) {
                    self.natives.set_mark(id.0, Mark::Black);
                    self.collector.grey.push(Grey::Native(id.0));
                }
            }
            Value::Thread(id) => self.mark_thread(id),
        }
    }

    pub(crate) fn mark_thread(&mut self, id: ThreadId) {
        if let Mark::White(_) = self.threads.mark(id.0) {
            self.threads.set_mark(id.0, Mark::Black);
            self.collector.grey.push(Grey::Thread(id.0));
            self.collector.threads.push(id.0);
        }
    }

    pub(crate) fn mark_proto(&mut self, id: ProtoId) {
        if let Mark::White(_) = self.protos.mark(id.0) {
            self.protos.set_mark(id.0, Mark::Black);
            self.collector.grey.push(Grey::Proto(id));
        }
    }

    fn mark_upvalue(&mut self, id: UpvalueId) {
        if let Mark::White(_) = self.upvalues.mark(id.0) {
            self.upvalues.set_mark(id.0, Mark::Black);
            match self.upvalues[id.0] {
                Upvalue::Closed(value) => self.mark(value),
                Upvalue::Open(thread, slot) => {
                    // Not there for the running thread, whose whole stack is a root.
                    if let Some(value) = self.threads[thread.0].stack.get(slot as usize) {
                        self.mark(*value);
                    }
                }
            }
        }
    }

    /// Scans what waits. True when nothing is left.
    fn scan(&mut self, mut work: usize) -> bool {
        while let Some(grey) = self.collector.grey.pop() {
            let done = match grey {
                Grey::Table(id, from) => self.scan_table(id, from, work),
                Grey::Closure(place) => {
                    let closure = std::mem::take(&mut self.closures[place]);
                    self.mark(Value::Table(closure.env));
                    self.mark_proto(closure.proto);
                    for upvalue in &closure.upvalues {
                        self.mark_upvalue(*upvalue);
                    }
                    let done = 2 + closure.upvalues.len();
                    self.closures[place] = closure;
                    done
                }
                Grey::Native(place) => {
                    let native = std::mem::take(&mut self.natives[place]);
                    native.upvalues.iter().for_each(|value| self.mark(*value));
                    let done = 1 + native.upvalues.len();
                    self.natives[place] = native;
                    done
                }
                Grey::Thread(place) => self.scan_thread(place),
                Grey::Proto(id) => self.scan_proto(id),
            };
            work = work.saturating_sub(done + 1);
            if work == 0 {
                return self.collector.grey.is_empty();
            }
        }
        true
    }

    fn scan_table(&mut self, id: TableId, from: usize, work: usize) -> usize {
        let mut weak = (false, false);
        if let Some(meta) = self.tables[id.0].meta {
            self.mark(Value::Table(meta));
            if let Value::Str(mode) = self.event_of(meta, Event::Mode) {
                let mode = self.bytes(mode);
                weak = (mode.contains(&b'k'), mode.contains(&b'v'));
            }
        }
        if (weak.0 || weak.1) && from == 0 {
            self.collector.weak.push((id, weak.0, weak.1));
        }
        if weak.0 && weak.1 {
            return 1;
        }
        let end = self.tables[id.0].span().min(from.saturating_add(work.max(64)));
        for position in from..end {
            let (key, value) = self.tables[id.0].step(position);
            if !weak.0 {
                self.mark(key);
            }
            if !weak.1 {
                self.mark(value);
            }
        }
        if end < self.tables[id.0].span() {
            self.collector.grey.push(Grey::Table(id, end));
        }
        end.saturating_sub(from)
    }

    fn scan_thread(&mut self, place: u32) -> usize {
        let thread = std::mem::take(&mut self.threads[place]);
        self.scan_stack(&thread);
        let done = thread.stack.len();
        self.threads[place] = thread;
        done
    }

    /// Marks what stands on a stack.
    pub(crate) fn scan_stack(&mut self, thread: &Thread) {
        let mut end = thread.top;
        for frame in &thread.frames {
            end = end.max(frame.base as usize + usize::from(frame.extent));
            if let Some(closure) = frame.closure() {
                self.mark(Value::Function(closure));
            }
        }
        for value in &thread.stack[..end.min(thread.stack.len())] {
            self.mark(*value);
        }
        // The list names them, so they must stay even when no closure does.
        for (_, upvalue) in &thread.open {
            self.mark_upvalue(*upvalue);
        }
    }

    fn scan_proto(&mut self, id: ProtoId) -> usize {
        let proto = self.protos[id.0].take();
        let mut done = 0;
        if let Some(proto) = &proto {
            done = proto.constants.len() + proto.protos.len();
            proto.constants.iter().for_each(|value| self.mark(*value));
            proto.protos.iter().for_each(|inner| self.mark_proto(*inner));
        }
        self.protos[id.0] = proto;
        done
    }

    fn finish_marking(&mut self, roots: &mut dyn FnMut(&mut Heap)) {
        roots(self);
        self.scan(usize::MAX);
        let mut at = 0;
        // Scanning a stack may reach further threads.
        while at < self.collector.threads.len() {
            self.scan_thread(self.collector.threads[at]);
            self.scan(usize::MAX);
            at += 1;
        }
        self.collector.threads.clear();
        let mut weak = std::mem::take(&mut self.collector.weak);
        for (id, keys, values) in weak.drain(..) {
            let mut table = std::mem::take(&mut self.tables[id.0]);
            table.clear_where(|key, value| {
                // Strings are values: they do not go, and so they are kept.
                for kept in [key, value] {
                    if let Value::Str(_) = kept {
                        self.mark(kept);
                    }
                }
                keys && self.is_white(key) || values && self.is_white(value)
            });
            self.tables[id.0] = table;
        }
        self.collector.weak = weak;
        self.collector.is_marking = false;
        self.collector.colour = !self.collector.colour;
        self.collector.phase = Phase::Sweeping(0, 0);
    }

    fn is_white(&self, value: Value) -> bool {
        let mark = match value {
            Value::Table(id) => self.tables.mark(id.0),
            Value::Function(id) => self.closures.mark(id.0),
            Value::Native(id) => self.natives.mark(id.0),
            Value::Thread(id) => self.threads.mark(id.0),
            _ => return false,
        };
        mark != Mark::Black
    }

    /// Sweeps from a place on. True when everything is swept.
    fn sweep(&mut self, mut kind: u8, mut place: u32, mut work: usize) -> bool {
        loop {
            let len = match kind {
                // Threads first: what they leave open must still be alive.
                0 => self.threads.len(),
                1 => self.strings.arena.len(),
                2 => self.tables.len(),
                3 => self.closures.len(),
                4 => self.natives.len(),
                5 => self.upvalues.len(),
                6 => self.protos.len(),
                _ => return true,
            };
            while (place as usize) < len {
                if work == 0 {
                    self.collector.phase = Phase::Sweeping(kind, place);
                    return false;
                }
                work -= 1;
                self.sweep_one(kind, place);
                place += 1;
            }
            (kind, place) = (kind + 1, 0);
        }
    }

    fn sweep_one(&mut self, kind: u8, place: u32) {
        let dead = Mark::White(!self.collector.colour);
        let alive = Mark::White(self.collector.colour);
        /// Makes a black object white; true if the object is dead.
        fn judge<T: Default>(arena: &mut Arena<T>, place: u32, dead: Mark, alive: Mark) -> bool {
            match arena.mark(place) {
                Mark::Black => arena.set_mark(place, alive),
                mark if mark == dead => return true,
                _ => {}
            }
            false
        }
        match kind {
            0 if judge(&mut self.threads, place, dead, alive) => {
                let thread = self.threads.remove(place);
                self.used -= Arena::<Thread>::PLACE + thread.counted;
                for (slot, id) in thread.open {
                    self.upvalues[id.0] = Upvalue::Closed(thread.stack[slot as usize]);
                }
            }
            1 if judge(&mut self.strings.arena, place, dead, alive) => {
                let len = self.strings.free(place);
                self.used -= Strings::cost(len);
            }
            2 if judge(&mut self.tables, place, dead, alive) => {
                let table = self.tables.remove(place);
                self.used -= Arena::<Table>::PLACE + table.bytes();
            }
            3 if judge(&mut self.closures, place, dead, alive) => {
                let closure = self.closures.remove(place);
                self.used -= Arena::<Closure>::PLACE + size_of_val(&*closure.upvalues);
            }
            4 if judge(&mut self.natives, place, dead, alive) => {
                let native = self.natives.remove(place);
                self.used -= Arena::<Native>::PLACE + size_of_val(&*native.upvalues);
            }
            5 if judge(&mut self.upvalues, place, dead, alive) => {
                self.upvalues.remove(place);
                self.used -= Arena::<Upvalue>::PLACE;
            }
            6 if judge(&mut self.protos, place, dead, alive) => {
                let proto = self.protos.remove(place);
                let inner = proto.map_or(0, |proto| proto.bytes());
                self.used -= Arena::<Option<Box<Proto>>>::PLACE + inner;
            }
            _ => {}
        }
    }
}
