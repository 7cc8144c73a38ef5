//! The library `math`, and `os.clock`.
//!
//! `math.random` is the generator that Redis has, so that a script draws the same numbers on every machine: `lrand48`
//! with a state of its own.

use lua::{Call, Machine, Outcome, Result, Value};
use number::c::scale;

/// The largest number of `lrand48`.
const MOST_RANDOM: i32 = i32::MAX;

macro_rules! functions {
    ($($name:ident = $function:expr),* $(,)?) => {$(
        fn $name(call: &mut Call<'_>) -> Result<Outcome> {
            let function: fn(f64) -> f64 = $function;
            let number = call.number(0)?;
            call.give_number(function(number))
        }
    )*};
}

functions! {
    abs = f64::abs,
    acos = f64::acos,
    asin = f64::asin,
    atan = f64::atan,
    ceil = f64::ceil,
    cos = f64::cos,
    cosh = f64::cosh,
    deg = |number| number / (std::f64::consts::PI / 180.0),
    exp = f64::exp,
    floor = f64::floor,
    log = f64::ln,
    log10 = f64::log10,
    rad = |number| number * (std::f64::consts::PI / 180.0),
    sin = f64::sin,
    sinh = f64::sinh,
    sqrt = f64::sqrt,
    tan = f64::tan,
    tanh = f64::tanh,
}

pub(crate) fn open(machine: &mut Machine) -> Result<()> {
    let library = machine.library(
        "math",
        &[
            ("abs", abs),
            ("acos", acos),
            ("asin", asin),
            ("atan", atan),
            ("atan2", atan2),
            ("ceil", ceil),
            ("cos", cos),
            ("cosh", cosh),
            ("deg", deg),
            ("exp", exp),
            ("floor", floor),
            ("fmod", fmod),
            ("frexp", frexp),
            ("ldexp", ldexp),
            ("log", log),
            ("log10", log10),
            ("max", max),
            ("min", min),
            ("mod", fmod),
            ("modf", modf),
            ("pow", pow),
            ("rad", rad),
            ("random", random),
            ("randomseed", randomseed),
            ("sin", sin),
            ("sinh", sinh),
            ("sqrt", sqrt),
            ("tan", tan),
            ("tanh", tanh),
        ],
    )?;
    machine.set_field(library, "pi", Value::Number(std::f64::consts::PI))?;
    machine.set_field(library, "huge", Value::Number(f64::INFINITY))?;
    machine.library("os", &[("clock", clock)]).map(drop)
}

fn atan2(call: &mut Call<'_>) -> Result<Outcome> {
    let (y, x) = (call.number(0)?, call.number(1)?);
    call.give_number(y.atan2(x))
}

fn fmod(call: &mut Call<'_>) -> Result<Outcome> {
    let (a, b) = (call.number(0)?, call.number(1)?);
    let rest = a % b;
    // What C's fmod gives where there is no remainder has its sign bit set on x86-64.
    let is_invalid = rest.is_nan() && !a.is_nan() && !b.is_nan();
    call.give_number(if is_invalid { -f64::NAN } else { rest })
}

fn pow(call: &mut Call<'_>) -> Result<Outcome> {
    let (a, b) = (call.number(0)?, call.number(1)?);
    call.give_number(a.powf(b))
}

fn modf(call: &mut Call<'_>) -> Result<Outcome> {
    let number = call.number(0)?;
    let whole = number.trunc();
    let fraction =
        if number.is_infinite() { 0.0_f64.copysign(number) } else { (number - whole).copysign(number) };
    call.push(Value::Number(whole));
    call.push(Value::Number(fraction));
    Ok(Outcome::Return(2))
}

fn ldexp(call: &mut Call<'_>) -> Result<Outcome> {
    let (number, exponent) = (call.number(0)?, call.int(1)?);
    call.give_number(scale(number, exponent.clamp(-10_000, 10_000)))
}

fn frexp(call: &mut Call<'_>) -> Result<Outcome> {
    let number = call.number(0)?;
    let (mantissa, exponent) = if number == 0.0 || !number.is_finite() {
        (number, 0)
    } else {
        // Below the normal range the exponent shows after a step up.
        let (number, offset) =
            if number.abs() < f64::MIN_POSITIVE { (number * 2_f64.powi(64), -64) } else { (number, 0) };
        let bits = number.to_bits();
        let exponent = ((bits >> 52) & 0x7FF) as i32 - 1_022;
        (f64::from_bits(bits & !(0x7FF << 52) | (1_022 << 52)), exponent + offset)
    };
    call.push(Value::Number(mantissa));
    call.push(Value::Number(f64::from(exponent)));
    Ok(Outcome::Return(2))
}

fn min(call: &mut Call<'_>) -> Result<Outcome> {
    let mut least = call.number(0)?;
    for at in 1..call.count() {
        let number = call.number(at)?;
        if number < least {
            least = number;
        }
    }
    call.give_number(least)
}

fn max(call: &mut Call<'_>) -> Result<Outcome> {
    let mut most = call.number(0)?;
    for at in 1..call.count() {
        let number = call.number(at)?;
        if number > most {
            most = number;
        }
    }
    call.give_number(most)
}

fn random(call: &mut Call<'_>) -> Result<Outcome> {
    let fraction = f64::from(call.machine().draw_random() % MOST_RANDOM) / f64::from(MOST_RANDOM);
    let number = match call.count() {
        0 => fraction,
        1 => {
            let high = call.int(0)?;
            if high < 1 {
                return Err(call.bad_argument(0, "interval is empty"));
            }
            (fraction * f64::from(high)).floor() + 1.0
        }
        2 => {
            let (low, high) = (call.int(0)?, call.int(1)?);
            if low > high {
                return Err(call.bad_argument(1, "interval is empty"));
            }
            // As C computes it, in 32 bits.
            let width = high.wrapping_sub(low).wrapping_add(1);
            (fraction * f64::from(width)).floor() + f64::from(low)
        }
        _ => return Err(call.error("wrong number of arguments")),
    };
    call.give_number(number)
}

fn randomseed(call: &mut Call<'_>) -> Result<Outcome> {
    let seed = call.int(0)?;
    call.machine().seed_random(seed);
    Ok(Outcome::Return(0))
}

fn clock(call: &mut Call<'_>) -> Result<Outcome> {
    let seconds = call.machine().clock();
    call.give_number(seconds)
}
