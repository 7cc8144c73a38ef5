//! Random expressions give what Rust computes for them.

use crate::support::run;
use proptest::prelude::*;

/// An expression as Lua text, and its value.
fn arithmetic() -> impl Strategy<Value = (String, f64)> {
    let leaf = (-1000_i32..1000).prop_map(|number| (format!("({number})"), f64::from(number)));
    leaf.prop_recursive(6, 64, 2, |inner| {
        (inner.clone(), inner, 0_usize..5).prop_map(|((a, x), (b, y), operator)| {
            let value = match operator {
                0 => x + y,
                1 => x - y,
                2 => x * y,
                3 => x / y,
                _ => x - (x / y).floor() * y,
            };
            (format!("({a} {} {b})", ["+", "-", "*", "/", "%"][operator]), value)
        })
    })
}

/// An expression of strings as Lua text, and its value.
fn text() -> impl Strategy<Value = (String, String)> {
    let leaf = "[a-z]{0,12}".prop_map(|text| (format!("'{text}'"), text));
    leaf.prop_recursive(5, 32, 2, |inner| {
        (inner.clone(), inner, 0_usize..5, 0_usize..4).prop_map(|((a, x), (b, y), operation, count)| {
            match operation {
                0 => (format!("({a} .. {b})"), x + &y),
                1 => (format!("({a}):upper():lower()"), x),
                2 => (format!("({a}):rep({count})"), x.repeat(count)),
                3 => (format!("({a}):reverse()"), x.chars().rev().collect()),
                _ => (format!("({a}):sub(1, {count})"), x.chars().take(count).collect()),
            }
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn arithmetic_is_that_of_doubles((source, value) in arithmetic()) {
        // Constants, which the compiler folds, and variables, which it cannot.
        let shown = run(&format!("return string.format('%.17g', {source})"));
        let call = format!("local function id(...) return ... end return string.format('%.17g', {})", source.replace("(-", "id(-"));
        let expected = run(&format!("return string.format('%.17g', tonumber('{value:e}'))"));
        if value.is_nan() {
            prop_assert!(shown.ends_with("nan"));
        } else {
            prop_assert_eq!(&shown, &expected);
            prop_assert_eq!(run(&call), expected);
        }
    }

    #[test]
    fn strings_are_sequences_of_bytes((source, value) in text()) {
        prop_assert_eq!(run(&format!("return {source}")), value.clone());
        prop_assert_eq!(run(&format!("local t = {{[{source}] = 1}} return t['{value}'], #({source})")), format!("1|{}", value.len()));
    }

    #[test]
    fn tables_hold_what_a_map_holds(steps in prop::collection::vec((-20_i32..40, 0_i32..3), 0..200)) {
        let mut model = std::collections::BTreeMap::new();
        let mut source = String::from("local t = {}\n");
        for (key, value) in steps {
            source += &format!("t[{key}] = {}\n", if value == 0 { "nil".to_owned() } else { value.to_string() });
            if value == 0 { model.remove(&key); } else { model.insert(key, value); }
        }
        source += "local r = {} for k, v in pairs(t) do r[#r + 1] = string.format('%03d=%d', k + 100, v) end table.sort(r) return table.concat(r, ' ')";
        let expected: Vec<String> = model.iter().map(|(key, value)| format!("{:03}={value}", key + 100)).collect();
        prop_assert_eq!(run(&source), expected.join(" "));
    }

    #[test]
    fn any_text_compiles_or_fails_with_a_message(source in "[a-z0-9(){}=,.\\[\\]'\"+*/<>~ -]{0,60}") {
        let shown = run(&format!("local f, e = loadstring({:?}) return f and 'fine' or e", source));
        prop_assert!(shown == "fine" || shown.contains(":1: "), "{}", shown);
    }
}
