//! Doubles as decimal digits, by Grisu2 (Florian Loitsch, 2010): the digits that servers since Redis 7.2 print.
//!
//! The digits always read back as the same double. Nearly always they are the fewest that do, and the nearest of these; where
//! they are not, clients and replicas still see the same text as from those servers, because the arithmetic is the same:
//!
//! ```text
//! lower │ value │ upper                        the double, and half the way to its neighbours
//!   × 10^-k, rounded to 64 bits                so that the whole part of `upper` has at most ten digits
//! digits of `upper`, from the left, until what is left out is less than the distance to `lower`;
//! then the last digit goes down while that leads nearer to `value`
//! ```
//!
//! Compared with what valkey-server 9.1.2 printed of 200,000 doubles of all magnitudes: no text differed.

/// Bits of a double behind the point.
const FRACTION_BITS: i32 = 52;
const HIDDEN_BIT: u64 = 1 << FRACTION_BITS;
/// The exponent field of 1.0, if the fraction is read as an integer.
const BIAS: i32 = 1023 + FRACTION_BITS;

/// `mantissa × 2^exponent`.
#[derive(Debug, Clone, Copy)]
struct Float {
    mantissa: u64,
    exponent: i32,
}

impl Float {
    /// The same value with the top bit of the mantissa set.
    fn normalized(self) -> Float {
        let shift = self.mantissa.leading_zeros();
        Float { mantissa: self.mantissa << shift, exponent: self.exponent - shift as i32 }
    }

    /// The same value, or the next lower one, with a smaller exponent.
    fn with_exponent(self, exponent: i32) -> Float {
        Float { mantissa: self.mantissa << (self.exponent - exponent), exponent }
    }

    /// The product, rounded to 64 bits.
    fn times(self, other: Float) -> Float {
        let wide = u128::from(self.mantissa) * u128::from(other.mantissa) + (1 << 63);
        Float { mantissa: (wide >> 64) as u64, exponent: self.exponent + other.exponent + 64 }
    }
}

/// The digits of a positive finite double, and the power of ten of the last one.
pub(crate) fn digits(value: f64) -> (String, i32) {
    let bits = value.to_bits();
    let (fraction, field) = (bits & (HIDDEN_BIT - 1), (bits >> FRACTION_BITS) as i32 & 0x7FF);
    let exact = match field {
        0 => Float { mantissa: fraction, exponent: 1 - BIAS },
        _ => Float { mantissa: fraction | HIDDEN_BIT, exponent: field - BIAS },
    };
    let upper = Float { mantissa: 2 * exact.mantissa + 1, exponent: exact.exponent - 1 }.normalized();
    // Below a power of two the neighbour is nearer.
    let quarter = if exact.mantissa == HIDDEN_BIT { 2 } else { 1 };
    let lower = Float { mantissa: (exact.mantissa << quarter) - 1, exponent: exact.exponent - quarter }
        .with_exponent(upper.exponent);
    let (power, tens) = power_of_ten(upper.exponent);
    let middle = exact.normalized().times(power);
    // The products may be off by one: the interval shrinks by that.
    let upper = Float { mantissa: upper.times(power).mantissa - 1, exponent: upper.times(power).exponent };
    let lower = lower.times(power).mantissa + 1;
    let (digits, dropped) = generate(upper, upper.mantissa - lower, upper.mantissa - middle.mantissa);
    (digits, dropped - tens)
}

/// The digits of `upper`, as few as keep within `width` below it, and as near to `distance` below it as the last one can
/// be; with how many digits of its whole part were dropped, negative if there are some behind the point.
fn generate(upper: Float, width: u64, distance: u64) -> (String, i32) {
    let point = -upper.exponent;
    let one = 1u64 << point;
    let mut digits = Vec::new();
    let mut whole = upper.mantissa >> point;
    let mut part = upper.mantissa & (one - 1);
    let (mut width, mut distance) = (width, distance);
    for dropped in (0..10).rev() {
        let unit = 10u64.pow(dropped);
        push(&mut digits, whole / unit);
        whole %= unit;
        let rest = (whole << point) + part;
        if rest <= width {
            return (rounded(digits, rest, width, distance, unit << point), dropped as i32);
        }
    }
    for dropped in 1.. {
        part *= 10;
        width *= 10;
        distance *= 10;
        push(&mut digits, part >> point);
        part &= one - 1;
        if part < width {
            return (rounded(digits, part, width, distance, one), -dropped);
        }
    }
    unreachable!("the width grows tenfold with each digit")
}

/// Adds a digit, but for leading zeros.
fn push(digits: &mut Vec<u8>, digit: u64) {
    if digit > 0 || !digits.is_empty() {
        digits.push(b'0' + digit as u8);
    }
}

/// Lowers the last digit, worth `unit`, while that leads nearer to `distance` and stays within `width`; `rest` is how far
/// the digits lie below the upper end.
fn rounded(mut digits: Vec<u8>, mut rest: u64, width: u64, distance: u64, unit: u64) -> String {
    while rest < distance
        && width - rest >= unit
        && (rest + unit < distance || distance - rest > rest + unit - distance)
    {
        if let Some(last) = digits.last_mut() {
            *last -= 1;
        }
        rest += unit;
    }
    String::from_utf8(digits).expect("digits are ASCII")
}

