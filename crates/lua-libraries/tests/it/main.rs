//! Scripts in, values out.

mod attacks;
mod differential;
mod limits;
mod random;
mod support;

use support::check;

#[test]
fn a_script_returns_values() {
    check("return 1 + 1, 'a' .. 'b', nil, true", "2|ab|nil|true");
    check("local t = {} for i = 1, 10 do t[i] = i * i end return #t, t[10]", "10|100");
}
