//! The library `struct`: numbers and strings as C lays them out in memory.

use lua::{Call, Machine, Outcome, Result, Value};
use number::c::to_integer;

/// The widest integer, in bytes.
const WIDEST: usize = 32;
/// The alignment of `!` without a number.
const ALIGNMENT: usize = 8;

/// Opens the library `struct`.
///
/// # Errors
/// When the machine may not take so much memory.
pub fn open_struct(machine: &mut Machine) -> Result<()> {
    machine.library("struct", &[("pack", pack), ("size", size), ("unpack", unpack)]).map(drop)
}

/// A format, read from its start to its end. It ends at a zero byte, as for C.
struct Format {
    text: Vec<u8>,
    at: usize,
    is_little: bool,
    alignment: usize,
}

/// An option of a format.
#[derive(Clone, Copy)]
struct Item {
    letter: u8,
    size: usize,
}

impl Format {
    fn new(call: &mut Call<'_>) -> Result<Format> {
        let id = call.text(0)?;
        let text = call.bytes(id).iter().copied().take_while(|byte| *byte != 0).collect();
        Ok(Format { text, at: 0, is_little: true, alignment: 1 })
    }

    fn number(&mut self, call: &mut Call<'_>, default: usize) -> Result<usize> {
        let mut number: Option<usize> = None;
        while let Some(digit) = self.text.get(self.at).filter(|byte| byte.is_ascii_digit()) {
            let next = number.unwrap_or(0) * 10 + usize::from(digit - b'0');
            if next > i32::MAX as usize {
                return Err(call.error("integral size overflow"));
            }
            number = Some(next);
            self.at += 1;
        }
        Ok(number.unwrap_or(default))
    }

    /// The next option.
    fn item(&mut self, call: &mut Call<'_>) -> Result<Option<Item>> {
        let Some(letter) = self.text.get(self.at).copied() else { return Ok(None) };
        self.at += 1;
        let size = match letter {
            b'B' | b'b' | b'x' => 1,
            b'H' | b'h' => 2,
            b'L' | b'l' | b'T' | b'd' => 8,
            b'f' => 4,
            b'c' => self.number(call, 1)?,
            b'i' | b'I' => {
                let size = self.number(call, 4)?;
                if size > WIDEST {
                    let text = format!("integral size {size} is larger than limit of {WIDEST}");
                    return Err(call.error(&text));
                }
                size
            }
            _ => 0,
        };
        Ok(Some(Item { letter, size }))
    }

    /// How many bytes fill up to an option's alignment.
    fn padding(&self, at: usize, item: Item) -> usize {
        if item.size == 0 || item.letter == b'c' {
            return 0;
        }
        let size = item.size.min(self.alignment);
        // Sizes that are no powers of two are taken as C's masks take them.
        size.wrapping_sub(at & (size - 1)) & (size - 1)
    }

    /// Carries out an option that holds no value.
    fn control(&mut self, call: &mut Call<'_>, item: Item) -> Result<()> {
        match item.letter {
            b' ' => {}
            b'>' => self.is_little = false,
            b'<' => self.is_little = true,
            b'!' => {
                let alignment = self.number(call, ALIGNMENT)?;
                if !alignment.is_power_of_two() {
                    return Err(call.error(&format!("alignment {alignment} is not a power of 2")));
                }
                self.alignment = alignment;
            }
            letter => {
                let text = format!("invalid format option '{}'", char::from(letter));
                return Err(call.bad_argument(0, &text));
            }
        }
        Ok(())
    }

    fn put(&self, out: &mut Vec<u8>, little: &[u8]) {
        if self.is_little {
            out.extend_from_slice(little);
        } else {
            out.extend(little.iter().rev());
        }
    }
}

fn pack(call: &mut Call<'_>) -> Result<Outcome> {
    let mut format = Format::new(call)?;
    // An argument that is missing is nil, as C's library puts one behind the last.
    let end = call.count();
    call.set_arg(end, Value::Nil);
    let mut out = Vec::new();
    let mut argument = 1;
    while let Some(item) = format.item(call)? {
        let padding = format.padding(out.len(), item);
        call.check_memory(out.len() * 2 + padding)?;
        out.resize(out.len() + padding, 0);
        match item.letter {
            b'b' | b'B' | b'h' | b'H' | b'l' | b'L' | b'T' | b'i' | b'I' => {
                let number = call.number(argument)?;
                argument += 1;
                let value = if number < 0.0 || number < 9_223_372_036_854_775_808.0 {
                    to_integer(number) as u64
                } else {
                    (to_integer(number - 9_223_372_036_854_775_808.0) ^ i64::MIN) as u64
                };
                let mut bytes = [0; WIDEST];
                bytes[..8].copy_from_slice(&value.to_le_bytes());
                format.put(&mut out, &bytes[..item.size]);
            }
            b'x' => out.push(0),
            b'f' => {
                let number = call.number(argument)? as f32;
                argument += 1;
                format.put(&mut out, &number.to_le_bytes());
            }
            b'd' => {
                let number = call.number(argument)?;
                argument += 1;
                format.put(&mut out, &number.to_le_bytes());
            }
            b'c' | b's' => {
                let id = call.text(argument)?;
                argument += 1;
                let length = call.bytes(id).len();
                let size = if item.size == 0 { length } else { item.size };
                if length < size {
                    return Err(call.bad_argument(argument, "string too short"));
                }
                call.check_memory((out.len() + size) * 2)?;
                out.extend_from_slice(&call.bytes(id)[..size]);
                if item.letter == b's' {
                    out.push(0);
                }
            }
            _ => format.control(call, item)?,
        }
    }
    call.give_buffer(out)
}

