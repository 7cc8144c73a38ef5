//! The values that a word of the grammar stands for, edge cases included.

use crate::rng::Rng;

/// Keys of each family: few, so that commands meet.
const KEYS_OF_A_FAMILY: usize = 5;

/// Texts that are not a number, barely one, or one that does not fit 64 bits.
const ODD: &[&str] = &[
    "",
    " ",
    "abc",
    "-0",
    "+1",
    " 1",
    "1 ",
    "01",
    "1.0",
    "1e3",
    "0x10",
    "nan",
    "inf",
    "-inf",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "-9223372036854775809",
    "18446744073709551616",
    "4294967296",
    "2147483648",
    "-2147483649",
    "1e400",
];

const FLOATS: &[&str] = &[
    "0",
    "1",
    "-1",
    "0.1",
    "-0.5",
    "3.14159265358979",
    "1e10",
    "5.0e3",
    "1.5e-7",
    "100.25",
    "1e17",
    "123456789.125",
    "-1e-3",
    "0.30000000000000004",
    "1e300",
];

const PATTERNS: &[&str] = &[
    "*", "**", "?*", "string:*", "*:[12]", "h?sh:*", "*:[^1]", "*[1-3]", "nothing", "\\*", "[", "f*", "*1*",
    "list:\\1", "[a-h]*",
];

/// Draws words for one family.
pub(super) struct Words<'a> {
    pub(super) rng: &'a mut Rng,
    pub(super) family: &'a str,
    /// Names of all families of the program, for keys of another type.
    pub(super) families: &'a [&'static str],
}

