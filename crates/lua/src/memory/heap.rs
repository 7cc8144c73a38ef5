//! All objects of a machine, and their bytes.
//!
//! Every allocation whose size a script decides is checked against the limit first, so that a script that wants too
//! much gets an error and the process goes on. `used` is the sum of what live and not yet swept objects take.

use super::arena::{Arena, Mark};
use super::collect::Collector;
use super::objects::{Closure, Native, Thread, Upvalue};
use super::strings::{SHORT, Strings, Text};
use super::table::{self, Sizes, Table};
use crate::compile::code::Proto;
use crate::value::{
    ClosureId, NativeId, ProtoId, Result, StrId, TableId, ThreadId, Thrown, UpvalueId, Value,
};
use hashing::Hasher;

/// What a metatable can define. The first eight are looked up often, so tables remember that they lack them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Event {
    Index,
    NewIndex,
    Eq,
    Mode,
    Call,
    Len,
    Metatable,
    ToString,
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
    Unm,
    Lt,
    Le,
    Concat,
}

/// The names of events, in their order.
pub(crate) const EVENTS: [&str; 18] = [
    "__index",
    "__newindex",
    "__eq",
    "__mode",
    "__call",
    "__len",
    "__metatable",
    "__tostring",
    "__add",
    "__sub",
    "__mul",
    "__div",
    "__mod",
    "__pow",
    "__unm",
    "__lt",
    "__le",
    "__concat",
];

/// The most bytes of one string, as Lua 5.1 counts lengths in an int here and there.
const LONGEST: usize = i32::MAX as usize;

/// All objects of a machine.
pub(crate) struct Heap {
    pub(crate) strings: Strings,
    pub(crate) tables: Arena<Table>,
    pub(crate) closures: Arena<Closure>,
    pub(crate) natives: Arena<Native>,
    pub(crate) upvalues: Arena<Upvalue>,
    pub(crate) threads: Arena<Thread>,
    /// A function that runs is taken out, so that its code can be read while all else changes.
    pub(crate) protos: Arena<Option<Box<Proto>>>,
    pub(crate) used: usize,
    pub(crate) limit: usize,
    pub(crate) collector: Collector,
    pub(crate) events: [StrId; EVENTS.len()],
    /// The metatable of all strings.
    pub(crate) string_meta: Option<TableId>,
    /// `next`, which loops run without a call.
    pub(crate) next: Option<NativeId>,
}

impl Heap {
    pub(crate) fn new(hasher: Hasher, limit: usize) -> Heap {
        let mut heap = Heap {
            strings: Strings::new(hasher),
            tables: Arena::default(),
            closures: Arena::default(),
            natives: Arena::default(),
            upvalues: Arena::default(),
            threads: Arena::default(),
            protos: Arena::default(),
            used: 0,
            limit: usize::MAX,
            collector: Collector::default(),
            events: [StrId(0); EVENTS.len()],
            string_meta: None,
            next: None,
        };
        for (at, name) in EVENTS.iter().enumerate() {
            heap.events[at] = heap.intern(name.as_bytes());
        }
        heap.limit = limit;
        heap
    }

    /// Whether this many bytes more are allowed.
    #[inline]
    pub(crate) fn check(&self, bytes: usize) -> Result<()> {
        if self.used.saturating_add(bytes) > self.limit { Err(Thrown::Memory) } else { Ok(()) }
    }

    fn white(&self) -> Mark {
        Mark::White(self.collector.colour)
    }

    /// Interns a short text without asking the limit: for names of ours and messages.
    pub(crate) fn intern(&mut self, bytes: &[u8]) -> StrId {
        let (id, is_new) = self.strings.intern(bytes, self.white());
        if is_new {
            self.used += Strings::cost(bytes.len());
        }
        id
    }