/// What an integer of so many bytes is as a number.
fn integer(bytes: &[u8], is_little: bool, is_signed: bool) -> f64 {
    let add = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
    let value = if is_little { bytes.iter().rev().fold(0, add) } else { bytes.iter().fold(0, add) };
    if !is_signed {
        return value as f64;
    }
    let mask = u64::MAX << ((bytes.len() * 8).wrapping_sub(1) & 63);
    (if value & mask != 0 { value | mask } else { value }) as i64 as f64
}

fn unpack(call: &mut Call<'_>) -> Result<Outcome> {
    let mut format = Format::new(call)?;
    let id = call.text(1)?;
    let data = call.bytes(id).to_vec();
    call.check_memory(data.len())?;
    let position = call.optional_integer(2, 1)?;
    if position <= 0 {
        return Err(call.bad_argument(2, "offset must be 1 or greater"));
    }
    let mut at = position as usize - 1;
    let mut count = 0_usize;
    while let Some(item) = format.item(call)? {
        at = at.saturating_add(format.padding(at, item));
        let mut size = item.size;
        if size > data.len() || at > data.len() - size {
            return Err(call.bad_argument(1, "data string too short"));
        }
        if count >= lua::MOST_VALUES {
            return Err(call.error("stack overflow (too many results)"));
        }
        call.room(2)?;
        let value = match item.letter {
            b'b' | b'B' | b'h' | b'H' | b'l' | b'L' | b'T' | b'i' | b'I' => {
                let is_signed = item.letter.is_ascii_lowercase();
                Value::Number(integer(&data[at..at + size], format.is_little, is_signed))
            }
            b'f' | b'd' => {
                let mut bytes = [0; 8];
                bytes[..size].copy_from_slice(&data[at..at + size]);
                if !format.is_little {
                    bytes[..size].reverse();
                }
                let bits = u64::from_le_bytes(bytes);
                Value::Number(if size == 4 {
                    f64::from(f32::from_bits(bits as u32))
                } else {
                    f64::from_bits(bits)
                })
            }
            b'c' => {
                if size == 0 {
                    let previous = if count > 0 { call.pop() } else { Value::Nil };
                    let Some(number) = call.to_number(previous).filter(|_| count > 0) else {
                        return Err(call.error("format 'c0' needs a previous size"));
                    };
                    count -= 1;
                    size = to_integer(number) as usize;
                    if size > data.len() || at > data.len() - size {
                        return Err(call.bad_argument(1, "data string too short"));
                    }
                }
                call.string(&data[at..at + size])?
            }
            b's' => {
                let Some(end) = data[at..].iter().position(|byte| *byte == 0) else {
                    return Err(call.error("unfinished string in data"));
                };
                size = end + 1;
                call.string(&data[at..at + end])?
            }
            b'x' => {
                at += size;
                continue;
            }
            _ => {
                format.control(call, item)?;
                continue;
            }
        };
        call.push(value);
        count += 1;
        at += size;
    }
    call.push(Value::Number((at + 1) as f64));
    Ok(Outcome::Return(count + 1))
}

fn size(call: &mut Call<'_>) -> Result<Outcome> {
    let mut format = Format::new(call)?;
    let mut total = 0_usize;
    while let Some(item) = format.item(call)? {
        total = total.saturating_add(format.padding(total, item));
        if item.letter == b's' {
            return Err(call.bad_argument(0, "option 's' has no fixed size"));
        }
        if item.letter == b'c' && item.size == 0 {
            return Err(call.bad_argument(0, "option 'c0' has no fixed size"));
        }
        if !item.letter.is_ascii_alphanumeric() {
            format.control(call, item)?;
        }
        total = total.saturating_add(item.size);
    }
    call.give_number(total as f64)
}
