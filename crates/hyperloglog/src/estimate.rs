//! The estimate from the registers: Otmar Ertl's improved raw estimator, which needs no correction tables.
//!
//! "New cardinality estimation algorithms for HyperLogLog sketches", 2017, algorithm 6. Only how many registers have each count
//! matters. `sigma` corrects for those that are 0, `tau` for those that are as large as a count can be. Both are series that
//! are summed until nothing changes any more, which makes the result the same on every node.

use super::{COUNTED_BITS, REGISTERS};

/// Half of 1/ln 2: the bias of infinitely many registers.
const ALPHA: f64 = 0.721_347_520_444_481_7;

/// How many registers have each count.
#[derive(Debug, Clone)]
pub(super) struct Histogram([u32; 64]);

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram([0; 64])
    }
}

impl Histogram {
    /// Adds registers of one count.
    #[inline]
    pub(super) fn add(&mut self, count: u8, registers: usize) {
        self.0[usize::from(count) % 64] += registers as u32;
    }

    /// How many different elements were added, about.
    pub(super) fn estimate(&self) -> u64 {
        let of_registers = |registers: u32| f64::from(registers) / REGISTERS as f64;
        let m = REGISTERS as f64;
        let largest = COUNTED_BITS as usize;
        let full = f64::from(self.0[largest + 1]);
        let mut z = m * tau((m - full) / m);
        for &registers in self.0[1..=largest].iter().rev() {
            z = (z + f64::from(registers)) * 0.5;
        }
        z += m * sigma(of_registers(self.0[0]));
        (ALPHA * m * m / z).round() as u64
    }
}

fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z == before {
            return z;
        }
    }
}

fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x) * (1.0 - x) * y;
        if z == before {
            return z / 3.0;
        }
    }
}