    /// A string with these bytes.
    pub(crate) fn string(&mut self, bytes: &[u8]) -> Result<StrId> {
        self.check(Strings::cost(bytes.len()))?;
        if bytes.len() <= SHORT {
            return Ok(self.intern(bytes));
        }
        let mut buffer = self.buffer(bytes.len())?;
        buffer.extend_from_slice(bytes);
        self.string_of(buffer)
    }

    /// A string made of a buffer.
    pub(crate) fn string_of(&mut self, buffer: Vec<u8>) -> Result<StrId> {
        if buffer.len() <= SHORT {
            return self.string(&buffer);
        }
        let cost = Strings::cost(buffer.len());
        self.check(cost)?;
        if self.strings.arena.len() >= Arena::<Text>::MOST {
            return Err(Thrown::Memory);
        }
        self.used += cost;
        Ok(self.strings.insert_long(buffer.into_boxed_slice(), self.white()))
    }

    /// An empty buffer with room for this many bytes, which is checked: against the limit, and with the system.
    pub(crate) fn buffer(&self, bytes: usize) -> Result<Vec<u8>> {
        if bytes > LONGEST {
            return Err(Thrown::Memory);
        }
        self.check(bytes)?;
        let mut buffer = Vec::new();
        buffer.try_reserve_exact(bytes).map_err(|_| Thrown::Memory)?;
        Ok(buffer)
    }

    /// The bytes of a string.
    #[inline]
    pub(crate) fn bytes(&self, id: StrId) -> &[u8] {
        self.strings.bytes(id)
    }

    pub(crate) fn table(&mut self, array: usize, entries: usize) -> Result<TableId> {
        let sizes = Sizes { array, entries: if entries == 0 { 0 } else { entries.next_power_of_two() } };
        let bytes = Arena::<Table>::PLACE + sizes.bytes();
        self.check(bytes)?;
        let mut table = Table::default();
        if sizes.bytes() > 0 {
            table.resize(&self.strings, sizes);
        }
        self.used += bytes;
        Ok(TableId(self.tables.insert(table, self.white())))
    }

    pub(crate) fn closure(&mut self, closure: Closure) -> Result<ClosureId> {
        let bytes = Arena::<Closure>::PLACE + size_of_val(&*closure.upvalues);
        self.check(bytes)?;
        self.used += bytes;
        Ok(ClosureId(self.closures.insert(closure, self.white())))
    }

    pub(crate) fn native(&mut self, native: Native) -> Result<NativeId> {
        let bytes = Arena::<Native>::PLACE + size_of_val(&*native.upvalues);
        self.check(bytes)?;
        self.used += bytes;
        Ok(NativeId(self.natives.insert(native, self.white())))
    }

    pub(crate) fn upvalue(&mut self, upvalue: Upvalue) -> Result<UpvalueId> {
        let bytes = Arena::<Upvalue>::PLACE;
        self.check(bytes)?;
        self.used += bytes;
        Ok(UpvalueId(self.upvalues.insert(upvalue, self.white())))
    }

    pub(crate) fn thread(&mut self, thread: Thread) -> Result<ThreadId> {
        let bytes = Arena::<Thread>::PLACE + thread.counted;
        self.check(bytes)?;
        self.used += bytes;
        Ok(ThreadId(self.threads.insert(thread, self.white())))
    }

    pub(crate) fn proto(&mut self, proto: Proto) -> Result<ProtoId> {
        let bytes = Arena::<Option<Box<Proto>>>::PLACE + proto.bytes();
        self.check(bytes)?;
        self.used += bytes;
        Ok(ProtoId(self.protos.insert(Some(Box::new(proto)), self.white())))
    }

    /// A compiled function that does not run at this moment.
    #[inline]
    pub(crate) fn code(&self, id: ProtoId) -> &Proto {
        self.protos[id.0].as_ref().expect("only the running function is taken out, and only while it runs")
    }

    /// Whether two values are the same, without metamethods.
    #[inline]
    pub(crate) fn same(&self, a: Value, b: Value) -> bool {
        table::same(&self.strings, a, b)
    }

