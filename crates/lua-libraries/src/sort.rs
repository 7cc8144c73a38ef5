//! `table.sort`: the quicksort of Lua 5.1, comparison by comparison, because programs see its order of equal elements.
//!
//! It is written as a machine with states, so that the comparison may be a function that takes long, yields to the
//! host or fails.

use lua::{Call, Continuation, Outcome, Result, Value};

/// What the next comparison decides.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Whether the last element is less than the first.
    Ends,
    /// Whether the middle is less than the first.
    MiddleFirst,
    /// Whether the last is less than the middle.
    LastMiddle,
    /// Whether the element at `i` is less than the pivot.
    Up,
    /// Whether the pivot is less than the element at `j`.
    Down,
}

/// The slot of the pivot among the arguments.
const PIVOT: usize = 2;

struct Sort {
    state: State,
    low: usize,
    high: usize,
    i: usize,
    j: usize,
    /// Ranges that wait.
    rest: Vec<(usize, usize)>,
}

impl Sort {
    fn get(&self, call: &Call<'_>, at: usize) -> Value {
        let Value::Table(table) = call.arg(0) else { unreachable!("it was checked") };
        call.position(table, at)
    }

    fn set(&self, call: &mut Call<'_>, at: usize, value: Value) -> Result<()> {
        let Value::Table(table) = call.arg(0) else { unreachable!("it was checked") };
        call.raw_set(table, Value::Number(at as f64), value)
    }

    fn swap(&self, call: &mut Call<'_>, a: usize, b: usize) -> Result<()> {
        let (first, second) = (self.get(call, a), self.get(call, b));
        self.set(call, a, second)?;
        self.set(call, b, first)
    }

    /// The two values of the comparison that is due: whether the first is less.
    fn operands(&self, call: &Call<'_>) -> (Value, Value) {
        let middle = (self.low + self.high) / 2;
        match self.state {
            State::Ends => (self.get(call, self.high), self.get(call, self.low)),
            State::MiddleFirst => (self.get(call, middle), self.get(call, self.low)),
            State::LastMiddle => (self.get(call, self.high), self.get(call, middle)),
            State::Up => (self.get(call, self.i), call.arg(PIVOT)),
            State::Down => (call.arg(PIVOT), self.get(call, self.j)),
        }
    }

    /// Compares if no function is needed.
    fn less(&self, call: &mut Call<'_>, a: Value, b: Value) -> Result<Option<bool>> {
        if !call.arg(1).is_nil() {
            let function = call.arg(1);
            call.push(function);
            call.push(a);
            call.push(b);
            return Ok(None);
        }
        match (a, b) {
            (Value::Number(a), Value::Number(b)) => Ok(Some(a < b)),
            (Value::Str(a), Value::Str(b)) => Ok(Some(call.bytes(a) < call.bytes(b))),
            _ => {
                let handler = if a.type_name() == b.type_name() { call.order_handler(a, b) } else { None };
                let Some(handler) = handler else { return Err(call.machine().order_error(a, b)) };
                call.push(handler);
                call.push(a);
                call.push(b);
                Ok(None)
            }
        }
    }

    /// Goes to the next comparison with the answer to the last. False when everything is sorted.
    fn advance(&mut self, call: &mut Call<'_>, is_less: bool) -> Result<bool> {
        let middle = (self.low + self.high) / 2;
        match self.state {
            State::Ends => {
                if is_less {
                    self.swap(call, self.low, self.high)?;
                }
                if self.high - self.low == 1 {
                    return Ok(self.next_range());
                }
                self.state = State::MiddleFirst;
            }
            State::MiddleFirst => {
                if is_less {
                    self.swap(call, middle, self.low)?;
                    return self.partition(call);
                }
                self.state = State::LastMiddle;
            }
            State::LastMiddle => {
                if is_less {
                    self.swap(call, middle, self.high)?;
                }
                return self.partition(call);
            }
            State::Up => {
                if is_less {
                    if self.i > self.high {
                        return Err(call.error("invalid order function for sorting"));
                    }
                    self.i += 1;
                } else {
                    self.j -= 1;
                    self.state = State::Down;
                }
            }
            State::Down => {
                if is_less {
                    if self.j < self.low {
                        return Err(call.error("invalid order function for sorting"));
                    }
                    // Below the first element there is one that C reads as well: index 0 is nil.
                    self.j = self.j.wrapping_sub(1);
                } else if self.j < self.i {
                    self.swap(call, self.high - 1, self.i)?;
                    return Ok(self.split());
                } else {
                    self.swap(call, self.i, self.j)?;
                    self.i += 1;
                    self.state = State::Up;
                }
            }
        }
        Ok(true)
    }

    /// The three ends are in order: the middle becomes the pivot.
    fn partition(&mut self, call: &mut Call<'_>) -> Result<bool> {
        if self.high - self.low == 2 {
            return Ok(self.next_range());
        }
        let middle = (self.low + self.high) / 2;
        let pivot = self.get(call, middle);
        call.set_arg(PIVOT, pivot);
        self.swap(call, middle, self.high - 1)?;
        (self.i, self.j) = (self.low + 1, self.high - 1);
        self.state = State::Up;
        Ok(true)
    }

    /// The pivot stands at `i`: the smaller side is sorted first.
    fn split(&mut self) -> bool {
        let (below, above) = ((self.low, self.i - 1), (self.i + 1, self.high));
        let is_below_smaller = self.i - self.low < self.high - self.i;
        let (first, then) = if is_below_smaller { (below, above) } else { (above, below) };
        self.rest.push(then);
        self.rest.push(first);
        self.next_range()
    }

    fn next_range(&mut self) -> bool {
        while let Some((low, high)) = self.rest.pop() {
            if low < high {
                (self.low, self.high, self.state) = (low, high, State::Ends);
                return true;
            }
        }
        false
    }

    fn go_on(mut self: Box<Self>, call: &mut Call<'_>, answer: Option<bool>) -> Result<Outcome> {
        if let Some(is_less) = answer
            && !self.advance(call, is_less)?
        {
            return Ok(Outcome::Return(0));
        }
        loop {
            let (a, b) = self.operands(call);
            call.charge(1);
            match self.less(call, a, b)? {
                None => return Ok(Outcome::Call { args: 2, results: Some(1), then: self }),
                Some(is_less) => {
                    if !self.advance(call, is_less)? {
                        return Ok(Outcome::Return(0));
                    }
                }
            }
            if call.is_exhausted() {
                return Ok(Outcome::Pause(self));
            }
        }
    }
}

impl Continuation for Sort {
    fn resume(self: Box<Self>, call: &mut Call<'_>) -> Result<Outcome> {
        let answer = (call.kept() > 0).then(|| call.pop().is_true());
        self.go_on(call, answer)
    }
}

pub(crate) fn sort(call: &mut Call<'_>) -> Result<Outcome> {
    let table = call.table(0)?;
    let length = call.length(table);
    if !call.arg(1).is_nil() {
        call.callable(1)?;
    }
    call.set_count(2);
    call.set_arg(PIVOT, Value::Nil);
    let mut sort = Sort { state: State::Ends, low: 1, high: length, i: 0, j: 0, rest: vec![(1, length)] };
    if !sort.next_range() {
        return Ok(Outcome::Return(0));
    }
    Box::new(sort).go_on(call, None)
}