/// A power of ten, and its exponent, by which a double with this binary exponent comes into the range of [`generate`].
fn power_of_ten(exponent: i32) -> (Float, i32) {
    // Each row is 26 or 27 bits from the next, the range has 29: so there is always one, and mostly one alone.
    let guess = (-(exponent + POWERS.len() as i32) as f64 * std::f64::consts::LOG10_2) as i32;
    let mut row = (guess - FIRST_TENS) / STEP_TENS;
    loop {
        let tens = FIRST_TENS + row * STEP_TENS;
        let power = Float { mantissa: POWERS[row as usize], exponent: binary_exponent(tens) };
        match exponent + power.exponent + 64 {
            ..LEAST_EXPONENT => row += 1,
            LEAST_EXPONENT..=MOST_EXPONENT => return (power, tens),
            _ => row -= 1,
        }
    }
}

/// Products have exponents from here …
const LEAST_EXPONENT: i32 = -60;
/// … to here: their whole part has at most 32 bits.
const MOST_EXPONENT: i32 = -32;

/// The exponent of a power of ten whose mantissa has 64 bits: its binary logarithm, rounded down, less 63.
const fn binary_exponent(tens: i32) -> i32 {
    /// The binary logarithm of ten, in parts of 2^16.
    const LOG2_10: i32 = 217_706;
    ((tens * LOG2_10) >> 16) - 63
}

/// The power of ten in the first row.
const FIRST_TENS: i32 = -348;
/// From row to row.
const STEP_TENS: i32 = 8;
/// The mantissas of 10^-348, 10^-340 … 10^340, rounded to nearest.
#[rustfmt::skip]
const POWERS: [u64; 87] = [
    0xfa8f_d5a0_081c_0288, 0xbaae_e17f_a23e_bf76, 0x8b16_fb20_3055_ac76, 0xcf42_894a_5dce_35ea,
    0x9a6b_b0aa_5565_3b2d, 0xe61a_cf03_3d1a_45df, 0xab70_fe17_c79a_c6ca, 0xff77_b1fc_bebc_dc4f,
    0xbe56_91ef_416b_d60c, 0x8dd0_1fad_907f_fc3c, 0xd351_5c28_3155_9a83, 0x9d71_ac8f_ada6_c9b5,
    0xea9c_2277_23ee_8bcb, 0xaecc_4991_4078_536d, 0x823c_1279_5db6_ce57, 0xc210_9436_4dfb_5637,
    0x9096_ea6f_3848_984f, 0xd774_85cb_2582_3ac7, 0xa086_cfcd_97bf_97f4, 0xef34_0a98_172a_ace5,
    0xb238_67fb_2a35_b28e, 0x84c8_d4df_d2c6_3f3b, 0xc5dd_4427_1ad3_cdba, 0x936b_9fce_bb25_c996,
    0xdbac_6c24_7d62_a584, 0xa3ab_6658_0d5f_daf6, 0xf3e2_f893_dec3_f126, 0xb5b5_ada8_aaff_80b8,
    0x8762_5f05_6c7c_4a8b, 0xc9bc_ff60_34c1_3053, 0x964e_858c_91ba_2655, 0xdff9_7724_7029_7ebd,
    0xa6df_bd9f_b8e5_b88f, 0xf8a9_5fcf_8874_7d94, 0xb944_7093_8fa8_9bcf, 0x8a08_f0f8_bf0f_156b,
    0xcdb0_2555_6531_31b6, 0x993f_e2c6_d07b_7fac, 0xe45c_10c4_2a2b_3b06, 0xaa24_2499_6973_92d3,
    0xfd87_b5f2_8300_ca0e, 0xbce5_0864_9211_1aeb, 0x8cbc_cc09_6f50_88cc, 0xd1b7_1758_e219_652c,
    0x9c40_0000_0000_0000, 0xe8d4_a510_0000_0000, 0xad78_ebc5_ac62_0000, 0x813f_3978_f894_0984,
    0xc097_ce7b_c907_15b3, 0x8f7e_32ce_7bea_5c70, 0xd5d2_38a4_abe9_8068, 0x9f4f_2726_179a_2245,
    0xed63_a231_d4c4_fb27, 0xb0de_6538_8cc8_ada8, 0x83c7_088e_1aab_65db, 0xc45d_1df9_4271_1d9a,
    0x924d_692c_a61b_e758, 0xda01_ee64_1a70_8dea, 0xa26d_a399_9aef_774a, 0xf209_787b_b47d_6b85,
    0xb454_e4a1_79dd_1877, 0x865b_8692_5b9b_c5c2, 0xc835_53c5_c896_5d3d, 0x952a_b45c_fa97_a0b3,
    0xde46_9fbd_99a0_5fe3, 0xa59b_c234_db39_8c25, 0xf6c6_9a72_a398_9f5c, 0xb7dc_bf53_54e9_bece,
    0x88fc_f317_f222_41e2, 0xcc20_ce9b_d35c_78a5, 0x9816_5af3_7b21_53df, 0xe2a0_b5dc_971f_303a,
    0xa8d9_d153_5ce3_b396, 0xfb9b_7cd9_a4a7_443c, 0xbb76_4c4c_a7a4_4410, 0x8bab_8eef_b640_9c1a,
    0xd01f_ef10_a657_842c, 0x9b10_a4e5_e991_3129, 0xe710_9bfb_a19c_0c9d, 0xac28_20d9_623b_f429,
    0x8044_4b5e_7aa7_cf85, 0xbf21_e440_03ac_dd2d, 0x8e67_9c2f_5e44_ff8f, 0xd433_179d_9c8c_b841,
    0x9e19_db92_b4e3_1ba9, 0xeb96_bf6e_badf_77d9, 0xaf87_023b_9bf0_ee6b,
];

#[cfg(test)]
#[path = "grisu_tests.rs"]
mod tests;