    /// `rawget`.
    #[inline]
    pub(crate) fn get(&mut self, table: TableId, key: Value) -> Value {
        if let Value::Str(id) = key
            && id.is_long()
        {
            self.strings.prepare_key(id);
        }
        self.tables[table.0].get(&self.strings, key)
    }

    /// The value of a name of ours.
    pub(crate) fn get_name(&mut self, table: TableId, name: &str) -> Value {
        let id = self.intern(name.as_bytes());
        self.tables[table.0].get_short(id)
    }

    /// `rawset`. The key is neither nil nor NaN, and the table is not read-only.
    pub(crate) fn set(&mut self, table: TableId, key: Value, value: Value) -> Result<()> {
        if let Value::Str(id) = key
            && id.is_long()
        {
            self.strings.prepare_key(id);
        }
        self.guard(table, key, value);
        let object = &mut self.tables[table.0];
        if let Some(place) = object.place_of(&self.strings, key) {
            object.absent = 0;
            object.put(place, value);
            return Ok(());
        }
        self.add(table, key, value)
    }

    /// Adds a key that has no place yet.
    pub(crate) fn add(&mut self, table: TableId, key: Value, value: Value) -> Result<()> {
        if value.is_nil() {
            return Ok(());
        }
        if self.tables[table.0].is_full() {
            let sizes = self.tables[table.0].sizes_with(key);
            self.resize(table, sizes)?;
            if let Some(place) = self.tables[table.0].place_of(&self.strings, key) {
                self.tables[table.0].put(place, value);
                return Ok(());
            }
        }
        self.tables[table.0].add(&self.strings, key, value);
        Ok(())
    }

    /// Gives a table room.
    pub(crate) fn resize(&mut self, table: TableId, sizes: Sizes) -> Result<()> {
        let old = self.tables[table.0].bytes();
        let new = sizes.bytes();
        if new > old {
            // The old parts live until the new ones are filled.
            self.check(new)?;
        }
        self.tables[table.0].resize(&self.strings, sizes);
        self.used = self.used + new - old;
        self.collector.rescan(&self.tables, table);
        Ok(())
    }

    /// Makes room for array positions 1 to n.
    pub(crate) fn reserve_array(&mut self, table: TableId, n: usize) -> Result<()> {
        let sizes = self.tables[table.0].sizes();
        if n > sizes.array { self.resize(table, Sizes { array: n, ..sizes }) } else { Ok(()) }
    }

    /// Keeps the collector right when a reached table gets a value.
    #[inline]
    pub(crate) fn guard(&mut self, table: TableId, key: Value, value: Value) {
        if self.collector.is_marking && self.tables.mark(table.0) == Mark::Black {
            self.mark(key);
            self.mark(value);
        }
    }

    /// `#`, without metamethods.
    pub(crate) fn length(&self, table: TableId) -> usize {
        self.tables[table.0].length(&self.strings)
    }

    /// The metatable of a value.
    #[inline]
    pub(crate) fn metatable(&self, value: Value) -> Option<TableId> {
        match value {
            Value::Table(table) => self.tables[table.0].meta,
            Value::Str(_) => self.string_meta,
            _ => None,
        }
    }

    /// What a metatable says about an event; nil if nothing.
    #[inline]
    pub(crate) fn event_of(&mut self, meta: TableId, event: Event) -> Value {
        let place = event as u8;
        let table = &mut self.tables[meta.0];
        if place < 8 && table.absent & (1 << place) != 0 {
            return Value::Nil;
        }
        let found = table.get_short(self.events[place as usize]);
        if place < 8 && found.is_nil() {
            table.absent |= 1 << place;
        }
        found
    }

    /// What the metatable of a value says about an event.
    #[inline]
    pub(crate) fn event(&mut self, value: Value, event: Event) -> Value {
        match self.metatable(value) {
            Some(meta) => self.event_of(meta, event),
            None => Value::Nil,
        }
    }
}