impl Words<'_> {
    /// Draws one word. `None` for a name that no word has.
    pub(super) fn draw(&mut self, name: &str) -> Option<Vec<u8>> {
        let spoiled = self.rng.percent(3);
        let odd = *self.rng.pick(ODD);
        let text = match name {
            "key" => self.key(),
            "value" => return Some(self.value()),
            "field" | "element" => return Some(self.field()),
            "lex" if spoiled => odd.to_owned(),
            "lex" => return Some(self.lex()),
            "bound" if spoiled => odd.to_owned(),
            "bound" => self.bound(),
            "score" => self.rng.pick(&["inf", "-inf", "-0", "0", "7", "7.5"]).to_string(),
            "pattern" => self.rng.pick(PATTERNS).to_string(),
            "int" => self.either(spoiled, odd, -20, 100),
            "index" => self.either(spoiled, odd, -8, 8),
            "count" => self.either(spoiled, odd, -2, 6),
            "positive" => self.either(spoiled, odd, 1, 12),
            "small" => self.rng.range(-3, 12).to_string(),
            "weight" => format!("weight_{}", self.rng.range(-3, 12)),
            "record" => format!("hash_{}", self.rng.range(-3, 12)),
            "bit" => self.rng.range(0, 300).to_string(),
            "range" => self.either(spoiled, odd, -40, 40),
            "place" => self.place(),
            "encoding" => self.encoding(),
            "amount" => self.amount(),
            "db" => self.either(spoiled, odd, 0, 3),
            "float" if spoiled => odd.to_owned(),
            "float" => self.rng.pick(FLOATS).to_string(),
            // Random and far away: two equal times would make GT and LT depend on the milliseconds between commands.
            "longitude" | "latitude" | "near" | "length" if spoiled => odd.to_owned(),
            "longitude" => self.degrees(&["180", "-180", "179.9999", "0", "180.0001"], 180_000),
            "latitude" => self.degrees(&["85.05112878", "-85.05112878", "0", "66.1", "-80.1", "86"], 85_000),
            "near" => (self.rng.range(-6, 6) as f64 / 1_000.0).to_string(),
            "length" => self.length(),
            "unit" => self.rng.pick(&["m", "m", "km", "km", "km", "ft", "mi", "KM", "yd"]).to_string(),
            "seconds" => self.either(spoiled, odd, 1_000, 9_999_999),
            "ms" => self.either(spoiled, odd, 1_000_000, 9_999_999_999),
            // Long past: the key goes at once. SET alone keeps such a key until it is touched or the expiry cycle comes
            // by, so that DBSIZE is a matter of luck; its grammar uses `later`.
            "at" if self.rng.percent(10) => self.either(spoiled, odd, -5, 1_000),
            "at" | "later" => self.either(spoiled, odd, 4_000_000_000, 9_000_000_000),
            "at-ms" if self.rng.percent(10) => self.either(spoiled, odd, -5, 1_000),
            "at-ms" | "later-ms" => self.either(spoiled, odd, 4_000_000_000_000, 9_000_000_000_000),
            // Nobody comes to serve who waits.
            "timeout" if spoiled => self.rng.pick(&["-1", "abc", "inf", "1e400", ""]).to_string(),
            "timeout" => "0.01".to_owned(),
            "new-id" | "id" | "start" | "end" | "after" if spoiled => odd.to_owned(),
            // Nearly always greater than all before, and the same on both servers.
            "new-id" => match self.rng.below(20) {
                0..=13 => format!("{}-*", if self.rng.percent(80) { 9 } else { self.rng.range(1, 9) }),
                14..=17 => format!("9-{}", self.rng.below(60)),
                18 => self.rng.pick(&["0-*", "0-1", "0-0", "8", "9-x", "9-*-1"]).to_string(),
                _ if self.rng.percent(5) => self.stream_end(),
                _ => self.stream_id(),
            },
            "id" => self.stream_id(),
            "start" | "end" if self.rng.percent(40) => {
                self.rng.pick(&["-", "+", "0", "9", "(9", "(0-1"]).to_string()
            }
            "start" | "end" if self.rng.percent(20) => format!("({}", self.stream_id()),
            "start" | "end" => self.stream_id(),
            "after" if self.rng.percent(50) => {
                self.rng.pick(&["0", "$", "9", "0-0", ">", "+", "-"]).to_string()
            }
            "after" => self.stream_id(),
            "threshold" if self.rng.percent(50) => self.either(spoiled, odd, 0, 12),
            "threshold" => self.stream_id(),
            "operator" => self.rng.pick(&["=", "~"]).to_string(),
            "group" => self.rng.pick(&["g", "g", "g", "h", ""]).to_string(),
            "consumer" => self.rng.pick(&["c", "c", "d", "e", ""]).to_string(),
            "odd" => odd.to_owned(),
            _ => return None,
        };
        Some(text.into_bytes())
    }

    /// The ID of an entry that a program may have added.
    fn stream_id(&mut self) -> String {
        match self.rng.below(40) {
            0 => self.stream_end(),
            1..=3 => format!("{}", self.rng.range(0, 10)),
            4..=12 => format!("{}-{}", self.rng.range(1, 8), self.rng.below(4)),
            _ => format!("9-{}", self.rng.below(40)),
        }
    }

    fn stream_end(&mut self) -> String {
        let ends =
            ["18446744073709551615-18446744073709551615", "18446744073709551615-0", "0-18446744073709551615"];
        self.rng.pick(&ends).to_string()
    }

    fn either(&mut self, spoiled: bool, odd: &str, low: i64, high: i64) -> String {
        if spoiled { odd.to_owned() } else { self.rng.range(low, high).to_string() }
    }

    /// Where a field of a bitmap begins.
    fn place(&mut self) -> String {
        match self.rng.below(100) {
            0..=1 => {
                self.rng.pick(&["-1", "#-1", "#", "abc", "4294967296", "#9223372036854775807"]).to_string()
            }
            2..=39 => format!("#{}", self.rng.below(12)),
            _ => self.rng.below(200).to_string(),
        }
    }

    /// The type of a field of a bitmap.
    fn encoding(&mut self) -> String {
        match self.rng.below(100) {
            0..=1 => self.rng.pick(&["u64", "i65", "i0", "x8", "u", "I8"]).to_string(),
            2..=50 => format!("i{}", 1 + self.rng.below(64)),
            _ => format!("u{}", 1 + self.rng.below(63)),
        }
    }

    /// A number for a field of a bitmap: of any width.
    fn amount(&mut self) -> String {
        let bits = self.rng.below(64) as u32;
        let most = (u64::MAX >> (63 - bits)) as i64;
        let near = self.rng.range(-2, 2);
        let text = match self.rng.below(4) {
            0 => most.wrapping_add(near),
            1 => most.wrapping_neg().wrapping_add(near),
            _ => self.rng.range(-300, 300),
        };
        text.to_string()
    }

    fn key(&mut self) -> String {
        let family = if self.rng.percent(12) { *self.rng.pick(self.families) } else { self.family };
        format!("{family}:{}", 1 + self.rng.below(KEYS_OF_A_FAMILY))
    }

    fn field(&mut self) -> Vec<u8> {
        match self.rng.below(100) {
            0..=69 => format!("f{}", self.rng.below(30)).into_bytes(),
            70..=89 => self.rng.range(-300, 70_000).to_string().into_bytes(),
            90..=94 => format!("f{}", self.rng.below(3000)).into_bytes(),
            _ => self.value(),
        }
    }

    /// A longitude or latitude: an edge, on a grid, or anywhere.
    fn degrees(&mut self, edges: &[&str], most_thousandths: i64) -> String {
        match self.rng.below(10) {
            0 => self.rng.pick(edges).to_string(),
            1..=4 => self.rng.range(-8, 8).saturating_mul(10).to_string(),
            _ => (self.rng.range(-most_thousandths, most_thousandths) as f64 / 1_000.0).to_string(),
        }
    }

    /// A length of any magnitude up to half of the earth in meters, and some beyond.
    fn length(&mut self) -> String {
        match self.rng.below(20) {
            0 => self.rng.pick(&["0", "-1", "inf", "1e300", "-0"]).to_string(),
            _ => {
                let magnitude = 10i64.pow(self.rng.below(8) as u32);
                (self.rng.range(1, 20 * magnitude) as f64 / 10.0).to_string()
            }
        }
    }

    /// The end of a range of scores.
    fn bound(&mut self) -> String {
        let mark = if self.rng.percent(30) { "(" } else { "" };
        match self.rng.below(10) {
            0 => "-inf".to_owned(),
            1 => "+inf".to_owned(),
            2 => format!("{mark}{}", self.rng.pick(FLOATS)),
            _ => format!("{mark}{}", self.rng.range(-20, 100)),
        }
    }

    /// The end of a range of members.
    fn lex(&mut self) -> Vec<u8> {
        match self.rng.below(10) {
            0 => b"-".to_vec(),
            1 => b"+".to_vec(),
            2..=5 => [b"(", &self.field()[..]].concat(),
            _ => [b"[", &self.field()[..]].concat(),
        }
    }

    fn value(&mut self) -> Vec<u8> {
        match self.rng.below(100) {
            0..=29 => self.rng.range(-100, 20_000).to_string().into_bytes(),
            30..=34 => self.rng.pick(ODD).as_bytes().to_vec(),
            35..=39 => self.rng.pick(FLOATS).as_bytes().to_vec(),
            40..=74 => {
                let length = self.rng.below(12);
                self.letters(length)
            }
            // Around the embedded string's limit of 44 and the listpack's of 64.
            75..=89 => {
                let length = 40 + self.rng.below(28);
                self.letters(length)
            }
            90..=96 => {
                let length = self.rng.below(40);
                (0..length).map(|_| self.rng.below(256) as u8).collect()
            }
            97..=98 => {
                let length = 200 + self.rng.below(10_000);
                self.letters(length)
            }
            _ => {
                let length = 16_000 + self.rng.below(100_000);
                self.letters(length)
            }
        }
    }

    fn letters(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| b'a' + self.rng.below(5) as u8).collect()
    }
}
